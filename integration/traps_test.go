package integration_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// The traps of real directories: each of them looks like a success.

// OpenLDAP answers >= and <= on attributes without an ordering rule with an empty
// success.
func TestOrderingTrap(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		if got := ldapTool(t, server, "", "ldapsearch", "-LLL", "-b", "ou=People,dc=example,dc=com", "(mail<=ad)", "1.1"); got != "" {
			t.Fatalf("this directory has no such trap: %s", got)
		}
		g := start(t, server, settings{})
		g.list(t, "kvaughan", "/api/users", `userName le 'ad'`).finds("abarnes", "abergin", "achassin")
		g.list(t, "kvaughan", "/api/users", `_id lt 'abergin'`).finds("abarnes")
		if !strings.Contains(logOf(server), "caseIgnoreOrderingMatch") {
			t.Error("uid was not compared by the rule that the directory has for it")
		}
		g.list(t, "kvaughan", "/api/users", `!(_id gt 'abarnes') and !(_id eq 'nobody')`).finds("abarnes")
		g.list(t, "kvaughan", "/api/users", `name/familyName ge 'tu'`).finds("jwalker", "kvaughan", "kwinters", "ttully", "tward")
		g.list(t, "kvaughan", "/api/users", `contactInformation/telephoneNumber ge '+1 408 555 9804' and contactInformation/telephoneNumber lt '+1 409'`).finds("achassin", "hmiller")
	})
}

// OpenLDAP answers whether there is a memberOf before dynlist works it out: an empty success.
func TestPresenceTrap(t *testing.T) {
	const model = `{
  "format": 1,
  "resourceTypes": {
    "root": { "subResources": {
      "users":  { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "groups": { "type": "collection", "dnTemplate": "ou=Groups,dc=example,dc=com", "resource": "group", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } }
    } },
    "user": { "objectClasses": [ "inetOrgPerson" ], "properties": {
      "names": { "type": "simple", "ldapAttribute": "memberOf", "isMultiValued": true, "writability": "readOnly" },
      "manager": { "type": "reference", "resourcePath": ".." },
      "in": { "type": "object", "properties": {
        "groups": { "type": "reference", "ldapAttribute": "memberOf", "resourcePath": "../../groups", "isMultiValued": true, "writability": "readOnly" }
      } }
    } },
    "group": { "objectClasses": [ "groupOfUniqueNames" ], "properties": {
      "members": { "type": "reference", "ldapAttribute": "uniqueMember", "resourcePath": "../../users", "isMultiValued": true },
      "people": { "type": "reverseReference", "resourcePath": "../../users", "propertyName": "groups" }
    } }
  }
}`
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		if got := ldapTool(t, server, "", "ldapsearch", "-LLL", "-b", "ou=People,dc=example,dc=com", "(memberOf=*)", "1.1"); got != "" {
			t.Fatalf("this directory has no such trap: %s", got)
		}
		g := start(t, server, settings{})
		own := start(t, server, settings{mappings: map[string]string{"api/root.json": model}})
		list := func(t *testing.T, g *gateway, path, filter string, query ...string) []string {
			t.Helper()
			return g.list(t, "kvaughan", path, filter, append([]string{"_fields", "_id"}, query...)...).want(http.StatusOK).ids("result")
		}
		want := list(t, g, "/api/users", `groups/_id pr`)
		everybody := list(t, g, "/api/users", `true`)
		if len(want) < 5 || len(want) > len(everybody)/2 || slices.Contains(want, "bjensen") {
			t.Fatalf("members are %q", want)
		}
		for _, place := range []struct {
			g     *gateway
			field string
		}{{g, "groups"}, {own, "in/groups"}, {own, "in"}, {own, "names"}} {
			t.Run(place.field, func(t *testing.T) {
				for _, query := range [][]string{nil, {"_sortKeys", "_id"}} {
					if got := list(t, place.g, "/api/users", place.field+" pr", query...); same(got, want) != nil {
						t.Errorf("%q: %q, want %q", query, got, want)
					}
					if got := list(t, place.g, "/api/users", "!("+place.field+" pr) and true", query...); same(append(got, want...), everybody) != nil {
						t.Errorf("%q: %d without", query, len(got))
					}
				}
				for _, order := range [][]string{nil, {"_sortKeys", "-_id"}} {
					if got := place.g.walk(t, "kvaughan", 3, place.field+" pr or _id eq 'nobody'", order...); same(got, want) != nil {
						t.Errorf("in pages: %q, want %q", got, want)
					}
				}
			})
		}
		t.Run("BehindReferences", func(t *testing.T) {
			if got := list(t, g, "/api/users", `manager/groups pr`); same(got, list(t, g, "/api/users", `manager/groups/_id pr`)) != nil || len(got) == 0 {
				t.Errorf("%q", got)
			}
			if got := list(t, g, "/api/groups", `members/groups pr`); same(got, list(t, g, "/api/groups", "members pr")) != nil || len(got) != 5 {
				t.Errorf("%q", got)
			}
			if got := list(t, own, "/api/groups", `people pr`); len(got) != 5 {
				t.Errorf("%q", got)
			}
			if got := list(t, own, "/api/groups", `people/_id eq 'kvaughan'`); len(got) != 2 {
				t.Errorf("%q", got)
			}
		})
		t.Run("PartOfAName", func(t *testing.T) {
			for _, order := range []string{"_id", "names,_id"} {
				own.list(t, "kvaughan", "/api/users", `names co 'hr managers'`, "_fields", "_id", "_sortKeys", order).finds("cschmith", "kvaughan")
			}
		})
	})
}

