package integration_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// featured maps people and groups with what a mapping can say of fields and of places.
func featured() map[string]string {
	return map[string]string{"hr/staff.json": `{
  "format": 1,
  "resourceTypes": {
    "staff": { "subResources": {
      "people": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "shown":  { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "owner", "isReadOnly": true, "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "owners": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "owner", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "crews":  { "type": "collection", "dnTemplate": "ou=Groups,dc=example,dc=com", "resource": "crew", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } },
      "things": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "thing", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "root":   { "type": "singleton", "dnTemplate": "dc=example,dc=com", "resource": "place" }
    } },
    "person": { "objectClasses": [ "inetOrgPerson" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
      "cn": { "type": "simple" },
      "sn": { "type": "simple" },
      "readWrite": { "type": "simple", "ldapAttribute": "title" },
      "createOnly": { "type": "simple", "ldapAttribute": "employeeType", "writability": "createOnly" },
      "createOnlyDiscardWrites": { "type": "simple", "ldapAttribute": "roomNumber", "writability": "createOnlyDiscardWrites" },
      "readOnly": { "type": "simple", "ldapAttribute": "employeeNumber", "writability": "readOnly" },
      "readOnlyDiscardWrites": { "type": "simple", "ldapAttribute": "departmentNumber", "writability": "readOnlyDiscardWrites" },
      "fixed": { "type": "constant", "value": { "a": [ 1, "x" ] } },
      "info": { "type": "object", "properties": {
        "language": { "type": "simple", "ldapAttribute": "preferredLanguage", "defaultJsonValue": "en" },
        "notes": { "type": "simple", "ldapAttribute": "description", "isMultiValued": true, "defaultJsonValue": [ "none" ] }
      } },
      "contact": { "type": "object", "properties": { "mail": { "type": "simple" }, "phone": { "type": "simple", "ldapAttribute": "telephoneNumber" } } },
      "photos": { "type": "simple", "ldapAttribute": "jpegPhoto", "isMultiValued": true },
      "blob": { "type": "simple", "ldapAttribute": "street", "isBinary": true },
      "created": { "type": "simple", "ldapAttribute": "createTimestamp" },
      "document": { "type": "json", "ldapAttribute": "postalAddress", "schema": { "type": "object", "required": [ "street" ] } }
    } },
    "owner": { "objectClasses": [ "inetOrgPerson" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
      "sn": { "type": "simple" }
    }, "supportedActions": [ "modifyPassword" ], "subResources": {
      "devices": { "type": "collection", "resource": "device", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } }
    } },
    "device": { "objectClasses": [ "device" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "cn", "writability": "createOnly" }, "description": { "type": "simple" }
    } },
    "crew": { "objectClasses": [ "groupOfUniqueNames" ], "supportedActions": [ "accountUsability" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "cn", "isRequired": true, "writability": "createOnly" },
      "members": { "type": "reference", "ldapAttribute": "uniqueMember", "isMultiValued": true, "baseDn": "ou=People,dc=example,dc=com",
        "searchFilter": "(title=sailor)", "primaryKey": "uid", "mapper": { "type": "object", "properties": {
          "_id": { "type": "simple", "ldapAttribute": "uid" }, "sn": { "type": "simple", "writability": "readOnlyDiscardWrites" } } } }
    } },
    "place": { "objectClasses": [ "dcObject" ], "supportedActions": [ "accountUsability" ], "properties": { "dc": { "type": "simple", "writability": "readOnly" } } },
    "thing": { "isAbstract": true, "objectClasses": [ "top" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
      "kind": { "type": "resourceType" }
    } },
    "human": { "superType": "thing", "objectClasses": [ "person" ], "properties": { "cn": { "type": "simple" }, "sn": { "type": "simple" } } },
    "worker": { "superType": "human", "objectClasses": [ "organizationalPerson", "inetOrgPerson" ], "properties": { "number": { "type": "simple", "ldapAttribute": "employeeNumber" } } },
    "poster": { "superType": "worker", "objectClasses": [ "posixAccount" ], "properties": {
      "uidNumber": { "type": "simple" }, "gidNumber": { "type": "simple" }, "home": { "type": "simple", "ldapAttribute": "homeDirectory" } } }
  }
}`}
}

