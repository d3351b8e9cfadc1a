package ldapclient_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// oneConnection has all lists and changes use the same connection, while it lives.
func oneConnection(o *ldapclient.Options) { o.MaxConns = 2 }

// cancelled makes a request that its caller gives up when it is with the server.
func cancelled(t *testing.T, n *network, ask func(context.Context, directory.Session) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() { outcome <- ask(ctx, n.As(as("a"))) }()
	synctest.Wait()
	cancel()
	kindOf(t, <-outcome, fault.Canceled, "")
}

// The connection of a change that was given up is lent again when the server has answered it,
// and ends when that takes long. Until then the next change waits.
func TestCancelledChange(t *testing.T) {
	for name, test := range map[string]struct {
		answer   time.Duration
		sameConn bool
		at       time.Duration
	}{
		"AnsweredInTime": {150 * time.Millisecond, true, 150 * time.Millisecond},
		"AnsweredLate":   {time.Second, false, 200 * time.Millisecond},
		"NeverAnswered":  {time.Hour, false, 200 * time.Millisecond},
	} {
		for kind, change := range changes() {
			t.Run(name+"/"+kind, func(t *testing.T) {
				var first atomic.Pointer[fakeldap.Request]
				onNetwork(t, plan{options: oneConnection, script: func(_ int, r *fakeldap.Request) {
					if r.Name == kind && first.CompareAndSwap(nil, r) {
						go func() {
							time.Sleep(test.answer) //nolint:forbidigo // On the clock of the test.
							r.Done(0)
						}()
						return
					}
					if r.Name != "abandon" {
						behave(r)
					}
				}}, func(t *testing.T, n *network) {
					begun := time.Now()
					cancelled(t, n, change)
					if err := change(t.Context(), n.As(as("b"))); err != nil {
						t.Error(err)
					}
					spent := time.Since(begun)
					sent := n.servers[0].Requests(kind)
					if len(sent) != 2 || (sent[0].Conn == sent[1].Conn) != test.sameConn || spent != test.at {
						t.Errorf("%d changes on connections %d and %d, the second after %s", len(sent), sent[0].Conn, sent[1].Conn, spent)
					}
					if abandons := n.servers[0].Requests("abandon"); len(abandons) != 1 || abandons[0].Abandoned != sent[0].ID {
						t.Errorf("abandoned were %v", abandons)
					}
					time.Sleep(2 * time.Hour) //nolint:forbidigo // On the clock of the test: until the last answer is out.
				})
			})
		}
	}
}

// F_66: the connection of a list that was given up is lent again when the server has given it
// up as well. One that goes on with it for too long, or says nothing, ends.
func TestCancelledList(t *testing.T) {
	list := func(ctx context.Context, s directory.Session) error {
		_, _, err := collect(ctx, s, everybody())
		return err
	}
	flood := func(r *fakeldap.Request, octets int) {
		for range octets >> 10 {
			r.Entry("uid=x,"+r.DN, "uid", string(make([]byte, 1<<10)))
		}
	}
	for name, test := range map[string]struct {
		onAbandon func(list *fakeldap.Request)
		sameConn  bool
	}{
		"Heeded":      {func(*fakeldap.Request) {}, true},
		"ALittleMore": {func(list *fakeldap.Request) { flood(list, 100<<10); list.Done(0) }, true},
		"NoEnd":       {func(list *fakeldap.Request) { flood(list, 100<<10) }, true},
		"MuchMore":    {func(list *fakeldap.Request) { flood(list, 300<<10); list.Done(0) }, false},
		"Busy":        {func(*fakeldap.Request) { time.Sleep(time.Second) }, false}, //nolint:forbidigo // On the clock of the test.
	} {
		t.Run("F_66/"+name, func(t *testing.T) {
			var first atomic.Pointer[fakeldap.Request]
			onNetwork(t, plan{options: oneConnection, script: func(_ int, r *fakeldap.Request) {
				switch {
				case r.Name == "abandon":
					test.onAbandon(first.Load())
				case r.Name == "search" && first.CompareAndSwap(nil, r):
					r.Entry("uid=x,"+r.DN, "uid", "x")
				default:
					answer(r)
				}
			}}, func(t *testing.T, n *network) {
				cancelled(t, n, list)
				begun := time.Now()
				if err := list(t.Context(), n.As(as("b"))); err != nil {
					t.Error(err)
				}
				if spent := time.Since(begun); spent > 200*time.Millisecond {
					t.Errorf("the next list waited %s", spent)
				}
				sent := n.servers[0].Requests("search")
				got := []bool{len(sent) == 2, sent[0].Conn == sent[len(sent)-1].Conn}
				if diff := cmp.Diff([]bool{true, test.sameConn}, got); diff != "" {
					t.Error(diff)
				}
				if abandons := n.servers[0].Requests("abandon"); len(abandons) != 1 || abandons[0].Abandoned != sent[0].ID {
					t.Errorf("abandoned were %v", abandons)
				}
			})
		})
	}
}

