package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// What the reference product does wrong in changes and requests, as it is here: rows of its
// known defects.
func TestDefects(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: defective()})
		change := func(t *testing.T, method, path, body string, header ...string) *reply {
			t.Helper()
			path, raw, _ := strings.Cut(path, "?")
			a := ask{method: method, path: path, as: "kvaughan", body: body, header: headers(header...)}
			for pair := range strings.SplitSeq(raw, "&") {
				if name, value, ok := strings.Cut(pair, "="); ok {
					if a.query == nil {
						a.query = params()
					}
					a.query.Add(name, value)
				}
			}
			return g.send(t, a)
		}
		const person = `{"_id":"%s","cn":["One","Two"],"sn":"One"%s}`
		body := func(id, more string) string { return fmt.Sprintf(person, id, more) }
		t.Run("X17", func(t *testing.T) {
			for range 2 { // It creates, then updates.
				r := change(t, "PUT", "/hr/people/upsert?_fields=sn&_prettyPrint=true", body("upsert", ""))
				if r.has(`"One"`, "sn").lacks("cn"); !strings.Contains(r.body, "\n  ") {
					t.Errorf("the parameters are lost: %s", r.body)
				}
			}
		})
		t.Run("W5", func(t *testing.T) {
			read := g.get(t, "kvaughan", "/hr/people/upsert").want(http.StatusOK)
			modifies := strings.Count(logOf(server), " MOD dn=")
			for _, header := range [][]string{nil, {"If-Match", "*"}, {"If-Match", read.etag()}} {
				r := change(t, "PUT", "/hr/people/upsert", read.body, header...).want(http.StatusOK)
				if r.body != read.body || r.etag() != read.etag() {
					t.Errorf("%q: %s became %s", header, read.body, r.body)
				}
			}
			if strings.Count(logOf(server), " MOD dn=") != modifies {
				t.Error("an unchanged body made a change")
			}
		})
		t.Run("X12", func(t *testing.T) {
			change(t, "PUT", "/hr/people/alias", body("alias", `,"mail":"a@example.com"`)).want(http.StatusCreated).has(`"a@example.com"`, "mail").has(`"a@example.com"`, "contact", "mail")
			change(t, "PUT", "/hr/people/alias", body("alias", `,"contact":{"mail":"b@example.com"}`)).want(http.StatusOK).has(`"b@example.com"`, "mail")
			change(t, "PUT", "/hr/people/alias", body("alias", `,"mail":"c@example.com","contact":{"mail":"d@example.com"}`)).fails(http.StatusBadRequest, "conflict")
			change(t, "PUT", "/hr/people/alias", body("alias", "")).want(http.StatusOK).lacks("mail").lacks("contact", "mail")
		})
		t.Run("X13", func(t *testing.T) {
			change(t, "PUT", "/hr/people/discard", body("discard", `,"title":"no","room":"once"`)).want(http.StatusCreated).lacks("title").has(`"once"`, "room")
			if entry := ldapEntry(t, server, "uid=discard,ou=People,dc=example,dc=com"); strings.Contains(entry, "title:") {
				t.Errorf("a value to be discarded was stored:\n%s", entry)
			}
		})
		t.Run("X14", func(t *testing.T) {
			for field, status := range map[string]int{"title": 200, "room": 200, "number": 400, "kind": 400} {
				r := change(t, "PATCH", "/hr/people/discard", `[{"operation":"replace","field":"/`+field+`","value":"other"}]`).want(status)
				if status == http.StatusBadRequest {
					r.fails(status, "readOnly").has(`"/`+field+`"`, "detail", "field")
				} else {
					r.lacks("title").has(`"once"`, "room")
				}
			}
		})
		t.Run("X18", func(t *testing.T) {
			for id, segment := range map[string]string{"a/b c": "a%2Fb%20c", "ü%2F,+": "%C3%BC%252F%2C+"} {
				r := change(t, "POST", "/hr/people", body(id, "")).want(http.StatusCreated)
				location := r.header.Get("Location")
				if !strings.HasSuffix(location, "/hr/people/"+segment) {
					t.Errorf("Location %q", location)
				}
				g.get(t, "kvaughan", location).want(http.StatusOK)
			}
		})
		t.Run("X20", func(t *testing.T) {
			g.get(t, "kvaughan", "/hr/people/upsert", "_mimeType", "text/plain").fails(http.StatusBadRequest, "misplacedParameter")
		})
		t.Run("X21", func(t *testing.T) {
			change(t, "POST", "/hr/mailed", `{"_id":"nomail","cn":["No Mail"],"sn":"Mail"}`).fails(http.StatusBadRequest, "missingID")
			change(t, "POST", "/hr/mailed", `{"_id":"mail","mail":"m@example.com","cn":["A Mail"],"sn":"Mail"}`).want(http.StatusCreated)
		})
		t.Run("X26", func(t *testing.T) {
			for _, header := range []string{"If-Modified-Since", "If-Unmodified-Since"} {
				change(t, "PUT", "/hr/people/upsert", body("upsert", ""), header, "Mon, 02 Jan 2006 15:04:05 GMT").want(http.StatusOK)
			}
		})
		t.Run("X29", func(t *testing.T) {
			r := change(t, "PATCH", "/hr/people/upsert", `[{"operation":"replace","field":"/<b>&'","value":1}]`).fails(http.StatusBadRequest, "unknownField")
			if field := r.at("detail", "field"); field != "/<b>&'" || r.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%v, %v", field, r.header)
			}
		})
	})
}

