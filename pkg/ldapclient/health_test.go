package ldapclient_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// TestHealth looks at the five moments at which a connection is looked at.
func TestHealth(t *testing.T) {
	two := plan{servers: make([]ldapclient.Server, 2), options: func(o *ldapclient.Options) {
		o.Heartbeat, o.ProbeTimeout = time.Hour, 3*time.Second
	}}
	// On the clock of the test.
	rest := func(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // See above.

	t.Run("NewConnection", func(t *testing.T) {
		onNetwork(t, two, func(t *testing.T, n *network) {
			n.servers[0].SeeAs("dn:" + fakeldap.ServiceDN)
			n.get(t, "a")
			if n.servers[0].Count("search") != 0 || n.servers[1].Count("search") != 1 {
				t.Error("a server got a request that passes over the control")
			}
		})
	})
	// F_05: a half-open connection is found out before a read is sent on it, for the time that
	// a question may take, and by one for all who come.
	t.Run("Checkout", func(t *testing.T) {
		for _, use := range []string{"read", "list", "change"} {
			onNetwork(t, two, func(t *testing.T, n *network) {
				run := map[string]func(context.Context) error{
					"read": func(ctx context.Context) error {
						_, _, err := collect(ctx, n.As(as("a")), read("a"))
						return err
					},
					"list": func(ctx context.Context) error {
						_, _, err := collect(ctx, n.As(as("a")), &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid")})
						return err
					},
					"change": func(ctx context.Context) error { return changes()["modify"](ctx, n.As(as("a"))) },
				}[use]
				if err := run(t.Context()); err != nil {
					t.Fatal(err)
				}
				asked := n.servers[0].Count("schema")
				if err := run(t.Context()); err != nil || n.servers[0].Count("schema") != asked {
					t.Errorf("%s: one that was used just now is asked, %v", use, err)
				}
				rest(2 * time.Second)
				if err := run(t.Context()); err != nil || n.servers[0].Count("schema") != asked+1 {
					t.Errorf("%s: one that was at rest is not asked, %v", use, err)
				}
				rest(2 * time.Second)
				n.pipes[0].Swallows.Store(true)
				begun := time.Now()
				if err := run(t.Context()); err != nil {
					t.Errorf("%s: %v", use, err)
				}
				if waited := time.Since(begun); waited != 3*time.Second {
					t.Errorf("%s: it took %s", use, waited)
				}
			})
		}
	})
	t.Run("CheckoutInAHurry", func(t *testing.T) {
		onNetwork(t, two, func(t *testing.T, n *network) {
			n.get(t, "a")
			asked := n.servers[0].Count("schema")
			rest(2 * time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			if _, _, err := collect(ctx, n.As(as("a")), read("a")); err != nil || n.servers[0].Count("schema") != asked {
				t.Errorf("who has no time for a question that gets no answer reads at once: %v", err)
			}
		})
	})
	t.Run("Release", func(t *testing.T) {
		p := two
		p.options = func(o *ldapclient.Options) {
			o.Heartbeat, o.MaxAge, o.AgeGap = time.Hour, time.Minute, time.Second
			o.MaxOperations = 10
		}
		onNetwork(t, p, func(t *testing.T, n *network) {
			for range 10 {
				n.put(t, "a")
			}
			synctest.Wait()
			if n.count(ldapclient.ConnectionExpired) != 1 {
				t.Errorf("%d connections ended after 10 requests", n.count(ldapclient.ConnectionExpired))
			}
		})
	})
	t.Run("Sweep", func(t *testing.T) {
		p := two
		p.options = func(o *ldapclient.Options) { o.Heartbeat, o.ProbeTimeout = 10*time.Second, 3*time.Second }
		onNetwork(t, p, func(t *testing.T, n *network) {
			n.get(t, "a")
			n.pipes[0].Swallows.Store(true)
			rest(20 * time.Second)
			begun := time.Now()
			n.get(t, "a")
			if waited := time.Since(begun); waited > 0 || n.servers[1].Count("search") != 1 {
				t.Errorf("nobody had asked, and the first read took %s", waited)
			}
		})
	})
	t.Run("Exception", func(t *testing.T) {
		p := two
		p.script = func(_ int, r *fakeldap.Request) { r.Done(80) }
		onNetwork(t, p, func(t *testing.T, n *network) {
			for range 3 {
				kindOf(t, changes()["modify"](t.Context(), n.As(as("a"))), fault.Internal, "")
			}
			synctest.Wait()
			if n.count(ldapclient.ConnectionDefunct) != 3 {
				t.Errorf("%d connections ended after 3 results that tell of a server in disorder", n.count(ldapclient.ConnectionDefunct))
			}
		})
	})
}
