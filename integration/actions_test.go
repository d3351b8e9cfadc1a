package integration_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// strictPolicy is a password policy that has something against most passwords.
const strictPolicy = `
dn: cn=strict,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: strict
pwdAttribute: userPassword
pwdMinLength: 8
pwdCheckQuality: 2
pwdInHistory: 2
pwdMustChange: TRUE

dn: cn=frozen,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: frozen
pwdAttribute: userPassword
pwdAllowUserChange: FALSE
`

// modifyPassword asks for a new password as a person.
func (g *gateway) modifyPassword(t *testing.T, as, password, of, old, wanted string) *reply {
	t.Helper()
	return g.send(t, ask{
		method: "POST", path: "/api/users/" + of, query: params("_action", "modifyPassword"), as: as, password: password,
		body: `{"oldPassword":"` + old + `","newPassword":"` + wanted + `"}`,
	})
}

// read reads the caller's own resource, and so tells whether a password is good.
func (g *gateway) read(t *testing.T, uid, password string) *reply {
	t.Helper()
	return g.send(t, ask{method: "GET", path: "/api/users/" + uid, as: uid, password: password})
}

func TestModifyPassword(t *testing.T) {
	slapd.Each(t, slapd.Options{LDIF: strictPolicy}, func(t *testing.T, server *slapd.Server) {
		// The password is remembered, and must not be afterwards.
		g := start(t, server, settings{auth: basicSearch + "    cache: 30s\n"})
		t.Run("R_I01", func(t *testing.T) {
			g.read(t, "bjensen", "hifalutin").want(http.StatusOK)
			r := g.modifyPassword(t, "bjensen", "hifalutin", "bjensen", "hifalutin", "password").want(http.StatusOK)
			if r.body != "{}" {
				t.Errorf("body %s", r.body)
			}
			g.read(t, "bjensen", "hifalutin").fails(http.StatusUnauthorized, "")
			g.read(t, "bjensen", "password").want(http.StatusOK)
			events := g.eventsOf(t, r)
			if len(events) != 2 {
				t.Fatalf("events %v", events)
			}
			for i, phase := range []string{"attempt", "outcome"} {
				check(t, events[i], map[string]any{"phase": phase, "verb": "action", "action": "modifyPassword", "resource": "/api/users/bjensen", "principal": "bjensen"})
				if changed, _ := events[i]["changed"].([]any); len(changed) != 1 || changed[0] != "userPassword" {
					t.Errorf("changed %v", events[i]["changed"])
				}
			}
		})
		t.Run("R_I03", func(t *testing.T) {
			g.modifyPassword(t, "bjensen", "password", "bjensen", "wrong", "another one").fails(http.StatusBadRequest, "wrongPassword").has(`"/oldPassword"`, "detail", "field")
			g.read(t, "bjensen", "password").want(http.StatusOK)
		})
		t.Run("R_I05", func(t *testing.T) {
			for _, old := range []string{"password", "sprain"} {
				g.modifyPassword(t, "bjensen", "password", "scarter", old, "another one").fails(http.StatusForbidden, "passwordRefused")
			}
			g.send(t, ask{method: "POST", path: "/api/users/scarter", query: params("_action", "resetPassword"), as: "bjensen", password: "password", body: "{}"}).fails(http.StatusForbidden, "").lacks("generatedPassword")
			g.read(t, "scarter", "").want(http.StatusOK)
		})
		t.Run("R_I07", func(t *testing.T) {
			g.modifyPassword(t, "", "", "bjensen", "password", "another one").fails(http.StatusUnauthorized, "")
		})
		t.Run("R_I09", func(t *testing.T) {
			for _, path := range []string{"/api/users/bjensen", "/api/users", "/api/groups/QA%20Managers"} {
				g.send(t, ask{method: "POST", path: path, query: params("_action", "nosuch"), as: "bjensen", password: "password"}).fails(http.StatusNotImplemented, "unknownAction")
			}
			g.send(t, ask{method: "POST", path: "/api/users", query: params("_action", "modifyPassword"), as: "bjensen", password: "password"}).fails(http.StatusNotImplemented, "unknownAction")
			g.send(t, ask{method: "POST", path: "/api/groups/QA%20Managers", query: params("_action", "modifyPassword"), as: "bjensen", password: "password"}).fails(http.StatusNotImplemented, "unknownAction")
		})
		t.Run("Administrator", func(t *testing.T) {
			g.modifyPassword(t, "kvaughan", "", "abergin", "inflict", "another one").want(http.StatusOK)
			g.read(t, "abergin", "inflict").fails(http.StatusUnauthorized, "")
			g.read(t, "abergin", "another one").want(http.StatusOK)
			g.modifyPassword(t, "kvaughan", "", "ghost", "a", "b").fails(http.StatusNotFound, "")
		})
		t.Run("Policy", func(t *testing.T) { passwordPolicy(t, server, g) })
		t.Run("MustChange", func(t *testing.T) { mustChange(t, server, g) })
		t.Run("NoSecrets", func(t *testing.T) {
			data, err := os.ReadFile(g.events)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"hifalutin", "another one", exampledata.Password("scarter"), "long enough", "a new one"} {
				if strings.Contains(string(data), secret) || strings.Contains(g.log.String(), secret) {
					t.Errorf("the events or the log hold %q", secret)
				}
			}
		})
	})
}