// Rows of the features of a mapping, each with its less obvious half.
func TestFeatures(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: featured()})
		send := func(t *testing.T, method, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: method, path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		person := func(id, more string) string { return `{"_id":"` + id + `","cn":"One","sn":"One"` + more + `}` }
		stored := func(t *testing.T, id string) string {
			t.Helper()
			return ldapEntry(t, server, "uid="+id+",ou=People,dc=example,dc=com")
		}
		t.Run("F084", func(t *testing.T) {
			// A new entry has the object classes of all super-types.
			send(t, "POST", "/hr/things", `{"_id":"posted","kind":"poster","cn":"P","sn":"P","number":"7","uidNumber":9000,"gidNumber":1,"home":"/"}`).
				want(http.StatusCreated).has(`"poster"`, "kind").has(`9000`, "uidNumber")
			entry := stored(t, "posted")
			for _, class := range []string{"top", "person", "organizationalPerson", "inetOrgPerson", "posixAccount"} {
				if !strings.Contains(entry, "objectClass: "+class+"\n") {
					t.Errorf("the entry lacks the class %s:\n%s", class, entry)
				}
			}
		})
		t.Run("F085", func(t *testing.T) {
			for _, kind := range []string{`"kind":"thing",`, ``} {
				r := send(t, "POST", "/hr/things", `{"_id":"abstract",`+kind+`"cn":"A"}`).fails(http.StatusBadRequest, "resourceType")
				if message, _ := r.at("message").(string); !strings.HasSuffix(message, "send one of: human, worker, poster") {
					t.Errorf("message %q", message)
				}
			}
		})
		t.Run("F089", func(t *testing.T) {
			// The deepest type whose classes an entry has all of; the declared one for any other.
			send(t, "POST", "/hr/things", `{"_id":"plain","kind":"worker","cn":"P","sn":"P","number":"8"}`).want(http.StatusCreated).has(`"worker"`, "kind").has(`"8"`, "number")
			ldapModify(t, server, "dn: uid=account,ou=People,dc=example,dc=com\nchangetype: add\nobjectClass: account\nobjectClass: posixAccount\nuid: account\ncn: A\nuidNumber: 1\ngidNumber: 1\nhomeDirectory: /\n")
			g.get(t, "kvaughan", "/hr/things/account").want(http.StatusOK).has(`"thing"`, "kind").lacks("uidNumber")
			g.get(t, "kvaughan", "/hr/things/posted").want(http.StatusOK).has(`"poster"`, "kind").has(`"7"`, "number").has(`"P"`, "sn")
		})
		t.Run("F097", func(t *testing.T) {
			const path = "/hr/people/default"
			has := func(r *reply, language, note string) {
				t.Helper()
				r.want(r.status).has(`"`+language+`"`, "info", "language").has(`["`+note+`"]`, "info", "notes")
			}
			stores := func(lines ...string) {
				t.Helper()
				entry := stored(t, "default")
				for _, line := range lines {
					if !strings.Contains(entry, line+"\n") {
						t.Errorf("%q is not stored:\n%s", line, entry)
					}
				}
			}
			has(send(t, "PUT", path, person("default", ``)).want(http.StatusCreated), "en", "none")
			stores("preferredLanguage: en", "description: none")
			has(send(t, "PUT", path, person("default", `,"info":{"language":"de","notes":["some"]}`)).want(http.StatusOK), "de", "some")
			has(send(t, "PUT", path, person("default", `,"info":{"notes":null}`)).want(http.StatusOK), "en", "none")
			stores("preferredLanguage: en", "description: none")
			// What is not there is shown so, and may be sent back.
			ldapModify(t, server, "dn: uid=default,ou=People,dc=example,dc=com\nchangetype: modify\ndelete: preferredLanguage\n-\ndelete: description\n")
			has(g.get(t, "kvaughan", path), "en", "none")
			has(send(t, "PATCH", path, `[{"operation":"remove","field":"/info"}]`).want(http.StatusOK), "en", "none")
			if entry := stored(t, "default"); strings.Contains(entry, "preferredLanguage") {
				t.Errorf("a PATCH stores what it removes:\n%s", entry)
			}
		})
		t.Run("F098", func(t *testing.T) {
			// Base64 in JSON and octets in the directory, whatever the schema takes the attribute for.
			const path = "/hr/people/binary"
			send(t, "PUT", path, person("binary", `,"blob":"b2N0ZXRz"`)).want(http.StatusCreated).has(`"b2N0ZXRz"`, "blob")
			if entry := stored(t, "binary"); !strings.Contains(entry, "street: octets\n") {
				t.Errorf("%s", entry)
			}
			g.list(t, "kvaughan", "/hr/people", `blob eq "b2N0ZXRz"`).finds("binary")
			send(t, "PATCH", path, `[{"operation":"replace","field":"/blob","value":"no base64!"}]`).fails(http.StatusBadRequest, "wrongType").has(`"/blob"`, "detail", "field")
		})
		t.Run("F101", func(t *testing.T) {
			all := func(value string, fields ...string) string {
				var b strings.Builder
				for _, field := range fields {
					fmt.Fprintf(&b, `,"%s":"%s"`, field, value)
				}
				return b.String()
			}
			const path = "/hr/people/written"
			// A create takes three, passes over one, and refuses one.
			send(t, "PUT", path, person("written", all("a", "readOnly"))).fails(http.StatusBadRequest, "readOnly").has(`"/readOnly"`, "detail", "field")
			send(t, "PUT", path, person("written", all("a", "readWrite", "createOnly", "createOnlyDiscardWrites", "readOnlyDiscardWrites"))).want(http.StatusCreated).
				has(`"a"`, "readWrite").has(`"a"`, "createOnly").has(`"a"`, "createOnlyDiscardWrites").lacks("readOnlyDiscardWrites")
			ldapModify(t, server, "dn: uid=written,ou=People,dc=example,dc=com\nchangetype: modify\nadd: employeeNumber\nemployeeNumber: a\n-\nadd: departmentNumber\ndepartmentNumber: a\n")
			fields := []string{"readWrite", "createOnly", "createOnlyDiscardWrites", "readOnly", "readOnlyDiscardWrites"}
			keeps := func(r *reply, except string) {
				t.Helper()
				r.want(http.StatusOK)
				for _, field := range fields {
					if field != except {
						r.has(`"a"`, field)
					}
				}
			}
			keeps(send(t, "PUT", path, person("written", all("a", fields...))), "")
			keeps(send(t, "PUT", path, person("written", "")), "readWrite")
			keeps(send(t, "PUT", path, person("written", all("a", "readWrite"))), "")
			for _, field := range fields {
				refused := field == "createOnly" || field == "readOnly"
				for _, r := range []*reply{
					send(t, "PUT", path, person("written", all("a", "readWrite")+all("b", field))),
					send(t, "PATCH", path, `[{"operation":"replace","field":"/`+field+`","value":"b"}]`),
					send(t, "PATCH", path, `[{"operation":"remove","field":"/`+field+`"}]`),
				} {
					switch {
					case field == "readWrite":
						r.want(r.status)
					case refused:
						r.fails(http.StatusBadRequest, "readOnly").has(`"/`+field+`"`, "detail", "field")
					default:
						keeps(r, "readWrite")
					}
				}
			}
			send(t, "PUT", path, person("written", `,"readWrite":"b"`)).want(http.StatusOK).has(`"b"`, "readWrite")
			send(t, "PATCH", path, `[{"operation":"remove","field":"/readWrite"}]`).want(http.StatusOK).lacks("readWrite")
		})
		t.Run("F102", func(t *testing.T) {
			// What only the server writes is read-only, although the mapping does not say so.
			const path, other = "/hr/people/stamped", `,"created":"2020-01-02T03:04:05Z"`
			send(t, "PUT", path, person("stamped", other)).fails(http.StatusBadRequest, "readOnly").has(`"/created"`, "detail", "field")
			send(t, "PUT", path, person("stamped", "")).want(http.StatusCreated)
			send(t, "PUT", path, strings.Replace(person("stamped", ""), `"sn":"One"`, `"sn":"Two"`, 1)).want(http.StatusOK).has(`"Two"`, "sn")
			read := g.get(t, "kvaughan", path).want(http.StatusOK)
			send(t, "PUT", path, strings.Replace(read.body, `"sn":"Two"`, `"sn":"Three"`, 1)).want(http.StatusOK).has(`"Three"`, "sn")
			send(t, "PUT", path, person("stamped", other)).fails(http.StatusBadRequest, "readOnly").has(`"/created"`, "detail", "field")
			for _, operation := range []string{`"remove"`, `"replace","value":"2020-01-02T03:04:05Z"`} {
				send(t, "PATCH", path, `[{"field":"/created","operation":`+operation+`}]`).fails(http.StatusBadRequest, "readOnly")
			}
		})
		t.Run("F103", func(t *testing.T) {
			const path, fixed = "/hr/people/constant", `{"a":[1,"x"]}`
			send(t, "PUT", path, person("constant", `,"fixed":"other"`)).fails(http.StatusBadRequest, "constant").has(`"/fixed"`, "detail", "field")
			for _, same := range []string{``, `,"fixed":{"a":[1.0,"x"]}`} { // It creates, then updates.
				send(t, "PUT", path, person("constant", same)).has(fixed, "fixed")
			}
			for _, other := range []string{`{"a":[1]}`, `{}`, `[]`, `1`} {
				send(t, "PUT", path, person("constant", `,"fixed":`+other)).fails(http.StatusBadRequest, "constant")
			}
			for _, operation := range []string{`"replace","value":` + fixed, `"remove"`, `"add","value":1`} {
				send(t, "PATCH", path, `[{"field":"/fixed","operation":`+operation+`}]`).fails(http.StatusBadRequest, "readOnly")
			}
			g.list(t, "kvaughan", "/hr/people", `fixed/a eq "X" and fixed/a/0 lt 2 and _id eq "constant"`).finds("constant")
		})
		t.Run("F104", func(t *testing.T) {
			const path = "/hr/people/object"
			send(t, "PUT", path, person("object", `,"contact":{"fax":"1"}`)).fails(http.StatusBadRequest, "unknownField").has(`"/contact/fax"`, "detail", "field")
			for _, value := range []string{`"x"`, `[]`, `1`} {
				send(t, "PUT", path, person("object", `,"contact":`+value)).fails(http.StatusBadRequest, "wrongType").has(`"/contact"`, "detail", "field")
			}
			send(t, "PUT", path, person("object", `,"contact":{"mail":"o@example.com","phone":"5"}`)).want(http.StatusCreated).has(`{"mail":"o@example.com","phone":"5"}`, "contact")
			// Nothing supplied: the fields inside go, and the object stays.
			send(t, "PUT", path, person("object", `,"contact":null`)).want(http.StatusOK).has(`{}`, "contact")
		})
		t.Run("F106", func(t *testing.T) {
			const path = "/hr/people/cases"
			send(t, "PUT", path, `{"_ID":"cases","CN":"One","Sn":"One","CONTACT":{"Mail":"c@example.com"}}`).want(http.StatusCreated).has(`"c@example.com"`, "contact", "mail")
			send(t, "PUT", path, `{"cN":"Two","sN":"One","contacT":{"PHONE":"5"}}`).want(http.StatusOK).has(`"Two"`, "cn").has(`{"phone":"5"}`, "contact")
			send(t, "PATCH", path, `[{"operation":"replace","field":"/Contact/PHONE","value":"6"}]`).want(http.StatusOK).has(`"6"`, "contact", "phone")
			send(t, "PUT", path, `{"cn":"One","CN":"Two","sn":"One"}`).fails(http.StatusBadRequest, "duplicateMember")
		})
		t.Run("F109", func(t *testing.T) {
			// Who is left out by the filter is not shown, not found, and cannot be referred to.
			for id, title := range map[string]string{"popeye": "sailor", "bluto": "cook"} {
				send(t, "PUT", "/hr/people/"+id, person(id, `,"readWrite":"`+title+`"`)).want(http.StatusCreated)
			}
			const path = "/hr/crews/crew"
			send(t, "PUT", path, `{"members":[{"_id":"popeye"},{"_id":"bluto"}]}`).fails(http.StatusBadRequest, "referenceNotFound").has(`"/members/1"`, "detail", "field")
			send(t, "PUT", path, `{"members":[{"_id":"popeye"}]}`).want(http.StatusCreated)
			ldapModify(t, server, "dn: cn=crew,ou=Groups,dc=example,dc=com\nchangetype: modify\nadd: uniqueMember\nuniqueMember: uid=bluto,ou=People,dc=example,dc=com\n")
			g.get(t, "kvaughan", path).want(http.StatusOK).has(`[{"_id":"popeye","sn":"One"}]`, "members")
			g.list(t, "kvaughan", "/hr/crews", `members/_id eq "popeye"`).finds("crew")
			g.list(t, "kvaughan", "/hr/crews", `members/_id eq "bluto"`).finds()
			t.Run("W18", func(t *testing.T) {
				// Who is not shown is not gone from a body that was read.
				send(t, "PUT", "/hr/people/ishmael", person("ishmael", `,"readWrite":"sailor"`)).want(http.StatusCreated)
				send(t, "PUT", path, `{"members":[{"_id":"ishmael"}]}`).want(http.StatusOK).has(`[{"_id":"ishmael","sn":"One"}]`, "members")
				entry := ldapEntry(t, server, "cn=crew,ou=Groups,dc=example,dc=com")
				if !strings.Contains(entry, "uid=bluto,") || !strings.Contains(entry, "uid=ishmael,") || strings.Contains(entry, "uid=popeye,") {
					t.Errorf("%s", entry)
				}
			})
		})
		t.Run("F117", func(t *testing.T) {
			d := g.describe(t, "kvaughan", "/hr")
			d.reply.has(`[{"type":"object","required":["street"]}]`, "components", "schemas", "person", "properties", "document", "allOf")
			// It describes, and validates nothing.
			send(t, "PUT", "/hr/people/document", person("document", `,"document":[1]`)).want(http.StatusCreated).has(`[1]`, "document")
		})
		t.Run("F126", func(t *testing.T) {
			// Below a place that is read-only everything is, whatever stands there says itself.
			g.get(t, "kvaughan", "/hr/shown/nbohr/devices/quantum%20dot").want(http.StatusOK)
			g.list(t, "kvaughan", "/hr/shown/nbohr/devices", "true").finds("quantum dot", "qubit generator")
			for _, a := range []ask{
				{method: "POST", path: "/hr/shown", body: `{"_id":"x","sn":"x"}`},
				{method: "PUT", path: "/hr/shown/nbohr", body: `{"sn":"x"}`},
				{method: "PUT", path: "/hr/shown/x", body: `{"sn":"x"}`, header: headers("If-None-Match", "*")},
				{method: "PATCH", path: "/hr/shown/nbohr", body: `[{"operation":"replace","field":"/sn","value":"x"}]`},
				{method: "DELETE", path: "/hr/shown/nbohr"},
				{method: "POST", path: "/hr/shown/nbohr", query: params("_action", "modifyPassword"), body: `{"oldPassword":"a","newPassword":"b"}`},
				{method: "POST", path: "/hr/shown/nbohr/devices", body: `{"_id":"x"}`},
				{method: "PUT", path: "/hr/shown/nbohr/devices/x", body: `{}`},
				{method: "PATCH", path: "/hr/shown/nbohr/devices/quantum%20dot", body: `[{"operation":"replace","field":"/description","value":"x"}]`},
				{method: "DELETE", path: "/hr/shown/nbohr/devices/quantum%20dot"},
			} {
				a.as = "kvaughan"
				g.send(t, a).fails(http.StatusBadRequest, "readOnly")
			}
			send(t, "PATCH", "/hr/owners/nbohr/devices/quantum%20dot", `[{"operation":"replace","field":"/description","value":"x"}]`).want(http.StatusOK)
		})
		t.Run("F187/NoAccount", func(t *testing.T) {
			for _, path := range []string{"/hr/root", "/hr/crews/QA%20Managers"} {
				g.get(t, "kvaughan", path).want(http.StatusOK)
				g.send(t, ask{method: "POST", path: path, query: params("_action", "accountUsability"), as: "kvaughan", body: "{}"}).fails(http.StatusBadRequest, "noAccount")
			}
		})
	})
}

