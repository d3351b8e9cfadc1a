package gateway_test

import (
	"context"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// F180: an estimate is what the directory keeps, or none at all.
func TestEstimate(t *testing.T) {
	keeps, err := directory.ParseSchema([]string{
		"( 1.1 NAME 'numSubordinates' )", "( 1.2 NAME 'uid' )", "( 1.3 NAME 'cn' )", "( 1.4 NAME 'sn' )", "( 1.5 NAME 'description' )", "( 1.6 NAME 'entryCSN' )",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	count := func(schema *directory.Schema, value string, req mapping.Request) (int, int) {
		f := newFake("a", "b", "c")
		f.capabilities.Schema = schema
		const people = "ou=People,dc=example,dc=com"
		f.entries[directory.MustParseDN(people).Key()] = &directory.Entry{DN: people, Attributes: []directory.Attribute{{Name: "numSubordinates", Values: []string{value}}}}
		req.Verb, req.Path, req.Estimate = mapping.Query, []string{"users"}, true
		listing, err := newService(t, f, gateway.Options{}).Query(context.Background(), caller, "api", &req, func([]byte) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return listing.Total, f.operations("search ou=People")
	}
	all := query.Filter{Op: query.True}
	for name, test := range map[string]struct {
		schema *directory.Schema
		value  string
		req    mapping.Request
		want   int
		reads  int // beside the page
	}{
		"Kept":       {keeps, "1234", mapping.Request{Filter: all, PageSize: 2}, 1234, 1},
		"Unreadable": {keeps, "", mapping.Request{Filter: all, PageSize: 2}, -1, 1},
		"NotKept":    {nil, "1234", mapping.Request{Filter: all, PageSize: 2}, -1, 0},
		"NoPage":     {keeps, "1234", mapping.Request{Filter: all}, -1, 0},
		"Filter":     {keeps, "1234", mapping.Request{Filter: query.Filter{Op: query.Present, Field: query.Pointer{"displayName"}}, PageSize: 2}, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			total, searches := count(test.schema, test.value, test.req)
			if total != test.want || searches != 1+test.reads {
				t.Errorf("%d, want %d; %d searches", total, test.want, searches)
			}
		})
	}
}
