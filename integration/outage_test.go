package integration_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// The process lives through an outage of the directory, tells its clients, and
// recovers by itself.
func TestOutage(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		t.Run("R_K17", func(t *testing.T) { outage(t, server) })
	})
}

func outage(t *testing.T, server *slapd.Server) {
	g := start(t, server, settings{})
	const path = "/api/users/bjensen"
	g.get(t, "kvaughan", path).want(http.StatusOK)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, a := range []ask{
			{method: "GET", path: path, as: "kvaughan"},
			{method: "GET", path: path, as: "scarter"}, // not seen before
			{method: "GET", path: "/api/users", as: "kvaughan", query: params("_queryFilter", "true")},
			{method: "PATCH", path: path, as: "kvaughan", body: `[{"operation":"replace","field":"/description","value":"x"}]`},
		} {
			r := g.send(t, a).fails(http.StatusServiceUnavailable, "")
			if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || seconds < 1 {
				t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
			}
		}
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	recovers(t, g, "kvaughan", path)
	recovers(t, g, "scarter", path)
}

// It starts before its directory does: it is alive and not healthy, tells each client at once when
// to come back, and serves as soon as the directory does.
func TestF_01StartWithoutDirectory(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		g := start(t, server, settings{set: []string{"server.health.alive=/alive", "server.health.healthy=/healthy"}})
		g.get(t, "", "/alive").want(http.StatusOK)
		for range 5 {
			for _, r := range []*reply{
				g.get(t, "", "/healthy"),
				g.get(t, "kvaughan", "/api/users/bjensen"),
				g.list(t, "kvaughan", "/api/users", "true"),
				g.send(t, ask{method: "DELETE", path: "/api/users/bjensen", as: "kvaughan"}),
			} {
				r.fails(http.StatusServiceUnavailable, "")
				if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 5 {
					t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
				}
			}
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		recovers(t, g, "kvaughan", "/api/users/bjensen")
		if !eventually(func() bool { return g.get(t, "", "/healthy").status == http.StatusOK }) { // It asks once a second.
			t.Error("not healthy although the directory is there")
		}
	})
}

// recovers waits until a request succeeds.
func recovers(t *testing.T, g *gateway, as, path string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		r := g.get(t, as, path)
		if r.status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no recovery: %d %s", r.status, r.body)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// A directory that does not answer ends in an error within the request's time, and
// a change whose outcome is unknown says so.
func TestFrozenDirectory(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{set: []string{"limits.requestTimeout=1s"}})
	const path = "/api/users/bjensen"
	g.get(t, "kvaughan", path).want(http.StatusOK)
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	r := g.get(t, "kvaughan", path)
	if r.status != http.StatusGatewayTimeout && r.status != http.StatusServiceUnavailable {
		t.Errorf("a read of a frozen directory: %d %s", r.status, r.body)
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	recovers(t, g, "kvaughan", path)
}
