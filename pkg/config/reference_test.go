package config_test

import (
	"encoding"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/config"
)

// setting is a key of the configuration, as the reference shows it.
type setting struct {
	// path is that of the first element, in lists.
	path  string
	typ   reflect.Type
	value reflect.Value
	// comment is that of the field.
	comment string
}

const referenceFile = "../../docs/config.md"

const preamble = `# Configuration

<!-- Made from pkg/config/file.go by "go test ./pkg/config -update"; do not edit. -->

One YAML file, read strictly: an unknown key is an error, and so is a value of another type. ` + "`gateway.example.yaml`" + ` is
a file to begin with, ` + "`rest2ldap check`" + ` tells all that is wrong with a file, and ` + "`rest2ldap config`" + ` prints what is in force.

- **Sources.** Flags (` + "`--set directory.pool.max=8`" + `) win over the environment, the environment wins over the file, and the file over
  the defaults. The environment and flags separate the elements of a list of texts by commas, and number those of a list of
  sections from 0.
- **Durations** and **sizes** have a unit: ` + "`500ms`, `30s`, `5m`, `1h`; `512B`, `64KiB`, `1MiB`" + `.
- **Secrets** are references: ` + "`file:PATH`" + ` is the first line of a file, ` + "`env:NAME`" + ` a variable of the environment.
- **Files** have names relative to the folder of the configuration file, wherever the name itself is given.
`

// TestReference compares docs/config.md with what the keys, their comments and their
// defaults give.
func TestReference(t *testing.T) {
	name, err := filepath.Abs(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	page.WriteString(preamble)
	for _, s := range settings(t) {
		s.print(&page)
	}
	if *update {
		if err := os.WriteFile(name, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	written, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), page.String()); diff != "" {
		t.Errorf("docs/config.md is out of date; run go test ./pkg/config -update (-written +made):\n%s", diff)
	}
}

func (s setting) print(page *strings.Builder) {
	name := strings.ReplaceAll(s.path, "[0]", "[]")
	if !strings.ContainsAny(name, ".[") {
		fmt.Fprintf(page, "\n## %s\n", name)
	} else {
		fmt.Fprintf(page, "\n### %s\n", name)
	}
	fmt.Fprintf(page, "\n%s\n", s.sentence())
	kind := s.kind()
	if kind == "" {
		return
	}
	fmt.Fprintf(page, "\n- %s", kind)
	if value := s.text(); value != "" {
		fmt.Fprintf(page, ", default `%s`", value)
	}
	variable := strings.NewReplacer(".", "__", "[", "__", "]", "").Replace(s.path)
	fmt.Fprintf(page, "\n- `REST2LDAP_%s`\n", strings.ToUpper(variable))
}

// sentence is the comment without the name of the field.
func (s setting) sentence() string {
	text := regexp.MustCompile(`^\w+ (is|are|bound|tells) `).ReplaceAllString(s.comment, "")
	return strings.ToUpper(text[:1]) + text[1:]
}

// kind names what may stand at the key, "" for a section.
func (s setting) kind() string {
	switch s.typ {
	case reflect.TypeFor[config.Duration]():
		return "duration"
	case reflect.TypeFor[config.Size]():
		return "size"
	case reflect.TypeFor[config.Path]():
		return "path"
	case reflect.TypeFor[config.Secret]():
		return "secret"
	}
	switch s.typ.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "whole number"
	case reflect.String:
		return "text"
	case reflect.Slice:
		if s.typ.Elem().Kind() == reflect.String {
			return "list of texts"
		}
	}
	return ""
}