// F112: how many targets a filter through a reference may match is a setting.
func TestReferenceLimitSetting(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{set: []string{"limits.references=3"}})
		g.list(t, "kvaughan", "/api/users", `manager/_id in ["kvaughan","trigden","scarter"] and _id eq "bjensen"`).finds("bjensen")
		g.list(t, "kvaughan", "/api/users", `manager/name/givenName eq "Torrey"`, "_fields", "_id").finds("bjensen")
		g.list(t, "kvaughan", "/api/users", `manager/displayName co "a"`).fails(http.StatusRequestEntityTooLarge, "referenceLimit").has("3", "detail", "limit")
	})
}

// F015: without directory.ca the authorities of the system are trusted, and nobody else.
func TestAuthoritiesOfTheSystem(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	other, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "other.pem", string(other.PEM()))
	for file, status := range map[string]int{server.CAFile: http.StatusOK, filepath.Join(dir, "other.pem"): http.StatusBadGateway} {
		// The program reads them from where the variable says (crypto/x509).
		g := start(t, server, settings{systemCA: true, env: []string{"SSL_CERT_FILE=" + file, "SSL_CERT_DIR=" + filepath.Join(dir, "none")}})
		if r := g.get(t, "bjensen", "/api/users/bjensen"); r.status != status {
			t.Errorf("%s: %d %s", file, r.status, r.body)
		}
	}
}

