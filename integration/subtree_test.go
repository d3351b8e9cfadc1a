package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/mappings"
)

// withDevices is the mapping of the program, with a collection of devices below users.
func withDevices(t *testing.T) map[string]string {
	t.Helper()
	text, err := mappings.Files().(interface {
		ReadFile(name string) ([]byte, error)
	}).ReadFile("api/example-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	const user, device = `"frapi:opendj:rest2ldap:user:1.0": {`, `"device": { "objectClasses": [ "top", "device" ], "properties": {
		"_id": { "type": "simple", "ldapAttribute": "cn", "writability": "createOnly" }, "description": { "type": "simple" } } },`
	sub := `"subResources": { "devices": { "type": "collection", "resource": "device", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } } },`
	mapped := strings.Replace(string(text), user, device+"\n"+user+"\n"+sub, 1)
	if mapped == string(text) {
		t.Fatal("the mapping has no such type")
	}
	return map[string]string{"api/example-v1.json": mapped}
}

func TestSubtreeDelete(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		mapped := withDevices(t)
		g := start(t, server, settings{mappings: mapped})
		plain := start(t, server, settings{})
		strict := start(t, server, settings{mappings: mapped, set: []string{"mapping.options.useSubtreeDelete=false"}})
		const path = "/api/users/nbohr"
		remove := func(t *testing.T, g *gateway, as, path string, query []string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: "DELETE", path: path, as: as, query: params(query...), header: headers(header...)})
		}
		fresh := func(t *testing.T, id string, below int) string {
			t.Helper()
			path := "/api/users/" + id
			g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: newUser(id), header: headers("If-None-Match", "*")}).want(http.StatusCreated)
			for i := range below {
				g.send(t, ask{method: "PUT", path: fmt.Sprintf("%s/devices/thing%d", path, i), as: "kvaughan", body: `{}`}).want(http.StatusCreated)
			}
			return path
		}
		t.Run("Refused", func(t *testing.T) {
			remove(t, plain, "kvaughan", path, nil).fails(http.StatusBadRequest, "notAllowedOnNonLeaf")
			remove(t, strict, "kvaughan", path, nil).fails(http.StatusBadRequest, "notAllowedOnNonLeaf")
			remove(t, g, "bjensen", path, nil).fails(http.StatusForbidden, "")
			g.get(t, "kvaughan", path+"/devices/qubit%20generator").want(http.StatusOK)
		})
		t.Run("StaleRevision", func(t *testing.T) {
			remove(t, g, "kvaughan", path, nil, "If-Match", "12346").fails(http.StatusPreconditionFailed, "")
			g.list(t, "kvaughan", path+"/devices", "true").finds("quantum dot", "qubit generator")
		})
		t.Run("Trial", func(t *testing.T) {
			remove(t, g, "kvaughan", path, []string{"dryRun", "true"}).fails(http.StatusNotImplemented, "dryRun")
			g.list(t, "kvaughan", path+"/devices", "true").finds("quantum dot", "qubit generator")
		})
		t.Run("R_F05", func(t *testing.T) {
			r := remove(t, g, "kvaughan", path, nil).want(http.StatusOK).has(`"nbohr"`, "_id").has(`["Niels Bohr"]`, "displayName")
			t.Run("R_F07", func(t *testing.T) {
				// Neither directory has the control: the entries went one by one.
				if below := r.header.Get("X-Deleted-Below"); below != "2" {
					t.Errorf("%s entries went one by one", below)
				}
				events := g.eventsOf(t, r)
				check(t, events[len(events)-1], map[string]any{"deleted": 2.0, "status": 200.0})
			})
			g.get(t, "kvaughan", path).want(http.StatusNotFound)
			for _, id := range []string{"quantum%20dot", "qubit%20generator"} {
				g.get(t, "kvaughan", path+"/devices/"+id).fails(http.StatusNotFound, "")
			}
		})
		t.Run("X08", func(t *testing.T) {
			// Whatever the type: who says so in the request gets it.
			path := fresh(t, "deep", 3)
			remove(t, plain, "kvaughan", path, []string{"subtreeDelete", "false"}).fails(http.StatusBadRequest, "notAllowedOnNonLeaf")
			if below := remove(t, plain, "kvaughan", path, []string{"subtreeDelete", "true"}).want(http.StatusOK).header.Get("X-Deleted-Below"); below != "3" {
				t.Errorf("%s entries went one by one", below)
			}
		})
		t.Run("F210", func(t *testing.T) {
			path := fresh(t, "other", 1)
			tag := g.get(t, "kvaughan", path).etag()
			if below := remove(t, strict, "kvaughan", path, []string{"subtreeDelete", "true"}, "If-Match", tag).want(http.StatusOK).header.Get("X-Deleted-Below"); below != "1" {
				t.Errorf("%s entries went one by one", below)
			}
			g.get(t, "kvaughan", path).want(http.StatusNotFound)
		})
		t.Run("Leaf", func(t *testing.T) {
			r := remove(t, g, "kvaughan", fresh(t, "leaf", 0), nil).want(http.StatusOK)
			if r.header.Get("X-Deleted-Below") != "" {
				t.Error("a leaf has nothing below it")
			}
		})
		t.Run("TooMany", func(t *testing.T) {
			path := fresh(t, "crowd", 0)
			var ldif strings.Builder
			for i := range 1001 {
				fmt.Fprintf(&ldif, "dn: cn=d%d,uid=crowd,ou=People,dc=example,dc=com\nchangetype: add\nobjectClass: device\ncn: d%d\n\n", i, i)
			}
			ldapModify(t, server, ldif.String())
			// The directory itself lets a caller see 500 entries of one search in a go.
			r := remove(t, g, "kvaughan", path, nil).want(http.StatusRequestEntityTooLarge)
			if kind := r.at("detail", "kind"); kind != "subtreeLimit" && kind != "sizeLimit" {
				t.Errorf("%s", r.body)
			}
			if n := strings.Count(ldapTool(t, server, "", "ldapsearch", "-LLL", "-z", "none", "-b", "uid=crowd,ou=People,dc=example,dc=com", "1.1"), "dn: "); n != 1002 {
				t.Errorf("%d entries are left", n)
			}
		})
	})
}

func TestDryRun(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		const path = "/api/users/bjensen"
		before := g.get(t, "kvaughan", path).want(http.StatusOK)
		try := func(t *testing.T, a ask) *reply {
			t.Helper()
			a.as, a.query = "kvaughan", params("dryRun", "true")
			r := g.send(t, a)
			if r.header.Get("Location") != "" {
				t.Errorf("a change that was not made has the Location %q", r.header.Get("Location"))
			}
			return r
		}
		isTrial := func(t *testing.T, r *reply) {
			t.Helper()
			for _, e := range g.eventsOf(t, r) {
				if e["dryRun"] != true {
					t.Errorf("an event of a trial does not say so: %v", e)
				}
			}
		}
		t.Run("Create", func(t *testing.T) {
			isTrial(t, try(t, ask{method: "POST", path: "/api/users", body: newUser("newuser")}).want(http.StatusOK).has(`"newuser"`, "_id"))
			isTrial(t, try(t, ask{method: "PUT", path: "/api/users/newuser", body: newUser("newuser"), header: headers("If-None-Match", "*")}).want(http.StatusOK))
			try(t, ask{method: "PUT", path: "/api/users/newuser", body: newUser("newuser")}).want(http.StatusOK)
			g.get(t, "kvaughan", "/api/users/newuser").want(http.StatusNotFound)
			try(t, ask{method: "PUT", path: path, body: newUser("bjensen"), header: headers("If-None-Match", "*")}).fails(http.StatusPreconditionFailed, "alreadyExists")
		})
		t.Run("Update", func(t *testing.T) {
			isTrial(t, try(t, ask{method: "PUT", path: path, body: strings.Replace(before.body, "Original description", "Tried", 1)}).want(http.StatusOK).has(`"Tried"`, "description").lacks("_rev"))
		})
		t.Run("Patch", func(t *testing.T) {
			isTrial(t, try(t, ask{method: "PATCH", path: path, body: `[{"operation":"replace","field":"/description","value":"Tried"}]`}).want(http.StatusOK).has(`"Tried"`, "description").lacks("_rev"))
			try(t, ask{method: "PATCH", path: path, body: `[{"operation":"replace","field":"/contactInformation/telephoneNumber","value":"\u00e9"}]`}).fails(http.StatusBadRequest, "")
			g.send(t, ask{method: "PATCH", path: "/api/users/scarter", as: "bjensen", query: params("dryRun", "true"), body: `[{"operation":"replace","field":"/description","value":"no"}]`}).fails(http.StatusForbidden, "")
			try(t, ask{method: "PATCH", path: path, body: `[{"operation":"replace","field":"/description","value":"no"}]`, header: headers("If-Match", "other")}).fails(http.StatusPreconditionFailed, "revision")
		})
		t.Run("Delete", func(t *testing.T) {
			isTrial(t, try(t, ask{method: "DELETE", path: path}).want(http.StatusOK))
			try(t, ask{method: "DELETE", path: "/api/users/nbohr"}).fails(http.StatusBadRequest, "notAllowedOnNonLeaf")
		})
		if after := g.get(t, "kvaughan", path).want(http.StatusOK); after.body != before.body {
			t.Errorf("a trial changed something:\n%s\n%s", before.body, after.body)
		}
	})
}
