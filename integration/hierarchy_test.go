package integration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// hierarchyMapping has organizations with users below them, a singleton, and properties that
// are not text.
const hierarchyMapping = `{
  "version": "1.0",
  "resourceTypes": {
    "hr": { "subResources": {
      "organizations": { "type": "collection", "dnTemplate": "dc=example,dc=com", "resource": "organization",
        "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "o" }, "baseSearchFilter": "(objectClass=organization)" },
      "organizations/{org}/users": { "type": "collection", "dnTemplate": "o={org},dc=example,dc=com", "resource": "user",
        "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "config": { "type": "singleton", "dnTemplate": "cn=x,dc=example,dc=com", "resource": "config" },
      "users": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user",
        "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } }
    } },
    "organization": { "objectClasses": [ "organization" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "o", "isRequired": true, "writability": "createOnly" },
      "description": { "type": "simple" }
    }, "subResources": {
      "departments": { "type": "collection", "dnTemplate": "ou=departments", "resource": "department",
        "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "ou" }, "glueObjectClasses": [ "organizationalUnit" ] }
    } },
    "department": { "objectClasses": [ "organizationalUnit" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "ou", "isRequired": true, "writability": "createOnly" },
      "description": { "type": "simple" }
    }, "subResources": {
      "things": { "type": "collection", "resource": "thing", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } }
    } },
    "thing": { "objectClasses": [ "device" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "cn", "isRequired": true, "writability": "createOnly" },
      "description": { "type": "simple" }
    } },
    "user": { "objectClasses": [ "inetOrgPerson", "plainTimes" ], "properties": {
      "c": { "type": "constant", "value": "x" },
      "flag": { "type": "constant", "value": true },
      "number": { "type": "constant", "value": 7 },
      "_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
      "cn": { "type": "simple", "isRequired": true },
      "sn": { "type": "simple", "isRequired": true },
      "begins": { "type": "simple" },
      "enabled": { "type": "simple" }
    } },
    "config": { "objectClasses": [ "device" ], "properties": {
      "cn": { "type": "simple", "writability": "createOnly" },
      "description": { "type": "simple", "isMultiValued": true }
    } }
  }
}`

