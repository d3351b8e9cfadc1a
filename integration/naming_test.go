package integration_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// strategies maps the same people by every naming strategy, and places below them.
func strategies() map[string]string {
	return map[string]string{"hr/staff.json": `{
  "format": 1,
  "resourceTypes": {
    "staff": { "subResources": {
      "people":  { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientNaming", "dnAttribute": "uid", "idAttribute": "mail" } },
      "records": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "serverNaming", "dnAttribute": "uid", "idAttribute": "entryUUID" } },
      "users":   { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "halls":   { "type": "collection", "dnTemplate": "ou=Halls,ou=People,dc=example,dc=com", "resource": "thing", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } },
      "rooms":   { "type": "collection", "dnTemplate": "ou=Rooms,ou=People,dc=example,dc=com", "resource": "thing", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" }, "glueObjectClasses": [ "organizationalUnit" ] },
      "boss":    { "type": "singleton", "dnTemplate": "uid=trigden,ou=People,dc=example,dc=com", "resource": "chief" },
      "ghost":   { "type": "singleton", "dnTemplate": "uid=ghost,ou=People,dc=example,dc=com", "resource": "chief" }
    } },
    "person": { "objectClasses": [ "inetOrgPerson" ], "properties": {
      "uid": { "type": "simple", "writability": "createOnly" },
      "mail": { "type": "simple", "writability": "createOnly" },
      "cn": { "type": "simple", "isMultiValued": true },
      "sn": { "type": "simple", "isRequired": true },
      "description": { "type": "simple" },
      "manager": { "type": "reference", "resourcePath": ".." },
      "reports": { "type": "reverseReference", "resourcePath": "..", "propertyName": "manager" }
    }, "subResources": {
      "": { "type": "collection", "resource": "thing", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } },
      "devices": { "type": "collection", "resource": "thing", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } }
    } },
    "chief": { "objectClasses": [ "inetOrgPerson" ], "properties": {
      "uid": { "type": "simple", "writability": "createOnly" },
      "cn": { "type": "simple", "isMultiValued": true },
      "sn": { "type": "simple", "isRequired": true },
      "description": { "type": "simple" }
    }, "subResources": {
      "": { "type": "collection", "resource": "thing", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } },
      "devices": { "type": "collection", "resource": "thing", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } }
    } },
    "thing": { "objectClasses": [ "device" ], "properties": {
      "cn": { "type": "simple", "writability": "createOnly" },
      "description": { "type": "simple" }
    } }
  }
}`}
}

