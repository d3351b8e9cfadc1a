package integration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// The data and the mapping of the rows that need no people: small entries whose revisions
// are known, at three depths, and numbers.
const (
	plainSchema = `attributeTypes: ( 1.3.6.1.4.1.4203.666.99.1 NAME 'etag' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributeTypes: ( 1.3.6.1.4.1.4203.666.99.2 NAME 'singleNumber' EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributeTypes: ( 1.3.6.1.4.1.4203.666.99.3 NAME 'multiNumber' EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
objectClasses: ( 1.3.6.1.4.1.4203.666.99.4 NAME 'plainObject' SUP top AUXILIARY MAY ( uid $ ou $ etag $ singleNumber $ multiNumber ) )`

	plainBase = "dc=test,dc=example,dc=com"

	plainMapping = `{
  // The shape that unit tests of the reference product use.
  "version": "1.0",
  "resourceTypes": {
    "plain": { "subResources": {
      "users": { "type": "collection", "dnTemplate": "dc=test,dc=example,dc=com", "resource": "user",
        "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "top-level-users": { "type": "collection", "dnTemplate": "dc=test,dc=example,dc=com", "resource": "user",
        "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }, "baseSearchFilter": "(objectClass=person)" },
      "all-entries": { "type": "collection", "dnTemplate": "dc=test,dc=example,dc=com", "resource": "user",
        "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }, "isReadOnly": true, "flattenSubtree": true },
      "all-users": { "type": "collection", "dnTemplate": "dc=test,dc=example,dc=com", "resource": "user",
        "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }, "isReadOnly": true, "flattenSubtree": true,
        "baseSearchFilter": "(objectClass=person)" }
    } },
    "user": {
      "objectClasses": ["top", "person", "plainObject"],
      "properties": {
        "schemas": { "type": "constant", "value": ["urn:scim:schemas:core:1.0"] },
        "_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
        "_ou": { "type": "simple", "ldapAttribute": "ou", "writability": "createOnly" },
        "name": { "type": "object", "properties": {
          "displayName": { "type": "simple", "ldapAttribute": "cn", "isRequired": true },
          "surname": { "type": "simple", "ldapAttribute": "sn", "isRequired": true } } },
        "_rev": { "type": "simple", "ldapAttribute": "etag", "isRequired": true, "writability": "readOnly" },
        "description": { "type": "simple", "isMultiValued": true },
        "singleNumber": { "type": "simple" },
        "multiNumber": { "type": "simple", "isMultiValued": true }
      }
    }
  }
}`
)

// plainData are the entries, as LDIF.
func plainData() string {
	var b strings.Builder
	b.WriteString("dn: " + plainBase + "\nobjectClass: top\nobjectClass: domain\ndc: test\n")
	person := func(parent, id, name, surname, tag string) {
		b.WriteString("\ndn: uid=" + id + "," + parent + "\nobjectClass: top\nobjectClass: person\nobjectClass: plainObject\nuid: " + id +
			"\ncn: " + name + "\nsn: " + surname + "\netag: " + tag + "\n")
	}
	unit := func(parent, name, tag string) string {
		b.WriteString("\ndn: ou=" + name + "," + parent + "\nobjectClass: top\nobjectClass: organizationalUnit\nobjectClass: plainObject\nou: " + name + "\netag: " + tag + "\n")
		return "ou=" + name + "," + parent
	}
	for i, tag := range []string{"12345", "67890", "33333", "44444", "55555", "66666"} {
		n := string(rune('1' + i))
		person(plainBase, "test"+n, "test user "+n, "user "+n, tag)
	}
	level1 := unit(plainBase, "level1", "77777")
	person(level1, "sub1", "test user level 1", "user 7", "88888")
	level2 := unit(level1, "level2", "99999")
	person(level2, "sub2", "test user level 2", "user 8", "86753")
	return b.String()
}

