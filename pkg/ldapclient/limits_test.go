package ldapclient_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// later lets time pass on the clock of the test.
func later(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // See above.

// hanging answers no search of the first server while it is true.
type hanging struct{ atomic.Bool }

func (h *hanging) answer(server int, r *fakeldap.Request) {
	if server != 0 || r.Name != "search" || !h.Load() {
		answer(r)
	}
}

// patient has a client keep a connection for longer than the tests have a request wait on it, and
// ask for nothing on its own account that the breaker would take for a trial.
func patient(o *ldapclient.Options) { o.ConnectTimeout, o.Refresh = time.Minute, 24*time.Hour }

// misses reads at once as often as that, for as long as all of them get no answer.
func (n *network) misses(t *testing.T, times int) {
	t.Helper()
	var work sync.WaitGroup
	for range times {
		work.Go(func() {
			_, err := ask(t, 10*time.Second, func(ctx context.Context) error { _, _, err := collect(ctx, n.As(as("a")), read("a")); return err })
			kindOf(t, err, fault.Timeout, "directoryTimeout")
		})
	}
	work.Wait()
}

// F_09: after a pause one request finds out whether the server answers again, however many
// come. What was sent before the pause does not make it longer.
func TestF_09OneTrial(t *testing.T) {
	var hangs hanging
	onNetwork(t, plan{script: hangs.answer, options: patient}, func(t *testing.T, n *network) {
		n.get(t, "a")
		hangs.Store(true)
		n.misses(t, 20)
		if got := n.Stats()[0]; got.Breaker != ldapclient.BreakerOpen || got.Retry > time.Second {
			t.Fatalf("after 20 at once: %+v", got)
		}
		later(time.Second)
		sent, failed := n.servers[0].Count("search"), n.count(ldapclient.CheckoutFailed)
		var slow, refused atomic.Int32
		var work sync.WaitGroup
		for range 20 {
			work.Go(func() {
				took, err := ask(t, 10*time.Second, func(ctx context.Context) error { _, _, err := collect(ctx, n.As(as("a")), read("a")); return err })
				switch {
				case took == 0:
					kindOf(t, err, fault.Unavailable, "directoryUnreachable")
					refused.Add(1)
				case took >= 10*time.Second:
					kindOf(t, err, fault.Timeout, "directoryTimeout")
					slow.Add(1)
				}
			})
		}
		work.Wait()
		if more := n.servers[0].Count("search") - sent; more != 1 || slow.Load() != 1 || refused.Load() != 19 {
			t.Errorf("%d requests were sent, %d had no answer, %d were refused at once", more, slow.Load(), refused.Load())
		}
		if more := n.count(ldapclient.CheckoutFailed) - failed; more < 19 {
			t.Errorf("%d refusals were counted", more)
		}
	})
}

// F_09: only requests in a row are held against a server; pauses grow to a minute, and are not
// all the same.
func TestF_09Pauses(t *testing.T) {
	var hangs hanging
	onNetwork(t, plan{script: hangs.answer, options: patient}, func(t *testing.T, n *network) {
		for range 3 {
			hangs.Store(false)
			n.get(t, "a")
			hangs.Store(true)
			n.misses(t, 4)
		}
		if got := n.Stats()[0].Breaker; got != ldapclient.BreakerClosed {
			t.Fatalf("the breaker is %s, four times in a row are not enough", got)
		}
		n.misses(t, 1)
		pauses := make(map[time.Duration]bool)
		for i := range 30 {
			got := n.Stats()[0]
			if got.Breaker != ldapclient.BreakerOpen || got.Retry > time.Minute || i > 8 && got.Retry < 30*time.Second {
				t.Fatalf("pause %d: %+v", i, got)
			}
			pauses[got.Retry] = true
			later(got.Retry)
			n.misses(t, 1)
		}
		if len(pauses) < 25 {
			t.Errorf("30 pauses are %d different ones", len(pauses))
		}
	})
}

// Connections that were opened together do not end together, even with no gap between two ends.
func TestMaxAgeIsSpread(t *testing.T) {
	onNetwork(t, plan{options: func(o *ldapclient.Options) {
		o.MinIdle, o.MaxAge, o.IdleTime, o.AgeGap = 6, time.Hour, 24*time.Hour, time.Nanosecond
	}}, func(t *testing.T, n *network) {
		n.get(t, "a")
		var first, last time.Time
		for begun := time.Now(); time.Since(begun) < 80*time.Minute && n.count(ldapclient.ConnectionExpired) < 7; later(5 * time.Second) {
			if n.count(ldapclient.ConnectionExpired) == 0 {
				first = time.Now()
			}
			last = time.Now()
		}
		if spread := last.Sub(first); spread < 2*time.Minute {
			t.Errorf("%d connections ended within %s", n.count(ldapclient.ConnectionExpired), spread)
		}
	})
}

// A connection that became too old while it was in use ends when it is given back.
func TestMaxAgeInUse(t *testing.T) {
	h := &holding{}
	onNetwork(t, plan{script: h.answer, options: func(o *ldapclient.Options) {
		o.MaxAge, o.AgeGap, o.OperationTimeout = time.Minute, time.Second, time.Hour
	}}, func(t *testing.T, n *network) {
		h.release = make(chan struct{})
		var work sync.WaitGroup
		work.Go(func() { n.put(t, "a") })
		later(5 * time.Minute)
		if ages := n.Stats()[0].Ages; ages[0] != 5*time.Minute {
			t.Errorf("the oldest, which is in use, is %s old", ages[0])
		}
		close(h.release)
		work.Wait()
		synctest.Wait()
		if ages := n.Stats()[0].Ages; ages[0] > 90*time.Second {
			t.Errorf("one that is %s old is kept", ages[0])
		}
	})
}

// What is counted of connections that are lent: who is sent away, what is given back and may be
// used again, and that the end of the client is the end of no connection that went wrong.
func TestStatsOfEnds(t *testing.T) {
	h := &holding{}
	onNetwork(t, plan{script: h.answer, options: func(o *ldapclient.Options) {
		o.MaxConns, o.MaxQueue, o.AcquireTimeout, o.MaxOperations, o.Heartbeat = 2, 1, time.Second, 10, time.Hour
	}}, func(t *testing.T, n *network) {
		h.release = make(chan struct{})
		var work sync.WaitGroup
		work.Go(func() { n.put(t, "holder") })
		synctest.Wait()
		change := func() { kindOf(t, changes()["modify"](t.Context(), n.As(as("a"))), fault.Unavailable, "pool") }
		work.Go(change)
		synctest.Wait()
		change()
		if got := n.count(ldapclient.CheckoutFailed); got != 1 {
			t.Errorf("%d were sent away, who came last should have been", got)
		}
		later(time.Second)
		synctest.Wait()
		if got := n.count(ldapclient.CheckoutFailed); got != 2 {
			t.Errorf("%d were sent away, who waited too long should have been, too", got)
		}
		waits := n.Stats()[0].Waits
		for _, b := range waits.Buckets {
			if b.Bound == time.Second && b.Count != waits.Count {
				t.Errorf("%d of %d waited no longer than a second: %+v", b.Count, waits.Count, waits)
			}
		}
		close(h.release)
		work.Wait()
		for range 9 {
			n.put(t, "a")
		}
		synctest.Wait()
		lent := n.count(ldapclient.CheckoutWithoutWait) + n.count(ldapclient.CheckoutAfterWait) + n.count(ldapclient.CheckoutNewConnection)
		if valid, expired := n.count(ldapclient.ReleasedValid), n.count(ldapclient.ConnectionExpired); expired != 1 || valid != lent-1 {
			t.Errorf("%d were lent, %d given back for more, %d for the last time", lent, valid, expired)
		}
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got := n.count(ldapclient.ConnectionDefunct) + n.count(ldapclient.ConnectionUnneeded); got != 0 {
			t.Errorf("%d connections that the client closed went wrong or were not needed", got)
		}
	})
}

// The balance holds among the secondaries, too, when no primary is up.
func TestBalanceOfSecondaries(t *testing.T) {
	for _, balance := range []ldapclient.Balance{ldapclient.LeastRequests, ldapclient.Affinity} {
		onNetwork(t, plan{servers: []ldapclient.Server{{}, {Secondary: true}, {Secondary: true}}, options: func(o *ldapclient.Options) { o.Balance = balance }}, func(t *testing.T, n *network) {
			n.pipes[0].Refuses.Store(true)
			for i := range 60 {
				n.get(t, fmt.Sprintf("u%d", i))
			}
			if got := n.searches(); got[0] != 0 || got[1] < 10 || got[2] < 10 {
				t.Errorf("%s: reads went to %v", balance, got)
			}
		})
	}
}

// F_26: a server that comes and goes is asked last, and asked nevertheless when no other is up.
func TestF_26UnsteadyAlone(t *testing.T) {
	onNetwork(t, plan{servers: make([]ldapclient.Server, 2)}, func(t *testing.T, n *network) {
		n.get(t, "a")
		for n.Stats()[0].Unsteady == 0 {
			n.pipes[0].Refuses.Store(true)
			n.servers[0].CloseAll()
			n.get(t, "a")
			n.pipes[0].Refuses.Store(false)
			later(15 * time.Second)
			if time.Now().Year() > 2001 {
				t.Fatal("it never counts as one that comes and goes")
			}
		}
		n.pipes[1].Refuses.Store(true)
		n.servers[1].CloseAll()
		synctest.Wait()
		n.get(t, "a")
		if n.Stats()[0].Unsteady == 0 {
			t.Error("that tests nothing")
		}
	})
}

// F_09: an answer in whose middle a server stops is held against it.
func TestF_09Gaps(t *testing.T) {
	var stops atomic.Bool
	onNetwork(t, plan{script: func(_ int, r *fakeldap.Request) {
		if r.Name == "search" && stops.Load() {
			r.Entry(userDN("a").String(), "uid", "a")
			return
		}
		answer(r)
	}, options: func(o *ldapclient.Options) { o.IdleGap = time.Second }}, func(t *testing.T, n *network) {
		n.get(t, "a")
		stops.Store(true)
		for i := range 5 {
			if got := n.Stats()[0].Breaker; got != ldapclient.BreakerClosed {
				t.Fatalf("the breaker is %s after %d gaps", got, i)
			}
			if _, _, err := collect(t.Context(), n.As(as("a")), read("a")); err == nil {
				t.Error("half an answer is taken for one")
			}
		}
		if got := n.Stats()[0].Breaker; got != ldapclient.BreakerOpen {
			t.Errorf("the breaker is %s", got)
		}
	})
}

// F_05: when one connection turns out to be silent nobody has to find that out of the others.
func TestF_05OneQuestionForAll(t *testing.T) {
	h := &holding{}
	onNetwork(t, plan{servers: make([]ldapclient.Server, 2), script: h.answer, options: func(o *ldapclient.Options) {
		o.Heartbeat, o.ProbeTimeout = time.Hour, 3*time.Second
	}}, func(t *testing.T, n *network) {
		h.release = make(chan struct{})
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() { n.put(t, "a") })
		}
		synctest.Wait()
		if h.held.Load() != 4 {
			t.Fatalf("%d at once", h.held.Load())
		}
		close(h.release)
		work.Wait()
		later(2 * time.Second)
		n.pipes[0].Swallows.Store(true)
		begun := time.Now()
		n.put(t, "a")
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("a change took %s", took)
		}
	})
}

