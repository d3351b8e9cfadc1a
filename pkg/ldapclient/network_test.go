package ldapclient_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// Faults of the way to a real directory, and of its TLS. Those of a server that breaks the
// protocol are in fault_test.go.

// describe makes a change, and returns the description that it asks for.
func describe(ctx context.Context, session directory.Session, text string) error {
	_, err := session.Modify(ctx, &directory.ModifyRequest{DN: userDN("bjensen"), Changes: []directory.Change{replaced("description", text)}})
	return err
}

// modifications counts the modifications of bjensen in the log of slapd. That of a container
// comes late, and tells nothing.
func modifications(server *slapd.Server) int {
	if server.Kind == slapd.Container {
		return 0
	}
	return strings.Count(server.Logs(), `MOD dn="uid=bjensen,`)
}

// warm has both sorts of connections open.
func warm(t *testing.T, session directory.Session) {
	t.Helper()
	for _, req := range []*directory.SearchRequest{read("bjensen"), everybody()} {
		if _, _, err := collect(t.Context(), session, req); err != nil {
			t.Fatal(err)
		}
	}
}

// F_02: the connections are gone before the request is written: nobody notices.
func TestF_02GoneBeforeTheRequest(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way := toxic.New(t, server.Address)
		handler := ends{slog.DiscardHandler, make(chan struct{}, 100)}
		client := newClient(t, server, func(o *ldapclient.Options) { o.Servers[0].URL, o.Logger = way.URL, slog.New(handler) })
		session := client.As(as("kvaughan"))
		for _, text := range []string{"one", "two", "three"} {
			warm(t, session)
			way.Down()
			way.Up()
			<-handler.ended
			<-handler.ended
			if err := describe(within(t, 0), session, text); err != nil {
				t.Errorf("a change: %v", err)
			}
			if entries, _, err := collect(within(t, 0), session, read("bjensen", "description")); err != nil || entries[0].Value("description") != text {
				t.Errorf("a read: %v, %v", entries, err)
			}
		}
		if n := modifications(server); n != 3 && server.Kind == slapd.Process {
			t.Errorf("%d changes arrived, want 3", n)
		}
	})
}

// twoWays is a client with two ways to one directory, the first of which is preferred.
func twoWays(t *testing.T, server *slapd.Server) (first, second *toxic.Way, session directory.Session) {
	t.Helper()
	first, second = toxic.New(t, server.Address), toxic.New(t, server.Address)
	client := newClient(t, server, func(o *ldapclient.Options) {
		o.Servers = []ldapclient.Server{{URL: first.URL}, {URL: second.URL}}
	})
	session = client.As(as("kvaughan"))
	warm(t, session)
	return first, second, session
}

// F_03: the way ends in the middle of an answer of which nothing was used: the read is made
// again on the other server, as a whole.
func TestF_03GoneInTheAnswer(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		for name, req := range map[string]*directory.SearchRequest{"Read": read("bjensen"), "List": everybody()} {
			t.Run("F_03/"+name, func(t *testing.T) {
				first, _, session := twoWays(t, server)
				want, _, err := collect(t.Context(), session, req)
				if err != nil {
					t.Fatal(err)
				}
				first.Add(toxic.Downstream, "limit_data", map[string]any{"bytes": 600})
				got, result, err := collect(within(t, 0), session, req)
				if err != nil || len(got) != len(want) || result.More {
					t.Errorf("%d entries of %d, %+v, %v", len(got), len(want), result, err)
				}
			})
		}
	})
}

// F_08: the way is reset. A read is made on the other server; a change arrives once at most,
// and what is said of it is true.
func TestF_08Reset(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		first, _, session := twoWays(t, server)
		first.Reset(toxic.Downstream)
		before := modifications(server)
		err := describe(within(t, 0), session, "after the reset")
		entries, _, readErr := collect(within(t, 0), session, read("bjensen", "description"))
		if readErr != nil || len(entries) != 1 {
			t.Fatalf("a read: %v, %v", entries, readErr)
		}
		made := entries[0].Value("description") == "after the reset"
		var e *fault.Error
		switch {
		case err == nil && made:
		case errors.As(err, &e) && e.Detail.Kind == "unknownOutcome":
		default:
			t.Errorf("the change was made: %t, and %v was said", made, err)
		}
		if n := modifications(server) - before; n > 1 {
			t.Errorf("the change arrived %d times", n)
		}
	})
}

