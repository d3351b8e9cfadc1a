package integration_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

const (
	userType  = "frapi:opendj:rest2ldap:user:1.0"
	posixType = "frapi:opendj:rest2ldap:posixUser:1.0"
	groupType = "frapi:opendj:rest2ldap:group:1.0"
)

// newUser is the body of a user to be created.
func newUser(id string) string {
	return `{"_id":"` + id + `","_schema":"` + userType + `",
		"contactInformation":{"telephoneNumber":"+1 408 555 1212","emailAddress":"` + id + `@example.com"},
		"name":{"familyName":"New","givenName":"User"},"displayName":["New User"],"manager":{"_id":"kvaughan","displayName":"Kirsten Vaughan"}}`
}

func TestCreate(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		put := func(t *testing.T, as, id, body string) *reply {
			return g.send(t, ask{method: "PUT", path: "/api/users/" + id, as: as, body: body, header: headers("If-None-Match", "*")})
		}
		t.Run("R_C01", func(t *testing.T) {
			before := time.Now().Truncate(time.Second)
			r := put(t, "kvaughan", "newuser", newUser("newuser")).want(http.StatusCreated).
				has(`"newuser@example.com"`, "userName").has(`"kvaughan"`, "manager", "_id").has(`"`+userType+`"`, "_schema")
			if location := r.header.Get("Location"); !strings.HasSuffix(location, "/api/users/newuser") {
				t.Errorf("Location %q", location)
			}
			text, _ := r.at("_meta", "created").(string)
			if created, err := time.Parse("2006-01-02T15:04:05Z", text); err != nil || created.Before(before) || created.After(time.Now()) {
				t.Errorf("_meta.created is %q", text)
			}
			entry := ldapEntry(t, server, "uid=newuser,ou=People,dc=example,dc=com")
			for _, class := range []string{"top", "person", "organizationalPerson", "inetOrgPerson"} {
				if !strings.Contains(entry, "objectClass: "+class+"\n") {
					t.Errorf("the entry lacks the class %s:\n%s", class, entry)
				}
			}
			// The directory knows who did it.
			if !strings.Contains(entry, "creatorsName: uid=kvaughan,") {
				t.Errorf("not created by the caller:\n%s", entry)
			}
			after := g.get(t, "kvaughan", "/api/users/newuser").want(http.StatusOK)
			if after.etag() != r.etag() || after.body != r.body {
				t.Errorf("the answer to the create differs from a read:\n%s\n%s", r.body, after.body)
			}
		})
		t.Run("Again", func(t *testing.T) {
			put(t, "kvaughan", "newuser", newUser("newuser")).fails(http.StatusPreconditionFailed, "")
		})
		t.Run("R_C03", func(t *testing.T) {
			body := strings.Replace(newUser("newuser"), "1212", "9999", 1)
			g.send(t, ask{method: "PUT", path: "/api/users/newuser", as: "kvaughan", body: body}).want(http.StatusOK).
				has(`"+1 408 555 9999"`, "contactInformation", "telephoneNumber")
		})
		t.Run("Upsert", func(t *testing.T) {
			g.send(t, ask{method: "PUT", path: "/api/users/fresh", as: "kvaughan", body: newUser("fresh")}).want(http.StatusCreated)
		})
		t.Run("R_C05", func(t *testing.T) {
			r := g.send(t, ask{method: "POST", path: "/api/users", query: params("_action", "create"), as: "kvaughan", body: newUser("posted")}).
				want(http.StatusCreated).has(`"posted"`, "_id")
			if location := r.header.Get("Location"); !strings.HasSuffix(location, "/api/users/posted") {
				t.Errorf("Location %q", location)
			}
		})
		t.Run("PostWithoutAction", func(t *testing.T) {
			g.send(t, ask{method: "POST", path: "/api/users", as: "kvaughan", body: newUser("plain")}).want(http.StatusCreated)
		})
		t.Run("Posix", func(t *testing.T) {
			body := strings.Replace(newUser("posix"), userType, posixType, 1)
			put(t, "kvaughan", "posix", body).fails(http.StatusBadRequest, "").
				has(`"/uidNumber"`, "detail", "field")
			body = strings.TrimSuffix(body, "}") + `,"uidNumber":5001,"gidNumber":1000,"homeDirectory":"/home/posix"}`
			put(t, "kvaughan", "posix", body).want(http.StatusCreated).has(`5001`, "uidNumber").has(`"`+posixType+`"`, "_schema")
		})
		t.Run("Group", func(t *testing.T) {
			body := `{"_schema":"` + groupType + `","_id":"New Group","members":[{"_id":"bjensen"},{"_id":"scarter"}]}`
			r := g.send(t, ask{method: "POST", path: "/api/groups", as: "kvaughan", body: body}).want(http.StatusCreated)
			if got := strings.Join(r.ids("members"), " "); got != "bjensen scarter" {
				t.Errorf("members %s", got)
			}
			if location := r.header.Get("Location"); !strings.HasSuffix(location, "/api/groups/New%20Group") {
				t.Errorf("Location %q", location)
			}
			g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK).has(`"New Group"`, "groups", 0, "_id")
		})

		for _, test := range []struct {
			name, old, replacement, kind, field string
		}{
			{"R_C07", `"_schema":"` + userType + `",`, ``, "", "/_schema"},
			{"R_C09", userType, groupType, "", "/_schema"},
			{"UnknownType", userType, "nosuch", "", "/_schema"},
			{"R_C11", `"familyName":"New",`, ``, "", "/name/familyName"},
			{"R_C13", `{"_id":"kvaughan","displayName":"Kirsten Vaughan"}`, `[{"_id":"kvaughan"}]`, "", "/manager"},
			{"R_C15", `{"_id":"kvaughan","displayName":"Kirsten Vaughan"}`, `{"_id":"ghost"}`, "", "/manager"},
			{"R_C17", `"_id":"bad",`, `"_id":"bad","_meta":{"created":"2020-01-01T00:00:00Z"},`, "readOnly", "/_meta/created"},
			{"UnknownField", `"_id":"bad",`, `"_id":"bad","nosuch":1,`, "unknownField", "/nosuch"},
			{"UnknownInside", `"familyName"`, `"nosuch":1,"familyName"`, "unknownField", "/name/nosuch"},
			{"WrongType", `"New","givenName"`, `17,"givenName"`, "wrongType", "/name/familyName"},
			{"ArrayForScalar", `"New","givenName"`, `["New"],"givenName"`, "wrongType", "/name/familyName"},
			{"ScalarForArray", `["New User"]`, `"New User"`, "wrongType", "/displayName"},
			{"TwoAliases", `"_id":"bad",`, `"_id":"bad","userName":"other@example.com",`, "", ""},
			{"OtherID", `"_id":"bad"`, `"_id":"other"`, "", "/_id"},
		} {
			t.Run(test.name, func(t *testing.T) {
				body := newUser("bad")
				if !strings.Contains(body, test.old) {
					t.Fatalf("the body has no %s", test.old)
				}
				r := put(t, "kvaughan", "bad", strings.Replace(body, test.old, test.replacement, 1)).fails(http.StatusBadRequest, test.kind)
				if test.field != "" {
					r.has(`"`+test.field+`"`, "detail", "field")
				}
				if message, _ := r.at("message").(string); test.field == "/_schema" && !(strings.Contains(message, userType) && strings.Contains(message, posixType)) {
					t.Errorf("the types are not listed: %s", message)
				}
				g.get(t, "kvaughan", "/api/users/bad").want(http.StatusNotFound)
			})
		}
		t.Run("R_C19", func(t *testing.T) {
			g.send(t, ask{
				method: "PUT", path: "/api/users/bad", as: "kvaughan", body: newUser("bad"),
				header: headers("If-None-Match", "*", "If-Match", "*"),
			}).fails(http.StatusPreconditionFailed, "")
		})
		t.Run("R_C25", func(t *testing.T) { put(t, "bjensen", "bad", newUser("bad")).fails(http.StatusForbidden, "") })
		t.Run("NoID", func(t *testing.T) { // No path leads to what is so named.
			for id, kind := range map[string]string{"": "missingID", ".": "malformedID", "..": "malformedID"} {
				g.send(t, ask{method: "POST", path: "/api/users", as: "kvaughan", body: newUser(id)}).fails(http.StatusBadRequest, kind).has(`"/_id"`, "detail", "field")
			}
		})
		t.Run("InAResource", func(t *testing.T) {
			g.send(t, ask{method: "POST", path: "/api/users/bjensen", as: "kvaughan", body: newUser("bad")}).fails(http.StatusBadRequest, "")
		})
		t.Run("UnknownAction", func(t *testing.T) {
			g.send(t, ask{method: "POST", path: "/api/users", query: params("_action", "nosuch"), as: "kvaughan", body: "{}"}).fails(http.StatusNotImplemented, "")
		})
	})
}

