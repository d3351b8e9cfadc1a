package mapping_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// FuzzLoad compiles any text as a mapping file: it compiles, or every problem has a
// place and a sentence; and what compiles can be bound and walked.
func FuzzLoad(f *testing.F) {
	archives, err := filepath.Glob("testdata/compile/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.Contains(file.Name, "/") {
				f.Add(file.Data, strings.HasSuffix(file.Name, ".json"))
			}
		}
	}
	capabilities := &directory.Capabilities{Schema: openLDAP(f), Revision: "entryCSN"}
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		name := "api/a.yaml"
		if isJSON {
			name = "api/a.json"
		}
		models, warnings, err := mapping.Load(fstest.MapFS{name: {Data: data}})
		problems := warnings
		if err != nil {
			found, ok := err.(mapping.Problems) //nolint:errorlint // Load promises it.
			if !ok || len(found) == 0 || models != nil {
				t.Fatalf("models %v, error %v", models, err)
			}
			problems = append(problems, found...)
		}
		// YAML has more line breaks than one (YAML 1.1 §4.1.4).
		lines := 1
		for _, r := range string(data) {
			if strings.ContainsRune("\n\r\u0085\u2028\u2029", r) {
				lines++
			}
		}
		for _, p := range problems {
			if p.File != name || p.Message == "" || p.Line < 0 || p.Line > lines+1 || (p.Column < 1) != (p.Line < 1) || !utf8.ValidString(p.String()) {
				t.Errorf("problem %+v", p)
			}
		}
		for _, m := range models {
			for _, sub := range m.Bind(capabilities).Model().Root.SubResources {
				if _, err := m.Bind(capabilities).Locate(t.Context(), slices.Concat(sub.Template, []string{"x"}), nil); err != nil && !sub.Singleton && sub.Template != nil {
					t.Logf("%v: %v", sub.Template, err) // an owner may be unusable; it must not panic
				}
			}
		}
	})
}

// withAllRules returns the schema as it would be if every attribute had every rule.
func withAllRules(t testing.TB) *directory.Schema {
	t.Helper()
	data, err := os.ReadFile("../directory/testdata/openldap-2.5.13.schema")
	if err != nil {
		t.Fatal(err)
	}
	real := openLDAP(t)
	var types []*directory.AttributeType
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if words[0] != "attributeTypes:" {
			continue
		}
		copied := *real.Attribute(words[2])
		for _, rule := range []*string{&copied.Equality, &copied.Ordering, &copied.Substrings} {
			if *rule == "" {
				*rule = "anyMatch"
			}
		}
		types = append(types, &copied)
	}
	return directory.NewSchema(types)
}

// FuzzSelect: what the directory selects of the superset, less what the gateway sorts
// out, is what a directory with all matching rules would select.
func FuzzSelect(f *testing.F) {
	for _, name := range []string{"query", "values", "family", "inline"} {
		archive, err := txtar.ParseFile("testdata/plan/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(sectionOf(archive, "story")) {
			words := strings.SplitN(strings.TrimSpace(line), " ", 3)
			if len(words) == 3 && words[0] == "query" {
				f.Add(words[2], strings.HasPrefix(words[1], "/groups"))
			}
		}
	}
	f.Add(`!(_id lt "c" or !(userName ge "s")) and !(name/familyName le "k" and uidNumber gt 3)`, false)
	p := shipped(f)
	models, _, err := mapping.Load(mappings.Files())
	if err != nil {
		f.Fatal(err)
	}
	control := &planner{dir: p.dir, binding: models[0].Bind(&directory.Capabilities{Schema: withAllRules(f), Revision: "entryCSN"})}
	f.Fuzz(func(t *testing.T, text string, groups bool) {
		filter, err := query.ParseFilter(text)
		if err != nil {
			return
		}
		path := "/users"
		if groups {
			path = "/groups"
		}
		got, err := p.selected(t, path, filter)
		want, wantErr := control.selected(t, path, filter)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s: %v, the control says %v", text, err, wantErr)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s selects %q, the control selects %q", text, got, want)
		}
	})
}

