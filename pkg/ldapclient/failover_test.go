package ldapclient_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// gate stands before a server. It lets connections through, hangs up on them, or takes
// them and says nothing.
type gate struct {
	url   string
	state atomic.Int32
	// taken counts connections.
	taken atomic.Int32

	listener net.Listener
	work     sync.WaitGroup
	mu       sync.Mutex // guards the fields below
	closed   bool
	open     []net.Conn
	accepted []net.Conn
}

const (
	through int32 = iota
	hangUp
	mute
)

func newGate(tb testing.TB, server *fakeldap.Server, state int32) *gate {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	g := &gate{url: "ldaps://" + listener.Addr().String(), listener: listener}
	g.state.Store(state)
	g.work.Go(func() { g.accept(strings.TrimPrefix(server.URL, "ldaps://")) })
	tb.Cleanup(func() {
		_ = listener.Close()
		g.mu.Lock()
		g.closed = true
		for _, conn := range g.open {
			_ = conn.Close()
		}
		g.mu.Unlock()
		g.work.Wait()
	})
	return g
}

func (g *gate) accept(target string) {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.taken.Add(1)
		g.keep(conn)
		g.mu.Lock()
		g.accepted = append(g.accepted, conn)
		g.mu.Unlock()
		switch g.state.Load() {
		case hangUp:
			_ = conn.Close()
		case through:
			other, err := net.Dial("tcp", target)
			if err != nil {
				_ = conn.Close()
				continue
			}
			g.keep(other)
			g.work.Go(func() { _, _ = io.Copy(other, conn); _ = other.Close() })
			g.work.Go(func() { _, _ = io.Copy(conn, other); _ = conn.Close() })
		}
	}
}

func (g *gate) keep(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = append(g.open, conn)
	if g.closed {
		_ = conn.Close()
	}
}

// answer answers every search with one entry, and every change with success.
func answer(r *fakeldap.Request) {
	switch r.Name {
	case "search":
		r.Entry(r.DN, "uid", "a")
		r.Done(0)
	case "modify", "add", "delete":
		r.Done(0)
	}
}

// A primary that takes connections and says nothing costs the first request the time
// that a connection may take; those after it do not wait for it.
func TestNobodyWaitsForADeadPrimary(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, answer)
	primary, secondary := newGate(t, server, mute), newGate(t, server, through)
	const connecting = 2 * time.Second
	session := fakeClient(t, server, func(o *ldapclient.Options) {
		o.ConnectTimeout = connecting
		o.Servers = []ldapclient.Server{{URL: secondary.url, Secondary: true}, {URL: primary.url}}
	}).As(as("a"))
	if _, _, err := collect(t.Context(), session, read("a")); err != nil {
		t.Fatal(err)
	}
	modify := &directory.ModifyRequest{DN: userDN("a"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "sn", Values: []string{"x"}}}}
	for primary.taken.Load() < 3 { // It is tried again meanwhile.
		if _, _, err := collect(within(t, connecting/2), session, read("a")); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Modify(within(t, connecting/2), modify); err != nil {
			t.Fatal(err)
		}
	}
}

// The secondary serves as long as the primary is down, and no longer.
func TestReturnToThePrimary(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, answer)
	primary, secondary := newGate(t, server, hangUp), newGate(t, server, through)
	client := fakeClient(t, server, func(o *ldapclient.Options) {
		o.Servers = []ldapclient.Server{{URL: primary.url}, {URL: secondary.url, Secondary: true}}
	})
	session := client.As(as("a"))
	get := func() {
		t.Helper()
		if _, _, err := collect(t.Context(), session, read("a")); err != nil {
			t.Fatal(err)
		}
	}
	get()
	if secondary.taken.Load() == 0 {
		t.Fatal("who answered?")
	}
	primary.state.Store(through)
	before := server.Requests("search")
	last := before[len(before)-1].Conn
	for { // The next attempt is due soon.
		get()
		requests := server.Requests("search")
		if requests[len(requests)-1].Conn != last {
			break
		}
	}
	// Back for good: whatever the secondary does is nobody's concern.
	secondary.state.Store(hangUp)
	taken := secondary.taken.Load()
	for range 10 {
		get()
	}
	if now := secondary.taken.Load(); now != taken {
		t.Errorf("the secondary got %d more connections", now-taken)
	}
}

// TestElsewhere reads once more after a list was lost in its second page: not from the server
// that was lost, though it is up again at once. Changes, and who knows of no failure, go to it.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	cuts := func(r *fakeldap.Request) {
		switch {
		case r.Name == "search" && r.Cookie != "":
			r.Close()
		case r.Name == "search" && r.Paged:
			r.Entry("uid=a,"+r.DN, "uid", "a")
			r.DonePage("more")
		default:
			answer(r)
		}
	}
	first, second := fakeldap.Start(t, cuts), fakeldap.Start(t, func(r *fakeldap.Request) {
		if r.Paged {
			r.Entry("uid=a,"+r.DN, "uid", "a")
			r.DonePage("")
			return
		}
		answer(r)
	})
	for balance, servers := range map[ldapclient.Balance][]ldapclient.Server{
		ldapclient.Failover: {{URL: first.URL}, {URL: second.URL, Secondary: true}},
		ldapclient.Affinity: {{URL: first.URL}, {URL: second.URL, Secondary: true}},
	} {
		client := fakeClient(t, first, func(o *ldapclient.Options) {
			o.Servers, o.Balance = servers, balance
			o.TLS.RootCAs.AppendCertsFromPEM(second.CA)
		})
		session := client.As(as("a"))
		list := &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid")}
		_, _, err := collect(within(t, 0), session, list)
		kindOf(t, err, fault.Unavailable, "directoryUnreachable")
		ctx := directory.Elsewhere(within(t, 0), err)
		before, walked := second.Count("search"), first.Count("search")
		for range 3 {
			entries, _, err := collect(ctx, session, list)
			if err != nil || len(entries) != 1 {
				t.Errorf("%s: %d entries, %v", balance, len(entries), err)
			}
		}
		if _, _, err := session.Walk(list).Next(ctx, 5); err != nil {
			t.Errorf("%s: %v", balance, err)
		}
		if n := second.Count("search") - before; n != 4 || first.Count("search") != walked {
			t.Errorf("%s: %d of 4 searches went elsewhere, %d did not", balance, n, first.Count("search")-walked)
		}
		if err := changes()["modify"](ctx, session); err != nil || second.Count("modify") > 0 {
			t.Errorf("%s: a change went elsewhere, %v", balance, err)
		}
		if _, _, err := collect(within(t, 0), session, read("a")); err != nil || first.Count("search") != walked+1 {
			t.Errorf("%s: another read went elsewhere, %v", balance, err)
		}
		if other := directory.Elsewhere(t.Context(), fault.New(fault.NotFound, "x")); directory.Avoided(other) != "" {
			t.Error("what was no loss is avoided")
		}
	}
}

