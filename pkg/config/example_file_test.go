package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/config"
)

const exampleFile = "../../gateway.example.yaml"

// TestExampleFile reads the example as it stands, with the files it names beside it.
func TestExampleFile(t *testing.T) {
	text := readExample(t)
	t.Chdir(t.TempDir())
	usualFiles(t)
	write(t, "secrets/directory-password", password, 0o600)
	write(t, "gateway.yaml", text, 0o644)
	file, problems := config.Load(config.Sources{Path: "gateway.yaml"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if file.Directory.Servers[0].URL != "ldaps://localhost:1636" || file.Mapping.Dir != "" {
		t.Errorf("%+v", file)
	}
}

// TestExampleFile_IsComplete takes the comment mark off every key: each is known, and
// no key of the configuration is left out.
func TestExampleFile_IsComplete(t *testing.T) {
	text := uncomment(readExample(t))
	t.Chdir(t.TempDir())
	write(t, "gateway.yaml", text, 0o644)
	file, problems := config.Load(config.Sources{Path: "gateway.yaml"})
	if file == nil {
		t.Fatal(problems)
	}
	for _, p := range problems {
		// Choices cannot be in force together, and the files are not there.
		if !strings.Contains(p.Message, "cannot be read") && !strings.Contains(p.Message, "has no effect") &&
			!strings.Contains(p.Message, "stands beside") {
			t.Errorf("%v", p)
		}
	}
	for _, path := range paths(reflect.TypeFor[config.File](), "") {
		if !file.IsSet(path) {
			t.Errorf("%s is not in the example", path)
		}
	}
}

// TestExampleFile_ShowsDefaults compares every key that is commented out with the default
// that is in force without it, where there is one.
func TestExampleFile_ShowsDefaults(t *testing.T) {
	text := readExample(t)
	defaults := settings(t)
	t.Chdir(t.TempDir())
	usualFiles(t)
	write(t, "gateway.yaml", text, 0o644)
	asIs, _ := config.Load(config.Sources{Path: "gateway.yaml"})
	write(t, "all.yaml", uncomment(text), 0o644)
	all, _ := config.Load(config.Sources{Path: "all.yaml"})
	shown := settingsOf(reflect.ValueOf(all).Elem(), "")
	compared := 0
	for i, s := range defaults {
		if s.path != shown[i].path {
			t.Fatalf("%s beside %s", s.path, shown[i].path)
		}
		if s.kind() == "" || s.text() == "" || asIs.IsSet(s.path) {
			continue
		}
		compared++
		if shown[i].text() != s.text() {
			t.Errorf("the example shows %s: %s, the default is %s", s.path, shown[i].text(), s.text())
		}
	}
	if compared < 15 {
		t.Errorf("only %d defaults", compared)
	}
}

// uncomment takes the comment mark off every key.
func uncomment(text string) string {
	return regexp.MustCompile(`(?m)^( *)#([a-zA-Z-])`).ReplaceAllString(text, "$1$2")
}

func readExample(t *testing.T) string {
	t.Helper()
	abs, err := filepath.Abs(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(abs)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// paths returns the paths of all keys; of lists, those of the first element.
func paths(t reflect.Type, parent string) []string {
	var all []string
	for field := range t.Fields() {
		name := field.Tag.Get("config")
		if name == "" {
			continue
		}
		path, inner := strings.TrimPrefix(parent+"."+name, "."), field.Type
		all = append(all, path)
		if inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct {
			path, inner = path+"[0]", inner.Elem()
		}
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			all = append(all, paths(inner, path)...)
		}
	}
	return all
}