// F_09: a directory that has become slow gets no more connections than it may, and who waits
// too long is told so; none of those who got an answer got a wrong one.
func TestF_09SlowDirectory(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way := toxic.New(t, server.Address)
		events := &connections{}
		client := newClient(t, server, func(o *ldapclient.Options) {
			o.Servers[0].URL, o.MaxConns, o.AcquireTimeout, o.Tracer = way.URL, 4, 2*time.Second, events
		})
		session := client.As(as("kvaughan"))
		warm(t, session)
		way.Add(toxic.Downstream, "latency", map[string]any{"latency": 1500})
		var waiters sync.WaitGroup
		answered := make(chan error, 40)
		for range cap(answered) {
			waiters.Go(func() { answered <- describe(within(t, 0), session, "slowly") })
		}
		waiters.Wait()
		close(answered)
		good, told := 0, 0
		for err := range answered {
			var e *fault.Error
			switch {
			case err == nil:
				good++
			case errors.As(err, &e) && e.Detail.Kind == "pool" && e.RetryAfter > 0:
				told++
			default:
				t.Error(err)
			}
		}
		if good == 0 || told == 0 || events.most() > 4 {
			t.Errorf("%d succeeded, %d were told to come back; %d connections at once", good, told, events.most())
		}
	})
}

// connections counts those that are open.
type connections struct {
	mu        sync.Mutex
	now, peak int
}

func (c *connections) Operation(context.Context, string) {}

func (c *connections) Connection(_ string, event ldapclient.Event, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if event == ldapclient.ConnectionOpened {
		c.now++
		c.peak = max(c.peak, c.now)
	} else if strings.HasPrefix(string(event), "closed") {
		c.now--
	}
}

func (c *connections) most() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peak
}

// F_10: an answer that comes in drops ends with the time of the request, and slapd is told.
func TestF_10Drops(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	way, _, session := lossy(t, server)
	warm(t, session)
	way.Add(toxic.Downstream, "bandwidth", map[string]any{"rate": 1})
	entries, _, err := collect(within(t, time.Second), session, everybody())
	kindOf(t, err, fault.Timeout, "directoryTimeout")
	if len(entries) == exampleUsers {
		t.Error("everybody came")
	}
	way.Clear()
	for i := 0; server.Kind == slapd.Process && !strings.Contains(server.Logs(), " ABANDON "); i++ {
		if i == 500 {
			t.Fatal("slapd was not told")
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // It writes its log when it likes.
	}
	if entries, _, err := collect(within(t, 0), session, everybody()); err != nil || len(entries) != exampleUsers {
		t.Errorf("afterwards: %d entries, %v", len(entries), err)
	}
}

// F_05: the preferred way is silent under connections that were at rest. A change, too, is made
// over the other one, once: the connection that it would have had is asked first.
func TestF_05SilentUnderIdle(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		first, second := toxic.New(t, server.Address), toxic.New(t, server.Address)
		client := newClient(t, server, func(o *ldapclient.Options) {
			o.Servers, o.ProbeTimeout = []ldapclient.Server{{URL: first.URL}, {URL: second.URL}}, time.Second
		})
		session := client.As(as("kvaughan"))
		warm(t, session)
		before := modifications(server)
		time.Sleep(1100 * time.Millisecond) //nolint:forbidigo // For so long they are trusted.
		first.Add(toxic.Downstream, "timeout", map[string]any{"timeout": 0})
		if err := describe(within(t, 0), session, "elsewhere"); err != nil {
			t.Errorf("a change: %v", err)
		}
		entries, _, err := collect(within(t, 0), session, read("bjensen", "description"))
		if err != nil || len(entries) != 1 || entries[0].Value("description") != "elsewhere" {
			t.Errorf("a read: %v, %v", entries, err)
		}
		if n := modifications(server) - before; n > 1 {
			t.Errorf("the change arrived %d times", n)
		}
	})
}

