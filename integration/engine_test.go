package integration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// The switches of the engine, each turned the other way.
func TestEngine(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		const path = "/api/users/bjensen"
		const admins = "/api/groups/Directory%20Administrators"
		patch := func(t *testing.T, g *gateway, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		t.Run("WithoutRevisions", func(t *testing.T) {
			g := start(t, server, settings{set: []string{"mapping.options.useMvcc=false"}})
			r := g.get(t, "kvaughan", path).want(http.StatusOK).lacks("_rev")
			if r.header.Get("ETag") != "" {
				t.Errorf("ETag %q", r.header.Get("ETag"))
			}
			t.Run("R_D19", func(t *testing.T) {
				for _, method := range []string{"PUT", "PATCH", "DELETE"} {
					body := map[string]string{"PUT": r.body, "PATCH": `[{"operation":"replace","field":"/description","value":"x"}]`}[method]
					g.send(t, ask{method: method, path: path, as: "kvaughan", body: body, header: headers("If-Match", "12345")}).fails(http.StatusNotImplemented, "revision")
				}
			})
			g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: r.body, header: headers("If-Match", "*")}).want(http.StatusOK)
			patch(t, g, path, `[{"operation":"replace","field":"/description","value":"Original description"}]`).want(http.StatusOK)
		})
		t.Run("OtherRevision", func(t *testing.T) {
			// entryUUID never changes, so that a second change at it shows which attribute is asserted.
			g := start(t, server, settings{set: []string{"mapping.options.mvccAttribute=ENTRYUUID"}})
			tag := g.get(t, "kvaughan", path).etag()
			for range 2 {
				patch(t, g, path, `[{"operation":"replace","field":"/description","value":"Original description"}]`, "If-Match", tag).want(http.StatusOK)
			}
			patch(t, g, path, `[{"operation":"replace","field":"/description","value":"no"}]`, "If-Match", "other").fails(http.StatusPreconditionFailed, "revision")
			g = start(t, server, settings{set: []string{"mapping.options.mvccAttribute=modifyTimestamp"}})
			if tag := g.get(t, "kvaughan", path).etag(); !strings.HasPrefix(tag, "W/") {
				t.Errorf("ETag %s", tag)
			}
		})
		t.Run("ReadEntryControls", func(t *testing.T) {
			// One operation changes an entry and reads it, or reads it and deletes it.
			g := start(t, server, settings{})
			for range 2 { // Whether the account is usable is known from here on.
				g.get(t, "kvaughan", path).want(http.StatusOK)
			}
			one := params("_fields", "displayName,description")
			for _, a := range []ask{
				{method: "POST", path: "/api/users", body: newUser("newuser")},
				{method: "PATCH", path: "/api/users/newuser", body: `[{"operation":"replace","field":"/description","value":"x"}]`},
				{method: "DELETE", path: "/api/users/newuser"},
			} {
				if a.as, a.query = "kvaughan", one; a.method == "POST" {
					a.body = strings.Replace(a.body, `,"manager":{"_id":"kvaughan","displayName":"Kirsten Vaughan"}`, "", 1)
				}
				r := g.send(t, a).has(`["New User"]`, "displayName")
				events := g.eventsOf(t, r)
				if n := events[len(events)-1]["ldapOperations"]; n != 1.0 || r.status >= 300 {
					t.Errorf("%s: %v operations, %d %s", a.method, n, r.status, r.body)
				}
			}
		})
		t.Run("X04", func(t *testing.T) {
			g := start(t, server, settings{set: []string{"mapping.options.readOnUpdatePolicy=search"}})
			r := g.send(t, ask{method: "PUT", path: "/api/users/newuser", as: "kvaughan", body: newUser("newuser")}).want(http.StatusCreated).has(`["New User"]`, "displayName")
			patch(t, g, "/api/users/newuser", `[{"operation":"replace","field":"/description","value":"x"}]`).want(http.StatusOK).has(`"x"`, "description").has(`["New User"]`, "displayName")
			events := g.eventsOf(t, g.send(t, ask{method: "DELETE", path: "/api/users/newuser", as: "kvaughan", query: params("_fields", "displayName")}).want(http.StatusOK).has(`["New User"]`, "displayName"))
			if n := events[len(events)-1]["ldapOperations"]; n != 2.0 {
				t.Errorf("a search and a deletion made %v operations", n)
			}
			if !strings.HasSuffix(r.header.Get("Location"), "/newuser") || r.header.Get("ETag") == "" {
				t.Errorf("%v", r.header)
			}
		})
		t.Run("ReadOnUpdateDisabled", func(t *testing.T) {
			g := start(t, server, settings{set: []string{"mapping.options.readOnUpdatePolicy=disabled"}})
			r := g.send(t, ask{method: "POST", path: "/api/users", as: "kvaughan", body: newUser("newuser")}).want(http.StatusCreated)
			if r.body != `{"_id":"newuser"}` || !strings.HasSuffix(r.header.Get("Location"), "/api/users/newuser") {
				t.Errorf("%s, %v", r.body, r.header)
			}
			g.get(t, "kvaughan", path).want(http.StatusOK) // Whether the account is usable is known from here on.
			change := patch(t, g, "/api/users/newuser", `[{"operation":"replace","field":"/description","value":"x"}]`).want(http.StatusOK)
			remove := g.send(t, ask{method: "DELETE", path: "/api/users/newuser", as: "kvaughan"}).want(http.StatusOK)
			for i, r := range []*reply{change, remove} {
				events := g.eventsOf(t, r)
				if n := events[len(events)-1]["ldapOperations"]; n != 1.0 || r.body != `{"_id":"newuser"}` {
					t.Errorf("request %d: %v operations, %s", i, n, r.body)
				}
			}
		})
		t.Run("R_E07", func(t *testing.T) {
			g := start(t, server, settings{set: []string{"mapping.options.usePermissiveModify=false"}})
			patch(t, g, admins, `[{"operation":"add","field":"/members/-","value":{"_id":"kvaughan"}}]`).fails(http.StatusBadRequest, "attributeOrValueExists")
			patch(t, g, admins, `[{"operation":"remove","field":"/members","value":[{"_id":"scarter"}]}]`).fails(http.StatusBadRequest, "noSuchAttribute")
		})
		t.Run("R_B21", func(t *testing.T) {
			g := start(t, server, settings{set: []string{"mapping.options.returnNullForMissingProperties=true"}})
			r := g.get(t, "kvaughan", "/api/users/gen001").want(http.StatusOK).has(`[]`, "groups")
			for _, name := range []string{"description", "manager"} {
				if !strings.Contains(r.body, `"`+name+`":null`) {
					t.Errorf("%s is not null: %s", name, r.body)
				}
			}
			// What is shown as nothing can be sent back.
			g.send(t, ask{method: "PUT", path: "/api/users/gen001", as: "kvaughan", body: r.body}).want(http.StatusOK)
			g.list(t, "kvaughan", "/api/users", `_id eq "gen001"`, "_fields", "description,manager").has(`[{"_id":"gen001","_rev":"`+strings.Trim(r.etag(), `"`)+`","description":null,"manager":null}]`, "result")
		})
		t.Run("LocalSort", func(t *testing.T) {
			g := start(t, server, settings{set: []string{"mapping.options.localSortMaxEntries=5"}})
			g.list(t, "kvaughan", "/api/users", `_id sw "k"`, "_sortKeys", "userName", "_fields", "_id").finds("kjensen", "kvaughan", "kwinters")
			g.list(t, "kvaughan", "/api/users", `_id sw "a"`, "_sortKeys", "userName", "_fields", "_id").fails(http.StatusRequestEntityTooLarge, "sortLimit").has("5", "detail", "limit")
		})
		t.Run("TransactionID", func(t *testing.T) {
			g := start(t, server, settings{set: []string{"server.trustTransactionId=true"}})
			r := g.send(t, ask{method: "GET", path: path, as: "kvaughan", header: headers("X-ForgeRock-TransactionId", "of-the-client/0")}).want(http.StatusOK)
			if id := r.header.Get("X-ForgeRock-TransactionId"); id != "of-the-client/0" || len(g.eventsOf(t, r)) != 1 {
				t.Errorf("transaction id %q", id)
			}
		})
	})
}
