package integration_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
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

// F_23: the directory has become slow, and more changes come than there are connections. Some are
// made, the others are told to come back, and were not sent; who asks how the gateway is gets an
// answer meanwhile.
func TestF_23MoreThanThereIsRoomFor(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g, way := behind(t, server, "directory.pool.max=3", "directory.pool.queue=4", "directory.pool.acquireTimeout=300ms",
			"server.health.alive=/alive", "server.health.healthy=/healthy")
		change := func(i int) ask {
			return ask{method: "PATCH", path: "/api/users/bjensen", as: "kvaughan", body: fmt.Sprintf(`[{"operation":"replace","field":"/description","value":"%d"}]`, i)}
		}
		if !eventually(func() bool { return g.send(t, change(0)).status == http.StatusOK }) { // Connections are opened meanwhile.
			t.Fatal("no change can be made")
		}
		before := modificationsOf(server, "bjensen")
		way.Add(toxic.Downstream, "latency", map[string]any{"latency": 500})
		const all = 20
		replies := make(chan *reply, all)
		for i := range all {
			go func() {
				r, err := g.try(change(i + 1))
				if err != nil {
					t.Error(err)
				}
				replies <- r
			}()
		}
		made, refused := 0, 0
		for range all {
			r := <-replies
			r.t = t
			if r.status == http.StatusOK {
				made++
				continue
			}
			r.fails(http.StatusServiceUnavailable, "pool")
			if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || seconds < 1 {
				t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
			}
			if refused++; refused == 1 {
				g.get(t, "", "/alive").want(http.StatusOK)
				g.get(t, "", "/healthy").want(http.StatusOK)
			}
		}
		if made == 0 || refused < all/2 {
			t.Errorf("%d were made, and %d refused", made, refused)
		}
		if n := modificationsOf(server, "bjensen") - before; n != made && server.Kind != slapd.Container { // Its log comes late.
			t.Errorf("%d were made, and %d were sent", made, n)
		}
		way.Clear()
		recovers(t, g, "kvaughan", "/api/users/bjensen")
		if !eventually(func() bool { return g.send(t, change(all+1)).status == http.StatusOK }) {
			t.Error("no change can be made any more")
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
