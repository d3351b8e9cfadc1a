package integration_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// TestDialect runs the core of the suite on 389 Directory Server, a second dialect of LDAP:
// no assertion control, no absolute filters, no revision unless one is chosen.
func TestDialect(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Kind: slapd.DS389})
	g := start(t, server, settings{})
	const path = "/api/users/bjensen"
	change := func(t *testing.T, as, method, path, body string, header ...string) *reply {
		t.Helper()
		return g.send(t, ask{method: method, path: path, as: as, body: body, header: headers(header...)})
	}
	t.Run("Read", func(t *testing.T) {
		g.get(t, "kvaughan", path).want(http.StatusOK).
			has(`"frapi:opendj:rest2ldap:posixUser:1.0"`, "_schema").has(`["Barbara Jensen","Babs Jensen"]`, "displayName").
			has(`1076`, "uidNumber").has(`"trigden"`, "manager", "_id")
		g.get(t, "kvaughan", "/api/users/missing").fails(http.StatusNotFound, "")
		g.send(t, ask{method: "GET", path: path, as: "bjensen", password: "wrong"}).fails(http.StatusUnauthorized, "")
		g.get(t, "kvaughan", path, "_fields", "/manager/displayName").want(http.StatusOK).has(`["Torrey Rigden"]`, "manager", "displayName")
	})
	t.Run("Query", func(t *testing.T) {
		for filter, ids := range map[string][]string{
			`userName eq 'bjensen@example.com'`: {"bjensen"},
			`userName sw 'ab'`:                  {"abarnes", "abergin"},
			`userName le 'ad'`:                  {"abarnes", "abergin", "achassin"},
			`userName ge 'tw'`:                  {"tward", "wlutz"},
			`(userName co 'jensen' and manager/displayName sw 'Sam')`:                {"jjensen", "tjensen"},
			`uidNumber ge 1130 and uidNumber lt 2000`:                                {"ttully"},
			`displayName eq 'a*b(c)'`:                                                nil,
			`manager/_id eq 'ghost'`:                                                 nil,
			`!(_id co 'jensen') and userName sw 'bj'`:                                nil,
			`_schema eq 'frapi:opendj:rest2ldap:posixUser:1.0' and _id eq 'bjensen'`: {"bjensen"},
		} {
			t.Run(filter, func(t *testing.T) { g.list(t, "kvaughan", "/api/users", filter, "_fields", "userName").finds(ids...) })
		}
		all := g.list(t, "kvaughan", "/api/users", "true", "_fields", "userName").want(http.StatusOK)
		all.has("150", "resultCount")
	})
	t.Run("Pages", func(t *testing.T) {
		seen := map[string]bool{}
		cookie := ""
		for range 100 {
			query := []string{"_pageSize", "40", "_fields", "userName"}
			if cookie != "" {
				query = append(query, "_pagedResultsCookie", cookie)
			}
			r := g.list(t, "kvaughan", "/api/users", "true", query...).want(http.StatusOK)
			for _, id := range r.ids("result") {
				if seen[id] {
					t.Errorf("%s came twice", id)
				}
				seen[id] = true
			}
			if cookie, _ = r.at("pagedResultsCookie").(string); cookie == "" {
				break
			}
		}
		if len(seen) != 150 {
			t.Errorf("%d users", len(seen))
		}
	})
	t.Run("Sorted", func(t *testing.T) {
		r := g.list(t, "kvaughan", "/api/users", `name/familyName eq 'Jensen'`, "_sortKeys", "-name/givenName", "_fields", "name/givenName").want(http.StatusOK)
		var names []string
		list, _ := r.at("result").([]any)
		for i := range list {
			name, _ := r.at("result", i, "name", "givenName").(string)
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != "Ted Richard Kurt Jody Gern Barbara Allison" {
			t.Errorf("order %s", got)
		}
	})
	const newUser = `{"_id":"newuser","_schema":"frapi:opendj:rest2ldap:user:1.0","contactInformation":{"telephoneNumber":"+1 408 555 1212","emailAddress":"newuser@example.com"},
		"name":{"givenName":"New","familyName":"User"},"displayName":["New User"],"manager":{"_id":"kvaughan"}}`
	t.Run("Create", func(t *testing.T) {
		change(t, "bjensen", "PUT", "/api/users/newuser", newUser, "If-None-Match", "*").fails(http.StatusForbidden, "")
		change(t, "kvaughan", "PUT", "/api/users/newuser", newUser, "If-None-Match", "*").want(http.StatusCreated).
			has(`"newuser@example.com"`, "userName").has(`"kvaughan"`, "manager", "_id")
		change(t, "kvaughan", "PUT", "/api/users/newuser", newUser, "If-None-Match", "*").fails(http.StatusPreconditionFailed, "")
	})
	t.Run("Update", func(t *testing.T) {
		whole := g.get(t, "kvaughan", "/api/users/newuser").want(http.StatusOK)
		change(t, "kvaughan", "PUT", "/api/users/newuser", whole.body).want(http.StatusOK)
		change(t, "kvaughan", "PUT", "/api/users/newuser", strings.Replace(newUser, "1212", "1313", 1)).want(http.StatusOK).
			has(`"+1 408 555 1313"`, "contactInformation", "telephoneNumber")
	})
	t.Run("Patch", func(t *testing.T) {
		change(t, "bjensen", "PATCH", path, `[{"operation":"replace","field":"/description","value":"mine"}]`).want(http.StatusOK).has(`"mine"`, "description")
		change(t, "bjensen", "PATCH", path, `[{"operation":"replace","field":"/name/familyName","value":"x"}]`).fails(http.StatusForbidden, "")
		change(t, "kvaughan", "PATCH", path, `[{"operation":"remove","field":"/description","value":"other"}]`).want(http.StatusOK).has(`"mine"`, "description")
		change(t, "kvaughan", "PATCH", "/api/groups/Directory%20Administrators", `[{"operation":"add","field":"/members/-","value":{"_id":"bjensen"}}]`).want(http.StatusOK)
		change(t, "kvaughan", "PATCH", "/api/groups/Directory%20Administrators", `[{"operation":"remove","field":"/members","value":[{"_id":"bjensen"}]}]`).want(http.StatusOK)
		change(t, "kvaughan", "PATCH", "/api/users/abarnes", `[{"operation":"increment","field":"/uidNumber","value":1}]`).want(http.StatusOK).has("1120", "uidNumber")
		change(t, "kvaughan", "PATCH", "/api/users/abarnes", `[{"operation":"increment","field":"/uidNumber","value":1},{"operation":"increment","field":"/uidNumber","value":2}]`).
			want(http.StatusOK).has("1123", "uidNumber")
		change(t, "kvaughan", "PATCH", "/api/users/abarnes", `[{"operation":"replace","field":"/uidNumber","value":1117},{"operation":"increment","field":"/uidNumber","value":3}]`).
			want(http.StatusOK).has("1120", "uidNumber")
	})
	t.Run("WeakRevision", func(t *testing.T) {
		// Seconds of the last change tell two states apart only sometimes.
		r := g.get(t, "kvaughan", path).want(http.StatusOK)
		if tag := r.etag(); !strings.HasPrefix(tag, `W/"`) {
			t.Errorf("ETag %s", tag)
		}
		change(t, "kvaughan", "PATCH", path, `[{"operation":"replace","field":"/description","value":"x"}]`, "If-Match", r.at("_rev").(string)).fails(http.StatusNotImplemented, "")
	})
	t.Run("Password", func(t *testing.T) {
		change(t, "scarter", "POST", "/api/users/scarter?_action=modifyPassword", `{"oldPassword":"wrong","newPassword":"password1"}`).want(http.StatusBadRequest)
		change(t, "scarter", "POST", "/api/users/scarter?_action=modifyPassword", `{"oldPassword":"sprain","newPassword":"password1"}`).want(http.StatusOK)
		g.send(t, ask{method: "GET", path: "/api/users/scarter", as: "scarter", password: "password1"}).want(http.StatusOK)
		g.get(t, "scarter", "/api/users/scarter").fails(http.StatusUnauthorized, "")
	})
	t.Run("ResetPassword", func(t *testing.T) {
		// The directory decides by the caller, not by the gateway's account.
		g.act(t, "bjensen", "", "tjensen", "resetPassword").fails(http.StatusForbidden, "insufficientAccessRights")
		g.read(t, "tjensen", "ecosystem").want(http.StatusOK)
		r := g.act(t, "kvaughan", "", "tjensen", "resetPassword").want(http.StatusOK)
		generated, _ := r.at("generatedPassword").(string)
		if len(generated) < 16 {
			t.Fatalf("%s", r.body)
		}
		g.read(t, "tjensen", "ecosystem").fails(http.StatusUnauthorized, "")
		for range 2 { // The second time from memory, which looks at the account.
			g.read(t, "tjensen", generated).want(http.StatusOK)
		}
		g.modifyPassword(t, "tjensen", generated, "tjensen", generated, "another one").want(http.StatusOK)
		g.read(t, "tjensen", "another one").want(http.StatusOK)
		g.act(t, "kvaughan", "", "tjensen", "accountUsability").want(http.StatusOK).has(`"valid"`, "status")
	})
	t.Run("Locked", func(t *testing.T) {
		for range 5 {
			g.read(t, "tward", "wrong").fails(http.StatusUnauthorized, "unauthenticated")
		}
		r := g.act(t, "kvaughan", "", "tward", "accountUsability").want(http.StatusOK).has(`"locked"`, "status")
		if _, ok := r.at("unlockIn").(json.Number); !ok {
			t.Errorf("%s", r.body)
		}
		g.read(t, "tward", "").fails(http.StatusUnauthorized, "unauthenticated")
	})
	t.Run("Delete", func(t *testing.T) {
		change(t, "kvaughan", "DELETE", "/api/users/newuser", "").want(http.StatusOK).has(`"newuser"`, "_id")
		change(t, "kvaughan", "DELETE", "/api/users/newuser", "").fails(http.StatusNotFound, "")
	})
	t.Run("ChosenRevision", func(t *testing.T) {
		// Update sequence numbers tell all states apart. The directory cannot compare them in
		// the moment of a change, so that changes are guarded by the values they change.
		g := start(t, server, settings{set: []string{"mapping.options.mvccAttribute=entryusn"}})
		change := func(method, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: method, path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		r := g.get(t, "kvaughan", "/api/users/ahall").want(http.StatusOK)
		if strings.HasPrefix(r.etag(), "W/") {
			t.Errorf("ETag %s", r.etag())
		}
		next := change("PATCH", "/api/users/ahall", `[{"operation":"replace","field":"/name/familyName","value":"Hallway"}]`, "If-Match", r.etag()).want(http.StatusOK)
		if next.etag() == r.etag() {
			t.Error("the revision is as before")
		}
		change("PATCH", "/api/users/ahall", `[{"operation":"replace","field":"/name/familyName","value":"Hall"}]`, "If-Match", r.etag()).fails(http.StatusPreconditionFailed, "")
		change("PATCH", "/api/users/ahall", `[{"operation":"increment","field":"/uidNumber","value":1}]`, "If-Match", next.etag()).want(http.StatusOK).has("1104", "uidNumber")
		// Nothing guards the deletion of an entry.
		change("DELETE", "/api/users/ahall", "", "If-Match", next.etag()).fails(http.StatusNotImplemented, "")
	})
	t.Run("Counter", func(t *testing.T) {
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				for range 5 {
					a := ask{method: "PATCH", path: "/api/users/ahel", as: "kvaughan", body: `[{"operation":"increment","field":"/uidNumber","value":1}]`}
					r, err := g.try(a)
					for err == nil && r.status == http.StatusServiceUnavailable {
						r, err = g.try(a) // Others were faster, five times.
					}
					if err != nil || r.status != http.StatusOK {
						t.Errorf("%v %v", err, r)
					}
				}
			})
		}
		work.Wait()
		g.get(t, "kvaughan", "/api/users/ahel").want(http.StatusOK).has("1086", "uidNumber")
	})
	t.Run("Lock", func(t *testing.T) {
		for range 6 {
			g.send(t, ask{method: "GET", path: "/api/users/tward", as: "tward", password: "wrong"}).fails(http.StatusUnauthorized, "")
		}
		g.get(t, "tward", "/api/users/tward").fails(http.StatusUnauthorized, "")
		ldapModify(t, server, "dn: uid=wlutz,ou=People,dc=example,dc=com\nchangetype: modify\nadd: nsAccountLock\nnsAccountLock: TRUE\n")
		g.get(t, "wlutz", "/api/users/wlutz").fails(http.StatusUnauthorized, "")
		change(t, "kvaughan", "POST", "/api/users/wlutz?_action=accountUsability", "{}").want(http.StatusOK).has(`"disabled"`, "status")
	})
	t.Run("Counts", func(t *testing.T) {
		g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "5", "_totalPagedResultsPolicy", "EXACT").want(http.StatusOK).has("150", "totalPagedResults")
	})
}
