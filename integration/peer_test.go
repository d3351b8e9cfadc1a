package integration_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// peerMapping is the mapping in the form of the reference product 3.5, as it stands in the
// tests of the compiler.
func peerMapping(t *testing.T) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile("../pkg/mapping/testdata/compile/m1.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range archive.Files {
		if file.Name == "api/example-v1.json" {
			return map[string]string{file.Name: string(file.Data)}
		}
	}
	t.Fatal(os.ErrNotExist)
	return nil
}

// The mapping file of the reference product as it came, with references in the in-line form:
// its clients get the answers that they know.
func TestPeerMapping(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: peerMapping(t)})
		const path = "/api/users/bjensen"

		t.Run("R_B01", func(t *testing.T) {
			g.get(t, "kvaughan", path).want(http.StatusOK).
				has(`"frapi:opendj:rest2ldap:posixUser:1.0"`, "_schema").has(`"bjensen@example.com"`, "userName").
				has(`["Barbara Jensen","Babs Jensen"]`, "displayName").has(`{"givenName":"Barbara","familyName":"Jensen"}`, "name").
				has(`"Original description"`, "description").has(`1076`, "uidNumber").
				has(`{"telephoneNumber":"+1 408 555 1862","emailAddress":"bjensen@example.com"}`, "contactInformation").
				has(`"trigden"`, "manager", "_id").has(`"Torrey Rigden"`, "manager", "displayName")
		})
		t.Run("R_B15", func(t *testing.T) {
			r := g.get(t, "kvaughan", "/api/groups/Directory%20Administrators").want(http.StatusOK)
			if got := r.ids("members"); !slices.Equal(got, []string{"hmiller", "kvaughan", "rdaugherty"}) {
				t.Errorf("members %q", got)
			}
			if name, _ := r.at("members", 0, "displayName").(string); name == "" {
				t.Errorf("a member without its name: %s", r.body)
			}
		})
		t.Run("R_B25", func(t *testing.T) {
			want := g.get(t, "kvaughan", path).want(http.StatusOK)
			if r := g.get(t, "kvaughan", "/api/read-only-users/bjensen").want(http.StatusOK); r.body != want.body || r.etag() != want.etag() {
				t.Errorf("%s, want %s", r.body, want.body)
			}
			g.send(t, ask{method: "DELETE", path: "/api/read-only-users/bjensen", as: "kvaughan"}).fails(http.StatusBadRequest, "readOnly")
		})
		t.Run("R_F09", func(t *testing.T) {
			g.send(t, ask{method: "DELETE", path: "/api/all-users/bjensen", as: "kvaughan"}).fails(http.StatusBadRequest, "readOnly")
		})
		t.Run("X09", func(t *testing.T) {
			g.get(t, "kvaughan", "/api/all-users/bjensen").want(http.StatusOK).has(`"bjensen"`, "_id")
		})
		const newUser = `{"_id":"newuser","_schema":"frapi:opendj:rest2ldap:user:1.0","contactInformation":{"telephoneNumber":"+1 408 555 1212","emailAddress":"newuser@example.com"},
			"name":{"givenName":"New","familyName":"User"},"displayName":["New User"],"manager":{"_id":"kvaughan","displayName":"Kirsten Vaughan"}}`
		t.Run("R_C01", func(t *testing.T) {
			r := g.send(t, ask{method: "PUT", path: "/api/users/newuser", as: "kvaughan", body: newUser, header: headers("If-None-Match", "*")}).want(http.StatusCreated)
			r.has(`"newuser@example.com"`, "userName").has(`"kvaughan"`, "manager", "_id")
			if location := r.header.Get("Location"); !strings.HasSuffix(location, "/api/users/newuser") {
				t.Errorf("Location %q", location)
			}
			if entry := ldapEntry(t, server, "uid=newuser,ou=People,dc=example,dc=com"); !strings.Contains(entry, "manager: uid=kvaughan,ou=People,dc=example,dc=com") {
				t.Errorf("%s", entry)
			}
		})
		t.Run("R_C03", func(t *testing.T) {
			g.send(t, ask{method: "PUT", path: "/api/users/newuser", as: "kvaughan", body: strings.Replace(newUser, "1212", "1313", 1)}).want(http.StatusOK).
				has(`"+1 408 555 1313"`, "contactInformation", "telephoneNumber")
		})
		t.Run("R_C13", func(t *testing.T) {
			body := strings.Replace(newUser, `"manager":{"_id":"kvaughan","displayName":"Kirsten Vaughan"}`, `"manager":[{"_id":"kvaughan"}]`, 1)
			g.send(t, ask{method: "POST", path: "/api/users", as: "kvaughan", body: body}).fails(http.StatusBadRequest, "")
		})
		t.Run("R_C15", func(t *testing.T) {
			body := strings.NewReplacer(`"newuser"`, `"ghostly"`, `"kvaughan"`, `"ghost"`).Replace(newUser)
			g.send(t, ask{method: "POST", path: "/api/users", as: "kvaughan", body: body}).fails(http.StatusBadRequest, "")
		})
		t.Run("W1", func(t *testing.T) {
			for _, manager := range []string{`{}`, `{"x":1}`, `{"_id":1}`, `"kvaughan"`, `{"displayName":"Kirsten Vaughan"}`} {
				body := `[{"operation":"replace","field":"/manager","value":` + manager + `}]`
				g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: body}).fails(http.StatusBadRequest, "")
			}
		})
		t.Run("W5", func(t *testing.T) {
			whole := g.get(t, "kvaughan", "/api/users/scarter").want(http.StatusOK)
			same := g.send(t, ask{method: "PUT", path: "/api/users/scarter", as: "kvaughan", body: whole.body}).want(http.StatusOK)
			if same.etag() != whole.etag() {
				t.Errorf("revision %s before and %s after a PUT of what was read", whole.etag(), same.etag())
			}
		})
		// The file names isMemberOf, and OpenLDAP has memberOf.
		const sam = `{"_id":"scarter","_schema":"frapi:opendj:rest2ldap:posixUser:1.0","userName":"scarter@example.com","displayName":["Sam Carter","Samantha Carter"],
			"name":{"givenName":"Sam","familyName":"Carter"},"contactInformation":{"telephoneNumber":"+1 408 555 4798","emailAddress":"scarter@example.com"},
			"uidNumber":1002,"gidNumber":1000,"homeDirectory":"/home/scarter","groups":[{"_id":"Accounting Managers"}],"manager":{"_id":"trigden"}}`
		t.Run("R_D01", func(t *testing.T) {
			r := g.send(t, ask{method: "PUT", path: "/api/users/scarter", as: "kvaughan", body: sam, header: headers("If-Match", "*")}).want(http.StatusOK)
			r.has(`"trigden"`, "manager", "_id").has(`"Accounting Managers"`, "groups", 0, "_id")
			if names, _ := r.at("displayName").([]any); len(names) != 2 {
				t.Errorf("names %v", names)
			}
		})
		t.Run("R_D09", func(t *testing.T) {
			body := strings.Replace(sam, "Accounting Managers", "HR Managers", 1)
			g.send(t, ask{method: "PUT", path: "/api/users/scarter", as: "kvaughan", body: body, header: headers("If-Match", "*")}).fails(http.StatusBadRequest, "readOnly").has(`"/groups"`, "detail", "field")
			g.send(t, ask{method: "PATCH", path: "/api/users/scarter", as: "kvaughan", body: `[{"operation":"remove","field":"/groups"}]`}).fails(http.StatusBadRequest, "readOnly")
		})
		t.Run("Groups", func(t *testing.T) {
			if got := g.get(t, "kvaughan", "/api/users/kvaughan").want(http.StatusOK).ids("groups"); !slices.Equal(got, []string{"Directory Administrators", "HR Managers"}) {
				t.Errorf("%q", got)
			}
			g.list(t, "kvaughan", "/api/users", `groups/_id eq 'HR Managers'`).finds("cschmith", "kvaughan")
		})
		t.Run("R_E01", func(t *testing.T) {
			r := g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: `[{"operation":"replace","field":"/contactInformation/emailAddress","value":"babs@example.com"}]`}).want(http.StatusOK)
			r.has(`"babs@example.com"`, "userName").has(`"babs@example.com"`, "contactInformation", "emailAddress")
		})
		t.Run("R_E05", func(t *testing.T) {
			r := g.send(t, ask{method: "PATCH", path: "/api/groups/Directory%20Administrators", as: "kvaughan", body: `[{"operation":"add","field":"/members/-","value":{"_id":"bjensen"}}]`}).want(http.StatusOK)
			if got := r.ids("members"); !slices.Equal(got, []string{"bjensen", "hmiller", "kvaughan", "rdaugherty"}) {
				t.Errorf("members %q", got)
			}
		})
		t.Run("R_G11", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", `(userName co 'jensen' and manager/displayName sw 'Sam')`, "_fields", "userName").finds("jjensen", "tjensen")
		})
		t.Run("R_G13", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", `(_id co 'jensen' and displayName sw 'babs')`).finds("bjensen")
		})
		t.Run("R_G17", func(t *testing.T) { g.list(t, "kvaughan", "/api/users", `nosuch eq 'x'`).finds() })
		t.Run("X11", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", `!(nosuch eq 'x') and _id co 'jensen' and manager/_id eq 'scarter'`).finds("jjensen", "tjensen")
		})
		t.Run("R_G27", func(t *testing.T) { g.list(t, "kvaughan", "/api/users", `manager/_id eq 'ghost'`).finds() })
		t.Run("W6", func(t *testing.T) {
			r := g.list(t, "kvaughan", "/api/users", `uidNumber ge 1119 and uidNumber le 1120`, "_fields", "uidNumber").want(http.StatusOK)
			if got := r.ids("result"); !slices.Contains(got, "abarnes") || !slices.Contains(got, "rjensen") {
				t.Errorf("a property of a sub-type finds %q", got)
			}
		})
		t.Run("R_K25", func(t *testing.T) {
			r := g.get(t, "kvaughan", "/api", "_api", "").want(http.StatusOK)
			if version, _ := r.at("openapi").(string); !strings.HasPrefix(version, "3.") {
				t.Errorf("OpenAPI %q", version)
			}
			described := map[string][]string{
				"/users": {"get", "post"}, "/users/{id}": {"get", "put", "patch", "delete"}, "/groups": {"get", "post"},
				"/groups/{id}": {"get", "put", "patch", "delete"}, "/read-only-users": {"get", "post"}, "/read-only-users/{id}": {"get"}, "/all-users": {"get", "post"}, "/all-users/{id}": {"get"},
			}
			if want := slices.Sorted(maps.Keys(described)); !slices.Equal(r.members("paths"), want) {
				t.Errorf("paths %q, want %q", r.members("paths"), want)
			}
			for path, methods := range described {
				for _, method := range []string{"get", "post", "put", "patch", "delete"} {
					wanted := slices.Contains(methods, method) || method == "post" && path == "/users/{id}"
					if found := r.at("paths", path, method) != nil; found != wanted {
						t.Errorf("%s %s: described %t, want %t", method, path, found, wanted)
					}
				}
			}
			for _, path := range []string{"/read-only-users", "/all-users"} { // A POST there is a query, and nothing else.
				if actions := fmt.Sprint(r.at("paths", path, "post", "parameters")); !strings.Contains(actions, "enum:[query]") {
					t.Errorf("%s: %s", path, actions)
				}
			}
		})
		t.Run("R_H09", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "abc").fails(http.StatusBadRequest, "malformedParameter")
		})
		t.Run("R_H11", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", "true", "_totalPagedResultsPolicy", "BOGUS").fails(http.StatusBadRequest, "malformedParameter")
		})
		t.Run("R_H17", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", "true", "_sortKeys", "a//~").fails(http.StatusBadRequest, "malformedParameter")
		})
		t.Run("R_J11", func(t *testing.T) {
			g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: "{}", noType: true}).fails(http.StatusUnsupportedMediaType, "unsupportedMediaType")
		})
		t.Run("MembersByName", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/groups", `members/displayName eq "Kirsten Vaughan"`, "_fields", "displayName").finds("Directory Administrators", "HR Managers")
		})
		t.Run("Delete", func(t *testing.T) {
			g.send(t, ask{method: "DELETE", path: "/api/users/newuser", as: "kvaughan"}).want(http.StatusOK).has(`"newuser"`, "_id").has(`"kvaughan"`, "manager", "_id")
		})
	})
}
