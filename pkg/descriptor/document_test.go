package descriptor_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/pkg/descriptor"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// methods returns the methods of each path.
func methods(document map[string]any) map[string]string {
	all := map[string]string{}
	for path, item := range document["paths"].(map[string]any) {
		names := slices.Sorted(maps.Keys(item.(map[string]any)))
		names = slices.DeleteFunc(names, func(name string) bool { return name == "parameters" })
		all[path] = strings.Join(names, " ")
	}
	return all
}

// Only what a mapping allows is described.
func TestR_K25(t *testing.T) {
	t.Parallel()
	const all, readOnly, change = "get post", "get", "delete get patch put" // A POST may be a query.
	for name, test := range map[string]struct {
		api  *descriptor.API
		want map[string]string
	}{
		"shipped": {shipped(t), map[string]string{"/users": all, "/users/{id}": change + " post", "/groups": all, "/groups/{id}": change}},
		"places": {story(t, "places"), map[string]string{
			"/api": all, "/api/{id}": change + " post", "/api/{id}/{id2}": change, "/api/{id}/head": readOnly,
			"/api/{id}/units": all, "/api/{id}/units/{id2}": change + " post", "/api/{id}/units/{id2}/{id3}": change, "/api/{id}/units/{id2}/head": readOnly,
			"/api/read-only-users": all, "/api/read-only-users/{id}": readOnly, "/api/all-users": all, "/api/all-users/{id}": readOnly,
			"/api/sites/{site}/users": all, "/api/sites/{site}/users/{id}": change, "/api/config": "get patch put",
		}},
	} {
		for path, names := range test.want {
			sorted := strings.Fields(names)
			slices.Sort(sorted)
			test.want[path] = strings.Join(sorted, " ")
		}
		if diff := cmp.Diff(test.want, methods(describe(t, test.api).document)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// actionsOf returns what a POST to a path may do.
func (d *described) actionsOf(path string) []any {
	post, _ := d.document["paths"].(map[string]any)[path].(map[string]any)["post"].(map[string]any)
	for _, p := range post["parameters"].([]any) {
		if p := p.(map[string]any); p["name"] == "_action" {
			return p["schema"].(map[string]any)["enum"].([]any)
		}
	}
	return nil
}

// A POST is described with the actions that the place takes: a query everywhere, a new
// resource where one can be made, and of the actions of a resource those of its type, where
// only what has its id for a name is renamed.
func TestActionsOfPlaces(t *testing.T) {
	t.Parallel()
	api := story(t, "places")
	for _, t := range api.Model.Types {
		t.Actions = []string{mapping.Rename, mapping.AccountUsability}
	}
	d := describe(t, api)
	for path, want := range map[string][]any{
		"/api":                         {"query", "create"},
		"/api/read-only-users":         {"query"},
		"/api/{id}":                    {"query", "create", "accountUsability", "rename"},
		"/api/{id}/units/{id2}/{id3}":  {"accountUsability", "rename"},
		"/api/sites/{site}/users/{id}": {"accountUsability"},
		"/api/config":                  {"accountUsability"},
	} {
		got := d.actionsOf(path)
		if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b any) bool { return a.(string) < b.(string) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// Without a schema of the directory every value that the mapping gives no type is a string.
func TestNoSchema(t *testing.T) {
	t.Parallel()
	api := shipped(t)
	api.Capabilities = &directory.Capabilities{}
	api.Bearer = false
	d := describe(t, api)
	components := d.document["components"].(map[string]any)
	user := components["schemas"].(map[string]any)["frapi_opendj_rest2ldap_posixUser_1.0"].(map[string]any)["properties"].(map[string]any)
	for name, want := range map[string]map[string]any{
		"uidNumber": {"type": "string"}, "_rev": {"type": "string", "readOnly": true},
		"photo": {"type": "string", "contentEncoding": "base64"},
	} {
		if diff := cmp.Diff(want, user[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if schemes := components["securitySchemes"].(map[string]any); len(schemes) != 1 || schemes["basic"] == nil {
		t.Errorf("security schemes %v", schemes)
	}
}

// faults tells what no document may have: references to nothing, operations of one name,
// and variables of a path that are not described.
func faults(document map[string]any) []string {
	var found []string
	var visit func(at string, value any)
	visit = func(at string, value any) {
		switch v := value.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && !resolves(document, ref) {
				found = append(found, at+": nothing is at "+ref)
			}
			for name, member := range v {
				visit(at+"/"+name, member)
			}
		case []any:
			for i, item := range v {
				visit(fmt.Sprint(at, "/", i), item)
			}
		}
	}
	visit("", document)
	ids := map[any]bool{}
	paths, _ := document["paths"].(map[string]any)
	for path, item := range paths {
		var described []string
		for method, value := range item.(map[string]any) {
			if operation, ok := value.(map[string]any); ok && operation["operationId"] != nil {
				if ids[operation["operationId"]] {
					found = append(found, path+" "+method+": another operation is called so")
				}
				ids[operation["operationId"]] = true
			}
			if list, ok := value.([]any); ok {
				for _, parameter := range list {
					described = append(described, "{"+parameter.(map[string]any)["name"].(string)+"}")
				}
			}
		}
		if variables := regexp.MustCompile(`\{[^}]*\}`).FindAllString(path, -1); document["openapi"] != nil && !slices.Equal(variables, described) {
			found = append(found, fmt.Sprintf("%s: the variables %q are described", path, described))
		}
	}
	return found
}

func resolves(document map[string]any, ref string) bool {
	pointer, isLocal := strings.CutPrefix(ref, "#/")
	at := any(document)
	for step := range strings.SplitSeq(pointer, "/") {
		object, ok := at.(map[string]any)
		if at = object[step]; !ok || at == nil {
			return false
		}
	}
	return isLocal
}

// Every mapping that compiles has descriptions without faults.
func FuzzDescribe(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob("../mapping/testdata/compile/*.txtar")
	if err != nil || len(more) == 0 {
		f.Fatalf("%d mappings: %v", len(more), err)
	}
	for _, name := range append(files, more...) {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if ext := filepath.Ext(file.Name); strings.Contains(file.Name, "/") && (ext == ".json" || ext == ".yaml") {
				f.Add(strings.TrimSuffix(filepath.Base(file.Name), ext), string(file.Data))
			}
		}
	}
	builtIn, err := os.ReadFile("../../mappings/api/example-v1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("example-v1", string(builtIn))
	f.Fuzz(func(t *testing.T, root, text string) {
		if root == "" || len(root) > 100 || strings.ContainsAny(root, "/.\\\x00") {
			return
		}
		ext := ".yaml"
		if start := strings.TrimSpace(text); strings.HasPrefix(start, "{") || strings.HasPrefix(start, "//") {
			ext = ".json"
		}
		models, _, err := mapping.Load(fstest.MapFS{"api/" + root + ext: &fstest.MapFile{Data: []byte(text)}})
		if err != nil || len(models) == 0 {
			return
		}
		api := apiOf(models[0])
		for name, describe := range map[string]func() ([]byte, error){"OpenAPI": api.OpenAPI, "CREST": api.CREST} {
			text, err := describe()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var document map[string]any
			if err := json.Unmarshal(text, &document); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, fault := range faults(document) {
				t.Errorf("%s: %s", name, fault)
			}
		}
	})
}