func TestPlain(t *testing.T) {
	slapd.Each(t, slapd.Options{Schema: plainSchema, LDIF: plainData()}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"test/plain.json": plainMapping}})
		const one, two = "/test/users/test1", "/test/users/test2"

		t.Run("R_B23", func(t *testing.T) {
			g.get(t, "kvaughan", one).want(http.StatusOK).
				has(`["urn:scim:schemas:core:1.0"]`, "schemas").has(`"12345"`, "_rev").has(`"test1"`, "_id").
				has(`{"displayName":"test user 1","surname":"user 1"}`, "name").lacks("description")
		})
		t.Run("R_G35", func(t *testing.T) {
			g.list(t, "kvaughan", "/test/users", "true").want(http.StatusOK).has("7", "resultCount")
		})
		t.Run("TopLevelUsers", func(t *testing.T) {
			g.list(t, "kvaughan", "/test/top-level-users", "true").finds("test1", "test2", "test3", "test4", "test5", "test6")
			g.get(t, "kvaughan", "/test/top-level-users/sub1").fails(http.StatusNotFound, "")
		})
		t.Run("R_G37", func(t *testing.T) {
			g.list(t, "kvaughan", "/test/all-entries", "true").want(http.StatusOK).has("10", "resultCount")
		})
		t.Run("AllUsers", func(t *testing.T) {
			g.list(t, "kvaughan", "/test/all-users", "true").finds("sub1", "sub2", "test1", "test2", "test3", "test4", "test5", "test6")
			g.get(t, "kvaughan", "/test/all-users/sub2").want(http.StatusOK).has(`"user 8"`, "name", "surname")
		})
		t.Run("R_H05", func(t *testing.T) {
			var counts []string
			cookie := ""
			for range 4 {
				query := []string{"_pageSize", "3"}
				if cookie != "" {
					query = append(query, "_pagedResultsCookie", cookie)
				}
				r := g.list(t, "kvaughan", "/test/users", "true", query...).want(http.StatusOK)
				list, _ := r.at("result").([]any)
				counts = append(counts, string(rune('0'+len(list))))
				if cookie, _ = r.at("pagedResultsCookie").(string); cookie == "" {
					break
				}
			}
			if got := strings.Join(counts, " "); got != "3 3 1" {
				t.Errorf("pages of %s", got)
			}
		})
		t.Run("R_F03", func(t *testing.T) {
			g.send(t, ask{method: "DELETE", path: one, as: "kvaughan", header: headers("If-Match", "12346")}).fails(http.StatusPreconditionFailed, "")
			g.get(t, "kvaughan", one).want(http.StatusOK)
		})
		t.Run("R_D15", func(t *testing.T) {
			body := `{"_id":"test1","_rev":"99999","name":{"displayName":"test user 1","surname":"user 1"}}`
			g.send(t, ask{method: "PUT", path: one, as: "kvaughan", body: body, header: headers("If-Match", "*")}).fails(http.StatusBadRequest, "")
		})
		t.Run("R_D17", func(t *testing.T) {
			body := `{"_id":"test1","name":{"displayName":"test user 1","surname":["a","b"]}}`
			g.send(t, ask{method: "PUT", path: one, as: "kvaughan", body: body, header: headers("If-Match", "12345")}).fails(http.StatusBadRequest, "")
		})
		t.Run("UpdateOfARevision", func(t *testing.T) {
			body := `{"_id":"test1","name":{"displayName":"Humpty","surname":"Dumpty"}}`
			g.send(t, ask{method: "PUT", path: one, as: "kvaughan", body: body, header: headers("If-Match", "12346")}).fails(http.StatusPreconditionFailed, "")
			g.send(t, ask{method: "PUT", path: one, as: "kvaughan", body: body, header: headers("If-Match", "12345")}).want(http.StatusOK).
				has(`{"displayName":"Humpty","surname":"Dumpty"}`, "name")
		})
		patch := func(t *testing.T, path, body string) *reply {
			t.Helper()
			return g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: body})
		}
		t.Run("R_E13", func(t *testing.T) {
			r := patch(t, two, `[{"operation":"add","field":"/description","value":["one","two"]}]`).want(http.StatusOK)
			if list, _ := r.at("description").([]any); len(list) != 2 {
				t.Errorf("description %v", list)
			}
		})
		t.Run("R_E15", func(t *testing.T) {
			patch(t, two, `[{"operation":"add","field":"/description/-","value":["one"]}]`).fails(http.StatusBadRequest, "")
		})
		t.Run("R_E17", func(t *testing.T) {
			patch(t, two, `[{"operation":"add","field":"/description/0","value":"x"}]`).fails(http.StatusNotImplemented, "")
		})
		t.Run("R_E19", func(t *testing.T) {
			patch(t, two, `[{"operation":"remove","field":"/name/surname"}]`).fails(http.StatusBadRequest, "")
		})
		t.Run("R_E21", func(t *testing.T) {
			patch(t, two, `[{"operation":"add","field":"/singleNumber","value":100},{"operation":"add","field":"/multiNumber","value":[100,200]}]`).want(http.StatusOK)
			r := patch(t, two, `[{"operation":"increment","field":"/singleNumber","value":-1},{"operation":"increment","field":"/multiNumber","value":5}]`).want(http.StatusOK).
				has("99", "singleNumber")
			if list, _ := r.at("multiNumber").([]any); len(list) != 2 || !strings.Contains(r.body, "105") || !strings.Contains(r.body, "205") {
				t.Errorf("multiNumber %v", list)
			}
		})
		t.Run("R_E23", func(t *testing.T) {
			patch(t, two, `[{"operation":"replace","field":"/_rev","value":"1"}]`).fails(http.StatusBadRequest, "")
		})
		t.Run("R_E25", func(t *testing.T) {
			for _, field := range []string{"/dummy", "/description/dummy", "/description/dummy/x"} {
				patch(t, two, `[{"operation":"add","field":"`+field+`","value":1}]`).fails(http.StatusBadRequest, "")
			}
		})
		t.Run("R_E27", func(t *testing.T) {
			patch(t, two, `[{"operation":"replace","field":"/name/surname","value":["a","b"]}]`).fails(http.StatusBadRequest, "")
		})
		t.Run("R_E29", func(t *testing.T) {
			patch(t, two, `[{"operation":"replace","field":"/","value":{"name":{"displayName":"Humpty"},"description":["x"]}}]`).want(http.StatusOK).
				has(`{"displayName":"Humpty","surname":"user 2"}`, "name").has(`["x"]`, "description")
		})
		t.Run("R_E31", func(t *testing.T) {
			patch(t, two, `[{"operation":"transform","field":"/name/surname","value":{"script":"x"}}]`).fails(http.StatusNotImplemented, "")
		})
		t.Run("R_E33", func(t *testing.T) {
			patch(t, two, `{"operation":"add","field":"/description","value":["x"]}`).fails(http.StatusBadRequest, "")
		})
		t.Run("R_E35", func(t *testing.T) {
			patch(t, two, `[{"operation":"remove","field":"/singleNumber","value":7}]`).want(http.StatusOK).has("99", "singleNumber")
		})
		t.Run("Create", func(t *testing.T) {
			body := `{"_id":"test7","name":{"displayName":"test user 7","surname":"user 7"},"singleNumber":12345678901234567890}`
			g.send(t, ask{method: "PUT", path: "/test/users/test7", as: "kvaughan", body: body, header: headers("If-None-Match", "*")}).want(http.StatusCreated).
				has("12345678901234567890", "singleNumber")
			g.send(t, ask{method: "DELETE", path: "/test/users/test7", as: "kvaughan"}).want(http.StatusOK).has(`"test7"`, "_id")
			g.send(t, ask{method: "DELETE", path: "/test/users/test7", as: "kvaughan"}).fails(http.StatusNotFound, "")
		})
		t.Run("R_H07", func(t *testing.T) {
			// The directory promises no order, so the two ways to the second page are compared.
			first := g.list(t, "kvaughan", "/test/users", "true", "_pageSize", "2").want(http.StatusOK)
			second := g.list(t, "kvaughan", "/test/users", "true", "_pageSize", "2", "_pagedResultsCookie", first.at("pagedResultsCookie").(string)).want(http.StatusOK)
			skipped := g.list(t, "kvaughan", "/test/users", "true", "_pageSize", "2", "_pagedResultsOffset", "1").want(http.StatusOK)
			if a, b := strings.Join(second.ids("result"), " "), strings.Join(skipped.ids("result"), " "); a != b {
				t.Errorf("by cookie %s, by offset %s", a, b)
			}
		})
	})
}
