package ldapclient_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// ask runs something within a time, and reports how long that took.
func ask(t *testing.T, patience time.Duration, run func(context.Context) error) (time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begun := time.Now()
	err := run(ctx)
	return time.Since(begun), err
}

// F_09: what is held against a server, and who obeys: user binds as well as operations, answers
// that come too late as well as none, and callers with little time, too.
func TestF_09BreakerForAll(t *testing.T) {
	const pause = 3 * time.Second // of an answer that comes late
	for name, test := range map[string]struct {
		hangs    bool // and answers late otherwise
		patience time.Duration
		login    bool // what is held against the server; a read otherwise
	}{
		"Binds":      {true, 10 * time.Second, true},
		"Reads":      {true, 10 * time.Second, false},
		"LittleTime": {true, time.Second, false},
		"LateReads":  {false, 10 * time.Second, false},
	} {
		for _, servers := range []int{1, 2} {
			var ill atomic.Bool
			onNetwork(t, plan{servers: make([]ldapclient.Server, servers), script: func(server int, r *fakeldap.Request) {
				time.Sleep(time.Millisecond) //nolint:forbidigo // On the clock of the test; what is usual.
				switch {
				case r.Name == "bind" && r.DN == userDN("a").String() && !ill.Load():
					r.Done(0)
				case r.Name == "bind" && server != 0:
					r.Done(0)
				case server != 0 || !ill.Load():
					answer(r)
				case test.hangs:
				default:
					time.Sleep(pause) //nolint:forbidigo // On the clock of the test.
					answer(r)
				}
			}}, func(t *testing.T, n *network) {
				login := func(ctx context.Context) error { _, err := n.Authenticate(ctx, userDN("a"), "x", nil); return err }
				search := func(ctx context.Context) error { _, _, err := collect(ctx, n.As(as("a")), read("a")); return err }
				for _, run := range []func(context.Context) error{login, search} {
					if _, err := ask(t, test.patience, run); err != nil {
						t.Fatal(name, err)
					}
				}
				ill.Store(true)
				held := search
				if test.login {
					held = login
				}
				var work sync.WaitGroup
				for range 5 {
					run := func() {
						if took, err := ask(t, test.patience, held); took < min(pause, test.patience) || (err == nil) == test.hangs {
							t.Errorf("%s, %d servers: one took %s, %v", name, servers, took, err)
						}
					}
					if !test.hangs {
						run() // One after the other, as they are answered.
						continue
					}
					work.Go(run)
				}
				work.Wait()
				if got := n.Stats()[0]; got.Breaker != ldapclient.BreakerOpen || got.Retry == 0 {
					t.Errorf("%s, %d servers: the breaker is %s", name, servers, got.Breaker)
				}
				for what, run := range map[string]func(context.Context) error{"a bind": login, "a read": search} {
					took, err := ask(t, test.patience, run)
					if servers == 1 {
						kindOf(t, err, fault.Unavailable, "directoryUnreachable")
					} else if err != nil && what == "a read" {
						t.Errorf("%s: the other server: %v", name, err)
					}
					if took > 100*time.Millisecond {
						t.Errorf("%s, %d servers: %s waited for %s: %v", name, servers, what, took, err)
					}
				}
				ill.Store(false)
				time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
				if _, err := ask(t, test.patience, login); err != nil {
					t.Errorf("%s, %d servers, afterwards: %v", name, servers, err)
				}
				if got := n.Stats()[0].Breaker; got != ldapclient.BreakerClosed {
					t.Errorf("%s, %d servers: afterwards the breaker is %s", name, servers, got)
				}
			})
		}
	}
}

// A server that is tried after a pause by somebody who goes away is tried by the next one.
func TestBreakerTrialGivenUp(t *testing.T) {
	var hangs atomic.Bool
	onNetwork(t, plan{script: func(_ int, r *fakeldap.Request) {
		if !hangs.Load() {
			r.Done(0)
		}
	}}, func(t *testing.T, n *network) {
		login := func(ctx context.Context) error { _, err := n.Authenticate(ctx, userDN("a"), "x", nil); return err }
		hangs.Store(true)
		for range 5 {
			_, err := ask(t, 10*time.Second, login)
			kindOf(t, err, fault.Timeout, "directoryTimeout")
		}
		kindOf(t, login(t.Context()), fault.Unavailable, "directoryUnreachable")
		time.Sleep(2 * time.Second) //nolint:forbidigo // On the clock of the test.
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		kindOf(t, login(ctx), fault.Canceled, "")
		hangs.Store(false)
		if err := login(t.Context()); err != nil || n.Stats()[0].Breaker != ldapclient.BreakerClosed {
			t.Errorf("the breaker is %s, %v", n.Stats()[0].Breaker, err)
		}
	})
}

// What a server is asked about itself, after a pause, is not the request that finds out whether
// it answers others again.
func TestBreakerTrialIsNotOfTheGateway(t *testing.T) {
	var hangs atomic.Bool
	onNetwork(t, plan{script: func(_ int, r *fakeldap.Request) {
		switch {
		case r.Name != "bind":
			answer(r)
		case !hangs.Load():
			r.Done(0)
		}
	}}, func(t *testing.T, n *network) {
		login := func(ctx context.Context) error { _, err := n.Authenticate(ctx, userDN("a"), "x", nil); return err }
		n.get(t, "a")
		hangs.Store(true)
		for range 5 {
			_, err := ask(t, 10*time.Second, login)
			kindOf(t, err, fault.Timeout, "directoryTimeout")
		}
		kindOf(t, login(t.Context()), fault.Unavailable, "directoryUnreachable")
		time.Sleep(2 * time.Second) //nolint:forbidigo // On the clock of the test.
		before := n.servers[0].Count("schema")
		ldapclient.Refresh(n.Client)
		synctest.Wait()
		if n.servers[0].Count("schema") == before {
			t.Error("it was not asked about itself")
		}
		if got := n.Stats()[0].Breaker; got == ldapclient.BreakerClosed {
			t.Errorf("it told about itself, and the breaker is %s", got)
		}
		hangs.Store(false)
		if err := login(t.Context()); err != nil || n.Stats()[0].Breaker != ldapclient.BreakerClosed {
			t.Errorf("the breaker is %s, %v", n.Stats()[0].Breaker, err)
		}
	})
}
