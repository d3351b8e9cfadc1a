package integration_test

import (
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/mappings"
)

func TestRead(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		const path = "/api/users/bjensen"

		t.Run("R_B01", func(t *testing.T) {
			r := g.get(t, "kvaughan", path).want(http.StatusOK)
			r.has(`"bjensen"`, "_id").
				has(`"frapi:opendj:rest2ldap:posixUser:1.0"`, "_schema").
				has(`"bjensen@example.com"`, "userName").
				has(`["Barbara Jensen","Babs Jensen"]`, "displayName").
				has(`{"givenName":"Barbara","familyName":"Jensen"}`, "name").
				has(`"Original description"`, "description").
				has(`{"telephoneNumber":"+1 408 555 1862","emailAddress":"bjensen@example.com"}`, "contactInformation").
				has(`1076`, "uidNumber").
				has(`"trigden"`, "manager", "_id")
			if r.etag() != `"`+r.at("_rev").(string)+`"` {
				t.Errorf("ETag %s and _rev %v", r.etag(), r.at("_rev"))
			}
			if created, _ := r.at("_meta", "created").(string); !strings.HasSuffix(created, "Z") || !strings.Contains(created, "T") {
				t.Errorf("_meta.created is %q", created)
			}
		})
		t.Run("R_B03", func(t *testing.T) { g.get(t, "kvaughan", "/api/users/missing").fails(http.StatusNotFound, "") })
		t.Run("R_B05", func(t *testing.T) {
			r := g.get(t, "kvaughan", path, "_fields", "/name/familyName").want(http.StatusOK).has(`{"familyName":"Jensen"}`, "name")
			if got := r.members(); !slices.Equal(got, []string{"_id", "_rev", "name"}) {
				t.Errorf("members %q", got)
			}
		})
		t.Run("R_B07", func(t *testing.T) {
			r := g.get(t, "kvaughan", path, "_fields", "nosuch").want(http.StatusOK)
			if got := r.members(); !slices.Equal(got, []string{"_id", "_rev"}) {
				t.Errorf("members %q", got)
			}
		})
		t.Run("R_B09", func(t *testing.T) {
			g.get(t, "kvaughan", path, "_prettyPrint", "maybe").fails(http.StatusBadRequest, "")
		})
		t.Run("PrettyPrint", func(t *testing.T) {
			r := g.get(t, "kvaughan", path, "_prettyPrint", "true").want(http.StatusOK).has(`"bjensen"`, "_id")
			if !strings.Contains(r.body, "\n  \"_id\"") {
				t.Errorf("not indented: %s", r.body)
			}
		})
		t.Run("R_B11", func(t *testing.T) {
			g.send(t, ask{method: "GET", path: path, as: "kvaughan", header: headers("If-None-Match", `"other"`)}).want(http.StatusOK)
		})
		t.Run("NotModified", func(t *testing.T) {
			fields := params("_fields", "userName")
			tag := g.get(t, "kvaughan", path, "_fields", "userName").etag()
			r := g.send(t, ask{method: "GET", path: path, as: "kvaughan", query: fields, header: headers("If-None-Match", tag)}).want(http.StatusNotModified)
			if r.body != "" || r.etag() != tag {
				t.Errorf("a 304 with ETag %q and body %q", r.etag(), r.body)
			}
			g.send(t, ask{method: "GET", path: path, as: "kvaughan", header: headers("If-None-Match", tag)}).want(http.StatusOK)
		})
		t.Run("R_B13", func(t *testing.T) {
			g.send(t, ask{method: "GET", path: path, as: "kvaughan", header: headers("If-Match", `"E"`)}).fails(http.StatusPreconditionFailed, "")
		})
		t.Run("R_B15", func(t *testing.T) {
			r := g.get(t, "kvaughan", "/api/groups/Directory%20Administrators").want(http.StatusOK)
			if got := r.ids("members"); !slices.Equal(got, []string{"hmiller", "kvaughan", "rdaugherty"}) {
				t.Errorf("members %q", got)
			}
		})
		t.Run("R_B17", func(t *testing.T) {
			g.get(t, "kvaughan", path, "_fields", "/displayName,/manager/displayName").want(http.StatusOK).
				has(`["Torrey Rigden"]`, "manager", "displayName").has(`"trigden"`, "manager", "_id")
		})
		t.Run("WholeReference", func(t *testing.T) {
			g.get(t, "kvaughan", path, "_fields", "/,/manager").want(http.StatusOK).
				has(`"Rigden"`, "manager", "name", "familyName").lacks("manager", "groups")
		})
		t.Run("GroupsInTheEntrysSpelling", func(t *testing.T) {
			r := g.get(t, "kvaughan", "/api/users/kvaughan").want(http.StatusOK)
			if got := r.ids("groups"); !slices.Equal(got, []string{"Directory Administrators", "HR Managers"}) {
				t.Errorf("groups %q", got)
			}
		})
		t.Run("Head", func(t *testing.T) {
			r := g.send(t, ask{method: "HEAD", path: path, as: "kvaughan"}).want(http.StatusOK)
			if r.body != "" || r.etag() == "" {
				t.Errorf("HEAD answered %q", r.body)
			}
		})
		t.Run("F200", func(t *testing.T) { // There is one language, whatever a client speaks.
			for _, path := range []string{path, "/api/users/missing"} {
				r := g.send(t, ask{method: "GET", path: path, as: "kvaughan", header: headers("Accept-Language", "fr, de;q=0.5")})
				if want := g.get(t, "kvaughan", path); r.status != want.status || r.body != want.body || r.header.Get("Content-Language") != "" {
					t.Errorf("%d, %v: %s", r.status, r.header, r.body)
				}
			}
		})
		t.Run("OnePlusOneOperations", func(t *testing.T) {
			g.get(t, "kvaughan", "/api/users/gen001").want(http.StatusOK)
			r := g.get(t, "kvaughan", "/api/users/gen001").want(http.StatusOK)
			events := g.eventsOf(t, r)
			if len(events) != 1 || events[0]["ldapOperations"] != float64(1) {
				t.Errorf("events %v", events)
			}
		})
	})
}