func TestNaming(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: strategies()})
		change := func(t *testing.T, method, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: method, path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		t.Run("Client", func(t *testing.T) {
			const path = "/hr/people/newuser@example.com"
			t.Run("R_C23", func(t *testing.T) {
				r := change(t, "PUT", path, `{"uid":"newuser","cn":["New User"],"sn":"User","manager":{"_id":"trigden@example.com"}}`, "If-None-Match", "*").want(http.StatusCreated)
				r.has(`"newuser@example.com"`, "_id").has(`"trigden@example.com"`, "manager", "_id")
				if location := r.header.Get("Location"); !strings.HasSuffix(location, path) {
					t.Errorf("Location %q", location)
				}
				if entry := ldapEntry(t, server, "uid=newuser,ou=People,dc=example,dc=com"); !strings.Contains(entry, "\nmail: newuser@example.com\n") {
					t.Errorf("%s", entry)
				}
				g.get(t, "kvaughan", "/hr/users/newuser").want(http.StatusOK).has(`"newuser@example.com"`, "mail").has(`"newuser"`, "_id")
			})
			t.Run("Change", func(t *testing.T) {
				r := g.get(t, "kvaughan", path).want(http.StatusOK)
				change(t, "PATCH", path, `[{"operation":"replace","field":"/description","value":"x"}]`, "If-Match", r.etag()).want(http.StatusOK).has(`"x"`, "description")
				change(t, "PATCH", path, `[{"operation":"remove","field":"/description"}]`, "If-Match", r.etag()).fails(http.StatusPreconditionFailed, "revision")
				change(t, "PUT", path, `{"uid":"newuser","cn":["New User"],"sn":"Changed"}`).want(http.StatusOK).has(`"Changed"`, "sn").lacks("manager")
				change(t, "PUT", path, `{"uid":"other","cn":["New User"],"sn":"Changed"}`).fails(http.StatusBadRequest, "readOnly")
				change(t, "PUT", "/hr/people/nobody@example.com", `{"uid":"new2","sn":"Upsert","cn":["x"]}`).want(http.StatusCreated)
				change(t, "PUT", "/hr/people/nobody@example.com", `{"sn":"x","cn":["x"]}`, "If-None-Match", "*").fails(http.StatusBadRequest, "missingField")
				for _, id := range []string{"newuser@example.com", "NewUser@Example.com"} { // Another entry must not take the id.
					change(t, "PUT", "/hr/people/"+id, `{"uid":"second","sn":"x","cn":["x"]}`, "If-None-Match", "*").fails(http.StatusPreconditionFailed, "alreadyExists")
				}
				change(t, "PUT", "/hr/people/a@example.com", `{"uid":"a","mail":"b@example.com","sn":"x","cn":["x"]}`, "If-None-Match", "*").fails(http.StatusBadRequest, "idMismatch")
			})
			t.Run("Post", func(t *testing.T) {
				r := change(t, "POST", "/hr/people", `{"_id":"posted@example.com","uid":"posted","cn":["x"],"sn":"x"}`).want(http.StatusCreated)
				if location := r.header.Get("Location"); !strings.HasSuffix(location, "/hr/people/posted@example.com") {
					t.Errorf("Location %q", location)
				}
				change(t, "POST", "/hr/people", `{"mail":"mailed@example.com","uid":"mailed","cn":["x"],"sn":"x"}`).want(http.StatusCreated).has(`"mailed@example.com"`, "_id")
				change(t, "POST", "/hr/people", `{"mail":"mailed@example.com","uid":"mailed2","cn":["x"],"sn":"x"}`).fails(http.StatusPreconditionFailed, "alreadyExists")
				change(t, "POST", "/hr/people", `{"uid":"x","cn":["x"],"sn":"x"}`).fails(http.StatusBadRequest, "missingID")
			})
			t.Run("Query", func(t *testing.T) {
				g.list(t, "kvaughan", "/hr/people", `_id eq "newuser@example.com"`).finds("newuser@example.com")
				g.list(t, "kvaughan", "/hr/people", `manager/_id eq "trigden@example.com"`).finds("bjensen@example.com")
			})
			t.Run("Delete", func(t *testing.T) {
				change(t, "DELETE", path, "").want(http.StatusOK).has(`"newuser@example.com"`, "_id")
				g.get(t, "kvaughan", path).fails(http.StatusNotFound, "")
				change(t, "DELETE", path, "").fails(http.StatusNotFound, "")
			})
			t.Run("Ambiguous", func(t *testing.T) {
				add := ldap.NewAddRequest(exampledata.Person{ID: "double"}.DN(), nil)
				for name, value := range map[string]string{"objectClass": "inetOrgPerson", "cn": "x", "sn": "x", "mail": "scarter@example.com"} {
					add.Attribute(name, []string{value})
				}
				if err := dialRoot(t, server).Add(add); err != nil {
					t.Fatal(err)
				}
				const path = "/hr/people/scarter@example.com"
				g.get(t, "kvaughan", path).fails(http.StatusInternalServerError, "ambiguousID")
				change(t, "DELETE", path, "").fails(http.StatusInternalServerError, "ambiguousID")
				g.list(t, "kvaughan", path+"/devices", "true").fails(http.StatusInternalServerError, "ambiguousID")
				change(t, "PATCH", "/hr/people/bjensen@example.com", `[{"operation":"replace","field":"/manager","value":{"_id":"scarter@example.com"}}]`).
					fails(http.StatusBadRequest, "referenceAmbiguous")
			})
		})
		t.Run("Server", func(t *testing.T) {
			const body = `{"uid":"recorded","cn":["x"],"sn":"x"}`
			t.Run("R_C21", func(t *testing.T) {
				change(t, "PUT", "/hr/records/mine", body, "If-None-Match", "*").fails(http.StatusBadRequest, "serverNaming")
			})
			r := change(t, "POST", "/hr/records", body).want(http.StatusCreated)
			id, _ := r.at("_id").(string)
			path := "/hr/records/" + id
			if location := r.header.Get("Location"); len(id) != 36 || !strings.HasSuffix(location, path) {
				t.Errorf("id %q, Location %q", id, location)
			}
			g.get(t, "kvaughan", path).want(http.StatusOK).has(`"recorded"`, "uid")
			g.get(t, "kvaughan", "/hr/records/"+strings.ToUpper(id)).want(http.StatusOK).has(`"`+id+`"`, "_id")
			g.get(t, "kvaughan", "/hr/records/no-uuid").fails(http.StatusNotFound, "")
			g.list(t, "kvaughan", "/hr/records", `_id eq "`+id+`"`).finds(id)
			change(t, "PATCH", path, `[{"operation":"add","field":"/manager","value":{"_id":"`+id+`"}}]`).want(http.StatusOK).has(`"`+id+`"`, "manager", "_id")
			change(t, "PUT", path, body, "If-Match", "*").want(http.StatusOK).lacks("manager")
			change(t, "PUT", "/hr/records/f6a1f6a1-0000-4000-8000-000000000000", body).fails(http.StatusBadRequest, "serverNaming")
			change(t, "POST", "/hr/records", `{"cn":["x"],"sn":"x"}`).fails(http.StatusBadRequest, "missingField").has(`"/uid"`, "detail", "field")
			change(t, "POST", "/hr/records", body).fails(http.StatusPreconditionFailed, "")
			change(t, "DELETE", path, "").want(http.StatusOK)
		})
		t.Run("Below", func(t *testing.T) {
			all := g.list(t, "kvaughan", "/hr/records", `uid eq "nbohr"`).want(http.StatusOK)
			id, _ := all.at("result", 0, "_id").(string)
			for name, owner := range map[string]string{"ByMail": "/hr/people/nbohr@example.com", "ByUUID": "/hr/records/" + id, "ByName": "/hr/users/nbohr"} {
				t.Run(name, func(t *testing.T) {
					things := g.list(t, "kvaughan", owner+"/devices", "true").want(http.StatusOK).ids("result")
					if len(things) != 2 {
						t.Fatalf("%q", things)
					}
					for _, at := range []string{owner + "/devices", owner} {
						change(t, "PUT", at+"/printer", `{"description":"d"}`, "If-None-Match", "*").want(http.StatusCreated).has(`"printer"`, "_id")
						g.list(t, "kvaughan", at, `description eq "d"`).finds("printer")
						g.list(t, "kvaughan", at, "true", "_pageSize", "2").want(http.StatusOK).has("2", "resultCount")
						change(t, "PATCH", at+"/printer", `[{"operation":"remove","field":"/description"}]`).want(http.StatusOK).lacks("description")
						change(t, "DELETE", at+"/printer", "").want(http.StatusOK)
						r := change(t, "POST", at, `{"_id":"scanner"}`).want(http.StatusCreated)
						if location := r.header.Get("Location"); !strings.HasSuffix(location, at+"/scanner") {
							t.Errorf("Location %q", location)
						}
						g.get(t, "kvaughan", at+"/"+url.PathEscape(things[0])).want(http.StatusOK)
						change(t, "DELETE", at+"/scanner", "").want(http.StatusOK)
					}
				})
			}
			g.list(t, "kvaughan", "/hr/people/missing@example.com/devices", "true").fails(http.StatusNotFound, "")
		})
		t.Run("Glue", func(t *testing.T) {
			t.Run("R_C27", func(t *testing.T) {
				change(t, "POST", "/hr/halls", `{"_id":"a"}`).fails(http.StatusNotFound, "")
				g.list(t, "kvaughan", "/hr/halls", "true").fails(http.StatusNotFound, "")
			})
			g.list(t, "kvaughan", "/hr/rooms", "true").finds()
			g.list(t, "kvaughan", "/hr/rooms", "true", "_pageSize", "2", "_totalPagedResultsPolicy", "EXACT").finds().has("0", "totalPagedResults")
			change(t, "PUT", "/hr/rooms/a", `{}`).want(http.StatusCreated)
			change(t, "POST", "/hr/rooms", `{"_id":"b"}`).want(http.StatusCreated)
			g.list(t, "kvaughan", "/hr/rooms", "true").finds("a", "b")
		})
		t.Run("Singleton", func(t *testing.T) {
			r := g.get(t, "kvaughan", "/hr/boss").want(http.StatusOK).has(`"trigden"`, "uid").lacks("_id")
			body := `{"sn":"Rigden","cn":["Torrey Rigden"],"description":"boss"}`
			change(t, "PUT", "/hr/boss", body, "If-Match", r.etag()).want(http.StatusOK).has(`"boss"`, "description")
			change(t, "PUT", "/hr/boss", body, "If-Match", r.etag()).fails(http.StatusPreconditionFailed, "revision")
			change(t, "PATCH", "/hr/boss", `[{"operation":"remove","field":"/description"}]`).want(http.StatusOK).lacks("description")
			change(t, "PUT", "/hr/boss", body).want(http.StatusOK)
			change(t, "PUT", "/hr/ghost", body).fails(http.StatusNotFound, "")
			change(t, "PUT", "/hr/boss", body, "If-None-Match", "*").fails(http.StatusBadRequest, "singleton")
			change(t, "DELETE", "/hr/boss", "").fails(http.StatusBadRequest, "singleton")
			change(t, "PUT", "/hr/boss/devices/phone", `{}`).want(http.StatusCreated)
			g.list(t, "kvaughan", "/hr/boss/devices", "true").finds("phone")
			g.list(t, "kvaughan", "/hr/boss", "true").finds("phone")
			change(t, "DELETE", "/hr/boss/devices/phone", "").want(http.StatusOK)
		})
	})
}

