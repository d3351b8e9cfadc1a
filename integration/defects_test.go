package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// TestDefectsOfThePeer does what went wrong in the reference product: its defects (X) and
// its weak points (W).
func TestDefectsOfThePeer(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		change := func(t *testing.T, method, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: method, path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		t.Run("W1", func(t *testing.T) {
			// More often than there are connections.
			for range 40 {
				change(t, "PATCH", "/api/users/bjensen", `[{"operation":"replace","field":"/manager","value":{}}]`).want(http.StatusBadRequest)
				change(t, "PATCH", "/api/groups/QA%20Managers", `[{"operation":"add","field":"/members","value":[{"x":1}]}]`).want(http.StatusBadRequest)
			}
			g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
		})
		t.Run("W4", func(t *testing.T) {
			for _, names := range []string{`["KURT JENSEN"]`, `["Kurt  Jensen"]`, `["Kurt Jensen"]`} {
				change(t, "PATCH", "/api/users/kjensen", `[{"operation":"replace","field":"/displayName","value":`+names+`}]`).want(http.StatusOK).has(names, "displayName")
				g.get(t, "kvaughan", "/api/users/kjensen").has(names, "displayName")
			}
			r := g.get(t, "kvaughan", "/api/users/kjensen").want(http.StatusOK)
			change(t, "PUT", "/api/users/kjensen", strings.Replace(r.body, "Kurt Jensen", "kurt jensen", 1), "If-Match", r.etag()).
				want(http.StatusOK).has(`["kurt jensen"]`, "displayName")
		})
		t.Run("W5", func(t *testing.T) {
			for _, path := range []string{"/api/users/bjensen", "/api/groups/HR%20Managers"} {
				r := g.get(t, "kvaughan", path).want(http.StatusOK)
				again := change(t, "PUT", path, r.body).want(http.StatusOK)
				if again.etag() != r.etag() {
					t.Errorf("%s: %s became %s", path, r.etag(), again.etag())
				}
			}
		})
		t.Run("W15", func(t *testing.T) {
			for _, test := range []struct {
				operation string
				status    int
			}{
				{`{"operation":"copy","field":"/description","from":"/userName"}`, http.StatusNotImplemented},
				{`{"operation":"move","field":"/description","from":"/userName"}`, http.StatusNotImplemented},
				{`{"operation":"copy","field":"/description"}`, http.StatusBadRequest},
				{`{"operation":"add","field":"/displayName","value":[]}`, http.StatusBadRequest},
				{`{"operation":"replace","field":"/name","value":{"familyName":null}}`, http.StatusBadRequest},
				{`{"operation":"increment","field":"/uidNumber","value":"x"}`, http.StatusBadRequest},
			} {
				change(t, "PATCH", "/api/users/bjensen", "["+test.operation+"]").want(test.status)
			}
			g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "2", "_pagedResultsCookie", "!").want(http.StatusBadRequest)
		})
		t.Run("X10", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", `homeDirectory eq "/home/bjensen"`).finds("bjensen")
		})
		t.Run("X17", func(t *testing.T) {
			body := `{"_id":"upserted","_schema":"frapi:opendj:rest2ldap:user:1.0","displayName":["U"],"name":{"familyName":"U"}}`
			for _, status := range []int{http.StatusCreated, http.StatusOK} {
				r := g.send(t, ask{method: "PUT", path: "/api/users/upserted", as: "kvaughan", body: body, query: params("_fields", "name/familyName")}).want(status)
				if got := r.members(); !slices.Equal(got, []string{"_id", "_rev", "name"}) {
					t.Errorf("%d: members %q", status, got)
				}
			}
		})
		t.Run("X18", func(t *testing.T) {
			for i, id := range []string{"a b", "a/b", `a,b="c"`, "ä?#%2F", "*)(uid=*"} {
				body := fmt.Sprintf(`{"_id":%q,"_schema":"frapi:opendj:rest2ldap:user:1.0","displayName":["%d"],"name":{"familyName":"x"}}`, id, i)
				location := change(t, "POST", "/api/users", body).want(http.StatusCreated).header.Get("Location")
				g.get(t, "kvaughan", location).want(http.StatusOK).has(fmt.Sprintf("%q", id), "_id")
				change(t, "DELETE", location, "").want(http.StatusOK)
			}
		})
		t.Run("X26", func(t *testing.T) {
			g.send(t, ask{method: "GET", path: "/api/users/bjensen", as: "kvaughan", header: headers("If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT")}).want(http.StatusOK)
			change(t, "PATCH", "/api/users/bjensen", "[]", "If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT").want(http.StatusOK)
		})
		t.Run("X30", func(t *testing.T) {
			for _, value := range []string{"Basic !!!!", "Basic", "Basic a3ZhdWdoYW4=", "basic :"} {
				g.send(t, ask{method: "GET", path: "/api/users/bjensen", header: headers("Authorization", value)}).fails(http.StatusUnauthorized, "")
			}
		})
	})
}