// What may only be read is read as everywhere.
func TestReadOnlyCollection(t *testing.T) {
	shipped, err := fs.ReadFile(mappings.Files(), "api/example-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(shipped), `"subResources": {`, `"subResources": {
        "read-only-users": {
          "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "frapi:opendj:rest2ldap:user:1.0", "isReadOnly": true,
          "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }
        },`, 1)
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/example-v1.json": text}})
		t.Run("R_B25", func(t *testing.T) {
			want := g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
			if got := g.get(t, "kvaughan", "/api/read-only-users/bjensen").want(http.StatusOK); got.body != want.body || got.etag() != want.etag() {
				t.Errorf("%s, want %s", got.body, want.body)
			}
		})
		t.Run("R_F09", func(t *testing.T) {
			g.send(t, ask{method: "DELETE", path: "/api/read-only-users/bjensen", as: "kvaughan"}).fails(http.StatusBadRequest, "readOnly")
		})
	})
}

// A reference to an entry that is gone or hidden keeps the id that its DN spells.
func TestDanglingReference(t *testing.T) {
	server := slapd.Start(t, slapd.Options{LDIF: `
dn: cn=Odd Group,ou=Groups,dc=example,dc=com
objectClass: groupOfUniqueNames
cn: Odd Group
uniqueMember: uid=bjensen,ou=People,dc=example,dc=com
uniqueMember: UID=Ghost One,ou=people,dc=example,dc=com
uniqueMember: cn=elsewhere,dc=example,dc=com
`})
	g := start(t, server, settings{})
	const path = "/api/groups/Odd%20Group"
	r := g.get(t, "kvaughan", path).want(http.StatusOK)
	if got := r.ids("members"); !slices.Equal(got, []string{"Ghost One", "bjensen"}) {
		t.Errorf("members %q", got)
	}
	t.Run("W18/KeptByPut", func(t *testing.T) {
		g.send(t, ask{
			method: "PUT", path: path, as: "kvaughan", header: headers("If-Match", r.etag()),
			body: `{"_id":"Odd Group","_schema":"frapi:opendj:rest2ldap:group:1.0","description":"x","members":[{"_id":"scarter"}]}`,
		}).want(http.StatusOK)
		after := g.get(t, "kvaughan", path).want(http.StatusOK)
		if got := after.ids("members"); !slices.Equal(got, []string{"Ghost One", "scarter"}) {
			t.Errorf("members after PUT %q", got)
		}
	})
	t.Run("W17/RemovedByPatch", func(t *testing.T) {
		g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: `[{"operation":"remove","field":"/members","value":[{"_id":"Ghost One"}]}]`}).want(http.StatusOK)
		if got := g.get(t, "kvaughan", path).ids("members"); !slices.Equal(got, []string{"scarter"}) {
			t.Errorf("members after PATCH %q", got)
		}
	})
}
