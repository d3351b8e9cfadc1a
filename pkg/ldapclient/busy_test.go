package ldapclient_test

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// F_21: a server that has no time says so, and did nothing. The fault tells how long to
// leave it alone, the longer the more often it said so; a read goes to the other server.
func TestBusy(t *testing.T) {
	leakFree(t)
	t.Run("F_21/RetryAfter", func(t *testing.T) {
		t.Parallel()
		var code atomic.Int64
		server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(int(code.Load())) })
		client := fakeClient(t, server, nil)
		session := client.As(as("a"))
		waits := map[string]func() error{
			"read": func() error {
				_, _, err := collect(within(t, 0), session, read("a", "uid"))
				return err
			},
			"change": func() error { return changes()["modify"](within(t, 0), session) },
			"login":  func() error { _, err := client.Authenticate(within(t, 0), userDN("a"), "x", nil); return err },
		}
		for name, ask := range waits {
			var before time.Duration
			for i := range 12 {
				code.Store(int64(51 + i%2))
				err := ask()
				kindOf(t, err, fault.Unavailable, "")
				var e *fault.Error
				if !asFault(err, &e) || e.RetryAfter <= 0 || e.RetryAfter > 5*time.Second || i < 5 && e.RetryAfter <= before {
					t.Errorf("%s %d: retry after %s, before it was %s", name, i, e.RetryAfter, before)
				}
				before = e.RetryAfter
			}
			code.Store(0)
			if err := ask(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := server.Count("modify"); n != 13 {
			t.Errorf("%d changes were sent, want 13", n)
		}
	})
	t.Run("F_21/OtherServer", func(t *testing.T) {
		t.Parallel()
		first := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(51) })
		var code atomic.Int64
		second := fakeldap.Start(t, func(r *fakeldap.Request) {
			if code.Load() == 0 {
				behave(r)
				return
			}
			r.Done(int(code.Load()))
		})
		session := fakeClient(t, first, func(o *ldapclient.Options) {
			o.Servers = append(o.Servers, ldapclient.Server{URL: second.URL}, ldapclient.Server{URL: "ldaps://127.0.0.1:1"})
			o.TLS.RootCAs = trust(t, first, second)
		}).As(as("a"))
		entries, _, err := collect(within(t, 0), session, read("a", "uid"))
		if err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
		kindOf(t, changes()["modify"](within(t, 0), session), fault.Unavailable, "directoryBusy")
		if n := second.Count("modify"); n != 0 {
			t.Errorf("%d changes went elsewhere", n)
		}
		code.Store(52) // Nobody has time.
		_, _, err = collect(within(t, 0), session, read("a", "uid"))
		kindOf(t, err, fault.Unavailable, "directoryBusy")
		if n, m := first.Count("search"), second.Count("search"); n != 2 || m != 2 {
			t.Errorf("%d and %d searches were sent, want 2 to each", n, m)
		}
	})
}

// F_22: after a result that tells that something went wrong in the server, the connection
// is replaced; after any other refusal it is not.
func TestReplacedAfterAnError(t *testing.T) {
	leakFree(t)
	for code, replaced := range map[int]bool{1: true, 80: true, 50: false, 53: false} {
		server := fakeldap.Start(t, func(r *fakeldap.Request) {
			if r.Conn <= 2 {
				r.Done(code)
				return
			}
			behave(r)
		})
		session := fakeClient(t, server, nil).As(as("a"))
		t.Run("F_22", func(t *testing.T) {
			look := func() error {
				_, _, err := collect(within(t, 0), session, read("a", "uid"))
				return err
			}
			change := func() error { return changes()["modify"](within(t, 0), session) }
			if err := errors.Join(look(), change()); err == nil {
				t.Errorf("code %d was a success", code)
			}
			if err := errors.Join(look(), change()); (err == nil) != replaced {
				t.Errorf("after code %d: %v", code, err)
			}
		})
		want := 2
		if replaced {
			want = 4
		}
		if n := server.Count("bind"); n != want {
			t.Errorf("code %d: %d connections were made, want %d", code, n, want)
		}
	}
}

// F_47: a second end of an operation, or more of it behind its end: nobody trusts what else
// comes on the connection.
func TestTwoEnds(t *testing.T) {
	leakFree(t)
	for name, extra := range map[string]func(r *fakeldap.Request) []byte{
		"TwoDones":       func(r *fakeldap.Request) []byte { return fakeldap.Message(r.ID, r.Result(0)) },
		"EntryAfterDone": func(r *fakeldap.Request) []byte { return fakeldap.Message(r.ID, fakeldap.Entry(r.DN, "uid", "x")) },
	} {
		t.Run("F_47/"+name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, func(r *fakeldap.Request) {
				r.Entry(r.DN, "uid", "good")
				r.Send(append(fakeldap.Message(r.ID, r.Result(0)), extra(r)...))
			})
			handler := ends{slog.DiscardHandler, make(chan struct{}, 100)}
			session := fakeClient(t, server, func(o *ldapclient.Options) { o.Logger = slog.New(handler) }).As(as("a"))
			for range 2 {
				entries, _, err := collect(within(t, 0), session, read("a", "uid"))
				if err != nil || len(entries) != 1 {
					t.Errorf("%v, %v", entries, err)
				}
				<-handler.ended
			}
			if searches := server.Requests("search"); searches[0].Conn == searches[1].Conn {
				t.Error("the connection was used again")
			}
		})
	}
}

// F_47: a second end of an operation is known as that, whatever has ended since.
func TestSecondEndMuchLater(t *testing.T) {
	leakFree(t)
	const all = 64
	var mu sync.Mutex // guards the field below
	var requests []*fakeldap.Request
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		mu.Lock()
		defer mu.Unlock()
		if requests = append(requests, r); len(requests) != all {
			return
		}
		for _, each := range requests {
			behave(each)
		}
		behave(requests[0])
	})
	handler := ends{slog.DiscardHandler, make(chan struct{}, 100)}
	client := fakeClient(t, server, func(o *ldapclient.Options) { o.Logger, o.MaxConns = slog.New(handler), 4 })
	t.Run("F_47/MuchLater", func(t *testing.T) {
		var group sync.WaitGroup
		for range all {
			group.Go(func() {
				if _, _, err := collect(within(t, 0), client.As(as("a")), read("a", "uid")); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		select {
		case <-handler.ended:
		case <-time.After(long):
			t.Error("the connection did not end")
		}
	})
}

// trust trusts the certificates of all.
func trust(t *testing.T, servers ...*fakeldap.Server) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, server := range servers {
		if !pool.AppendCertsFromPEM(server.CA) {
			t.Fatal("no certificate")
		}
	}
	return pool
}
