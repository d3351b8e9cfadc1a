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
