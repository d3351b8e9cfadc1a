package mapping_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// hostileText is text of all that means something in a filter, a name, JSON or a pointer.
func hostileText() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{
			"*", "(", ")", `\`, "\x00", `\2a`, `\00`, "&", "|", "!", "=", ":=", "~", "<", ">", ",", "+", ";", "#", `"`, "'", " ", "  ", "/", "~0", "~1", "-", "{", "}", "[", "]",
			"uid=bjensen", ")(uid=*", "*)(|(uid=*", "dc=example,dc=com", "null", "true", "%2a", "{username}", "{{", "\n", "\t", "\u202e", "\ufeff", "é", "ſ", "İ", "日本",
		}),
		rapid.StringMatching(`[a-cA-C]{1,2}`))
	return rapid.Map(rapid.SliceOfN(part, 1, 6), func(parts []string) string { return strings.Join(parts, "") })
}

// TestNoValueMatchesMoreThanItself: whatever a value of a filter is, it selects the entries
// that have it, through the text of the query, the plan, and the text of the directory's
// filter.
func TestNoValueMatchesMoreThanItself(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	fields := map[string]string{"description": "description", "name/familyName": "sn", "userName": "mail", "displayName": "cn", "_id": "uid"}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfNDistinct(hostileText(), 2, 6, directory.FoldValue).Draw(t, "values")
		field := rapid.SampledFrom(sortedKeys(fields)).Draw(t, "field")
		dir := &fakeDirectory{matcher: p.dir.matcher, schema: p.dir.schema}
		base := directory.MustParseDN("ou=People,dc=example,dc=com")
		for i, value := range values {
			dir.entries = append(dir.entries, &directory.Entry{
				DN:         base.Child(directory.RDN{{Type: "uid", Value: fmt.Sprint("e", i)}}).String(),
				Attributes: []directory.Attribute{{Name: "objectClass", Values: []string{"inetOrgPerson"}}, {Name: fields[field], Values: []string{value}}, {Name: "manager", Values: []string{base.Child(directory.RDN{{Type: "uid", Value: value}}).String()}}},
			})
		}
		asked := rapid.SampledFrom(append(slices.Clone(values), "nothing")).Draw(t, "asked")
		for _, f := range []query.Filter{
			{Op: query.Equal, Field: pointer(t, field), Value: asked},
			{Op: query.StartsWith, Field: pointer(t, field), Value: asked},
			{Op: query.Contains, Field: pointer(t, field), Value: asked},
			{Op: query.Equal, Field: pointer(t, "manager/_id"), Value: asked},
		} {
			for i, found := range (&planner{binding: p.binding, dir: dir}).found(t, f) {
				value := values[slices.Index(dir.entries, found)]
				have, want := directory.FoldValue(value), directory.FoldValue(asked)
				if f.Op == query.Equal && (have != want || i > 0) || f.Op != query.Equal && !strings.Contains(strings.Join(strings.Fields(have), ""), strings.Join(strings.Fields(want), "")) {
					t.Fatalf("%s selects the entry with %q", f.String(), value)
				}
			}
			if f.Op == query.Equal && asked != "nothing" && len((&planner{binding: p.binding, dir: dir}).found(t, f)) != 1 && !isUnholdable(p.dir.schema, fields[field], asked) {
				t.Fatalf("%s does not select the entry that has it", f.String())
			}
		}
	})
}