// What the successor of the reference product has besides, and nothing here: it is refused, or
// means nothing.
func TestLeftOut(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: withDevices(t)})
		const path = "/api/users/nbohr"
		t.Run("F205", func(t *testing.T) {
			for _, path := range []string{"/api/users", path} {
				g.send(t, ask{method: "POST", path: path, query: params("_action", "schema"), as: "kvaughan", body: "{}"}).fails(http.StatusNotImplemented, "unknownAction")
			}
		})
		for row, field := range map[string]string{"F206": "ds-pwp-state-json", "F207": "+"} {
			t.Run(row, func(t *testing.T) {
				if got := g.get(t, "kvaughan", path, "_fields", field).want(http.StatusOK).members(); !slices.Equal(got, []string{"_id", "_rev"}) {
					t.Errorf("members %q", got)
				}
			})
		}
		t.Run("F208", func(t *testing.T) {
			for _, scope := range []string{"base", "sub", "subordinates"} {
				g.list(t, "kvaughan", path+"/devices", "true", "scope", scope).finds("quantum dot", "qubit generator")
				g.list(t, "kvaughan", "/api/users", `_id sw "q" or _id eq "nbohr"`, "scope", scope).finds("nbohr")
			}
		})
		t.Run("F209", func(t *testing.T) {
			for _, name := range []string{"relax", "manageDsaIT", "subentries"} {
				body := `[{"operation":"replace","field":"/_meta/created","value":"2020-01-02T03:04:05Z"}]`
				g.send(t, ask{method: "PATCH", path: path, query: params(name, "true"), as: "kvaughan", body: body}).fails(http.StatusBadRequest, "readOnly")
			}
		})
	})
}

// F166, X16: a photo goes up as it is, and comes down as it is.
func TestX16_PhotoInParts(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		const path, media = "/api/users/gen001", "multipart/form-data; boundary=b"
		photo := "\xff\xd8\xff\xe0\x00\x10JFIF\x00" + strings.Repeat("\xfb\xff", 1000)
		body := func(json string) string {
			return "--b\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n" + json +
				"\r\n--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n" + photo + "\r\n--b--\r\n"
		}
		g.send(t, ask{
			method: "PATCH", path: path, as: "kvaughan", header: headers("Content-Type", media),
			body: body(`[{"operation":"replace","field":"/photo","value":{"$ref":"cid:photo#content"}},{"operation":"replace","field":"/description","value":{"$ref":"cid:photo#filename"}}]`),
		}).want(http.StatusOK).has(`"a.jpg"`, "description")
		r := g.get(t, "kvaughan", path, "_fields", "photo", "_mimeType", "image/jpeg").want(http.StatusOK)
		if r.body != photo || r.header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%d bytes of %q", len(r.body), r.header.Get("Content-Type"))
		}
		t.Run("R_K23", func(t *testing.T) { // One value in one type, and the resource says what is wrong.
			for _, query := range [][]string{
				{"_mimeType", "image/jpeg"},
				{"_fields", "photo,userName", "_mimeType", "image/jpeg"},
				{"_fields", "photo", "_fields", "userName", "_mimeType", "image/jpeg"},
				{"_fields", "/", "_mimeType", "image/jpeg"},
				{"_fields", "photo", "_mimeType", "image/jpeg", "_mimeType", "image/png"},
				{"_fields", "photo", "_mimeType", "image/jpeg,image/png"},
				{"_fields", "photo", "_mimeType", "text/html"},
				{"_fields", "displayName/x", "_mimeType", ""},
			} {
				g.get(t, "kvaughan", path, query...).fails(http.StatusBadRequest, "").has(`"_mimeType"`, "detail", "parameter")
			}
			if r := g.get(t, "kvaughan", path, "_fields", "description", "_mimeType", "text/plain").want(http.StatusOK); r.body != "a.jpg" || r.header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%q: %s", r.header.Get("Content-Type"), r.body)
			}
		})
		t.Run("TooLong", func(t *testing.T) {
			small := start(t, server, settings{set: []string{"limits.part=1KiB"}})
			small.send(t, ask{
				method: "PATCH", path: path, as: "kvaughan", header: headers("Content-Type", media),
				body: body(`[{"operation":"replace","field":"/photo","value":{"$ref":"cid:photo#content"}}]`),
			}).fails(http.StatusRequestEntityTooLarge, "partTooLarge")
		})
		t.Run("LongQuery", func(t *testing.T) {
			ids := make([]string, 300)
			for i := range ids {
				ids[i] = fmt.Sprintf(`_id eq "%s"`, strings.Repeat("x", 100)+fmt.Sprint(i))
			}
			filter := params("_queryFilter", strings.Join(ids, " or ")+` or _id eq "bjensen"`, "_fields", "_id").Encode()
			r := g.send(t, ask{method: "POST", path: "/api/users", as: "kvaughan", query: params("_action", "query"), body: filter, header: headers("Content-Type", "application/x-www-form-urlencoded")}).finds("bjensen")
			check(t, g.eventsOf(t, r)[0], map[string]any{"verb": "query", "rows": 1.0})
		})
	})
}

