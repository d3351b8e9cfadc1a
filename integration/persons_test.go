package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// personsSchema has a revision that stands in the entry, and numbers.
const personsSchema = `attributeTypes: ( 1.3.6.1.4.1.4203.666.99.21 NAME 'etag' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributeTypes: ( 1.3.6.1.4.1.4203.666.99.22 NAME 'singleNumber' EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributeTypes: ( 1.3.6.1.4.1.4203.666.99.23 NAME 'multiNumber' EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
objectClasses: ( 1.3.6.1.4.1.4203.666.99.24 NAME 'numbered' SUP top AUXILIARY MAY ( uid $ etag $ singleNumber $ multiNumber ) )`

// persons are six people in one place, and two more below it, on two levels.
func persons() string {
	const base = "dc=test,dc=example,dc=com"
	var b strings.Builder
	fmt.Fprintf(&b, "dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: test\no: test\n\n", base)
	person := func(id, below, name, etag string) {
		fmt.Fprintf(&b, "dn: uid=%s,%s%s\nobjectClass: person\nobjectClass: numbered\nuid: %s\ncn: test %s\nsn: %s\netag: %s\n", id, below, base, id, name, name, etag)
		if id == "test1" {
			b.WriteString("singleNumber: 7\nmultiNumber: 1\nmultiNumber: 5\n")
		}
		b.WriteString("\n")
	}
	place := func(ou, below, etag string) {
		fmt.Fprintf(&b, "dn: ou=%s,%s%s\nobjectClass: organizationalUnit\nobjectClass: numbered\nou: %s\netag: %s\n\n", ou, below, base, ou, etag)
	}
	for i, etag := range []string{"12345", "67890", "33333", "44444", "55555", "66666"} {
		person(fmt.Sprintf("test%d", i+1), "", fmt.Sprintf("user %d", i+1), etag)
	}
	place("level1", "", "77777")
	person("sub1", "ou=level1,", "user 7", "88888")
	place("level2", "ou=level1,", "99999")
	person("sub2", "ou=level2,ou=level1,", "user 8", "86753")
	return b.String()
}

// personsMapping is a file in the form of the reference product, without "format".
const personsMapping = `{
  "version": "1.0",
  "resourceTypes": {
    "test": { "subResources": {
      "users": { "type": "collection", "dnTemplate": "dc=test,dc=example,dc=com", "resource": "user", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "chosen": { "type": "collection", "dnTemplate": "dc=test,dc=example,dc=com", "resource": "user", "baseSearchFilter": "(sn=user 1)", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "all-entries": { "type": "collection", "dnTemplate": "dc=test,dc=example,dc=com", "resource": "user", "isReadOnly": true, "flattenSubtree": true, "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "all-users": { "type": "collection", "dnTemplate": "dc=test,dc=example,dc=com", "resource": "user", "isReadOnly": true, "flattenSubtree": true, "baseSearchFilter": "(objectClass=person)", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } }
    } },
    "user": { "objectClasses": [ "person", "numbered" ], "properties": {
      "schemas": { "type": "constant", "value": [ "urn:scim:schemas:core:1.0" ] },
      "_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
      "_rev": { "type": "simple", "ldapAttribute": "etag", "isRequired": true, "writability": "readOnly" },
      "_ou": { "type": "simple", "ldapAttribute": "ou", "writability": "createOnly" },
      "name": { "type": "object", "properties": {
        "displayName": { "type": "simple", "ldapAttribute": "cn", "isRequired": true },
        "surname": { "type": "simple", "ldapAttribute": "sn", "isRequired": true }
      } },
      "description": { "type": "simple", "isMultiValued": true },
      "singleNumber": { "type": "simple" },
      "multiNumber": { "type": "simple", "isMultiValued": true },
      "created": { "type": "simple", "ldapAttribute": "createTimestamp" }
    } }
  }
}`