// F_21 and F_22: what a real directory says of itself. One that is busy is left alone, and the
// other one asked before; a connection on which it reports an error of its own is replaced.
func TestResultsOfADirectory(t *testing.T) {
	t.Parallel()
	codes := map[string]int{"operations": 1, "busy": 51, "unavailable": 52, "unwilling": 53, "other": 80}
	slapd.Each(t, slapd.Options{Codes: codes}, func(t *testing.T, server *slapd.Server) {
		for name, code := range codes {
			t.Run(map[bool]string{true: "F_22/", false: "F_21/"}[code == 1 || code == 80]+name, func(t *testing.T) {
				first, second := toxic.New(t, server.Address), toxic.New(t, server.Address)
				client := newClient(t, server, func(o *ldapclient.Options) {
					o.Servers, o.Heartbeat = []ldapclient.Server{{URL: first.URL}, {URL: second.URL}}, time.Hour
				})
				session := client.As(as("kvaughan"))
				warm(t, session)
				dn, err := directory.ParseDN("cn=" + name + "," + slapd.CodesDN)
				if err != nil {
					t.Fatal(err)
				}
				_, _, err = collect(within(t, 0), session, &directory.SearchRequest{Base: dn, Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), SizeLimit: 1})
				if got := directory.OutcomeOf(err); got.Code != code {
					t.Fatalf("result %d: %v", got.Code, err)
				}
				isBusy := code == 51 || code == 52
				var e *fault.Error
				if errors.As(err, &e) && isBusy != (e.Kind == fault.Unavailable && e.RetryAfter > 0) {
					t.Errorf("%v, to be tried after %s", err, e.RetryAfter)
				}
				if asked := client.Stats()[1].Events[ldapclient.CheckoutNewConnection]; isBusy != (asked == 1) {
					t.Errorf("the other one was asked %d times", asked)
				}
				// A change that was answered was not made, and nobody else is asked for it.
				arrived := fmt.Sprintf("MOD dn=%q", dn)
				_, err = session.Modify(within(t, 0), &directory.ModifyRequest{DN: dn, Changes: []directory.Change{replaced("description", "x")}})
				if got := directory.OutcomeOf(err); got.Code != code || got.Progress != directory.Answered {
					t.Errorf("a change: %+v, %v", got, err)
				}
				if errors.As(err, &e) && isBusy != (e.Kind == fault.Unavailable && e.RetryAfter > 0) {
					t.Errorf("a change: %v, to be tried after %s", err, e.RetryAfter)
				}
				if n := strings.Count(strings.ToLower(server.Logs()), strings.ToLower(arrived)); n != 1 && server.Kind != slapd.Container {
					t.Errorf("the change arrived %d times", n)
				}
				defunct := code == 1 || code == 80
				for i := 0; defunct && client.Stats()[0].Events[ldapclient.ConnectionDefunct] == 0; i++ { // It ends in the background.
					if i == 500 {
						t.Fatal("the connection stays")
					}
					time.Sleep(10 * time.Millisecond) //nolint:forbidigo // See above.
				}
				warm(t, session)
				if !defunct && client.Stats()[0].Events[ldapclient.ConnectionDefunct] > 0 {
					t.Error("the connection did not stay")
				}
			})
		}
	})
}

