package integration_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/tally"
)

// plainGlobal has slapd make the entries of people of the names that they show by PLAIN.
const plainGlobal = `sasl-host localhost
authz-regexp "^uid=([^,]+),(cn=[^,]+,)?cn=plain,cn=auth$" "uid=$1,ou=People,dc=example,dc=com"
`

// plainRules lets it look up the passwords of people.
const plainRules = `access to dn.onelevel="ou=People,dc=example,dc=com" attrs=entry,objectClass,userPassword
  by anonymous auth
  by * break
`

const plainPeople = `
dn: uid=plain,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: plain
cn: Plain
sn: Plain
userPassword: in: clear

dn: uid=admin,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: admin
cn: Admin
sn: Admin
userPassword: secret

dn: uid=locked,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: locked
cn: Locked
sn: Locked
userPassword: in: clear
pwdAccountLockedTime: 000001010000Z
`

func TestR_A11_SASLPlain(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Global: plainGlobal, Rules: plainRules, LDIF: plainPeople})
	g := start(t, server, settings{auth: "\nauth:\n  basic: {mode: sasl-plain, authzId: \"u:{username}\", cache: 0s}\n"})
	if r := g.send(t, ask{method: "GET", path: "/api/users/plain", header: basic("plain:in: clear")}); r.status == http.StatusUnauthorized && !strings.Contains(logOf(server), "mech=PLAIN") {
		tally.Unfit(t, errors.New("this OpenLDAP has no PLAIN; install libsasl2-modules"))
	}
	t.Run("R_A11", func(t *testing.T) {
		r := g.send(t, ask{method: "GET", path: "/api/users/plain", header: basic("plain:in: clear")}).want(http.StatusOK).has(`"plain"`, "_id")
		if events := g.eventsOf(t, r); events[0]["authzId"] != "dn:uid=plain,ou=people,dc=example,dc=com" {
			t.Errorf("event %v", events[0])
		}
	})
	t.Run("ActsAsTheUser", func(t *testing.T) {
		g.send(t, ask{method: "PATCH", path: "/api/users/scarter", header: basic("plain:in: clear"), body: `[{"operation":"replace","field":"/description","value":"x"}]`}).
			fails(http.StatusForbidden, "")
	})
	for name, credentials := range map[string]string{
		"Wrong": "plain:wrong", "Unknown": "nobody:in: clear", "Empty": "plain:", "NUL": "plain\x00:in: clear", "NULInPassword": "plain:in: clear\x00",
		"DN": "uid=plain,ou=People,dc=example,dc=com:in: clear", "Other": "admin:in: clear",
	} {
		t.Run(name, func(t *testing.T) {
			g.send(t, ask{method: "GET", path: "/api/users/plain", header: basic(credentials)}).fails(http.StatusUnauthorized, "")
		})
	}
	t.Run("Locked", func(t *testing.T) { // The policy of the directory does not look at this kind of bind.
		g.send(t, ask{method: "GET", path: "/api/users/plain", header: basic("locked:in: clear")}).fails(http.StatusUnauthorized, "accountLocked")
	})
	t.Run("DN", func(t *testing.T) {
		g := start(t, server, settings{auth: "\nauth:\n  basic: {mode: sasl-plain, authzId: \"dn:uid={username},ou=People,dc=example,dc=com\"}\n"})
		g.send(t, ask{method: "GET", path: "/api/users/plain", header: basic("plain:in: clear")}).want(http.StatusOK)
		g.send(t, ask{method: "GET", path: "/api/users/plain", header: basic("plain:wrong")}).fails(http.StatusUnauthorized, "")
	})
	t.Run("DNOfSomebodyElse", func(t *testing.T) { // Who authenticates may not be just anybody.
		g := start(t, server, settings{auth: "\nauth:\n  basic: {mode: sasl-plain, authzId: \"dn:uid={username}x,ou=People,dc=example,dc=com\"}\n"})
		g.send(t, ask{method: "GET", path: "/api/users/plain", header: basic("plain:in: clear")}).fails(http.StatusUnauthorized, "")
	})
}