// F094, F099: a PATCH changes the fields of the types that a resource is of, and what an auxiliary
// type requires comes with it, although the directory would take less.
func TestPatchOfAuxiliaryTypes(t *testing.T) {
	const model = `{ "format": 1, "resourceTypes": {
		"root": { "subResources": {
			"users": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } }
		} },
		"user": { "objectClasses": [ "inetOrgPerson" ], "allowedAuxiliaryTypes": [ "noted" ], "properties": {
			"_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
			"type": { "type": "resourceType" },
			"cn": { "type": "simple" }, "sn": { "type": "simple" },
			"notes": { "type": "simple", "ldapAttribute": "description", "isMultiValued": true }
		} },
		"noted": { "objectClasses": [ "extensibleObject" ], "properties": {
			"note": { "type": "simple", "ldapAttribute": "description", "isRequired": true },
			"place": { "type": "simple", "ldapAttribute": "l" }
		} }
	} }`
	const ldif = "dn: uid=plain,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: plain\ncn: P\nsn: P\nl: Oslo\n"
	slapd.Each(t, slapd.Options{LDIF: ldif}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/root.json": model}})
		patch := func(operations string) *reply {
			t.Helper()
			return g.send(t, ask{method: "PATCH", path: "/api/users/plain", as: "kvaughan", body: "[" + operations + "]"})
		}
		const noted = `{"operation":"add","field":"/type/-","value":"noted"}`
		note := func(verb, more string) string { return `{"operation":"` + verb + `","field":"/note"` + more + `}` }
		// The entry has an l, which is no field of this resource.
		for _, operation := range []string{`{"operation":"remove","field":"/place"}`, `{"operation":"replace","field":"/place","value":"Rome"}`} {
			patch(operation).fails(http.StatusBadRequest, "unknownField").has(`"/place"`, "detail", "field")
		}
		patch(noted).fails(http.StatusBadRequest, "missingField").has(`"/note"`, "detail", "field")
		patch(note("replace", `,"value":"x"`)+","+note("remove", "")+","+noted).fails(http.StatusBadRequest, "missingField")
		if entry := ldapEntry(t, server, "uid=plain,ou=People,dc=example,dc=com"); !strings.Contains(entry, "l: Oslo\n") || strings.Contains(entry, "extensibleObject") {
			t.Errorf("%s", entry)
		}
		patch(noted+","+note("replace", `,"value":"x"`)).want(http.StatusOK).has(`["user","noted"]`, "type").has(`"x"`, "note").has(`"Oslo"`, "place")
		patch(note("remove", "")).fails(http.StatusBadRequest, "missingField")
		patch(`{"operation":"replace","field":"/place","value":"Rome"}`).want(http.StatusOK).has(`"Rome"`, "place")
		// What that type requires is required of no other resource, nor when the type goes.
		patch(`{"operation":"remove","field":"/notes","value":["x"]}`).fails(http.StatusBadRequest, "missingField").has(`"/note"`, "detail", "field")
		patch(`{"operation":"remove","field":"/type","value":["noted"]},{"operation":"remove","field":"/notes","value":["x"]}`).want(http.StatusOK).lacks("notes")
		patch(`{"operation":"add","field":"/notes","value":["y"]}`).want(http.StatusOK)
		patch(`{"operation":"remove","field":"/notes","value":["y"]}`).want(http.StatusOK).lacks("notes")
		patch(noted + "," + note("replace", `,"value":"x"`)).want(http.StatusOK)
		patch(`{"operation":"remove","field":"/type","value":["noted"]}`).want(http.StatusOK).has(`["user"]`, "type").lacks("note").lacks("place")
	})
}