func TestReverseReference(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		var wanted []string
		for _, p := range exampledata.People() {
			if p.Manager == "scarter" {
				wanted = append(wanted, p.ID)
			}
		}
		slices.Sort(wanted)
		const path = "/api/users/scarter"
		t.Run("R_B19", func(t *testing.T) {
			r := g.get(t, "kvaughan", path, "_fields", "/reports").want(http.StatusOK)
			if got := r.ids("reports"); !slices.Equal(got, wanted) || len(got) < 3 {
				t.Errorf("%q, want %q", got, wanted)
			}
			r.has(`"`+wanted[0]+`@example.com"`, "reports", 0, "userName").lacks("reports", 0, "manager")
		})
		t.Run("Fields", func(t *testing.T) {
			g.get(t, "kvaughan", path).want(http.StatusOK).lacks("reports")
			g.get(t, "kvaughan", path, "_fields", "/").want(http.StatusOK).lacks("reports")
			r := g.get(t, "kvaughan", path, "_fields", "/reports/displayName,/reports/manager/name").want(http.StatusOK)
			if got := strings.Join(r.members("reports", 0), " "); got != "_id _rev displayName manager" {
				t.Errorf("members %s", got)
			}
			r.has(`"Carter"`, "reports", 0, "manager", "name", "familyName")
			g.get(t, "kvaughan", "/api/users/bjensen", "_fields", "/reports").want(http.StatusOK).lacks("reports")
		})
		t.Run("OneSearchForAPage", func(t *testing.T) {
			r := g.list(t, "kvaughan", "/api/users", "true", "_fields", "_id,reports").want(http.StatusOK)
			rows, _ := r.at("result").([]any)
			found := false
			for i := range rows {
				if r.at("result", i, "_id") == "scarter" {
					found = slices.Equal(r.ids("result", i, "reports"), wanted)
				}
			}
			if !found || len(rows) != exampledata.DefaultUsers {
				t.Errorf("%d rows: %s", len(rows), r.body)
			}
			if n, _ := g.eventsOf(t, r)[0]["ldapOperations"].(float64); n == 0 || n > 3 {
				t.Errorf("%v operations", n)
			}
		})
		t.Run("Filter", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", `reports/_id eq "tjensen"`).finds("scarter")
			g.list(t, "kvaughan", "/api/users", `reports/name/familyName eq "Hall" and _id eq "scarter"`).finds("scarter")
			g.list(t, "kvaughan", "/api/users", `reports/_id eq "nobody"`).finds()
			if got := g.list(t, "kvaughan", "/api/users", `reports pr`).want(http.StatusOK).ids("result"); !slices.Contains(got, "scarter") || slices.Contains(got, "bjensen") {
				t.Errorf("%q", got)
			}
			g.list(t, "kvaughan", "/api/users", `reports eq "x"`).fails(http.StatusBadRequest, "")
			g.list(t, "kvaughan", "/api/users", "true", "_sortKeys", "reports").fails(http.StatusBadRequest, "unsortable")
		})
		t.Run("Write", func(t *testing.T) {
			r := g.get(t, "kvaughan", path, "_fields", "/,reports").want(http.StatusOK)
			put := func(body string) *reply {
				return g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body, header: headers("If-Match", "*")})
			}
			if got := put(r.body).want(http.StatusOK).etag(); got != r.etag() {
				t.Errorf("revision %s, was %s", got, r.etag())
			}
			put(strings.Replace(r.body, `"_id":"`+wanted[0]+`"`, `"_id":"bjensen"`, 1)).fails(http.StatusBadRequest, "readOnly").has(`"/reports"`, "detail", "field")
			g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: `[{"operation":"remove","field":"/reports"}]`}).fails(http.StatusBadRequest, "readOnly")
			g.send(t, ask{
				method: "PUT", path: "/api/users/hasreports", as: "kvaughan", header: headers("If-None-Match", "*"),
				body: `{"_schema":"` + userType + `","displayName":["x"],"name":{"familyName":"x"},"reports":[{"_id":"bjensen"}]}`,
			}).fails(http.StatusBadRequest, "readOnly")
		})
	})
}