// text is the value as an operator would write it, "" for none.
func (s setting) text() string {
	if s.value.IsZero() && s.typ.Kind() != reflect.Int64 && s.typ.Kind() != reflect.Bool {
		return ""
	}
	switch v := s.value.Interface().(type) {
	case config.Secret:
		return ""
	case encoding.TextMarshaler:
		text, _ := v.MarshalText()
		return string(text)
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// settings returns every key with its default.
func settings(t *testing.T) []setting {
	t.Helper()
	comments := fieldComments(t)
	file, problems := loadUsual(t,
		"auth.bearer.issuer=https://login.example.com", "auth.bearer.audience=gateway",
		"auth.bearer.keys=tls/ca.pem", "auth.bearer.authzId=u:{sub}",
		"auth.anonymous.identity=anonymous", "auth.basic.headers.username=X-Name", "auth.basic.headers.password=X-Password",
		"auth.policy.0.callers=*", "auth.policy.0.resources=/", "auth.policy.0.may=read",
		"admin.listen=127.0.0.1:9443", "admin.certificates.0.cert=tls/gateway.pem", "admin.certificates.0.key=tls/gateway.key", "admin.clientCA=tls/ca.pem")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	// What cannot stand beside the keys of an issuer.
	looked, problems := loadUsual(t, "auth.bearer.authzId=u:{sub}", "auth.bearer.introspection.url=https://login.example.com",
		"auth.bearer.introspection.clientId=gateway", "auth.bearer.introspection.clientSecret=file:secrets/bind")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	file.Auth.Bearer.Introspection = looked.Auth.Bearer.Introspection
	all := settingsOf(reflect.ValueOf(file).Elem(), "")
	for i, s := range all {
		if all[i].comment = comments[s.comment]; all[i].comment == "" {
			t.Errorf("%s has no comment", s.path)
		}
		if file.IsSet(s.path) || looked.IsSet(s.path) {
			all[i].value = reflect.Zero(s.typ)
			if s.typ.Kind() == reflect.Int64 {
				t.Errorf("%s has no default", s.path)
			}
		}
	}
	return all
}

// settingsOf walks a struct. The comment of a setting is where to find it: type and field.
func settingsOf(v reflect.Value, parent string) []setting {
	var all []setting
	for field, value := range v.Fields() {
		name := field.Tag.Get("config")
		if name == "" {
			continue
		}
		s := setting{path: strings.TrimPrefix(parent+"."+name, "."), typ: field.Type, value: value, comment: v.Type().Name() + "." + field.Name}
		all = append(all, s)
		switch {
		case field.Type.Kind() == reflect.Pointer:
			all = append(all, settingsOf(value.Elem(), s.path)...)
		case s.kind() == "" && field.Type.Kind() == reflect.Slice:
			all = append(all, settingsOf(value.Index(0), s.path+"[0]")...)
		case s.kind() == "":
			all = append(all, settingsOf(value, s.path)...)
		}
	}
	return all
}

// fieldComments returns the comments of file.go by type and field, each on one line.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), "file.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	ast.Inspect(source, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if structure, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					comments[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
		}
		return false
	})
	return comments
}

// TestReference_Bounds tries the bounds that the comments tell: the bound itself is taken,
// and what lies just beyond it is not.
func TestReference_Bounds(t *testing.T) {
	found := 0
	for _, s := range settings(t) {
		m := regexp.MustCompile(`From (\w+) to (\w+)\.`).FindStringSubmatch(s.comment)
		if m == nil {
			continue
		}
		found++
		for i, step := range []int64{-1, 1} {
			extra := []string{}
			if s.path == "directory.pool.max" {
				extra = append(extra, "limits.queries=1")
			}
			bound := m[i+1]
			if _, problems := loadUsual(t, append(extra, s.path+"="+bound)...); len(problems) > 0 && !strings.HasPrefix(s.path, "auth.bearer") {
				t.Errorf("%s=%s: %v", s.path, bound, problems)
			}
			beyond := s.beyond(t, bound, step)
			if strings.HasPrefix(beyond, "-") {
				continue // no such value
			}
			_, problems := loadUsual(t, append(extra, s.path+"="+beyond)...)
			if !strings.Contains(problems.Error(), "--set "+s.path+": "+beyond+" is not between") {
				t.Errorf("%s=%s: %v", s.path, beyond, problems)
			}
		}
	}
	if found < 9 {
		t.Errorf("%d settings with bounds", found)
	}
}

// beyond returns the value next to a bound, in the smallest step that can be written.
func (s setting) beyond(t *testing.T, bound string, step int64) string {
	t.Helper()
	switch s.typ {
	case reflect.TypeFor[config.Duration]():
		var d config.Duration
		if err := d.UnmarshalText([]byte(bound)); err != nil {
			t.Fatal(err)
		}
		return (d + config.Duration(step)).String()
	case reflect.TypeFor[config.Size]():
		var size config.Size
		if err := size.UnmarshalText([]byte(bound)); err != nil {
			t.Fatal(err)
		}
		return (size + config.Size(step)).String()
	}
	n, err := strconv.ParseInt(bound, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatInt(n+step, 10)
}

// loadUsual reads the usual configuration with flags.
func loadUsual(t *testing.T, set ...string) (*config.File, config.Problems) {
	t.Helper()
	t.Chdir(t.TempDir())
	usualFiles(t)
	return config.Load(config.Sources{Path: "gateway.yaml", Set: set})
}