// What a directory does not compare value by value is added to and removed from all the same: as
// OpenLDAP has it, photos have no equality rule.
func TestUncomparedValues(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		const one, two, three = "/9j/4AABAQ==", "/9j/4AACAg==", "/9j/4AADAw=="
		for name, strict := range map[string]bool{"Permissive": false, "Strict": true} {
			t.Run(name, func(t *testing.T) {
				g := start(t, server, settings{mappings: featured(), set: []string{fmt.Sprintf("mapping.options.usePermissiveModify=%t", !strict)}})
				path := "/hr/people/" + name
				patch := func(t *testing.T, operations string, header ...string) *reply {
					t.Helper()
					return g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: "[" + operations + "]", header: headers(header...)})
				}
				operation := func(verb, field string, values ...string) string {
					value := `["` + strings.Join(values, `","`) + `"]`
					if field == "/photos/-" {
						value = `"` + values[0] + `"`
					}
					return `{"operation":"` + verb + `","field":"` + field + `","value":` + value + `}`
				}
				photos := func(t *testing.T, r *reply, want ...string) {
					t.Helper()
					r.want(http.StatusOK)
					list, _ := r.at("photos").([]any)
					var got []string
					for _, photo := range list {
						got = append(got, fmt.Sprint(photo))
					}
					slices.Sort(got)
					if !slices.Equal(got, want) {
						t.Errorf("photos %q, want %q", got, want)
					}
				}
				g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: `{"cn":"P","sn":"P"}`}).want(http.StatusCreated)
				photos(t, patch(t, operation("add", "/photos/-", one)), one)
				photos(t, patch(t, operation("add", "/photos/-", two)+`,`+operation("add", "/photos", three)), one, two, three)
				photos(t, patch(t, operation("remove", "/photos", two)), one, three)
				photos(t, patch(t, operation("remove", "/photos", one)+`,`+operation("add", "/photos/-", two)), two, three)
				before := g.get(t, "kvaughan", path)
				present, absent := patch(t, operation("add", "/photos", two)), patch(t, operation("remove", "/photos", one))
				if strict {
					present.fails(http.StatusBadRequest, "attributeOrValueExists").has(`"/photos"`, "detail", "field")
					absent.fails(http.StatusBadRequest, "noSuchAttribute").has(`"/photos"`, "detail", "field")
				} else {
					photos(t, present, two, three)
					photos(t, absent, two, three)
					photos(t, patch(t, operation("remove", "/photos", one, two)+`,`+operation("add", "/photos", two, three)), two, three)
				}
				if after := g.get(t, "kvaughan", path); !strict && present.etag() != before.etag() || strict && after.etag() != before.etag() {
					t.Error("a PATCH that changes nothing makes a revision")
				}
				t.Run("Revision", func(t *testing.T) {
					tag := g.get(t, "kvaughan", path).etag()
					patch(t, operation("remove", "/photos", two), "If-Match", "other").fails(http.StatusPreconditionFailed, "revision")
					photos(t, patch(t, operation("remove", "/photos", two), "If-Match", tag), three)
					patch(t, operation("add", "/photos", two), "If-Match", tag).fails(http.StatusPreconditionFailed, "revision")
				})
				photos(t, patch(t, operation("remove", "/photos", three)))
				if gone := patch(t, operation("remove", "/photos", three)); strict {
					gone.fails(http.StatusBadRequest, "noSuchAttribute")
				} else {
					photos(t, gone)
				}
			})
		}
	})
}

