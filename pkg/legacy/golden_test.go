package legacy_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/pkg/legacy"
)

var update = flag.Bool("update", false, "rewrite the golden sections of testdata") //nolint:gochecknoglobals // Flags are.

// password stands in the old files of every story; no finding and no gateway.yaml may show it.
const password = "hunter2"

// TestGolden reads the old configurations of testdata, below old/ in each archive. A line
// "store NAME jks|pkcs12 trust|key PASSWORD ALIAS…" of the comment makes a key store, and
// "read NAME" reads that in place of old. The outcome is in gateway.yaml, findings and files.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		abs, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { golden(t, abs) })
	}
}

func golden(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	old := filepath.FromSlash(unpack(t, archive))
	got := outcome(t, old)
	sections := []string{"gateway.yaml", "findings", "files"}
	if *update {
		archive.Files = archive.Files[:firstGolden(archive, sections)]
		for _, section := range sections {
			archive.Files = append(archive.Files, txtar.File{Name: section, Data: []byte(got[section])})
		}
		if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, section := range sections {
		want := ""
		for _, f := range archive.Files {
			if f.Name == section {
				want = string(f.Data)
			}
		}
		if diff := cmp.Diff(want, got[section]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", section, diff)
		}
	}
	if strings.Contains(got["gateway.yaml"]+got["findings"], password) {
		t.Errorf("the password is shown:\n%s%s", got["gateway.yaml"], got["findings"])
	}
}

func firstGolden(archive *txtar.Archive, sections []string) int {
	for i, f := range archive.Files {
		for _, section := range sections {
			if f.Name == section {
				return i
			}
		}
	}
	return len(archive.Files)
}

// unpack writes the old files, and returns what is to be read.
func unpack(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "old/") {
			continue
		}
		write(t, f.Name, f.Data)
	}
	old := "old"
	for line := range strings.Lines(string(archive.Comment)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "read":
			old = words[1]
		case len(words) >= 6 && words[0] == "store":
			write(t, words[1], makeStore(t, words[2], words[3], words[4], words[5:]))
		}
	}
	return old
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.FromSlash(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.FromSlash(name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// outcome are the sections of a story. Of files it shows the names, modes and, but for
// PEM, which is new each time, the sizes.
func outcome(t *testing.T, old string) map[string]string {
	t.Helper()
	g, err := legacy.Read(old)
	if err != nil {
		return map[string]string{"findings": "error: " + err.Error() + "\n"}
	}
	yaml, err := g.YAML()
	if err != nil {
		t.Fatal(err)
	}
	var findings, files strings.Builder
	for _, f := range g.Findings {
		fmt.Fprintln(&findings, f)
	}
	if err := g.Write("new"); err != nil {
		t.Fatal(err)
	}
	for _, f := range g.Files {
		name := filepath.Join("new", filepath.FromSlash(f.Name))
		stat, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		shown := fmt.Sprintf("%d octets", len(f.Data))
		if n := bytes.Count(f.Data, []byte("-----BEGIN ")); n > 0 {
			shown = fmt.Sprintf("%d PEM", n)
		}
		fmt.Fprintf(&files, "%s %s %s\n", f.Name, stat.Mode().Perm(), shown)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	place := strings.NewReplacer(here, "$HERE")
	return map[string]string{"gateway.yaml": place.Replace(string(yaml)), "findings": place.Replace(findings.String()), "files": files.String()}
}