// A comparison with a value that the syntax of the attribute does not have is Undefined
// (RFC 4511 section 4.5.1.7), and so is its negation: both are an empty success.
func TestUndefinedTrap(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		for _, filter := range []string{"(entryCSN>=2)", "(!(entryCSN>=2))", "(!(description=))", "(!(mail=ü))"} {
			if got := ldapTool(t, server, "", "ldapsearch", "-LLL", "-b", "ou=People,dc=example,dc=com", filter, "1.1"); got != "" {
				t.Fatalf("this directory has no such trap: %s: %s", filter, got)
			}
		}
		g := start(t, server, settings{})
		other := start(t, server, settings{mappings: strategies()})
		for _, filter := range []string{`_rev ge '2'`, `_rev eq 'x'`, `!(_rev lt '')`, `uidNumber lt 'x'`, `_meta/created gt '2024'`} {
			g.list(t, "kvaughan", "/api/users", filter).fails(http.StatusBadRequest, "wrongType").has(`"_queryFilter"`, "detail", "parameter")
		}
		other.list(t, "kvaughan", "/hr/records", `_id gt 'x'`).fails(http.StatusBadRequest, "wrongType")
		everybody := g.list(t, "kvaughan", "/api/users", `_rev ge '20000101000000.000000Z#000000#000#000000'`).want(http.StatusOK).ids("result")
		if len(everybody) != exampledata.DefaultUsers {
			t.Fatalf("%d users", len(everybody))
		}
		for filter, all := range map[string]bool{
			`userName eq "ü"`: false, `!(userName eq "ü")`: true, `!(userName co "ü")`: true, `userName lt "ü"`: true, `userName gt "ü"`: false,
			`description eq ""`: false, `!(description eq "")`: true, `_id gt ""`: true, `_id le ""`: false, `_id ge ""`: true, `!(_id lt "")`: true,
		} {
			want := everybody
			if !all {
				want = nil
			}
			if got := g.list(t, "kvaughan", "/api/users", filter).want(http.StatusOK).ids("result"); same(got, want) != nil {
				t.Errorf("%s: %d found, want %d", filter, len(got), len(want))
			}
		}
	})
}

// Proxied authorization does not look at the account: slapd lets deleted and locked
// users, and users that must change their password, go on.
func TestGhostUserTrap(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		issuer := newIssuer(t)
		g := start(t, server, settings{auth: issuer.section(`
  basic: {mode: simple, dnTemplate: "uid={username},ou=People,dc=example,dc=com", cache: 30s}
`)})
		const path = "/api/users/bjensen"
		bearer := func(t *testing.T, subject string) *reply {
			return g.send(t, ask{method: "GET", path: path, header: issuer.bearer(t, subject)})
		}
		bearer(t, "scarter").want(http.StatusOK)

		t.Run("NeverThere", func(t *testing.T) { bearer(t, "ghost").fails(http.StatusUnauthorized, "") })
		t.Run("Deleted", func(t *testing.T) {
			ldapModify(t, server, "dn: uid=wlutz,ou=People,dc=example,dc=com\nchangetype: delete\n")
			bearer(t, "wlutz").fails(http.StatusUnauthorized, "")
			g.get(t, "wlutz", path).fails(http.StatusUnauthorized, "")
		})
		t.Run("Locked", func(t *testing.T) {
			ldapModify(t, server, "dn: uid=tward,ou=People,dc=example,dc=com\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n")
			bearer(t, "tward").fails(http.StatusUnauthorized, "")
			g.get(t, "tward", path).fails(http.StatusUnauthorized, "")
		})
		t.Run("MustChange", func(t *testing.T) {
			ldapModify(t, server, "dn: uid=ttully,ou=People,dc=example,dc=com\nchangetype: modify\nadd: pwdReset\npwdReset: TRUE\n")
			bearer(t, "ttully").fails(http.StatusForbidden, "passwordMustChange")
			g.get(t, "ttully", path).fails(http.StatusForbidden, "passwordMustChange")
		})
	})
}