// Binds of users go where everything goes.
func TestAuthenticateFailsOver(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(0) })
	primary, secondary := newGate(t, server, hangUp), newGate(t, server, through)
	client := fakeClient(t, server, func(o *ldapclient.Options) {
		o.Servers = []ldapclient.Server{{URL: primary.url}, {URL: secondary.url}}
	})
	for range 3 {
		if _, err := client.Authenticate(within(t, 0), userDN("a"), "secret", nil); err != nil {
			t.Fatal(err)
		}
	}
	secondary.state.Store(hangUp)
	_, err := client.Authenticate(within(t, 0), userDN("a"), "secret", nil)
	kindOf(t, err, fault.Unavailable, "directoryUnreachable")
	primary.state.Store(through)
	for range time.Tick(10 * time.Millisecond) {
		if _, err = client.Authenticate(within(t, 0), userDN("a"), "secret", nil); err == nil {
			break
		}
		kindOf(t, err, fault.Unavailable, "directoryUnreachable")
	}
}

// A connection on which nothing has come for as long as one may take to open is given
// up when a request on it times out: the way to the server may be gone without a trace.
func TestSilentConnectionIsGivenUp(t *testing.T) {
	leakFree(t)
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		if r.Conn > 1 {
			answer(r)
		}
	})
	client := fakeClient(t, server, func(o *ldapclient.Options) { o.ConnectTimeout = time.Second })
	if err := client.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for {
		_, _, err := collect(within(t, 100*time.Millisecond), client.As(as("a")), read("a"))
		if err == nil {
			break
		}
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Timeout && e.Kind != fault.Unavailable {
			t.Fatal(err)
		}
	}
}

// A server that takes a bind, and hangs up at the first request, counts as down:
// requests fail at once, and say when to come back.
func TestUselessConnections(t *testing.T) {
	leakFree(t)
	server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Close() })
	client := fakeClient(t, server, nil)
	if err := client.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	const requests = 200
	told := 0
	for range requests {
		_, _, err := collect(within(t, 0), client.As(as("a")), read("a"))
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unavailable {
			t.Fatalf("%v", err)
		}
		if e.RetryAfter > 0 && e.RetryAfter <= 5*time.Second {
			told++
		}
	}
	if n := server.Count("bind"); n > requests/2 {
		t.Errorf("%d requests made %d connections", requests, n)
	}
	if told < requests/2 {
		t.Errorf("%d of %d were told when to come back", told, requests)
	}
}

// All connections are in use: who waits too long is told so, and what was lent comes
// back, even from a caller that panics.
func TestPoolExhausted(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, answer)
	client := fakeClient(t, server, func(o *ldapclient.Options) { o.MaxConns = 2 })
	session := client.As(as("a"))
	list := &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid")}
	modify := &directory.ModifyRequest{DN: userDN("a"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "sn", Values: []string{"x"}}}}
	_, err := session.Search(t.Context(), list, func(*directory.Entry) error {
		_, err := session.Modify(within(t, 50*time.Millisecond), modify)
		kindOf(t, err, fault.Unavailable, "pool")
		var e *fault.Error
		if errors.As(err, &e) && e.RetryAfter <= 0 {
			t.Error("nobody said when to come back")
		}
		_, _, err = collect(t.Context(), session, read("a")) // These share another one.
		return err
	})
	if err != nil {
		t.Error(err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = session.Search(t.Context(), list, func(*directory.Entry) error { panic("a defect elsewhere") }) //nolint:forbidigo // What the test is about.
	}()
	if _, err := session.Modify(within(t, 0), modify); err != nil {
		t.Error(err)
	}
	if n := server.Count("modify"); n != 1 {
		t.Errorf("%d changes were sent", n)
	}
}

// What is over before it begins is not sent.
func TestOverBeforeItBegins(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, answer)
	client := fakeClient(t, server, nil)
	session := client.As(as("a"))
	modify := func(ctx context.Context) error {
		_, err := session.Modify(ctx, &directory.ModifyRequest{DN: userDN("a"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "sn", Values: []string{"x"}}}})
		return err
	}
	if err := modify(t.Context()); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	kindOf(t, modify(over), fault.Canceled, "")
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	kindOf(t, modify(late), fault.Unavailable, "pool")
	// A cause of one's own changes nothing.
	cause, cancelCause := context.WithCancelCause(t.Context())
	cancelCause(errors.New("the gateway ends"))
	kindOf(t, modify(cause), fault.Canceled, "")
	if n := server.Count("modify"); n != 1 {
		t.Errorf("%d changes were sent", n)
	}
}
