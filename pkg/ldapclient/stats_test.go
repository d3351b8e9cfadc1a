package ldapclient_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// TestStats looks at a pool while it is at work, at rest, and while its server is down. What
// it counts is what the tracer is told.
func TestStats(t *testing.T) {
	h := &holding{}
	onNetwork(t, plan{script: h.answer, options: func(o *ldapclient.Options) {
		o.MaxConns, o.AcquireTimeout, o.MaxAge, o.Heartbeat = 2, 4*time.Second, 24*time.Hour, time.Hour
	}}, func(t *testing.T, n *network) {
		h.release = make(chan struct{})
		only := func() ldapclient.Stats {
			t.Helper()
			all := n.Stats()
			if len(all) != 1 || all[0].Server != "127.0.0.1:1" {
				t.Fatalf("%+v", all)
			}
			for event, count := range all[0].Events {
				if count != int64(n.count(event)) {
					t.Errorf("%s: %d, the tracer was told of %d", event, count, n.count(event))
				}
			}
			got := all[0]
			got.Server, got.Events = "", nil
			return got
		}
		check := func(what string, want ldapclient.Stats) {
			t.Helper()
			if diff := cmp.Diff(want, only()); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		// Two waited for connections that were opened at once, and one for another one later.
		waits := func(at ...int64) ldapclient.Waits {
			all := ldapclient.Waits{Count: 2}
			for _, milliseconds := range []int64{1, 5, 10, 50, 100, 500, 1000, 5000, 10_000, 30_000} {
				all.Buckets = append(all.Buckets, ldapclient.Bucket{Bound: time.Duration(milliseconds * 1e6), Count: 2})
			}
			for i := range at {
				all.Count, all.Sum, all.Max = 3, 3*time.Second, 3*time.Second
				all.Buckets[len(all.Buckets)-1-i].Count = at[i]
			}
			return all
		}
		none := waits()
		none.Count = 0
		for i := range none.Buckets {
			none.Buckets[i].Count = 0
		}
		check("at first", ldapclient.Stats{Breaker: ldapclient.BreakerClosed, Limit: 2, Waits: none})
		n.get(t, "a")
		time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
		var work sync.WaitGroup
		work.Go(func() { n.put(t, "a") })
		synctest.Wait()
		work.Go(func() { n.put(t, "b") })
		synctest.Wait()
		check("at work", ldapclient.Stats{Open: 2, Idle: 1, InUse: 1, Waiting: 1, Requests: 1, Breaker: ldapclient.BreakerClosed, Ages: []time.Duration{time.Minute, 0}, Limit: 2, Waits: waits()})
		time.Sleep(3 * time.Second) //nolint:forbidigo // On the clock of the test.
		close(h.release)
		work.Wait()
		check("at rest", ldapclient.Stats{Open: 2, Idle: 2, Breaker: ldapclient.BreakerClosed, Ages: []time.Duration{63 * time.Second, 3 * time.Second}, Limit: 2, Waits: waits(3, 3, 3)})

		// The server answered no read yet when it was asked for the first connection.
		for event, want := range map[ldapclient.Event]int{
			ldapclient.ConnectionOpened: 2, ldapclient.ConnectionFailed: 0, ldapclient.ConnectionDefunct: 0,
			ldapclient.CheckoutNewConnection: 2, ldapclient.CheckoutAfterWait: 1, ldapclient.CheckoutFailed: 0,
			ldapclient.CheckoutWithoutWait: 2, ldapclient.ReleasedValid: 5,
		} {
			if got := n.count(event); got != want {
				t.Errorf("%s: %d, want %d", event, got, want)
			}
		}
		n.pipes[0].Refuses.Store(true)
		n.servers[0].CloseAll()
		synctest.Wait()
		_, _, err := collect(t.Context(), n.As(as("a")), read("a"))
		kindOf(t, err, fault.Unavailable, "directoryUnreachable")
		got := only()
		if got.Breaker != ldapclient.BreakerOpen || got.Open != 0 || got.Requests != 0 || got.Retry > 100*time.Millisecond {
			t.Errorf("while it is down: %+v", got)
		}
		if n.count(ldapclient.ConnectionFailed) == 0 || n.count(ldapclient.CheckoutFailed) == 0 || n.count(ldapclient.ConnectionDefunct) != 2 {
			t.Errorf("%d, %d, %d", n.count(ldapclient.ConnectionFailed), n.count(ldapclient.CheckoutFailed), n.count(ldapclient.ConnectionDefunct))
		}
	})
}

// A server that is down is shown as open between the attempts to connect, and as half open during
// one, of which there is one at a time.
func TestStatsOfAttempts(t *testing.T) {
	var dials dialCounter
	onNetwork(t, plan{options: func(o *ldapclient.Options) { o.Dial = dials.slow(o.Dial) }}, func(t *testing.T, n *network) {
		state := func(want ldapclient.Breaker) {
			t.Helper()
			if got := n.Stats()[0]; got.Breaker != want {
				t.Errorf("%+v, want %s", got, want)
			}
		}
		ask := func() {
			_, _, err := collect(t.Context(), n.As(as("a")), read("a"))
			kindOf(t, err, fault.Unavailable, "directoryUnreachable")
		}
		n.pipes[0].Refuses.Store(true)
		ask()
		state(ldapclient.BreakerOpen)
		time.Sleep(200 * time.Millisecond) //nolint:forbidigo // On the clock of the test.
		before := dials.all.Load()
		var work sync.WaitGroup
		for range 20 {
			work.Go(ask)
		}
		synctest.Wait()
		state(ldapclient.BreakerHalfOpen)
		if tried := dials.all.Load() - before; tried != 1 {
			t.Errorf("%d attempts at once", tried)
		}
		work.Wait()
		state(ldapclient.BreakerOpen)
		n.pipes[0].Refuses.Store(false)
		time.Sleep(10 * time.Second) //nolint:forbidigo // On the clock of the test.
		n.get(t, "a")
		state(ldapclient.BreakerClosed)
	})
}

// A pool that is at its end is an event with the time for which somebody waited in vain.
func TestCheckoutFailed(t *testing.T) {
	h := &holding{}
	onNetwork(t, plan{script: h.answer, options: func(o *ldapclient.Options) { o.MaxConns, o.AcquireTimeout = 2, 4*time.Second }}, func(t *testing.T, n *network) {
		h.release = make(chan struct{})
		var work sync.WaitGroup
		work.Go(func() { n.put(t, "holder") })
		synctest.Wait()
		kindOf(t, changes()["modify"](t.Context(), n.As(as("a"))), fault.Unavailable, "pool")
		if n.count(ldapclient.CheckoutFailed) != 1 || n.waits[ldapclient.CheckoutFailed] != 4*time.Second {
			t.Errorf("%d times, after %s", n.count(ldapclient.CheckoutFailed), n.waits[ldapclient.CheckoutFailed])
		}
		close(h.release)
		work.Wait()
	})
}

// Pauses between attempts to connect are spread over all of their time, so that gateways that
// lost a server together do not come back together.
func TestFullJitter(t *testing.T) {
	onNetwork(t, plan{}, func(t *testing.T, n *network) {
		n.pipes[0].Refuses.Store(true)
		step := time.Duration(soak.Size(100, 20)) * time.Millisecond
		for begun := time.Now(); time.Since(begun) < 20*time.Minute; {
			_, _, _ = collect(t.Context(), n.As(as("a")), read("a"))
			time.Sleep(step) //nolint:forbidigo // On the clock of the test.
		}
		dials := n.pipes[0].Dials()
		var pauses []time.Duration
		for i := len(dials) / 10; i < len(dials); i++ {
			pauses = append(pauses, dials[i].Sub(dials[i-1]))
		}
		slices.Sort(pauses)
		if longest := pauses[len(pauses)-1]; len(pauses) < 300 || longest > 5*time.Second+step {
			t.Fatalf("%d attempts, the longest pause %s", len(pauses), longest)
		}
		for i, quarter := range []time.Duration{1250 * time.Millisecond, 2500 * time.Millisecond, 3750 * time.Millisecond} {
			got := pauses[len(pauses)*(i+1)/4]
			if got < quarter-700*time.Millisecond || got > quarter+700*time.Millisecond {
				t.Errorf("quartile %d of the pauses is %s", i+1, got)
			}
		}
	})
}

// dialCounter counts the connections that are being opened.
type dialCounter struct{ now, most, all atomic.Int32 }

func (d *dialCounter) slow(open func(context.Context, string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		d.all.Add(1)
		d.most.Store(max(d.most.Load(), d.now.Add(1)))
		defer d.now.Add(-1)
		time.Sleep(time.Second) //nolint:forbidigo // On the clock of the test.
		return open(ctx, address)
	}
}

// The connections of user binds are opened under the same limit as all others, and no more
// binds are at work than the options say.
func TestBindLimits(t *testing.T) {
	var dials dialCounter
	var binding, most atomic.Int32
	onNetwork(t, plan{script: func(_ int, r *fakeldap.Request) {
		if r.Name != "bind" {
			answer(r)
			return
		}
		most.Store(max(most.Load(), binding.Add(1)))
		time.Sleep(10 * time.Second) //nolint:forbidigo // On the clock of the test.
		binding.Add(-1)
		r.Done(49)
	}, options: func(o *ldapclient.Options) {
		o.MaxConns, o.MaxDials, o.MaxBinds = 8, 2, 5
		o.Dial = dials.slow(o.Dial)
	}}, func(t *testing.T, n *network) {
		n.get(t, "a")
		dials.most.Store(0)
		var work sync.WaitGroup
		for range 12 {
			work.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				_, err := n.Authenticate(ctx, userDN("a"), "wrong", nil)
				kindOf(t, err, fault.Unauthenticated, "")
			})
			work.Go(func() { n.put(t, "a") })
		}
		work.Wait()
		if dials.most.Load() != 2 || most.Load() != 5 {
			t.Errorf("%d connections were opened at once, %d binds at work", dials.most.Load(), most.Load())
		}
	})
}

// Callers who have connections of their own wait in one queue, as far as its length goes.
func TestQueueOfCallers(t *testing.T) {
	onNetwork(t, plan{options: func(o *ldapclient.Options) {
		o.Mode, o.MaxCallers, o.MaxQueue, o.AcquireTimeout = ldapclient.BindAs, 2, 3, time.Hour
	}, script: func(_ int, r *fakeldap.Request) {
		if r.Name == "modify" {
			time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
		}
		r.Done(0)
	}}, func(t *testing.T, n *network) {
		var refused, done atomic.Int32
		var work sync.WaitGroup
		for i := range 10 {
			if i <= 2 {
				synctest.Wait() // The first two are at work.
			}
			work.Go(func() {
				identity := as("user" + string(rune('a'+i)))
				identity.Password = directory.NewPassword("x")
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				err := changes()["modify"](ctx, n.As(identity))
				if err == nil {
					done.Add(1)
					return
				}
				kindOf(t, err, fault.Unavailable, "pool")
				refused.Add(1)
			})
		}
		work.Wait()
		if refused.Load() != 5 || done.Load() != 5 {
			t.Errorf("%d were sent away, %d were served: two connections, and room for three to wait", refused.Load(), done.Load())
		}
	})
}
