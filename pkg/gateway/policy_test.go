package gateway_test

import (
	"errors"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Only what a rule allows gets any further.
func TestPolicy(t *testing.T) {
	staff := directory.MustParseDN("ou=Staff,dc=example,dc=com")
	policy := gateway.Policy{
		{Callers: []gateway.Caller{{}}, Resources: [][]string{{"api", "users"}}, Verbs: []mapping.Verb{mapping.Read, mapping.Query}},
		{Callers: []gateway.Caller{{DN: staff, Below: true}}, Resources: [][]string{nil}, Verbs: []mapping.Verb{mapping.Delete}},
		{Callers: []gateway.Caller{{DN: directory.MustParseDN("uid=a,ou=People,dc=example,dc=com")}}, Resources: [][]string{{"api", "users", "a"}}, Verbs: []mapping.Verb{mapping.Patch}},
	}
	const person, boss = "dn:uid=a,ou=People,dc=example,dc=com", "dn:uid=boss,ou=Staff,dc=example,dc=com"
	for name, test := range map[string]struct {
		caller  string
		verb    mapping.Verb
		path    []string
		allowed bool
	}{
		"everybody reads":                 {person, mapping.Read, []string{"users", "b"}, true},
		"everybody queries":               {person, mapping.Query, []string{"users"}, true},
		"who is named by a user name too": {"u:a", mapping.Read, []string{"users", "b"}, true},
		"nobody in particular does not":   {"", mapping.Read, []string{"users", "b"}, false},
		"elsewhere":                       {person, mapping.Read, []string{"groups", "b"}, false},
		"only half of a segment":          {person, mapping.Read, []string{"users2", "b"}, false},
		"above":                           {person, mapping.Query, nil, false},
		"another verb":                    {person, mapping.Delete, []string{"users", "b"}, false},
		"below":                           {boss, mapping.Delete, []string{"groups", "b"}, true},
		"not the entry itself":            {"dn:" + staff.String(), mapping.Delete, []string{"groups", "b"}, false},
		"a name that only looks like it":  {"dn:uid=x,ou=Staff,dc=example,dc=com,dc=evil", mapping.Delete, []string{"groups", "b"}, false},
		"the DN, spelt otherwise":         {"dn:UID=A, OU=people,dc=example,dc=com", mapping.Patch, []string{"users", "a"}, true},
		"its neighbour":                   {person, mapping.Patch, []string{"users", "b"}, false},
		"a user name is no DN":            {"u:a", mapping.Patch, []string{"users", "a"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := gateway.New(gateway.Options{Policy: policy})
			if err != nil {
				t.Fatal(err)
			}
			p := auth.Principal{Name: "a", Identity: directory.Identity{AuthzID: test.caller}}
			req := &mapping.Request{Verb: test.verb, Path: test.path}
			if test.verb == mapping.Query {
				_, err = s.Query(t.Context(), p, "api", req, nil)
			} else {
				_, err = s.Do(t.Context(), p, "api", req)
			}
			// There is no API, which is found out after the policy.
			want := fault.Forbidden
			if test.allowed {
				want = fault.NotFound
			}
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != want || !test.allowed && e.Detail.Kind != "policy" {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}
