package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/pkg/config"
)

var update = flag.Bool("update", false, "rewrite the golden sections of testdata, and docs/config.md") //nolint:gochecknoglobals // Flags are.

// password is the secret of every story; no message and no dump may show it.
const password = "hunter2"

// TestGolden runs the stories of testdata. An archive holds a gateway.yaml (or
// none, for the usual one), env (one NAME=value a line), set (one flag a line)
// and further files; its comment may hold lines "mode 0666 name" and "folder name".
// The outcome is in problems or, when there are none, in effective.
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
	sources := unpack(t, archive)
	got := outcome(t, sources)
	if *update {
		rewrite(t, name, archive, got)
		return
	}
	for _, section := range []string{"problems", "effective"} {
		if diff := cmp.Diff(sectionOf(archive, section), got[section]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", section, diff)
		}
	}
	if strings.Contains(got["problems"]+got["effective"], password) {
		t.Errorf("the password is shown:\n%s%s", got["problems"], got["effective"])
	}
}

// unpack writes the files of the archive, and those every story has, to a new
// working directory.
func unpack(t *testing.T, archive *txtar.Archive) config.Sources {
	t.Helper()
	t.Chdir(t.TempDir())
	usualFiles(t)
	sources := config.Sources{Path: "gateway.yaml"}
	for _, f := range archive.Files {
		switch f.Name {
		case "problems", "effective":
		case "env":
			sources.Environ = lines(f.Data)
		case "set":
			sources.Set = lines(f.Data)
		default:
			write(t, f.Name, string(f.Data), 0o600)
		}
	}
	for _, line := range lines(archive.Comment) {
		words := strings.Fields(line)
		switch {
		case len(words) == 3 && words[0] == "mode":
			mode, err := strconv.ParseUint(words[1], 8, 32)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(words[2], os.FileMode(mode)); err != nil {
				t.Fatal(err)
			}
		case len(words) == 2 && words[0] == "folder":
			if err := os.MkdirAll(words[1], 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	return sources
}

// usual is a small configuration without problems.
const usual = `version: 1
server:
  certificates:
    - cert: tls/gateway.pem
      key: tls/gateway.key
directory:
  servers:
    - url: ldaps://ldap.example.com
  bind:
    dn: cn=rest2ldap,ou=Services,dc=example,dc=com
    password: file:secrets/bind
auth:
  basic:
    mode: search
    baseDn: ou=People,dc=example,dc=com
    filter: (uid={username})
`

func usualFiles(t *testing.T) {
	t.Helper()
	write(t, "gateway.yaml", usual, 0o644)
	write(t, "tls/gateway.pem", "a certificate\n", 0o644)
	write(t, "tls/gateway.key", "a key\n", 0o600)
	write(t, "tls/ca.pem", "an authority\n", 0o644)
	write(t, "secrets/bind", password+"\nsecond line\n", 0o600)
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// outcome loads and returns what the golden sections should hold.
func outcome(t *testing.T, sources config.Sources) map[string]string {
	t.Helper()
	file, problems := config.Load(sources)
	got := map[string]string{}
	if len(problems) > 0 {
		got["problems"] = problems.Error() + "\n"
	}
	if len(problems.Errors()) == 0 {
		dump, err := file.Dump()
		if err != nil {
			t.Fatal(err)
		}
		got["effective"] = string(dump)
	}
	return got
}

func rewrite(t *testing.T, name string, archive *txtar.Archive, got map[string]string) {
	t.Helper()
	kept := archive.Files[:0]
	for _, f := range archive.Files {
		if f.Name != "problems" && f.Name != "effective" {
			kept = append(kept, f)
		}
	}
	for _, section := range []string{"problems", "effective"} {
		if got[section] != "" {
			kept = append(kept, txtar.File{Name: section, Data: []byte(got[section])})
		}
	}
	archive.Files = kept
	if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
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

func lines(text []byte) []string {
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}