func passwordPolicy(t *testing.T, server *slapd.Server, g *gateway) {
	for uid, policy := range map[string]string{"hmiller": "strict", "trigden": "frozen"} {
		ldapModify(t, server, "dn: uid="+uid+",ou=People,dc=example,dc=com\nchangetype: modify\nreplace: pwdPolicySubentry\npwdPolicySubentry: cn="+policy+",ou=Policies,dc=example,dc=com\n")
	}
	g.modifyPassword(t, "hmiller", "", "hmiller", "hillock", "short").fails(http.StatusBadRequest, "passwordPolicy").has(`"/newPassword"`, "detail", "field").has(`"passwordTooShort"`, "detail", "passwordPolicy")
	g.read(t, "hmiller", "hillock").want(http.StatusOK)
	g.modifyPassword(t, "hmiller", "", "hmiller", "hillock", "long enough").want(http.StatusOK)
	g.modifyPassword(t, "hmiller", "long enough", "hmiller", "long enough", "long enough").fails(http.StatusBadRequest, "passwordPolicy").has(`"passwordInHistory"`, "detail", "passwordPolicy")
	g.modifyPassword(t, "trigden", "", "trigden", "sensitive", "long enough").fails(http.StatusForbidden, "passwordPolicy").has(`"passwordModNotAllowed"`, "detail", "passwordPolicy")
}

// mustChange checks that a caller whose password was reset can change it and do nothing
// else before.
func mustChange(t *testing.T, server *slapd.Server, g *gateway) {
	g.read(t, "ttully", "").want(http.StatusOK)
	ldapModify(t, server, "dn: uid=ttully,ou=People,dc=example,dc=com\nchangetype: modify\nadd: pwdReset\npwdReset: TRUE\n")
	g.modifyPassword(t, "kvaughan", "", "ttully", "schooner", "schooner2").want(http.StatusOK)
	ldapModify(t, server, "dn: uid=ttully,ou=People,dc=example,dc=com\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")
	g.read(t, "ttully", "schooner2").fails(http.StatusForbidden, "passwordMustChange")
	g.modifyPassword(t, "ttully", "schooner2", "scarter", "sprain", "a new one").fails(http.StatusForbidden, "passwordMustChange")
	g.send(t, ask{method: "POST", path: "/api/users/ttully", query: params("_action", "resetPassword"), as: "ttully", password: "schooner2"}).fails(http.StatusForbidden, "passwordMustChange")
	g.send(t, ask{method: "POST", path: "/api/users/ttully", query: params("_action", "modifyPassword"), as: "ttully", password: "schooner2", header: headers("X-HTTP-Method-Override", "DELETE")}).fails(http.StatusBadRequest, "")
	g.modifyPassword(t, "ttully", "wrong", "ttully", "schooner2", "a new one").fails(http.StatusUnauthorized, "")
	g.modifyPassword(t, "ttully", "schooner2", "ttully", "schooner2", "a new one").want(http.StatusOK)
	g.read(t, "ttully", "a new one").want(http.StatusOK)
	g.read(t, "ttully", "schooner2").fails(http.StatusUnauthorized, "")
}