// F_06: the directory goes silent under a request. A read was not answered, a change has an
// unknown outcome; whatever came of it, it was made once at most.
func TestF_06Silent(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way, _, session := lossy(t, server)
		for _, direction := range []toxic.Direction{toxic.Upstream, toxic.Downstream} {
			warm(t, session)
			before := modifications(server)
			way.Add(direction, "timeout", map[string]any{"timeout": 0})
			kindOf(t, describe(within(t, time.Second), session, "to "+string(direction)), fault.Timeout, "unknownOutcome")
			_, _, err := collect(within(t, time.Second), session, read("bjensen"))
			kindOf(t, err, fault.Timeout, "directoryTimeout")
			way.Clear()
			var entries []*directory.Entry
			recoversSoon(t, func() (err error) {
				entries, _, err = collect(within(t, 0), session, read("bjensen", "description"))
				return err
			})
			if made := entries[0].Value("description") == "to "+string(direction); made != (direction == toxic.Downstream) {
				t.Errorf("%s: made %t", direction, made)
			}
			if n := modifications(server) - before; n > 1 {
				t.Errorf("the change arrived %d times", n)
			}
		}
	})
}

// F_24: the directory comes back while hundreds wait for it. It gets one attempt to connect,
// then no more connections than they need, and everybody is served.
func TestF_24ManyWait(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way := toxic.New(t, server.Address)
		events := &connections{}
		client := newClient(t, server, func(o *ldapclient.Options) { o.Servers[0].URL, o.MaxConns, o.Tracer = way.URL, 4, events })
		session := client.As(as("kvaughan"))
		warm(t, session)
		way.Down()
		var work sync.WaitGroup
		failed := make(chan struct{}, 300)
		for range cap(failed) {
			work.Go(func() {
				told := sync.OnceFunc(func() { failed <- struct{}{} })
				for range 200 {
					_, _, err := collect(within(t, 0), session, read("bjensen"))
					told()
					var e *fault.Error
					switch {
					case err == nil:
						return
					case !errors.As(err, &e) || e.Kind != fault.Unavailable:
						t.Error(err)
						return
					}
					time.Sleep(max(e.RetryAfter, 10*time.Millisecond)) //nolint:forbidigo // What the fault asks for.
				}
				t.Error("never served")
			})
		}
		for range cap(failed) {
			<-failed
		}
		tried := client.Stats()[0].Events[ldapclient.ConnectionFailed]
		if tried > 30 {
			t.Errorf("%d attempts while nothing could be had, for %d who wait", tried, cap(failed))
		}
		way.Up()
		work.Wait()
		if events.most() > 4 {
			t.Errorf("%d connections at once", events.most())
		}
	})
}

// F_07: the way takes no more in the middle of a large change: it ends in time, and nobody says
// that nothing was done. Nothing was.
func TestF_07LargeChange(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way, _, session := lossy(t, server)
		warm(t, session)
		way.Add(toxic.Upstream, "bandwidth", map[string]any{"rate": 1})
		err := describe(within(t, time.Second), session, strings.Repeat("much ", 2<<20))
		kindOf(t, err, fault.Timeout, "unknownOutcome")
		way.Clear()
		entries, _, err := collect(within(t, 0), session, read("bjensen", "description"))
		if err != nil || len(entries) != 1 || len(entries[0].Value("description")) > 1<<20 {
			t.Errorf("%d entries, %v", len(entries), err)
		}
		if err := describe(within(t, 0), session, "little"); err != nil {
			t.Error(err)
		}
	})
}

// F_25: one of two ways goes silent under many who read. Everybody is answered, and the other
// one serves on.
func TestF_25SilentWay(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		first, second := toxic.New(t, server.Address), toxic.New(t, server.Address)
		client := newClient(t, server, func(o *ldapclient.Options) {
			o.Servers, o.Balance = []ldapclient.Server{{URL: first.URL}, {URL: second.URL}}, ldapclient.LeastRequests
			o.Heartbeat, o.ProbeTimeout, o.ConnectTimeout = 500*time.Millisecond, time.Second, 3*time.Second
		})
		session := client.As(as("kvaughan"))
		var work sync.WaitGroup
		halfway := make(chan struct{}, 8)
		for range cap(halfway) {
			work.Go(func() {
				for i := range 100 {
					if i == 50 {
						halfway <- struct{}{}
					}
					if entries, _, err := collect(within(t, 0), session, read("bjensen")); err != nil || len(entries) != 1 {
						t.Errorf("read %d: %v, %v", i, entries, err)
					}
				}
			})
		}
		<-halfway
		first.Add(toxic.Downstream, "timeout", map[string]any{"timeout": 0})
		work.Wait()
		if got := client.Stats()[1]; got.Open == 0 || got.Breaker != ldapclient.BreakerClosed {
			t.Errorf("the other one: %+v", got)
		}
		first.Clear()
		recoversSoon(t, func() error { _, _, err := collect(within(t, 0), session, read("bjensen")); return err })
	})
}

