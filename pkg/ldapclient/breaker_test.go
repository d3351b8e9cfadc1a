package ldapclient_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// F_09: a server that can be connected to, and answers nothing but what it is asked about
// itself, is given up after a few requests: others are asked instead, or nobody waits. One
// request after each pause finds out when it is back.
func TestF_09Breaker(t *testing.T) {
	for _, servers := range []int{1, 2} {
		var hangs atomic.Bool
		onNetwork(t, plan{servers: make([]ldapclient.Server, servers), script: func(server int, r *fakeldap.Request) {
			if server == 0 && hangs.Load() && r.Name == "search" {
				return
			}
			answer(r)
		}}, func(t *testing.T, n *network) {
			n.get(t, "a")
			hangs.Store(true)
			slow, refused := 0, 0
			for begun := time.Now(); time.Since(begun) < 20*time.Minute; {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				asked := time.Now()
				_, _, err := collect(ctx, n.As(as("a")), read("a"))
				cancel()
				switch took := time.Since(asked); {
				case err == nil && servers == 2:
				case took >= 10*time.Second:
					kindOf(t, err, fault.Timeout, "directoryTimeout")
					slow++
				default:
					kindOf(t, err, fault.Unavailable, "")
					refused++
				}
				time.Sleep(time.Second) //nolint:forbidigo // On the clock of the test.
			}
			if slow < 5 || slow > 60 || servers == 1 && refused < 400 || servers == 2 && refused > 0 {
				t.Errorf("%d servers: %d requests ran out of time in 20 minutes, %d were refused at once", servers, slow, refused)
			}
			if got := n.Stats()[0].Breaker; got == ldapclient.BreakerClosed {
				t.Errorf("the breaker is %s", got)
			}
			hangs.Store(false)
			before := n.servers[0].Count("search")
			for range 3 * 60 {
				_, _, _ = collect(t.Context(), n.As(as("a")), read("a"))
				time.Sleep(time.Second) //nolint:forbidigo // On the clock of the test.
			}
			if n.servers[0].Count("search")-before < 100 || n.Stats()[0].Breaker != ldapclient.BreakerClosed {
				t.Errorf("it is not used again: %d", n.servers[0].Count("search")-before)
			}
		})
	}
}
