package mapping_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

var update = flag.Bool("update", false, "rewrite the golden sections of testdata") //nolint:gochecknoglobals // A flag of the test.

// TestCompile runs the stories of testdata/compile: the files of an archive whose
// names have a slash are loaded, and the outcome stands in the sections problems,
// warnings and models.
func TestCompile(t *testing.T) {
	t.Parallel()
	archives(t, "compile", func(t *testing.T, archive *txtar.Archive) map[string]string {
		t.Helper()
		fsys := make(fstest.MapFS)
		for _, f := range archive.Files {
			if strings.Contains(f.Name, "/") || strings.Contains(f.Name, ".") {
				fsys[f.Name] = &fstest.MapFile{Data: f.Data}
			}
		}
		return load(fsys)
	}, "problems", "warnings", "models")
}

func load(fsys fs.FS) map[string]string {
	models, warnings, err := mapping.Load(fsys)
	got := map[string]string{}
	if err != nil {
		got["problems"] = err.Error() + "\n"
	}
	for _, warning := range warnings {
		got["warnings"] += warning.String() + "\n"
	}
	var b strings.Builder
	for _, m := range models {
		dump(&b, m)
	}
	got["models"] = b.String()
	return got
}

// archives runs the stories of a folder below testdata, and holds the outcome
// against the golden sections, or rewrites them.
func archives(t *testing.T, folder string, run func(*testing.T, *txtar.Archive) map[string]string, golden ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, archive)
			if *update {
				rewrite(t, name, archive, got, golden)
				return
			}
			for _, section := range golden {
				if diff := cmp.Diff(sectionOf(archive, section), got[section]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", section, diff)
				}
			}
		})
	}
}

func sectionOf(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func rewrite(t *testing.T, name string, archive *txtar.Archive, got map[string]string, golden []string) {
	t.Helper()
	kept := slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return slices.Contains(golden, f.Name) })
	for _, section := range golden {
		if got[section] != "" {
			kept = append(kept, txtar.File{Name: section, Data: []byte(got[section])})
		}
	}
	if err := os.WriteFile(name, txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: kept}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// TestShippedMapping holds the shape of the mapping that comes with the gateway
// against testdata: R_M2, for OpenLDAP.
func TestShippedMapping(t *testing.T) {
	t.Parallel()
	const golden = "testdata/shipped.model"
	got := load(mappings.Files())
	if got["problems"]+got["warnings"] != "" {
		t.Fatalf("%s%s", got["problems"], got["warnings"])
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got["models"]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got["models"]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestInheritedPropertiesAreShared checks what the planner relies on to see whether
// a field means the same in all types of a family.
func TestInheritedPropertiesAreShared(t *testing.T) {
	t.Parallel()
	models, _, err := mapping.Load(mappings.Files())
	if err != nil {
		t.Fatal(err)
	}
	types := models[0].Types
	object, user, posix := types["frapi:opendj:rest2ldap:object:1.0"], types["frapi:opendj:rest2ldap:user:1.0"], types["frapi:opendj:rest2ldap:posixUser:1.0"]
	for _, pair := range [][2]*mapping.ResourceType{{object, user}, {user, posix}, {object, posix}} {
		for _, p := range pair[0].Properties {
			if !slices.Contains(pair[1].Properties, p) {
				t.Errorf("%s has a copy of %s of its own", pair[1].Name, p.Pointer)
			}
		}
	}
	if slices.Contains(object.Properties, user.Properties[len(user.Properties)-1]) {
		t.Error("the super-type has a property of its sub-type")
	}
}

// TestLoadOddFolders checks what is found, passed over and refused in a folder.
func TestLoadOddFolders(t *testing.T) {
	t.Parallel()
	good := `{"format": 1, "resourceTypes": {"a": {"subResources": {"x": {"type": "singleton", "resource": "a"}}}}}`
	for _, test := range []struct {
		name     string
		files    fstest.MapFS
		problems string
		warnings string
	}{
		{name: "empty", problems: ".: there is no mapping file"},
		{name: "good", files: fstest.MapFS{"api/a.json": {Data: []byte(good)}}},
		{name: "byte order mark", files: fstest.MapFS{"api/a.json": {Data: []byte("\ufeff" + good)}}},
		{name: "hidden", files: fstest.MapFS{"api/a.json": {Data: []byte(good)}, "api/.b.json": {Data: []byte("?")}, ".git/c.json": {Data: []byte("?")}}},
		{name: "other files", files: fstest.MapFS{"api/a.json": {Data: []byte(good)}, "api/README": {}, "notes.txt": {}}, warnings: "api/README: the file is not read|notes.txt: the file is not read"},
		{name: "not in a folder", files: fstest.MapFS{"a.json": {Data: []byte(good)}}, problems: "a.json: a mapping file stands in a folder"},
		{name: "too deep", files: fstest.MapFS{"api/v1/a.json": {Data: []byte(good)}}, problems: "api/v1: the folder is not read"},
		{name: "too large", files: fstest.MapFS{"api/a.json": {Data: append([]byte(good), bytes.Repeat([]byte(" "), 4<<20)...)}}, problems: "api/a.json: the file is larger than 4194304 bytes"},
		{name: "not UTF-8", files: fstest.MapFS{"api/a.json": {Data: []byte("{\n \"a\xff\"}")}}, problems: "api/a.json:2:4: the file is not UTF-8 text"},
		{name: "NUL file", files: fstest.MapFS{"api/a.yaml": {Data: []byte{0}}}, problems: "api/a.yaml:1:1: the file is not YAML"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := load(test.files)
			for _, part := range []struct{ what, want string }{{"problems", test.problems}, {"warnings", test.warnings}} {
				lines := strings.Split(strings.TrimSuffix(got[part.what], "\n"), "\n")
				wanted := strings.Split(part.want, "|")
				ok := len(lines) == len(wanted)
				for i := 0; ok && i < len(wanted); i++ {
					ok = strings.HasPrefix(lines[i], wanted[i]) && (wanted[i] != "" || lines[i] == "")
				}
				if !ok {
					t.Errorf("%s:\n%s\nwant %s", part.what, got[part.what], part.want)
				}
			}
			if (got["models"] == "") != (test.problems != "") {
				t.Errorf("models: %q", got["models"])
			}
		})
	}
}

// TestYAMLIsTheSameTree compiles one mapping in both syntaxes.
func TestYAMLIsTheSameTree(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ json, yaml string }{
		{"testdata/same.json", "testdata/same.yaml"},
	} {
		var outcomes []string
		for _, name := range []string{test.json, test.yaml} {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file := "api/same" + filepath.Ext(name)
			got := load(fstest.MapFS{file: {Data: data}})
			if got["problems"]+got["warnings"] != "" {
				t.Fatalf("%s:\n%s%s", name, got["problems"], got["warnings"])
			}
			outcomes = append(outcomes, strings.ReplaceAll(got["models"], file, "api/same"))
		}
		if diff := cmp.Diff(outcomes[0], outcomes[1]); diff != "" {
			t.Errorf("-json +yaml:\n%s", diff)
		}
	}
}

