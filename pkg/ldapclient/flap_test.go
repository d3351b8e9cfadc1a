package ldapclient_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// F_26: a server comes and goes each second. Nobody notices while there is another one: soon
// requests do not go to and fro with it, and it is not asked to let us in again and again. When
// it stays it is used as before.
func TestF_26Flapping(t *testing.T) {
	onNetwork(t, plan{servers: make([]ldapclient.Server, 2)}, func(t *testing.T, n *network) {
		n.get(t, "a")
		unsteady := time.Duration(0)
		for second := range 240 {
			down := second%2 == 1
			n.pipes[0].Refuses.Store(down)
			unsteady = max(unsteady, n.Stats()[0].Unsteady)
			if down {
				n.servers[0].CloseAll()
			}
			for range 10 {
				n.get(t, "a")
				time.Sleep(100 * time.Millisecond) //nolint:forbidigo // On the clock of the test.
			}
		}
		begun := time.Now().Add(-4 * time.Minute)
		early, late := 0, 0
		for _, at := range n.pipes[0].Dials() {
			if at.Sub(begun) < 2*time.Minute {
				early++
			} else {
				late++
			}
		}
		if early > 120 || late > 60 {
			t.Errorf("%d attempts for the first 1,200 requests, %d for the others", early, late)
		}
		if served := n.servers[0].Count("search"); served > 2400/10 {
			t.Errorf("it served %d of 2,400 requests", served)
		}
		if unsteady < 16*time.Second || unsteady > 30*time.Second {
			t.Errorf("the others were asked first for %s", unsteady)
		}
		n.pipes[0].Refuses.Store(false)
		time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
		before := n.servers[0].Count("search")
		n.get(t, "a")
		if n.servers[0].Count("search") != before+1 || n.Stats()[0].Unsteady != 0 {
			t.Error("it is not used again, now that it stays")
		}
	})
}

// F_25: one of two servers says nothing any more while many read all the time. All of them
// are answered, and soon as fast as before.
func TestF_25OneOfTwoIsSilent(t *testing.T) {
	onNetwork(t, plan{servers: make([]ldapclient.Server, 2), options: func(o *ldapclient.Options) {
		o.Balance, o.Heartbeat, o.ProbeTimeout = ldapclient.LeastRequests, 10*time.Second, 3*time.Second
	}}, func(t *testing.T, n *network) {
		pause, few := time.Duration(soak.Size(600, 200))*time.Millisecond, int32(soak.Size(7, 20))
		begun := time.Now()
		var slow, late atomic.Int32
		var work sync.WaitGroup
		for range 20 {
			work.Go(func() {
				for time.Since(begun) < 3*time.Minute {
					asked := time.Now()
					n.get(t, "a")
					if time.Since(asked) > 0 {
						slow.Add(1)
						if asked.Sub(begun) > 90*time.Second {
							late.Add(1)
						}
					}
					time.Sleep(pause) //nolint:forbidigo // On the clock of the test.
				}
			})
		}
		time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
		n.pipes[0].Swallows.Store(true)
		work.Wait()
		if slow.Load() > 10*few || late.Load() > few {
			t.Errorf("%d reads had to wait, %d of them half a minute after the server went silent", slow.Load(), late.Load())
		}
	})
}