// F_26: the preferred way comes and goes. Every read is answered, whatever is said of a change
// is true, and the way is taken last when that has happened a few times.
func TestF_26FlappingWay(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		first, second := toxic.New(t, server.Address), toxic.New(t, server.Address)
		client := newClient(t, server, func(o *ldapclient.Options) {
			o.Servers, o.Heartbeat = []ldapclient.Server{{URL: first.URL}, {URL: second.URL}}, 40*time.Millisecond
		})
		session := client.As(as("kvaughan"))
		warm(t, session)
		steps := func(what string) {
			t.Helper()
			for i := range 5 {
				if _, _, err := collect(within(t, 0), session, read("bjensen")); err != nil {
					t.Errorf("%s: a read: %v", what, err)
				}
				text := fmt.Sprintf("%s %d", what, i)
				err := describe(within(t, 0), session, text)
				if err != nil {
					kindOf(t, err, fault.Timeout, "unknownOutcome")
				}
				entries, _, readErr := collect(within(t, 0), session, read("bjensen", "description"))
				if readErr != nil || err == nil && entries[0].Value("description") != text {
					t.Errorf("%s: %v was said of a change, and then %v, %v", what, err, entries, readErr)
				}
			}
		}
		for round := 0; client.Stats()[0].Unsteady == 0; round++ {
			if round == 200 {
				t.Fatal("it is never taken last")
			}
			first.Down()
			steps(fmt.Sprintf("down %d", round))
			first.Up()
			for i := 0; i < 500 && client.Stats()[0].Breaker != ldapclient.BreakerClosed; i++ {
				steps(fmt.Sprintf("up %d, %d", round, i))
			}
		}
		// A session that changed something there would go on reading there.
		other := client.As(as("kvaughan"))
		before := client.Stats()[0].Events[ldapclient.CheckoutWithoutWait]
		for range 3 {
			if _, _, err := collect(within(t, 0), other, read("bjensen")); err != nil {
				t.Error(err)
			}
		}
		if now := client.Stats(); now[0].Unsteady > 0 && now[0].Events[ldapclient.CheckoutWithoutWait] != before {
			t.Errorf("it is taken first: %+v", now[0])
		}
	})
}

// exampleUsers is how many people there are.
const exampleUsers = 150

// F_19: the directory ends in good order, and comes back: requests that were under way are
// told the truth, idle connections go without a word.
func TestF_19DirectoryStops(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		session := newClient(t, server, nil).As(as("kvaughan"))
		warm(t, session)
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		if err := describe(within(t, 0), session, "again"); err != nil {
			kindOf(t, err, fault.Timeout, "unknownOutcome")
		}
		if _, _, err := collect(within(t, 0), session, read("bjensen")); err != nil {
			t.Errorf("a read: %v", err)
		}
	})
}

// F_20: connections that the directory ends because nobody uses them are replaced, and no
// request fails for it.
func TestF_20IdleConnectionsEnded(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Global: "idletimeout 1\n"})
	handler := ends{slog.DiscardHandler, make(chan struct{}, 100)}
	client := newClient(t, server, func(o *ldapclient.Options) { o.Logger = slog.New(handler) })
	session := client.As(as("kvaughan"))
	for range 2 {
		warm(t, session)
		<-handler.ended // slapd looks for them a few times a second.
		if err := describe(within(t, 0), session, "still there"); err != nil {
			t.Error(err)
		}
		if _, _, err := collect(within(t, 0), session, read("bjensen")); err != nil {
			t.Error(err)
		}
	}
}