func TestHierarchy(t *testing.T) {
	const schema = `attributeTypes: ( 1.3.6.1.4.1.4203.666.99.11 NAME 'begins' EQUALITY generalizedTimeMatch ORDERING generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
attributeTypes: ( 1.3.6.1.4.1.4203.666.99.12 NAME 'enabled' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
objectClasses: ( 1.3.6.1.4.1.4203.666.99.13 NAME 'plainTimes' SUP top AUXILIARY MAY ( begins $ enabled ) )`
	const ldif = "dn: cn=x,dc=example,dc=com\nobjectClass: device\ncn: x\n"
	slapd.Each(t, slapd.Options{Schema: schema, LDIF: ldif}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"hr/hr.json": hierarchyMapping}})
		change := func(t *testing.T, method, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: method, path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		t.Run("R_K01", func(t *testing.T) {
			change(t, "PUT", "/hr/organizations/Big%20%26%20Co%2C%20Ltd", `{"description":"a name to escape"}`, "If-None-Match", "*").want(http.StatusCreated)
			const org = "/hr/organizations/Big%20%26%20Co%2C%20Ltd"
			const user = org + "/users/ann"
			r := change(t, "PUT", user, `{"cn":"Ann","sn":"Onym"}`, "If-None-Match", "*").want(http.StatusCreated)
			if location := r.header.Get("Location"); !strings.HasSuffix(location, user) {
				t.Errorf("X18: Location %q", location)
			}
			if entry := ldapEntry(t, server, `uid=ann,o=Big & Co\2C Ltd,dc=example,dc=com`); !strings.Contains(entry, "uid: ann") {
				t.Errorf("%s", entry)
			}
			g.get(t, "kvaughan", user).want(http.StatusOK).has(`"Ann"`, "cn")
			change(t, "PUT", user, `{"cn":"Anna","sn":"Onym"}`, "If-Match", "*").want(http.StatusOK).has(`"Anna"`, "cn")
			change(t, "PATCH", user, `[{"operation":"replace","field":"/sn","value":"Other"}]`).want(http.StatusOK).has(`"Other"`, "sn")
			g.list(t, "kvaughan", org+"/users", "true").finds("ann")
			// Three levels, with an entry in between that nobody made.
			change(t, "POST", org+"/departments", `{"_id":"R&D"}`).want(http.StatusCreated)
			change(t, "POST", org+"/departments/R&D/things", `{"_id":"lamp"}`).want(http.StatusCreated)
			g.get(t, "kvaughan", org+"/departments/R&D/things/lamp").want(http.StatusOK)
			change(t, "DELETE", org+"/departments/R&D/things/lamp", "").want(http.StatusOK)
			change(t, "DELETE", user, "").want(http.StatusOK).has(`"ann"`, "_id")
			g.get(t, "kvaughan", user).fails(http.StatusNotFound, "")
			g.get(t, "kvaughan", "/hr/organizations/nobody/users/ann").fails(http.StatusNotFound, "")
			g.list(t, "kvaughan", "/hr/organizations/nobody/users", "true").fails(http.StatusNotFound, "")
			change(t, "POST", "/hr/organizations/nobody/users", `{"_id":"x","cn":"x","sn":"x"}`).fails(http.StatusNotFound, "")
		})
		t.Run("R_K03", func(t *testing.T) {
			g.get(t, "kvaughan", "/hr/config").want(http.StatusOK).has(`"x"`, "cn")
			change(t, "PUT", "/hr/config", `{"cn":"x","description":["one"]}`).want(http.StatusOK).has(`["one"]`, "description")
			change(t, "PATCH", "/hr/config", `[{"operation":"add","field":"/description/-","value":"two"}]`).want(http.StatusOK)
			if entry := ldapEntry(t, server, "cn=x,dc=example,dc=com"); !strings.Contains(entry, "\ndescription: one\n") || !strings.Contains(entry, "\ndescription: two\n") {
				t.Errorf("%s", entry)
			}
			change(t, "DELETE", "/hr/config", "").fails(http.StatusBadRequest, "singleton")
			change(t, "PUT", "/hr/config", `{"cn":"x"}`, "If-None-Match", "*").fails(http.StatusBadRequest, "singleton")
			change(t, "POST", "/hr/config", `{"cn":"x"}`).fails(http.StatusBadRequest, "")
		})
		t.Run("R_K19", func(t *testing.T) {
			all := g.list(t, "kvaughan", "/hr/users", "true", "_fields", "c").want(http.StatusOK)
			equal := g.list(t, "kvaughan", "/hr/users", "c eq 'X'", "_fields", "c").want(http.StatusOK)
			if a, b := len(all.ids("result")), len(equal.ids("result")); a != b || a == 0 {
				t.Errorf("%d of %d", b, a)
			}
			for filter, isTrue := range map[string]bool{
				"c eq 'y'": false, "c eq 1": false, "c sw 'X'": true, "c co 'x'": true, "c lt 'Y'": true, "c ge 'y'": false, "c pr": true,
				"flag eq true": true, "flag gt false": true, "flag ge true": true, "flag lt true": false, "flag le false": false, "flag eq 'true'": false,
				"number gt 6.5": true, "number le 7": true, "number lt 7": false, "number sw '7'": false,
			} {
				count := map[bool]string{false: "0", true: "1"}[isTrue]
				g.list(t, "kvaughan", "/hr/users", filter+" and _id eq 'bjensen'", "_fields", "c").want(http.StatusOK).has(count, "resultCount")
			}
		})
		t.Run("R_K21", func(t *testing.T) {
			const path = "/hr/users/timely"
			change(t, "PUT", path, `{"cn":"x","sn":"x","begins":"2020-01-02T03:04:05Z","enabled":true}`, "If-None-Match", "*").want(http.StatusCreated).
				has(`"2020-01-02T03:04:05Z"`, "begins").has("true", "enabled")
			entry := ldapEntry(t, server, "uid=timely,ou=People,dc=example,dc=com")
			if !strings.Contains(entry, "begins: 20200102030405Z") || !strings.Contains(entry, "enabled: TRUE") {
				t.Errorf("W10: %s", entry)
			}
			g.list(t, "kvaughan", "/hr/users", `begins ge "2020-01-02T04:04:05+01:00" and begins lt "2020-01-02T03:04:06Z" and enabled eq true`).finds("timely")
			change(t, "PATCH", path, `[{"operation":"replace","field":"/begins","value":"yesterday"}]`).fails(http.StatusBadRequest, "")
			g.list(t, "kvaughan", "/hr/users", `begins ge "yesterday"`).fails(http.StatusBadRequest, "")
			ldapModify(t, server, "dn: uid=timely,ou=People,dc=example,dc=com\nchangetype: modify\nreplace: begins\nbegins: 2020010203.5+0100\n")
			g.get(t, "kvaughan", path).want(http.StatusOK).has(`"2020-01-02T02:30:00Z"`, "begins")
		})
	})
}