// A limit of the directory binds the caller, and a list that it cut short never
// looks complete.
func TestF_31LimitsTrap(t *testing.T) {
	slapd.Each(t, slapd.Options{Users: 700}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		r := g.list(t, "kvaughan", "/api/users", "true", "_fields", "userName").fails(http.StatusRequestEntityTooLarge, "sizeLimit")
		r.lacks("result")
		g.list(t, "kvaughan", "/api/users", "_id sw 'gen6'", "_fields", "userName").want(http.StatusOK)
		t.Run("References", func(t *testing.T) {
			// The look-up behind the filter is cut short: no partial answer either.
			g.list(t, "kvaughan", "/api/groups", "members/displayName co 'e'").fails(http.StatusRequestEntityTooLarge, "")
		})
	})
}

// A directory that has a part of a collection on another server: that part is missing from
// lists, which the event tells, and makes a single resource, a filter that needs it, and a
// count an error or a number beside which it is told. Nothing is followed.
func TestReferralTrap(t *testing.T) {
	t.Run("X24", func(t *testing.T) {
		server := slapd.Start(t, slapd.Options{LDIF: `
dn: uid=elsewhere,ou=People,dc=example,dc=com
objectClass: referral
objectClass: extensibleObject
uid: elsewhere
ref: ldaps://other.example.com/uid=elsewhere,ou=People,dc=example,dc=com
`})
		g := start(t, server, settings{})
		leftOut := func(t *testing.T, r *reply, want any) {
			t.Helper()
			r.want(http.StatusOK)
			if events := g.eventsOf(t, r); len(events) != 1 || events[0]["leftOut"] != want {
				t.Errorf("want %v left out: %v", want, events)
			}
		}
		list := func(t *testing.T, query ...string) *reply {
			t.Helper()
			return g.list(t, "kvaughan", "/api/users", `_id sw 'b'`, append(query, "_fields", "userName")...)
		}
		t.Run("List", func(t *testing.T) {
			leftOut(t, list(t).finds("bjensen"), 1.0)
		})
		t.Run("Sorted", func(t *testing.T) {
			// The overlay that sorts says nothing of the reference.
			sorted := ldapTool(t, server, "", "ldapsearch", "-LLL", "-E", "sss=sn:caseIgnoreOrderingMatch", "-s", "one", "-b", "ou=People,dc=example,dc=com", "(uid=b*)", "1.1")
			if strings.Contains(sorted, "other.example.com") {
				t.Fatalf("this directory has no such trap: %s", sorted)
			}
			leftOut(t, list(t, "_sortKeys", "name/familyName").finds("bjensen"), nil)
		})
		t.Run("Page", func(t *testing.T) {
			leftOut(t, list(t, "_pageSize", "100").finds("bjensen"), 1.0)
		})
		t.Run("Count", func(t *testing.T) {
			leftOut(t, list(t, "_totalPagedResultsPolicy", "EXACT", "_pageSize", "10"), 1.0)
		})
		t.Run("Single", func(t *testing.T) {
			g.get(t, "kvaughan", "/api/users/elsewhere").fails(http.StatusBadGateway, "referral")
			leftOut(t, g.get(t, "kvaughan", "/api/users/bjensen"), nil)
		})
		t.Run("FilterOverReferences", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/groups", `members/displayName co 'Jensen'`).fails(http.StatusBadGateway, "referral")
		})
		t.Run("ShownReferences", func(t *testing.T) {
			g.get(t, "kvaughan", "/api/groups/HR Managers").want(http.StatusOK)
		})
	})
}
