package layers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	module = "github.com/rest2ldap/rest2ldap"
	// root is the folder of the module.
	root = "../.."
)

// listed is what go list tells about a package.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// TestLayers compares the code with the table.
func TestLayers(t *testing.T) {
	t.Parallel()
	watchSources(t)
	for _, problem := range check(list(t), rows()) {
		t.Error(problem)
	}
}

// TestCheck checks that each rule can be broken.
func TestCheck(t *testing.T) {
	t.Parallel()
	table := []row{
		{room: "pkg/low", world: []string{"example.org/lib"}, why: "it is low"},
		{room: "pkg/high", ours: []string{"pkg/low"}, http: true, why: "it is high"},
		{room: "pkg/top", ours: []string{"..."}, why: "it is the top"},
		{room: "bench/control/...", ours: []string{"bench/control/..."}, why: "it controls"},
		{room: "bench/...", ours: []string{"..."}, why: "it compares"},
	}
	all := []listed{{ImportPath: "pkg/low"}, {ImportPath: "pkg/high"}, {ImportPath: "pkg/top"}, {ImportPath: "bench/control"}, {ImportPath: "bench"}}
	for _, test := range []struct {
		name string
		add  listed
		want []string
	}{
		{"Allowed", listed{ImportPath: "pkg/high", Imports: []string{"fmt", "net/http", module + "/pkg/low"}}, nil},
		{"AllowedWorld", listed{ImportPath: "pkg/low", Imports: []string{"example.org/lib", "example.org/lib/part"}}, nil},
		{
			"Upward",
			listed{ImportPath: "pkg/low", Imports: []string{module + "/pkg/high"}},
			[]string{"pkg/low must not import pkg/high: it is low"},
		},
		{
			"World",
			listed{ImportPath: "pkg/low", Imports: []string{"example.org/library"}},
			[]string{"pkg/low must not import example.org/library: it is low"},
		},
		{
			"HTTP",
			listed{ImportPath: "pkg/low", Imports: []string{"net/http"}},
			[]string{"pkg/low must not import net/http: it is low"},
		},
		{
			"HTTPFamily",
			listed{ImportPath: "pkg/low", Imports: []string{"net/http/httptrace"}},
			[]string{"pkg/low must not import net/http/httptrace: it is low"},
		},
		{"All", listed{ImportPath: "pkg/top", Imports: []string{module + "/pkg/low", module + "/pkg/high"}}, nil},
		{"OwnInternal", listed{ImportPath: "pkg/low", Imports: []string{module + "/pkg/low/internal/part"}}, nil},
		{
			"InsideInternal",
			listed{ImportPath: "pkg/low/internal/part", Imports: []string{module + "/pkg/high"}},
			[]string{"pkg/low/internal/part must not import pkg/high: it is low"},
		},
		{
			"NoRow",
			listed{ImportPath: "pkg/new"},
			[]string{"pkg/new has no row in internal/layers/rows_test.go: add one that says what it may import, and why"},
		},
		{
			"BelowARow",
			listed{ImportPath: "pkg/low/sub"},
			[]string{"pkg/low/sub has no row in internal/layers/rows_test.go: add one that says what it may import, and why"},
		},
		{"Tests", listed{ImportPath: "pkg/low", TestImports: []string{module + "/pkg/high", "net/http", "pgregory.net/rapid"}}, nil},
		{
			"TestWorld",
			listed{ImportPath: "pkg/low", XTestImports: []string{"example.org/assert"}},
			[]string{"the tests of pkg/low must not import example.org/assert: the libraries for tests are listed in internal/layers/rows_test.go"},
		},
		{"ControlBesideControl", listed{ImportPath: "bench/control/raw", Imports: []string{module + "/bench/control"}}, nil},
		{
			"ControlUsesRoom",
			listed{ImportPath: "bench/control/raw", Imports: []string{module + "/pkg/low"}},
			[]string{"bench/control/raw must not import pkg/low: it controls"},
		},
		{
			"ControlTestUsesRoom",
			listed{ImportPath: "bench/control/raw", TestImports: []string{module + "/pkg/low"}},
			[]string{"the tests of bench/control/raw must not import pkg/low: it controls"},
		},
		{"BenchUsesRoom", listed{ImportPath: "bench/report", Imports: []string{module + "/pkg/low", module + "/bench/control/raw"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.add.ImportPath = module + "/" + test.add.ImportPath
			packages := []listed{test.add}
			for _, p := range all {
				packages = append(packages, listed{ImportPath: module + "/" + p.ImportPath})
			}
			if diff := cmp.Diff(test.want, check(packages, table)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("RowWithoutRoom", func(t *testing.T) {
		t.Parallel()
		got := check([]listed{{ImportPath: module + "/pkg/low"}}, table[:2])
		want := []string{"pkg/high has a row in internal/layers/rows_test.go and no package: remove the row"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("RowWithoutReason", func(t *testing.T) {
		t.Parallel()
		got := check([]listed{{ImportPath: module + "/pkg/low"}}, []row{{room: "pkg/low"}})
		want := []string{"pkg/low has a row without a reason in internal/layers/rows_test.go"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// watchSources looks at every source file. The go command takes a test's result
// from its cache while the files that the test itself looked at are the same; it
// does not know what go list reads.
func watchSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		if err == nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// list asks the go command for all packages of the project.
func list(t *testing.T) []listed {
	t.Helper()
	// -e because a package that does not compile is somebody else's to tell.
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	command.Dir = root
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p listed
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// check returns a sentence for each difference between packages and table.
func check(packages []listed, table []row) []string {
	var problems []string
	used := make(map[string]bool)
	for _, p := range packages {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		r, found := rowOf(path, table)
		if !found {
			problems = append(problems, path+" has no row in internal/layers/rows_test.go: add one that says what it may import, and why")
			continue
		}
		used[r.room] = true
		for _, imported := range p.Imports {
			if !r.allows(imported, table) {
				problems = append(problems, fmt.Sprintf("%s must not import %s: %s", path, short(imported), r.why))
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if why := r.forbidsTest(imported, table); why != "" {
				problems = append(problems, fmt.Sprintf("the tests of %s must not import %s: %s", path, short(imported), why))
			}
		}
	}
	for _, r := range table {
		if !used[r.room] {
			problems = append(problems, r.room+" has a row in internal/layers/rows_test.go and no package: remove the row")
		}
		if r.why == "" {
			problems = append(problems, r.room+" has a row without a reason in internal/layers/rows_test.go")
		}
	}
	return problems
}

// rowOf finds the row of a package: that of its room, else the first for a
// folder around it.
func rowOf(path string, table []row) (row, bool) {
	room, _, _ := strings.Cut(path, "/internal/")
	for _, r := range table {
		if r.room == room {
			return r, true
		}
	}
	for _, r := range table {
		if folder, tree := strings.CutSuffix(r.room, "/..."); tree && within(path, folder) {
			return r, true
		}
	}
	return row{}, false
}

// allows says whether the code of the room may import the package.
func (r row) allows(imported string, table []row) bool {
	switch {
	case strings.HasPrefix(imported, module+"/"):
		other, _ := rowOf(short(imported), table)
		return other.room == r.room || slices.Contains(r.ours, "...") || slices.Contains(r.ours, other.room)
	case isStandard(imported):
		return r.http || !within(imported, "net/http")
	default:
		return withinAny(imported, r.world)
	}
}

// forbidsTest returns why the tests of the room may not import the package, and
// nothing where they may.
func (r row) forbidsTest(imported string, table []row) string {
	switch {
	case strings.HasPrefix(imported, module+"/"):
		if within(r.room, "bench/control") && !r.allows(imported, table) {
			return r.why
		}
		return ""
	case isStandard(imported) || r.allows(imported, table) || withinAny(imported, testWorld()):
		return ""
	case slices.Contains(testsWithLDAP(), r.room) && withinAny(imported, []string{ldapClient, berPackets}):
		return ""
	default:
		return "the libraries for tests are listed in internal/layers/rows_test.go"
	}
}

// isStandard says whether a package is of the standard library; all others begin
// with a host name.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// within says whether a package is that folder or below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func withinAny(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return within(path, folder) })
}

// short returns an import path from the root of the project.
func short(imported string) string { return strings.TrimPrefix(imported, module+"/") }