// selected returns the ids that a filter selects. A filter that the directory would
// answer as Undefined must never be sent.
func (p *planner) selected(t *testing.T, path string, filter query.Filter) ([]string, error) {
	t.Helper()
	schema := p.binding.Capabilities().Schema
	find := func(_ context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
		if attribute := undefined(schema, req.Filter); attribute != "" {
			t.Errorf("%s is sent, and %s has no rule for it", req.Filter, attribute)
		}
		return p.dir.search(req)
	}
	target := p.at(t, path)
	selection, err := target.Select(t.Context(), filter, find)
	if err != nil || selection.Nothing {
		return nil, err
	}
	found, err := find(t.Context(), &directory.SearchRequest{
		Base: selection.Base, Scope: selection.Scope, Filter: selection.Filter, Attributes: append([]string{"uid", "cn"}, selection.Attributes...),
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range found {
		holds, err := target.Holds(selection, e)
		if err != nil {
			t.Fatal(err)
		}
		if holds {
			ids = append(ids, target.IDOf(e))
		}
	}
	return ids, nil
}

// undefined returns the attribute of a comparison for which the schema has no rule.
func undefined(schema *directory.Schema, f directory.Filter) string {
	if a := schema.Attribute(f.Attribute); a != nil {
		rule := "present"
		switch f.Op { //nolint:exhaustive // The others have no rule, or no attribute.
		case directory.FilterEqual:
			rule = a.Equality
		case directory.FilterGreaterOrEqual, directory.FilterLessOrEqual:
			rule = a.Ordering
		case directory.FilterSubstrings:
			rule = a.Substrings
		}
		if rule == "" {
			return f.Attribute
		}
	}
	for _, child := range f.Children {
		if attribute := undefined(schema, child); attribute != "" {
			return attribute
		}
	}
	return ""
}

// FuzzBody plans writes of any body. What is planned holds no attribute without a
// value in an entry to add, and no attribute that the mapping does not have.
func FuzzBody(f *testing.F) {
	for _, name := range []string{"create", "update", "patch"} {
		archive, err := txtar.ParseFile("testdata/plan/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for block := range strings.SplitSeq(sectionOf(archive, "story"), "\n\n") {
			request, _, _ := strings.Cut(block, "\n----")
			if i := strings.IndexAny(request, "{["); i > 0 {
				f.Add(request[i:], strings.Contains(request[:i], "/groups"))
			}
		}
	}
	p := shipped(f)
	f.Fuzz(func(t *testing.T, text string, groups bool) {
		paths := []string{"/users/bjensen", "/users"}
		if groups {
			paths = []string{"/groups/HR%20Managers", "/groups"}
		}
		instance, collection := p.at(t, paths[0]), p.at(t, paths[1])
		stored, err := p.dir.search(instance.Lookup(instance.UpdateAttributes()))
		if err != nil || len(stored) != 1 {
			t.Fatal(err)
		}
		known := append(instance.UpdateAttributes(), "objectClass")
		var changes []directory.Change
		if object, err := decodeObject(text); err == nil {
			if creation, err := collection.Create(t.Context(), object, p.dir.find); err == nil {
				for _, a := range creation.Entry.Attributes {
					if len(a.Values) == 0 || !slices.Contains(known, a.Name) {
						t.Errorf("%s: the new entry has %+v", text, a)
					}
				}
			}
			if update, err := instance.Update(t.Context(), stored[0], object, p.dir.find); err == nil {
				changes = append(changes, update...)
			}
		} else if ops, err := patchOps(text); err == nil {
			if patch, err := instance.Patch(t.Context(), stored[0], ops, p.dir.find); err == nil {
				changes = append(changes, patch...)
			}
		}
		for _, c := range changes {
			if !slices.Contains(known, c.Attribute) || c.Op != directory.ChangeReplace && len(c.Values) == 0 || strings.EqualFold(c.Attribute, "objectClass") {
				t.Errorf("%s plans %+v", text, c)
			}
		}
	})
}

// FuzzRoundTrip: who reads a resource and writes it back changes nothing, whatever
// the directory holds.
func FuzzRoundTrip(f *testing.F) {
	f.Add("Barbara", "Jensen", "x@y", "\x00\xff", int64(5))
	f.Add("é\u2028", "\"\\", " a ", "AP8=", int64(-1))
	p := shipped(f)
	f.Fuzz(func(t *testing.T, cn, sn, mail, description string, number int64) {
		if cn == "" || sn == "" || mail == "" || description == "" || cn == sn {
			return // no attribute value is empty, and none stands twice
		}
		target := p.at(t, "/users/a")
		entry := &directory.Entry{DN: "uid=a,ou=People,dc=example,dc=com", Attributes: []directory.Attribute{
			{Name: "objectClass", Values: []string{"top", "person", "organizationalPerson", "inetOrgPerson", "posixAccount"}},
			{Name: "uid", Values: []string{"a"}},
			{Name: "cn", Values: []string{cn, sn}},
			{Name: "sn", Values: []string{sn, cn}},
			{Name: "mail", Values: []string{mail}},
			{Name: "description", Values: []string{description}},
			{Name: "manager", Values: []string{"UID=Trigden, OU=people, dc=example,dc=com"}},
			{Name: "uidNumber", Values: []string{strconv.FormatInt(number, 10)}},
			{Name: "gidNumber", Values: []string{"1"}},
			{Name: "homeDirectory", Values: []string{"/"}},
		}}
		encoder := target.Encoder(&mapping.Request{})
		if err := encoder.Resolve(t.Context(), p.dir.find, []*directory.Entry{entry}); err != nil {
			t.Fatal(err)
		}
		resource := encoder.Append(nil, entry)
		object, err := decodeObject(string(resource))
		if err != nil {
			t.Fatalf("%s: %v", resource, err)
		}
		changes, err := target.Update(t.Context(), entry, object, p.dir.find)
		if err != nil || len(changes) > 0 {
			t.Errorf("%s plans %+v, %v", resource, changes, err)
		}
	})
}
