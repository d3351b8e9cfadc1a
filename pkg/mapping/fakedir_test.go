package mapping_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// fakeDirectory answers searches from a list of entries, and writes down what it
// was asked. An entry with the attribute "hidden" is one that the caller may not see; of
// one with the attribute "forbidden" the directory says so when it is read by name.
type fakeDirectory struct {
	entries []*directory.Entry
	matcher *directory.Matcher
	schema  *directory.Schema
	log     *strings.Builder // nil writes nothing down
}

func (d *fakeDirectory) find(_ context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
	if d.log != nil {
		fmt.Fprintln(d.log, "search", searchText(req))
	}
	return d.search(req)
}

func (d *fakeDirectory) search(req *directory.SearchRequest) ([]*directory.Entry, error) {
	var found []*directory.Entry
	for _, e := range d.entries {
		if !inScope(directory.MustParseDN(e.DN), req.Base, req.Scope) || e.Values("hidden") != nil {
			continue
		}
		if req.Scope == directory.ScopeBase && e.Values("forbidden") != nil {
			return nil, fault.New(fault.Forbidden, "insufficient access")
		}
		ok, err := d.matcher.Matches(req.Filter, e)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, d.only(e, req.Attributes))
		}
	}
	return found, nil
}

// jsonMatcher evaluates the matching rule of JSON values as far as that every value matches.
func jsonMatcher(schema *directory.Schema) *directory.Matcher {
	return directory.NewMatcher(schema).WithRule("caseExactJsonQueryMatch", func(string, string) bool { return true })
}

func inScope(dn, base directory.DN, scope directory.Scope) bool {
	switch scope {
	case directory.ScopeBase:
		return dn.Equal(base)
	case directory.ScopeOneLevel:
		return dn.IsBelow(base) && dn.Depth() == base.Depth()+1
	default:
		return dn.Equal(base) || dn.IsBelow(base)
	}
}

// only returns the entry with no more than the attributes asked for, "*" being all user
// attributes.
func (d *fakeDirectory) only(e *directory.Entry, attributes []string) *directory.Entry {
	shown := &directory.Entry{DN: e.DN}
	for _, a := range e.Attributes {
		if slices.ContainsFunc(attributes, func(name string) bool {
			t := d.schema.Attribute(a.Name)
			return strings.EqualFold(name, a.Name) || name == "*" && (t == nil || t.Usage == directory.UserApplications)
		}) {
			shown.Attributes = append(shown.Attributes, a)
		}
	}
	return shown
}

func searchText(req *directory.SearchRequest) string {
	scope := [...]string{"base", "one", "sub"}[req.Scope]
	text := fmt.Sprintf("%q %s %s [%s]", req.Base, scope, req.Filter, strings.Join(req.Attributes, " "))
	if req.SizeLimit > 0 {
		text += fmt.Sprintf(" limit %d", req.SizeLimit)
	}
	return text
}

// parseLDIF reads entries: "name: value" or "name:: base64", a blank line between entries.
func parseLDIF(t testing.TB, text string) []*directory.Entry {
	t.Helper()
	var entries []*directory.Entry
	for block := range strings.SplitSeq(text, "\n\n") {
		var e *directory.Entry
		for line := range strings.Lines(block) {
			name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			if !ok || strings.HasPrefix(line, "#") {
				continue
			}
			if encoded, is64 := strings.CutPrefix(value, ":"); is64 {
				octets, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
				if err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				value = string(octets)
			}
			value = strings.TrimPrefix(value, " ")
			if name == "dn" {
				e = &directory.Entry{DN: value}
				entries = append(entries, e)
				continue
			}
			i := slices.IndexFunc(e.Attributes, func(a directory.Attribute) bool { return a.Name == name })
			if i < 0 {
				i = len(e.Attributes)
				e.Attributes = append(e.Attributes, directory.Attribute{Name: name})
			}
			e.Attributes[i].Values = append(e.Attributes[i].Values, value)
		}
	}
	return entries
}

// openLDAP returns the schema that a real server publishes, with more definitions.
func openLDAP(t testing.TB, more ...string) *directory.Schema {
	t.Helper()
	data, err := os.ReadFile("../directory/testdata/openldap-2.5.13.schema")
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]string)
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(name, "#") {
			values[name] = append(values[name], value)
		}
	}
	schema, err := directory.ParseSchema(append(values["attributeTypes"], more...), values["matchingRuleUse"])
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
