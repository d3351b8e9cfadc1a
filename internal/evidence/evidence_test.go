package evidence_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/evidence"
)

// Every test that a document names is in the sources.
func TestDocuments(t *testing.T) {
	claims, err := evidence.Claims("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	names := functions(t)
	for _, claim := range claims {
		function, rest, _ := strings.Cut(claim.Test, "/")
		packages := names[function]
		if len(packages) == 0 {
			t.Errorf("%s: there is no such function", claim)
			continue
		}
		for part := range strings.SplitSeq(rest, "/") {
			if part != "" && !slices.ContainsFunc(packages, func(p *source) bool { return p.has(part) }) {
				t.Errorf("%s: the tests of the package have no %q", claim, part)
			}
		}
	}
}

// source is what the tests of a package say.
type source struct{ words map[string]bool }

// has reports whether a text of the tests is the part of a name, or has it between slashes;
// "go test" writes spaces as "_".
func (s *source) has(part string) bool { return s.words[part] }

// functions returns the packages that have a test function, by its name.
func functions(t *testing.T) map[string][]*source {
	t.Helper()
	found, packages := make(map[string][]*source), make(map[string]*source)
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		folder := filepath.Dir(path)
		if i := strings.Index(folder+"/", "/testdata/"); i >= 0 {
			folder = folder[:i]
		}
		p := packages[folder]
		if p == nil {
			p = &source{make(map[string]bool)}
			packages[folder] = p
		}
		switch {
		case strings.HasSuffix(path, ".txtar"):
			p.words[strings.TrimSuffix(filepath.Base(path), ".txtar")] = true
			text, err := fs.ReadFile(root, path)
			for line := range strings.Lines(string(text)) {
				if name, ok := strings.CutPrefix(line, "# "); ok {
					p.words[strings.ReplaceAll(strings.TrimSpace(name), " ", "_")] = true
				}
			}
			return err
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		code, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, code, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil {
					found[n.Name.Name] = append(found[n.Name.Name], p)
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && len(text) < 200 {
					for part := range strings.SplitSeq(text, "/") {
						p.words[strings.ReplaceAll(part, " ", "_")] = true
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestClaims(t *testing.T) {
	dir := t.TempDir()
	text := "# A\n\n| row | test |\n|---|---|\n| 1 | `TestA/F_01`, `FuzzB` |\n| 2 | `Testing` and `x` |\n\n`TestInText` is none.\n"
	if err := os.WriteFile(filepath.Join(dir, "a.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	claims, err := evidence.Claims(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]evidence.Claim{{"a.md", 5, "TestA/F_01"}, {"a.md", 5, "FuzzB"}}, claims); diff != "" {
		t.Error(diff)
	}
	passed := []string{"TestA", "TestA/slapd", "TestA/slapd/F_01", "FuzzBig", "TestB/F_01"}
	if left := evidence.Unproved(claims, passed); len(left) != 1 || left[0].Test != "FuzzB" {
		t.Errorf("unproved: %v", left)
	}
	if left := evidence.Unproved(claims, []string{"TestA/slapd/F_011", "FuzzB/seed#0"}); len(left) != 1 || left[0].String() != "a.md:5: TestA/F_01" {
		t.Errorf("unproved: %v", left)
	}
}