// readOnlyMapping has a collection that may not be changed, a password that is written like
// any other property, and an action that is not available.
const readOnlyMapping = `{
  "format": 1, "version": "1.0", "exposeCredentials": true,
  "resourceTypes": {
    "v1": { "subResources": {
      "users": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "readers": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "isReadOnly": true, "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "managers": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "baseSearchFilter": "(cn=*Vaughan)", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } }
    } },
    "person": { "objectClasses": [ "person" ], "supportedActions": [ "modifyPassword" ], "isAbstract": true,
      "properties": { "_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" } } },
    "user": { "superType": "person", "objectClasses": [ "inetOrgPerson" ], "supportedActions": [ "resetPassword" ],
      "properties": { "password": { "type": "simple", "ldapAttribute": "userPassword", "exposeCredential": true } } }
  }
}`

func TestActionsOfMapping(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/v1.json": readOnlyMapping}, auth: basicSearch + "    cache: 30s\n"})
		act := func(t *testing.T, path, action string) *reply {
			return g.send(t, ask{method: "POST", path: path, query: params("_action", action), as: "bjensen", body: `{"oldPassword":"hifalutin","newPassword":"password"}`})
		}
		t.Run("R_I15", func(t *testing.T) {
			for _, action := range []string{"modifyPassword", "resetPassword", "accountUsability", "create", "nosuch"} {
				act(t, "/api/readers/bjensen", action).fails(http.StatusBadRequest, "readOnly")
				act(t, "/api/readers", action).fails(http.StatusBadRequest, "readOnly")
			}
		})
		t.Run("NotAvailable", func(t *testing.T) {
			act(t, "/api/users/bjensen", "accountUsability").fails(http.StatusNotImplemented, "unknownAction")
		})
		t.Run("TakesNothing", func(t *testing.T) {
			act(t, "/api/users/bjensen", "resetPassword").fails(http.StatusBadRequest, "unknownField").has(`"/oldPassword"`, "detail", "field")
		})
		t.Run("NotAMember", func(t *testing.T) {
			act(t, "/api/managers/bjensen", "modifyPassword").fails(http.StatusNotFound, "")
		})
		// A password that is written like any other property is changed as well.
		t.Run("Written", func(t *testing.T) {
			g.read(t, "scarter", "sprain").want(http.StatusOK)
			body := `[{"operation":"replace","field":"/password","value":"a new one"}]`
			g.send(t, ask{method: "PATCH", path: "/api/users/scarter", as: "kvaughan", body: body}).want(http.StatusOK)
			g.read(t, "scarter", "sprain").fails(http.StatusUnauthorized, "")
			g.read(t, "scarter", "a new one").want(http.StatusOK).lacks("password")
		})
		t.Run("Inherited", func(t *testing.T) {
			act(t, "/api/users/bjensen", "modifyPassword").want(http.StatusOK)
		})
	})
}

// Callers by token change their password as all others, and the first use of a new
// token after a reset does not wait for what was remembered.
func TestMustChangeByToken(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	issuer := newIssuer(t)
	g := start(t, server, settings{auth: issuer.section("")})
	header := issuer.bearer(t, "wlutz")
	read := func() *reply { return g.send(t, ask{method: "GET", path: "/api/users/wlutz", header: header}) }
	ldapModify(t, server, "dn: uid=wlutz,ou=People,dc=example,dc=com\nchangetype: modify\nadd: pwdReset\npwdReset: TRUE\n")
	read().fails(http.StatusForbidden, "passwordMustChange")
	g.send(t, ask{
		method: "POST", path: "/api/users/wlutz", query: params("_action", "modifyPassword"), header: header,
		body: `{"oldPassword":"bassinet","newPassword":"password"}`,
	}).want(http.StatusOK)
	read().want(http.StatusOK)
}