// A default fills in what a create leaves out.
func TestCreateWithDefault(t *testing.T) { slapd.Each(t, slapd.Options{}, createWithDefault) }

func createWithDefault(t *testing.T, server *slapd.Server) {
	g := start(t, server, settings{mappings: map[string]string{"api/v1.json": `{"format": 1, "version": "1.0", "resourceTypes": {
		"v1": {"subResources": {"users": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user",
			"namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}},
		"user": {"objectClasses": ["top", "person", "organizationalPerson", "inetOrgPerson"], "properties": {
			"_id": {"type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly"},
			"kind": {"type": "constant", "value": {"of": "user"}},
			"cn": {"type": "simple", "isMultiValued": true, "isRequired": true},
			"sn": {"type": "simple", "isRequired": true},
			"photo": {"type": "simple", "ldapAttribute": "jpegPhoto", "isBinary": true},
			"title": {"type": "simple", "defaultJsonValue": "x"}}}}}`}})
	t.Run("R_C29", func(t *testing.T) {
		g.send(t, ask{method: "PUT", path: "/api/users/d1", as: "kvaughan", header: headers("If-None-Match", "*"), body: `{"cn":["a"],"sn":"b"}`}).
			want(http.StatusCreated).has(`"x"`, "title").has(`{"of":"user"}`, "kind").has(`"d1"`, "_id")
		if entry := ldapEntry(t, server, "uid=d1,ou=People,dc=example,dc=com"); !strings.Contains(entry, "title: x\n") {
			t.Errorf("not stored:\n%s", entry)
		}
	})
	t.Run("Binary", func(t *testing.T) {
		const photo = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
		g.send(t, ask{method: "PUT", path: "/api/users/d2", as: "kvaughan", body: `{"cn":["a"],"sn":"b","photo":"` + photo + `"}`}).
			want(http.StatusCreated).has(`"`+photo+`"`, "photo")
		g.get(t, "kvaughan", "/api/users/d2", "_fields", "photo").want(http.StatusOK).has(`"`+photo+`"`, "photo")
		g.send(t, ask{method: "PUT", path: "/api/users/d3", as: "kvaughan", body: `{"cn":["a"],"sn":"b","photo":"no base64!"}`}).
			fails(http.StatusBadRequest, "").has(`"/photo"`, "detail", "field")
	})
}