// TestFileDepth refuses what would take the parser too deep, in both syntaxes.
func TestFileDepth(t *testing.T) {
	t.Parallel()
	nested := func(n int) string {
		return `{"resourceTypes": {"a": {"properties": {"c": {"type": "constant", "value": ` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}}}}`
	}
	for _, name := range []string{"api/a.json", "api/a.yaml"} {
		for _, test := range []struct {
			depth int
			want  string
		}{{60, ""}, {200, "objects and arrays nest deeper than 100 levels"}, {5000, "objects and arrays nest deeper than 100 levels"}} {
			got := load(fstest.MapFS{name: {Data: []byte(nested(test.depth))}})
			if (test.want == "") != (got["problems"] == "") || !strings.Contains(got["problems"], test.want) {
				t.Errorf("%s, %d levels: %.300s", name, test.depth, got["problems"])
			}
		}
	}
}

func TestProblemString(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]mapping.Problem{
		"a/b.json:3:7: /x/y: wrong": {File: "a/b.json", Line: 3, Column: 7, Path: "/x/y", Message: "wrong"},
		"a/b.json:1:1: wrong":       {File: "a/b.json", Line: 1, Column: 1, Message: "wrong"},
		"a/b.json: wrong":           {File: "a/b.json", Message: "wrong"},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	problems := mapping.Problems{{File: "a", Message: "1"}, {File: "b", Message: "2"}}
	if got := fmt.Sprint(error(problems)); got != "a: 1\nb: 2" {
		t.Errorf("%q", got)
	}
}

// TestRefusedMappings names the rows of the specification; the stories of
// testdata/compile hold the places and whole sentences.
func TestRefusedMappings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, types, want string }{
		{
			"R_K05", `"a": {"subResources": {"x": {"type": "collection", "resource": "a", "flattenSubtree": true, "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}}`,
			`"flattenSubtree" needs "isReadOnly": true`,
		},
		{
			"R_K07", `"a": {"subResources": {"x": {"type": "collection", "resource": "a", "namingStrategy": {"type": "serverNaming", "dnAttribute": "uid", "idAttribute": "UID"}}}}`,
			`"idAttribute" must differ from "dnAttribute"`,
		},
		{"R_K09", `"a": {"properties": {"p": {"type": "simple", "writability": "never"}, "q": {"type": "simpel"}}}`, `"writability" must be one of`},
		{
			"PathBelowTheResource",
			`"a": {"subResources": {"x": {"type": "collection", "resource": "b", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}}, "b": {"properties": {"r": {"type": "reference", "resourcePath": "y"}}}`,
			`must begin with ".."`,
		},
		{
			"PathThroughAnIDThatIsNoName",
			`"a": {"subResources": {"x": {"type": "collection", "resource": "b", "namingStrategy": {"type": "serverNaming", "dnAttribute": "uid", "idAttribute": "entryUUID"}}}}, "b": {"subResources": {"y": {"type": "collection", "resource": "c", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "cn"}}}}, "c": {"properties": {"r": {"type": "reference", "resourcePath": "../../../z/y"}}}`,
			`which is no collection`,
		},
		{
			"PrimaryKeyThatIsNotShown",
			`"a": {"subResources": {"x": {"type": "collection", "resource": "b", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}}, "b": {"properties": {"r": {"type": "reference", "resourcePath": "..", "primaryKey": "mail"}}}`,
			`"primaryKey": the resources of /x have no property over the attribute "mail", and their ids are of "uid"`,
		},
		{"R_K11", `"a": {"superType": "b"}, "b": {"superType": "a"}`, `inherits from itself: b → a → b`},
		{"R_K15", `"a": {"properties": {"p": {"type": "simple", "isRequred": true}}}`, `did you mean "isRequired"?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := load(fstest.MapFS{"api/a.json": {Data: []byte(`{"format": 1, "resourceTypes": {` + test.types + `}}`)}})
			if !strings.Contains(got["problems"], test.want) || got["models"] != "" {
				t.Errorf("problems %q, want %q", got["problems"], test.want)
			}
		})
	}
}