// F_15, F_16 and F_17: the directory's certificate is not good, ours is not, or TLS is too
// old. Nothing is sent, and each says what it is.
func TestBadTLS(t *testing.T) {
	t.Parallel()
	ca, other := authority(t), authority(t)
	issue := func(from *testcert.CA, leaf testcert.Leaf) tls.Certificate {
		pair, err := from.Issue(leaf)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := pair.TLS()
		if err != nil {
			t.Fatal(err)
		}
		return certificate
	}
	good, past := issue(ca, testcert.Leaf{}), time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		server *tls.Config
		ours   []tls.Certificate
		detail string
	}{
		"F_15/Expired":      {&tls.Config{Certificates: []tls.Certificate{issue(ca, testcert.Leaf{NotBefore: past.Add(-time.Hour), NotAfter: past})}}, nil, "directoryCertificate"},
		"F_15/OtherName":    {&tls.Config{Certificates: []tls.Certificate{issue(ca, testcert.Leaf{Hosts: []string{"other.example.com"}})}}, nil, "directoryCertificate"},
		"F_15/OtherCA":      {&tls.Config{Certificates: []tls.Certificate{issue(other, testcert.Leaf{})}}, nil, "directoryCertificate"},
		"F_16/None":         {&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}, nil, "directoryClientCertificate"},
		"F_16/Expired":      {&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}, []tls.Certificate{issue(ca, testcert.Leaf{NotBefore: past.Add(-time.Hour), NotAfter: past})}, "directoryClientCertificate"},
		"F_16/OtherCA":      {&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}, []tls.Certificate{issue(other, testcert.Leaf{})}, "directoryClientCertificate"},
		"F_16/ExpiredTLS12": {&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(), MaxVersion: tls.VersionTLS12}, []tls.Certificate{issue(ca, testcert.Leaf{NotBefore: past.Add(-time.Hour), NotAfter: past})}, "directoryClientCertificate"}, //nolint:gosec // What the test is about.
		"F_17/TLS11":        {&tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, nil, "directoryTLS"},                                                                                                                                            //nolint:gosec // What the test is about.
		"F_17/WeakCipher":   {&tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, nil, "directoryTLS"},                                                                                                        //nolint:gosec // What the test is about.
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := tls.Listen("tcp", "127.0.0.1:0", test.server)
			if err != nil {
				t.Fatal(err)
			}
			var work sync.WaitGroup
			t.Cleanup(work.Wait)
			t.Cleanup(func() { _ = listener.Close() })
			work.Go(func() { greet(t, listener) })
			client, err := ldapclient.New(ldapclient.Options{
				Servers: []ldapclient.Server{{URL: "ldaps://" + listener.Addr().String()}},
				TLS:     &tls.Config{RootCAs: ca.Pool(), Certificates: test.ours, MinVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}},
				BindDN:  directory.MustParseDN(fakeldap.ServiceDN), Password: fakeldap.Password,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close(context.Background()) }()
			_, _, err = collect(within(t, 0), client.As(as("a")), read("a"))
			kindOf(t, err, fault.BadGateway, test.detail)
		})
	}
}

func authority(t *testing.T) *testcert.CA {
	t.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// greet takes connections as far as TLS gets. No bind may come with it.
func greet(t *testing.T, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if err := conn.(*tls.Conn).HandshakeContext(context.Background()); err == nil {
			t.Error("the handshake succeeded")
		}
		_ = conn.Close()
	}
}