// isUnholdable tells text that the syntax of the attribute cannot hold.
func isUnholdable(schema *directory.Schema, attribute, text string) bool {
	const ia5String = "1.3.6.1.4.1.1466.115.121.1.26"
	return schema.Attribute(attribute).Syntax == ia5String && strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

func pointer(t *rapid.T, text string) query.Pointer {
	p, err := query.ParsePointer(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// found returns the users that a filter selects, which goes through its texts on the way.
func (p *planner) found(t *rapid.T, f query.Filter) []*directory.Entry {
	parsed, err := query.ParseFilter(f.String())
	if err != nil {
		t.Fatalf("%s: %v", f.String(), err)
	}
	target, err := p.locate("/users")
	if err != nil {
		t.Fatal(err)
	}
	selection, err := target.Select(t.Context(), parsed, p.dir.find)
	if err != nil {
		t.Fatalf("%s: %v", f.String(), err)
	}
	if selection.Nothing {
		return nil
	}
	sent, err := directory.ParseFilter(selection.Filter.String())
	if err != nil || sent.String() != selection.Filter.String() {
		t.Fatalf("%s is sent as %s: %v", f.String(), selection.Filter, err)
	}
	var found []*directory.Entry
	for _, entry := range p.dir.entries {
		matches, err := p.dir.matcher.Matches(sent, entry)
		if err == nil && matches {
			matches, err = target.Holds(selection, entry)
		}
		if err != nil {
			t.Fatal(err)
		}
		if matches {
			found = append(found, entry)
		}
	}
	return found
}

// TestNoIDLeadsElsewhere: whatever an id is, its entry is one below the collection, named by
// just that value.
func TestNoIDLeadsElsewhere(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	base := directory.MustParseDN("ou=People,dc=example,dc=com")
	rapid.Check(t, func(t *rapid.T) {
		id := hostileText().Draw(t, "id")
		target, err := p.binding.Locate(t.Context(), []string{"users", id}, p.dir.find)
		if err != nil {
			t.Fatal(err)
		}
		dn, known := target.DN()
		parsed, err := directory.ParseDN(dn.String())
		if !known || err != nil || !parsed.Parent().Equal(base) || len(parsed.RDN()) != 1 || parsed.RDN()[0].Value != id || !strings.EqualFold(parsed.RDN()[0].Type, "uid") {
			t.Fatalf("%q leads to %q, %v", id, dn, err)
		}
	})
}

// TestNoValueChangesMoreThanItself: a write of any text changes the attribute of its field,
// to just that text. Text with NUL is refused (fault row 75).
func TestNoValueChangesMoreThanItself(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		target, err := p.locate("/users/bjensen")
		if err != nil {
			t.Fatal(err)
		}
		text := hostileText().Draw(t, "text")
		quoted := string(mapping.AppendJSON(nil, text))
		for _, op := range []string{"add", "replace", "remove"} {
			ops, err := patchOps(`[{"operation":"` + op + `","field":"/displayName","value":[` + quoted + `]},{"operation":"replace","field":"/name","value":{"givenName":` + quoted + `}}]`)
			if err != nil {
				t.Fatalf("%s: %v", quoted, err)
			}
			changes, err := target.Patch(t.Context(), nil, ops, p.dir.find)
			if strings.Contains(text, "\x00") {
				if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "U+0000") {
					t.Fatalf("%s of %s plans %+v, %v", op, quoted, changes, err)
				}
				continue
			}
			if err != nil || len(changes) != 2 || changes[0].Attribute != "cn" || changes[1].Attribute != "givenName" ||
				!slices.Equal(changes[0].Values, []string{text}) || !slices.Equal(changes[1].Values, []string{text}) {
				t.Fatalf("%s of %s plans %+v, %v", op, quoted, changes, err)
			}
		}
		collection, err := p.locate("/users")
		if err != nil {
			t.Fatal(err)
		}
		object, err := decodeObject(`{"_schema":"frapi:opendj:rest2ldap:user:1.0","_id":` + quoted + `,"displayName":[` + quoted + `],"name":{"familyName":` + quoted + `}}`)
		if err != nil {
			t.Fatal(err)
		}
		creation, err := collection.Create(t.Context(), object, p.dir.find)
		if text == "" || text == "." || text == ".." || strings.Contains(text, "\x00") {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("%q is an id, which no path can hold: %v", text, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		entry := &directory.Entry{DN: creation.Entry.DN.String(), Attributes: creation.Entry.Attributes}
		read, err := decodeObject(p.encodeOne(t, collection, entry))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"_id", "displayName", "name"} {
			got, _ := read.Lookup(name)
			want, _ := object.Lookup(name)
			if a, b := string(mapping.AppendJSON(nil, got)), string(mapping.AppendJSON(nil, want)); a != b {
				t.Fatalf("%s is %s, and was sent as %s", name, a, b)
			}
		}
	})
}