// There are no more connections of callers than the options say, and who has none takes the
// place of one who does not use his.
func TestMaxCallers(t *testing.T) {
	onNetwork(t, plan{script: func(_ int, r *fakeldap.Request) { r.Done(0) }, options: func(o *ldapclient.Options) { o.Mode, o.MaxCallers = ldapclient.BindAs, 2 }}, func(t *testing.T, n *network) {
		for i := range 6 {
			identity := as(fmt.Sprintf("u%d", i))
			identity.Password = directory.NewPassword("x")
			if err := changes()["modify"](t.Context(), n.As(identity)); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if got := n.Stats()[0].Callers; got > 2 {
				t.Errorf("%d connections of callers", got)
			}
		}
	})
}

// The end of the client does not wait for a server that takes nothing, neither for a goodbye nor
// for a change that is about to leave.
func TestCloseDoesNotWait(t *testing.T) {
	for _, busy := range []bool{false, true} {
		var full atomic.Bool
		onNetwork(t, plan{options: func(o *ldapclient.Options) {
			open := o.Dial
			o.Heartbeat, o.OperationTimeout = time.Hour, time.Hour
			o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := open(ctx, address)
				if err != nil {
					return nil, err
				}
				return &stuffed{Conn: conn, full: &full, gone: make(chan struct{})}, nil
			}
		}}, func(t *testing.T, n *network) {
			n.put(t, "a")
			full.Store(true)
			var work sync.WaitGroup
			if busy {
				work.Go(func() {
					if err := changes()["modify"](t.Context(), n.As(as("a"))); err == nil {
						t.Error("a change that did not leave was made")
					}
				})
				synctest.Wait()
			}
			begun := time.Now()
			if err := n.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			work.Wait()
		})
	}
}