// TestPersons is a small directory whose revisions stand in its entries, behind a mapping
// file as the tests of the reference product have it.
func TestPersons(t *testing.T) {
	slapd.Each(t, slapd.Options{Schema: personsSchema, LDIF: persons()}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"d/test.json": personsMapping}})
		const path = "/d/users/test1"
		patch := func(t *testing.T, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		list := func(t *testing.T, path string, query ...string) *reply {
			t.Helper()
			return g.list(t, "kvaughan", path, "true", query...).want(http.StatusOK)
		}
		t.Run("R_B23", func(t *testing.T) {
			r := g.get(t, "kvaughan", path).want(http.StatusOK).has(`["urn:scim:schemas:core:1.0"]`, "schemas").has(`"12345"`, "_rev").lacks("description")
			if r.etag() != `"12345"` {
				t.Errorf("ETag %s", r.etag())
			}
		})
		// revisions are those of all in a list, which not all of them have an id in.
		revisions := func(r *reply) []string {
			var all []string
			rows, _ := r.at("result").([]any)
			for i := range rows {
				all = append(all, fmt.Sprint(r.at("result", i, "_rev")))
			}
			slices.Sort(all)
			return all
		}
		t.Run("R_G35", func(t *testing.T) {
			r := list(t, "/d/users").has("7", "resultCount")
			if got := revisions(r); !slices.Equal(got, []string{"12345", "33333", "44444", "55555", "66666", "67890", "77777"}) {
				t.Errorf("%q", got)
			}
		})
		t.Run("R_G37", func(t *testing.T) {
			r := list(t, "/d/all-entries").has("10", "resultCount")
			if got := revisions(r); !slices.Equal(got, []string{"12345", "33333", "44444", "55555", "66666", "67890", "77777", "86753", "88888", "99999"}) {
				t.Errorf("%q", got)
			}
			list(t, "/d/all-users").finds("sub1", "sub2", "test1", "test2", "test3", "test4", "test5", "test6")
		})
		t.Run("X09", func(t *testing.T) {
			g.get(t, "kvaughan", "/d/all-users/sub2").want(http.StatusOK).has(`"86753"`, "_rev")
			g.get(t, "kvaughan", "/d/users/sub2").fails(http.StatusNotFound, "")
		})
		// The order of the places is the directory's, and the same for every way to go through it.
		var rows []string
		t.Run("R_H05", func(t *testing.T) {
			var counts []string
			for cookie := ""; ; {
				r := list(t, "/d/users", "_pageSize", "3", "_pagedResultsCookie", cookie)
				counts = append(counts, fmt.Sprint(r.at("resultCount")))
				result, _ := r.at("result").([]any)
				for i := range result {
					rows = append(rows, fmt.Sprint(r.at("result", i, "_rev")))
				}
				var more bool
				if cookie, more = r.at("pagedResultsCookie").(string); !more {
					break
				}
			}
			if !slices.Equal(counts, []string{"3", "3", "1"}) {
				t.Errorf("pages of %q", counts)
			}
		})
		t.Run("R_H07", func(t *testing.T) {
			r := list(t, "/d/users", "_pageSize", "2", "_pagedResultsOffset", "1").has("2", "resultCount")
			if got := []string{fmt.Sprint(r.at("result", 0, "_rev")), fmt.Sprint(r.at("result", 1, "_rev"))}; !slices.Equal(got, rows[2:4]) {
				t.Errorf("%q, want the third and the fourth of %q", got, rows)
			}
		})
		t.Run("W8", func(t *testing.T) {
			// The filter of a collection is a boundary for every verb, not for lists alone.
			list(t, "/d/chosen").finds("test1")
			g.get(t, "kvaughan", "/d/chosen/test1").want(http.StatusOK)
			g.get(t, "kvaughan", "/d/chosen/test2").fails(http.StatusNotFound, "")
			patch(t, "/d/chosen/test2", `[{"operation":"add","field":"/description/-","value":"x"}]`).fails(http.StatusNotFound, "")
			g.send(t, ask{method: "DELETE", path: "/d/chosen/test2", as: "kvaughan"}).fails(http.StatusNotFound, "")
			g.get(t, "kvaughan", "/d/users/test2").want(http.StatusOK).lacks("description")
		})
		t.Run("R_D15", func(t *testing.T) {
			body := strings.Replace(g.get(t, "kvaughan", path).body, `"12345"`, `"99999"`, 1)
			g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body}).fails(http.StatusBadRequest, "readOnly").has(`"/_rev"`, "detail", "field")
		})
		t.Run("R_D17", func(t *testing.T) {
			body := strings.Replace(g.get(t, "kvaughan", path).body, `"user 1"`, `["a","b"]`, 1)
			g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body}).fails(http.StatusBadRequest, "").has(`"/name/surname"`, "detail", "field")
		})
		t.Run("R_E13", func(t *testing.T) {
			r := patch(t, path, `[{"operation":"add","field":"/description","value":["one","two"]}]`, "If-Match", "12345").want(http.StatusOK)
			if values, _ := r.at("description").([]any); len(values) != 2 || !slices.Contains(values, any("one")) || !slices.Contains(values, any("two")) {
				t.Errorf("description %v", values)
			}
		})
		for _, test := range []struct {
			name, operation string
			status          int
		}{
			{"R_E15", `{"operation":"add","field":"/description/-","value":["one"]}`, http.StatusBadRequest},
			{"R_E17", `{"operation":"add","field":"/description/0","value":"x"}`, http.StatusNotImplemented},
			{"R_E19", `{"operation":"remove","field":"/name/surname"}`, http.StatusBadRequest},
			{"R_E23", `{"operation":"replace","field":"/_rev","value":"1"}`, http.StatusBadRequest},
			{"R_E25", `{"operation":"add","field":"/dummy","value":1}`, http.StatusBadRequest},
			{"R_E25/Inside", `{"operation":"add","field":"/description/dummy","value":1}`, http.StatusBadRequest},
			{"R_E25/Deep", `{"operation":"add","field":"/description/dummy/x","value":1}`, http.StatusBadRequest},
			{"R_E27", `{"operation":"replace","field":"/name/surname","value":["a","b"]}`, http.StatusBadRequest},
			{"F102", `{"operation":"replace","field":"/created","value":"2020-01-02T03:04:05Z"}`, http.StatusBadRequest},
			{"W15/Copy", `{"operation":"copy","field":"/description","from":"/name/surname"}`, http.StatusNotImplemented},
			{"W15/Move", `{"operation":"move","field":"/description","from":"/name/surname"}`, http.StatusNotImplemented},
			{"W15/NullMember", `{"operation":"add","field":"/name","value":{"surname":null}}`, http.StatusBadRequest},
			{"W15/EmptyArray", `{"operation":"add","field":"/singleNumber","value":[]}`, http.StatusBadRequest},
		} {
			t.Run(test.name, func(t *testing.T) { patch(t, path, "["+test.operation+"]").fails(test.status, "") })
		}
		t.Run("W15/Cookie", func(t *testing.T) {
			g.list(t, "kvaughan", "/d/users", "true", "_pageSize", "2", "_pagedResultsCookie", "no cookie").fails(http.StatusBadRequest, "malformedCookie")
		})
		t.Run("R_E21", func(t *testing.T) {
			patch(t, path, `[{"operation":"increment","field":"/singleNumber","value":-1}]`).want(http.StatusOK).has("6", "singleNumber")
			r := patch(t, path, `[{"operation":"increment","field":"/multiNumber","value":10}]`).want(http.StatusOK)
			if got := fmt.Sprint(r.at("multiNumber")); got != "[11 15]" && got != "[15 11]" {
				t.Errorf("multiNumber %s", got)
			}
			// There has to be a number; an object is none.
			patch(t, "/d/users/test2", `[{"operation":"increment","field":"/singleNumber","value":1}]`).fails(http.StatusBadRequest, "noSuchAttribute").has(`"/singleNumber"`, "detail", "field")
			patch(t, "/d/users/test2", `[{"operation":"increment","field":"/","value":{"singleNumber":1}}]`).fails(http.StatusBadRequest, "wrongType")
		})
		t.Run("R_E29", func(t *testing.T) {
			patch(t, path, `[{"operation":"replace","field":"/","value":{"name":{"displayName":"Humpty"},"description":["x"]}}]`).want(http.StatusOK).
				has(`"Humpty"`, "name", "displayName").has(`["x"]`, "description")
		})
		t.Run("X15", func(t *testing.T) {
			// What is an array stands in the mapping: not in how many values there are.
			ldapModify(t, server, "dn: uid=test2,dc=test,dc=example,dc=com\nchangetype: modify\nadd: cn\ncn: second\n-\nadd: description\ndescription: one\n")
			r := g.get(t, "kvaughan", "/d/users/test2").want(http.StatusOK).has(`["one"]`, "description")
			if _, single := r.at("name", "displayName").(string); !single {
				t.Errorf("%s", r.body)
			}
		})
		t.Run("W4", func(t *testing.T) {
			// The directory compares without regard to case; what changes in case alone is changed.
			patch(t, path, `[{"operation":"replace","field":"/name/displayName","value":"HUMPTY"}]`).want(http.StatusOK).has(`"HUMPTY"`, "name", "displayName")
			body := strings.NewReplacer(`"HUMPTY"`, `"hUMPTY"`, `["x"]`, `["X"]`).Replace(g.get(t, "kvaughan", path).body)
			g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body}).want(http.StatusOK).has(`"hUMPTY"`, "name", "displayName").has(`["X"]`, "description")
			if entry := ldapEntry(t, server, "uid=test1,dc=test,dc=example,dc=com"); !strings.Contains(entry, "cn: hUMPTY\n") || !strings.Contains(entry, "description: X\n") {
				t.Errorf("%s", entry)
			}
		})
		t.Run("W16", func(t *testing.T) {
			// Filters that are always or never true are no LDAP filters (RFC 4526 is an extension).
			for filter, count := range map[string]string{
				"true": "7", "false": "0", "!(false)": "7", "schemas eq 'no'": "0", "schemas pr": "7", "nosuch pr": "0", "!(nosuch pr) or false": "7", "name pr": "0",
			} {
				g.list(t, "kvaughan", "/d/users", filter).want(http.StatusOK).has(count, "resultCount")
			}
			log := logOf(server)
			for _, absolute := range []string{`"(&)"`, `"(|)"`, "(?=", "(!(&))", "(!(|))"} {
				if strings.Contains(log, absolute) {
					t.Errorf("the directory was asked for %s", absolute)
				}
			}
			if !strings.Contains(log, "(objectClass=*)") {
				t.Error("the log does not show the filters")
			}
		})
		t.Run("R_F03", func(t *testing.T) {
			remove := func(tag string) *reply {
				return g.send(t, ask{method: "DELETE", path: path, as: "kvaughan", header: headers("If-Match", tag)})
			}
			remove("12346").fails(http.StatusPreconditionFailed, "revision")
			g.get(t, "kvaughan", path).want(http.StatusOK)
			remove("12345").want(http.StatusOK).has(`"test1"`, "_id")
			g.get(t, "kvaughan", path).fails(http.StatusNotFound, "")
		})
	})
}
