package integration_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// What OpenLDAP changes by itself: a wrong password, and the first right one after it, give
// the entry another revision; the removal of references to a deleted entry does not.
func TestRevisionsOfTheDirectorysOwnChanges(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		const path = "/api/users/bjensen"
		read := func() *reply { return g.get(t, "kvaughan", path).want(http.StatusOK) }
		first := read().has(`"trigden"`, "manager", "_id").etag()
		g.send(t, ask{method: "GET", path: path, as: "bjensen", password: "wrong"}).want(http.StatusUnauthorized)
		wrong := read().etag()
		if wrong == first {
			t.Error("a wrong password left the revision as it was")
		}
		g.get(t, "bjensen", path).want(http.StatusOK)
		right := read().etag()
		if right == wrong {
			t.Error("the right password after a wrong one left the revision as it was")
		}
		g.send(t, ask{method: "DELETE", path: "/api/users/trigden", as: "kvaughan"}).want(http.StatusOK)
		var r *reply
		for range 500 {
			if r = read(); r.at("manager", "_id") != "trigden" {
				break
			}
			time.Sleep(2 * time.Millisecond) // Nothing tells when slapd has done it.
		}
		if r.at("manager", "_id") == "trigden" || r.etag() != right {
			t.Errorf("revision %s, want %s; manager %v", r.etag(), right, r.at("manager"))
		}
	})
}