// A change that a real directory has not answered when its caller gives up: the next one has
// another connection.
func TestCancelledChangeOfADirectory(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	way := toxic.New(t, server.Address)
	happened := &events{counts: make(map[ldapclient.Event]int), waits: make(map[ldapclient.Event]time.Duration)}
	client := newClient(t, server, func(o *ldapclient.Options) { o.Servers[0].URL, o.Tracer = way.URL, happened })
	session := client.As(as("kvaughan"))
	warm(t, session)
	way.Add(toxic.Downstream, "latency", map[string]any{"latency": 800})
	kindOf(t, describe(within(t, 300*time.Millisecond), session, "given up"), fault.Timeout, "unknownOutcome")
	if err := describe(within(t, 0), session, "made"); err != nil {
		t.Error(err)
	}
	if n := happened.count(ldapclient.ConnectionOpened); n != 3 {
		t.Errorf("%d connections were opened, want the two that there were and a new one", n)
	}
	entries, _, err := collect(within(t, 0), session, read("bjensen", "description"))
	if err != nil || len(entries) != 1 || entries[0].Value("description") != "made" {
		t.Errorf("%v, %v", entries, err)
	}
}

// F_10: a server that stops in the middle of its answer. That takes a part of the time that
// there is, and is told from an answer that takes long to begin, or comes slowly.
func TestIdleGap(t *testing.T) {
	const gap = 5 * time.Second
	bounded := func(ctx context.Context, s directory.Session) error {
		req := everybody()
		req.SizeLimit = 32
		_, _, err := collect(ctx, s, req)
		return err
	}
	list := func(ctx context.Context, s directory.Session) error {
		_, _, err := collect(ctx, s, everybody())
		return err
	}
	walk := func(ctx context.Context, s directory.Session) error {
		steps := s.Walk(everybody())
		defer steps.Close()
		for {
			if _, more, err := steps.Next(ctx, 10); err != nil || !more {
				return err
			}
		}
	}
	pause := func(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // On the clock of the test.
	for name, test := range map[string]struct {
		ask    func(context.Context, directory.Session) error
		script fakeldap.Script
		spent  time.Duration
		ok     bool
		told   int // abandons: one to a server that may be there yet
	}{
		"Bounded": {bounded, func(r *fakeldap.Request) { pause(2 * time.Second); r.Entry("uid=x", "uid", "x") }, 7 * time.Second, false, 1},
		"List":    {list, func(r *fakeldap.Request) { pause(2 * time.Second); r.Entry("uid=x", "uid", "x") }, 7 * time.Second, false, 1},
		"SecondPage": {list, func(r *fakeldap.Request) {
			if r.Cookie == "" {
				r.Entry("uid=x", "uid", "x")
				r.DonePage("next")
			}
		}, gap, false, 0},
		"SecondStep": {walk, func(r *fakeldap.Request) {
			if r.Cookie == "" {
				r.Entry("uid=x", "uid", "x")
				r.DonePage("next")
			}
		}, gap, false, 0},
		"SlowBeginning": {list, func(r *fakeldap.Request) { pause(20 * time.Second); r.Entry("uid=x", "uid", "x"); r.DonePage("") }, 20 * time.Second, true, 0},
		"Drip": {list, func(r *fakeldap.Request) {
			for range 5 {
				r.Entry("uid=x", "uid", "x")
				pause(4 * time.Second)
			}
			r.DonePage("")
		}, 20 * time.Second, true, 0},
	} {
		t.Run("F_10/"+name, func(t *testing.T) {
			onNetwork(t, plan{options: func(o *ldapclient.Options) { o.IdleGap = gap }, script: func(_ int, r *fakeldap.Request) {
				if r.Name == "search" {
					test.script(r)
				}
			}}, func(t *testing.T, n *network) {
				if _, err := n.Capabilities(t.Context()); err != nil {
					t.Fatal(err)
				}
				spent, err := took(t, time.Minute, func(ctx context.Context) error { return test.ask(ctx, n.As(as("a"))) })
				if spent != test.spent || (err == nil) != test.ok {
					t.Errorf("it took %s: %v", spent, err)
				}
				if !test.ok {
					kindOf(t, err, fault.Timeout, "directoryTimeout")
					synctest.Wait()
					if got := n.servers[0].Count("abandon"); got != test.told {
						t.Errorf("%d abandons, want %d", got, test.told)
					}
				}
			})
		})
	}
}