// F_13: the name of the directory leads to a dead address first, then elsewhere, then
// nowhere: all addresses are tried, new connections ask anew, and old ones stay.
func TestF_13Names(t *testing.T) {
	names := newNames(t)
	before := net.DefaultResolver
	net.DefaultResolver = names.resolver()
	t.Cleanup(func() { net.DefaultResolver = before })
	server := fakeldap.StartNamed(t, "directory.example.com", answer)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "ldaps://"))
	if err != nil {
		t.Fatal(err)
	}
	client := fakeClient(t, server, func(o *ldapclient.Options) { o.Servers[0].URL = "ldaps://directory.example.com:" + port })
	session := client.As(as("a"))
	get := func() error { _, _, err := collect(within(t, 0), session, read("a")); return err }
	names.set("127.0.0.9", "127.0.0.1") // Nobody listens at the first one.
	if err := get(); err != nil {
		t.Fatal(err)
	}
	names.set()
	if err := get(); err != nil {
		t.Errorf("the connection that there is: %v", err)
	}
	asked := names.asked()
	server.CloseAll()
	err = nil
	for range 10_000 { // Until the end of the connection has been seen.
		if err = get(); err != nil {
			break
		}
	}
	kindOf(t, err, fault.Unavailable, "directoryUnreachable")
	names.set("127.0.0.1")
	recoversSoon(t, get)
	if names.asked() == asked {
		t.Error("the name was not resolved anew")
	}
}

// recoversSoon asks until it succeeds, as often as the faults allow.
func recoversSoon(t *testing.T, ask func() error) {
	t.Helper()
	for range 50 {
		err := ask()
		if err == nil {
			return
		}
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unavailable {
			t.Fatal(err)
		}
		time.Sleep(max(e.RetryAfter, 10*time.Millisecond)) //nolint:forbidigo // What the fault asks for.
	}
	t.Error("no recovery")
}

// names is a DNS server (RFC 1035) that knows one host.
type names struct {
	conn *net.UDPConn

	mu        sync.Mutex // guards the fields below
	addresses []netip.Addr
	queries   int
}

func newNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn}
	var work sync.WaitGroup
	work.Go(n.serve)
	t.Cleanup(work.Wait)
	t.Cleanup(func() { _ = conn.Close() })
	return n
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp4", n.conn.LocalAddr().String())
	}}
}

func (n *names) set(addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses = nil
	for _, a := range addresses {
		n.addresses = append(n.addresses, netip.MustParseAddr(a))
	}
}

func (n *names) asked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.queries
}

// serve answers queries for addresses of IPv4, and says of all others that there are none.
func (n *names) serve() {
	query := make([]byte, 512)
	for {
		size, from, err := n.conn.ReadFromUDP(query)
		if err != nil {
			return
		}
		if size < 17 {
			continue
		}
		end := 12
		for end < size && query[end] != 0 {
			end += int(query[end]) + 1
		}
		end += 5
		if end > size {
			continue
		}
		reply := append([]byte(nil), query[:end]...)
		reply[2], reply[3] = 0x84, 0
		clear(reply[6:12])
		n.mu.Lock()
		n.queries++
		if query[end-3] == 1 { //nolint:gosec // end is between 17 and size. The type A.
			for _, address := range n.addresses {
				reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				reply = append(reply, address.AsSlice()...)
			}
			binary.BigEndian.PutUint16(reply[6:], uint16(len(n.addresses)))
		}
		if len(n.addresses) == 0 {
			reply[3] = 3 // There is no such name.
		}
		n.mu.Unlock()
		_, _ = n.conn.WriteToUDP(reply, from)
	}
}

// F_63: the first server is lost with the answer to a change, and comes back. The change is
// sent to one server once; what is said of it is true; and changes after it go on.
func TestF_63FailoverWithAChange(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		first, _, session := twoWays(t, server)
		for round := range 4 {
			text := fmt.Sprintf("round %d", round)
			req := known(t, session, "bjensen", replaced("description", text))
			before := modifications(server)
			first.CutNext(toxic.Downstream)
			_, err := session.Modify(within(t, 0), req)
			if err != nil {
				kindOf(t, err, fault.Timeout, "unknownOutcome")
			}
			if n := modifications(server) - before; n > 1 {
				t.Errorf("the change arrived %d times", n)
			}
			entries, _, readErr := collect(within(t, 0), session, read("bjensen", "description"))
			if readErr != nil || err == nil && entries[0].Value("description") != text {
				t.Errorf("%v was said, and there is %v, %v", err, entries, readErr)
			}
			first.Clear()
			if err := describe(within(t, 0), session, "after "+text); err != nil {
				t.Errorf("the next change: %v", err)
			}
		}
	})
}
