package integration_test

import (
	"net/http"
	"strings"
	"testing"

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
