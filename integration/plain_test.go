package integration_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/tally"
)

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

// Callers are who the directory makes of them when they bind by SASL PLAIN.
func TestR_A11_SASLPlain(t *testing.T) {
	slapd.Each(t, slapd.Options{Plain: true, LDIF: plainPeople}, saslPlain)
}

func saslPlain(t *testing.T, server *slapd.Server) {
	found, err := dialRoot(t, server).Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"supportedSASLMechanisms"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(found.Entries[0].GetAttributeValues("supportedSASLMechanisms"), "PLAIN") {
		tally.Unfit(t, errors.New("this OpenLDAP has no PLAIN; install libsasl2-modules"))
	}
	ldapModify(t, server, `dn: uid=bjensen,ou=People,dc=example,dc=com
changetype: modify
replace: userPassword
userPassword: {CLEARTEXT}hifalutin
-
replace: pwdReset
`)
	g := start(t, server, settings{auth: "\nauth:\n  basic: {mode: sasl-plain, authzId: \"u:{username}\", cache: 0s}\n"})
	t.Run("R_A11", func(t *testing.T) {
		for uid, password := range map[string]string{"bjensen": "hifalutin", "plain": "in: clear"} {
			r := g.send(t, ask{method: "GET", path: "/api/users/" + uid, header: basic(uid + ":" + password)}).want(http.StatusOK).has(`"`+uid+`"`, "_id")
			check(t, g.eventsOf(t, r)[0], map[string]any{"principal": uid, "authMethod": "basic", "authzId": "dn:uid=" + uid + ",ou=people,dc=example,dc=com"})
		}
	})
	t.Run("ActsAsTheUser", func(t *testing.T) {
		body := `[{"operation":"replace","field":"/description","value":"x"}]`
		g.send(t, ask{method: "PATCH", path: "/api/users/bjensen", header: basic("bjensen:hifalutin"), body: body}).want(http.StatusOK)
		g.send(t, ask{method: "PATCH", path: "/api/users/scarter", header: basic("bjensen:hifalutin"), body: body}).fails(http.StatusForbidden, "")
	})
	for name, credentials := range map[string]string{
		"Wrong": "plain:wrong", "Unknown": "nobody:in: clear", "NUL": "plain\x00:in: clear", "NULInPassword": "plain:in: clear\x00", "Hashed": "scarter:sprain",
		"DN": "uid=plain,ou=People,dc=example,dc=com:in: clear", "Other": "admin:in: clear",
	} {
		t.Run(name, func(t *testing.T) {
			g.send(t, ask{method: "GET", path: "/api/users/plain", header: basic(credentials)}).fails(http.StatusUnauthorized, "")
		})
	}
	t.Run("R_A13", func(t *testing.T) { emptyPassword(t, server, g, "plain") })
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