// defective maps people so that each defect has something to show.
func defective() map[string]string {
	return map[string]string{"hr/staff.json": `{
  "format": 1,
  "resourceTypes": {
    "staff": { "subResources": {
      "people": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "mailed": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientNaming", "dnAttribute": "uid", "idAttribute": "mail" } }
    } },
    "person": { "objectClasses": [ "inetOrgPerson" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "uid", "writability": "createOnly" },
      "_rev": { "type": "simple", "ldapAttribute": "etag", "writability": "readOnly" },
      "cn": { "type": "simple", "isMultiValued": true },
      "sn": { "type": "simple", "isRequired": true },
      "mail": { "type": "simple" },
      "contact": { "type": "object", "properties": { "mail": { "type": "simple", "ldapAttribute": "mail" } } },
      "title": { "type": "simple", "writability": "readOnlyDiscardWrites" },
      "room": { "type": "simple", "ldapAttribute": "roomNumber", "writability": "createOnlyDiscardWrites" },
      "number": { "type": "simple", "ldapAttribute": "employeeNumber", "writability": "readOnly" },
      "kind": { "type": "simple", "ldapAttribute": "employeeType", "writability": "createOnly" },
      "created": { "type": "simple", "ldapAttribute": "createTimestamp", "writability": "readOnly" }
    } }
  }
}`}
}

// W2: one member more costs the same in a group of ten and of ten thousand, when the answer
// does not show the members.
func TestW2_OneMemberMore(t *testing.T) {
	server := slapd.Start(t, slapd.Options{LogLevel: "none"})
	g := start(t, server, settings{})
	operations := map[int]float64{}
	for _, size := range []int{10, 10_000} {
		var ldif strings.Builder
		fmt.Fprintf(&ldif, "dn: cn=g%d,ou=Groups,dc=example,dc=com\nchangetype: add\nobjectClass: groupOfUniqueNames\ncn: g%d\n", size, size)
		for i := range size {
			fmt.Fprintf(&ldif, "uniqueMember: uid=nobody%d,ou=People,dc=example,dc=com\n", i)
		}
		ldapModify(t, server, ldif.String()+"\n")
		path := fmt.Sprintf("/api/groups/g%d", size)
		for range 2 { // Whether the account is usable is known from here on.
			g.get(t, "kvaughan", path, "_fields", "_id").want(http.StatusOK)
		}
		for _, body := range []string{
			`[{"operation":"add","field":"/members/-","value":{"_id":"bjensen"}}]`,
			`[{"operation":"remove","field":"/members","value":[{"_id":"bjensen"}]}]`,
		} {
			r := g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", query: params("_fields", "_id"), body: body}).want(http.StatusOK).lacks("members")
			events := g.eventsOf(t, r)
			n, _ := events[len(events)-1]["ldapOperations"].(float64)
			operations[size] += n
		}
	}
	if operations[10] != operations[10_000] || operations[10] == 0 || operations[10] > 4 {
		t.Errorf("adding and removing a member costs %v operations", operations)
	}
}
