package integration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// corners maps people with a password, JSON in two forms, and a singleton.
const corners = `
version: "1.0"
resourceTypes:
  corners:
    subResources:
      people: {type: collection, dnTemplate: "ou=People,dc=example,dc=com", resource: person, namingStrategy: {type: clientDnNaming, dnAttribute: uid}}
      boss: {type: singleton, dnTemplate: "uid=trigden,ou=People,dc=example,dc=com", resource: person, isReadOnly: true}
  person:
    objectClasses: [inetOrgPerson]
    properties:
      _id: {type: simple, ldapAttribute: uid, isRequired: true, writability: createOnly}
      cn: {type: simple, isMultiValued: true, isRequired: true}
      sn: {type: simple, isRequired: true}
      password: {type: simple, ldapAttribute: userPassword}
      devices: {type: json, ldapAttribute: carLicense, isMultiValued: true}
`

// cornersGateway serves the mapping in the form of this product, and in that of the reference
// product under "old".
func cornersGateway(t *testing.T, server *slapd.Server) *gateway {
	t.Helper()
	return start(t, server, settings{mappings: map[string]string{"hr/corners.yaml": "format: 1" + corners, "old/corners.yaml": corners}})
}

// TestNotAPassword is what a password that is set like any other field may not be, and what is
// said of it: nothing that might be one.
func TestNotAPassword(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		const path = "/hr/people/sesame"
		person := func(password string) string { return `{"cn":["Sesame"],"sn":"Sesame","password":` + password + `}` }
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: person(`""`)}).fails(http.StatusBadRequest, "emptyPassword").has(`"/password"`, "detail", "field")
		g.get(t, "kvaughan", path).fails(http.StatusNotFound, "")
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: person(`"open sesame"`)}).want(http.StatusCreated).lacks("password")
		before := ldapEntry(t, server, "uid=sesame,ou=People,dc=example,dc=com")
		for name, body := range map[string]string{
			"Put":   person(`""`),
			"Patch": `[{"operation":"replace","field":"/password","value":""}]`,
			"Add":   `[{"operation":"add","field":"/","value":{"password":""}}]`,
		} {
			method := map[bool]string{true: "PUT", false: "PATCH"}[name == "Put"]
			g.send(t, ask{method: method, path: path, as: "kvaughan", body: body}).fails(http.StatusBadRequest, "emptyPassword").has(`"/password"`, "detail", "field")
		}
		if after := ldapEntry(t, server, "uid=sesame,ou=People,dc=example,dc=com"); after != before {
			t.Errorf("the entry was changed:\n%s", after)
		}
		const secret = "82736455"
		for _, value := range []string{secret, "[" + secret + "]", `{"a":` + secret + "}"} {
			for method, body := range map[string]string{"PUT": person(value), "PATCH": `[{"operation":"replace","field":"/password","value":` + value + `}]`} {
				r := g.send(t, ask{method: method, path: path, as: "kvaughan", body: body}).fails(http.StatusBadRequest, "wrongType")
				if strings.Contains(r.body, secret) {
					t.Errorf("the answer repeats what may be a password: %s", r.body)
				}
			}
		}
	})
}

// TestSameJSONOnce is that values of JSON which say the same are one, however they came.
func TestSameJSONOnce(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		const path, body = "/hr/people/twice", `{"cn":["Twice"],"sn":"Twice","devices":[{"a":1,"b":2},{"b":2.0,"a":1},{"a":2}]}`
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body}).want(http.StatusCreated).has(`[{"a":1,"b":2},{"a":2}]`, "devices")
		r := g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: strings.Replace(body, `{"a":2}`, `{"a":3},{"a":3}`, 1)}).want(http.StatusOK)
		r.has(`[{"a":1,"b":2},{"a":3}]`, "devices")
	})
}