// A number that is not there is not taken for 0, whatever else a PATCH changes: OpenLDAP does that
// where it is asked to be lenient towards values.
func TestIncrementBesideValues(t *testing.T) {
	slapd.Each(t, slapd.Options{Schema: personsSchema, LDIF: persons()}, func(t *testing.T, server *slapd.Server) {
		for name, set := range map[string][]string{"Revisions": nil, "WithoutRevisions": {"mapping.options.useMvcc=false"}} {
			t.Run(name, func(t *testing.T) {
				g := start(t, server, settings{mappings: map[string]string{"d/test.json": personsMapping}, set: append([]string{"mapping.options.usePermissiveModify=true"}, set...)})
				patch := func(t *testing.T, id, operations string) *reply {
					t.Helper()
					return g.send(t, ask{method: "PATCH", path: "/d/users/" + id, as: "kvaughan", body: "[" + operations + "]"})
				}
				const count = `{"operation":"increment","field":"/singleNumber","value":5}`
				const removal = `{"operation":"remove","field":"/description","value":["absent"]}`
				addition := `{"operation":"add","field":"/description/-","value":"` + name + `"}`
				for _, operations := range []string{addition + "," + count, count + "," + addition, count + "," + removal} {
					patch(t, "test2", operations).fails(http.StatusBadRequest, "noSuchAttribute").has(`"/singleNumber"`, "detail", "field")
				}
				patch(t, "test2", removal+","+count).fails(http.StatusBadRequest, "noSuchAttribute")
				g.get(t, "kvaughan", "/d/users/test2").want(http.StatusOK).lacks("singleNumber").lacks("description")
				patch(t, "test1", `{"operation":"replace","field":"/singleNumber","value":7},{"operation":"replace","field":"/description","value":["there"]}`).want(http.StatusOK)
				patch(t, "test1", count+","+removal+","+addition).
					want(http.StatusOK).has("12", "singleNumber")
				// Values that are there already, and some of a field that has none, are no fault, either.
				patch(t, "test1", count+`,{"operation":"add","field":"/description","value":["there"]}`).want(http.StatusOK).has("17", "singleNumber")
				patch(t, "test1", count+`,{"operation":"remove","field":"/multiNumber"},{"operation":"remove","field":"/multiNumber","value":[1]}`).want(http.StatusOK).has("22", "singleNumber")
				patch(t, "test1", `{"operation":"add","field":"/multiNumber","value":[1]},`+count+`,{"operation":"increment","field":"/multiNumber","value":1}`).want(http.StatusOK).has("27", "singleNumber").has("[2]", "multiNumber")
				patch(t, "test3", `{"operation":"replace","field":"/singleNumber","value":1},`+count+`,{"operation":"add","field":"/description/-","value":"x `+name+`"}`).want(http.StatusOK).has("6", "singleNumber")
				t.Run("ManyAtOnce", func(t *testing.T) {
					var work sync.WaitGroup
					for i := range 20 {
						work.Go(func() {
							body := `[` + count + `,{"operation":"add","field":"/description/-","value":"` + fmt.Sprint(name, i) + `"}]`
							if r, err := g.try(ask{method: "PATCH", path: "/d/users/test1", as: "kvaughan", body: body}); err != nil || r.status != http.StatusOK {
								t.Errorf("%v %+v", err, r)
							}
						})
					}
					work.Wait()
					g.get(t, "kvaughan", "/d/users/test1").want(http.StatusOK).has("127", "singleNumber")
				})
				patch(t, "test1", `{"operation":"replace","field":"/singleNumber","value":1},`+count+`,{"operation":"add","field":"/description","value":["there"]}`).want(http.StatusOK).has("6", "singleNumber")
				patch(t, "test3", `{"operation":"remove","field":"/singleNumber"},`+count+`,{"operation":"add","field":"/description/-","value":"y"}`).fails(http.StatusBadRequest, "noSuchAttribute")
			})
		}
	})
}
