package ldapclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// fakeClient makes a client of a fake server.
func fakeClient(tb testing.TB, server *fakeldap.Server, change func(*ldapclient.Options)) *ldapclient.Client {
	tb.Helper()
	o := ldapclient.Options{
		Servers:  []ldapclient.Server{{URL: server.URL}},
		TLS:      &tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12},
		BindDN:   directory.MustParseDN(fakeldap.ServiceDN),
		Password: fakeldap.Password,
	}
	if change != nil {
		change(&o)
	}
	client, err := ldapclient.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return client
}

// shortly is the deadline of what is never answered, and long one that must not be reached.
const (
	shortly = time.Second
	long    = 20 * time.Second
)

// misdeed is what a server can do wrong, and what a read and a change make of it.
type misdeed struct {
	name string
	do   fakeldap.Script
	// deadline of the operation; long when 0.
	deadline     time.Duration
	kind         fault.Kind
	detail       string
	change       fault.Kind
	changeDetail string
	// searches is how many are sent for one read.
	searches int
}

func misdeeds() []misdeed {
	// A lost connection: a read is sent once more, a change is not.
	lost := func(name string, do fakeldap.Script) misdeed {
		return misdeed{name, do, 0, fault.Unavailable, "directoryUnreachable", fault.Timeout, "unknownOutcome", 2}
	}
	nonsense := func(name string, do fakeldap.Script) misdeed {
		return misdeed{name, do, 0, fault.BadGateway, "malformedAnswer", fault.Timeout, "unknownOutcome", 2}
	}
	deep := fakeldap.Element(0x30)
	for range 5000 {
		deep = fakeldap.Element(0x30, deep)
	}
	return []misdeed{
		lost("Close", func(r *fakeldap.Request) { r.Close() }),
		lost("EntryThenClose", func(r *fakeldap.Request) { r.Entry(r.DN, "uid", "a"); r.Close() }),
		lost("HalfAMessage", func(r *fakeldap.Request) {
			whole := fakeldap.Message(r.ID, r.Result(0))
			r.Send(whole[:len(whole)/2])
			r.Close()
		}),
		lost("NoticeOfDisconnection", func(r *fakeldap.Request) { r.Send(notice()) }),
		nonsense("Garbage", func(r *fakeldap.Request) { r.Send([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }),
		nonsense("HugeLength", func(r *fakeldap.Request) { r.Send([]byte("\x30\x84\x7f\xff\xff\xff")) }),
		nonsense("IndefiniteLength", func(r *fakeldap.Request) { r.Send([]byte("\x30\x80\x02\x01\x02\x65\x00\x00\x00")) }),
		nonsense("DeepNesting", func(r *fakeldap.Request) {
			r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x64, fakeldap.Octets(0x04, r.DN), deep)))
		}),
		nonsense("UnknownID", func(r *fakeldap.Request) { r.Send(fakeldap.Message(r.ID+1000, r.Result(0))) }),
		nonsense("NegativeID", func(r *fakeldap.Request) { r.Send(fakeldap.Message(-1, r.Result(0))) }),
		nonsense("WrongType", func(r *fakeldap.Request) {
			r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x61, fakeldap.Integer(0x0a, 0), fakeldap.Octets(0x04, ""), fakeldap.Octets(0x04, ""))))
		}),
		nonsense("UnknownOperation", func(r *fakeldap.Request) { r.Send(fakeldap.Message(r.ID, fakeldap.Octets(0x5f, "x"))) }),
		nonsense("NonsenseEntry", func(r *fakeldap.Request) {
			r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x64, fakeldap.Integer(0x02, 1))))
		}),
		nonsense("NonsenseResult", func(r *fakeldap.Request) {
			r.Send(fakeldap.Message(r.ID, fakeldap.Element(r.Tag(), fakeldap.Octets(0x04, "x"))))
		}),
		{"Silence", func(*fakeldap.Request) {}, shortly, fault.Timeout, "directoryTimeout", fault.Timeout, "unknownOutcome", 1},
		{"EntryThenSilence", func(r *fakeldap.Request) {
			if r.Name == "search" {
				r.Entry(r.DN, "uid", "a")
			}
		}, shortly, fault.Timeout, "directoryTimeout", fault.Timeout, "unknownOutcome", 1},
		{"Busy", func(r *fakeldap.Request) { r.Done(51) }, 0, fault.Unavailable, "directoryBusy", fault.Unavailable, "directoryBusy", 1},
		{"Unavailable", func(r *fakeldap.Request) { r.Done(52) }, 0, fault.Unavailable, "directoryUnavailable", fault.Unavailable, "directoryUnavailable", 1},
		{"EntryThenRefusal", func(r *fakeldap.Request) {
			if r.Name == "search" {
				r.Entry(r.DN, "uid", "a")
			}
			r.Done(50)
		}, 0, fault.Forbidden, "insufficientAccessRights", fault.Forbidden, "insufficientAccessRights", 1},
	}
}

// scripted is a server that misbehaves on one sort of request until it is mended. An
// abandon is never answered.
func scripted(tb testing.TB, wrong fakeldap.Script) (server *fakeldap.Server, mend func()) {
	tb.Helper()
	var mended atomic.Bool
	server = fakeldap.Start(tb, func(r *fakeldap.Request) {
		switch {
		case r.Name == "abandon":
		case !mended.Load():
			wrong(r)
		default:
			behave(r)
		}
	})
	return server, func() { mended.Store(true) }
}

// behave answers with the entry that is asked for, and with success.
func behave(r *fakeldap.Request) {
	if r.Name == "search" {
		r.Entry(r.DN, "uid", "good")
	}
	r.Done(0)
}

// recovers checks that requests succeed again, at the latest when the time has come that
// the fault before named.
func recovers(t *testing.T, session directory.Session) {
	t.Helper()
	for range 20 {
		entries, _, err := collect(t.Context(), session, read("a", "uid"))
		if err == nil {
			if len(entries) != 1 || entries[0].Value("uid") != "good" {
				t.Errorf("after it came back: %v", entries)
			}
			return
		}
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unavailable || e.RetryAfter <= 0 {
			t.Fatalf("after it came back: %v", err)
		}
		time.Sleep(e.RetryAfter) //nolint:forbidigo // See above.
	}
	t.Error("no recovery")
}

// silent checks that a fault says nothing of what the server said.
func silent(t *testing.T, err error) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) {
		return
	}
	if told := fmt.Sprintf("%s %+v", e.Message, e.Detail); strings.Contains(told, fakeldap.Secret) || strings.Contains(told, fakeldap.SecretDN) {
		t.Errorf("the fault tells %s", told)
	}
}

func within(t *testing.T, deadline time.Duration) context.Context {
	t.Helper()
	if deadline == 0 {
		deadline = long
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// TestReadFaults checks that a read that goes wrong is an error without entries, and is
// sent once more only when its connection was lost.
func TestReadFaults(t *testing.T) {
	leakFree(t)
	for _, test := range misdeeds() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, mend := scripted(t, test.do)
			session := fakeClient(t, server, nil).As(as("a"))
			entries, _, err := collect(within(t, test.deadline), session, read("a", "uid"))
			kindOf(t, err, test.kind, test.detail)
			silent(t, err)
			if len(entries) != 0 {
				t.Errorf("%d entries", len(entries))
			}
			if n := server.Count("search"); n != test.searches {
				t.Errorf("%d searches were sent, want %d", n, test.searches)
			}
			mend()
			recovers(t, session)
		})
	}
}

// TestListFaults does the same to the first page of a list, and to the second: what came
// before is an error then, and is not asked for again.
func TestListFaults(t *testing.T) {
	leakFree(t)
	list := &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), Attributes: []string{"uid"}}
	for _, test := range misdeeds() {
		t.Run("FirstPage"+test.name, func(t *testing.T) {
			t.Parallel()
			server, mend := scripted(t, test.do)
			session := fakeClient(t, server, nil).As(as("a"))
			entries, _, err := collect(within(t, test.deadline), session, list)
			kindOf(t, err, test.kind, test.detail)
			silent(t, err)
			if n := server.Count("search"); n != test.searches || len(entries) != 0 {
				t.Errorf("%d searches were sent, want %d; %d entries", n, test.searches, len(entries))
			}
			mend()
			recovers(t, session)
		})
		t.Run("SecondPage"+test.name, func(t *testing.T) {
			t.Parallel()
			server, mend := scripted(t, func(r *fakeldap.Request) {
				if r.Cookie != "" {
					test.do(r)
					return
				}
				r.Entry("uid=first,"+r.DN, "uid", "first")
				r.DonePage("next")
			})
			session := fakeClient(t, server, nil).As(as("a"))
			entries, result, err := collect(within(t, test.deadline), session, list)
			kindOf(t, err, test.kind, test.detail)
			silent(t, err)
			if n := server.Count("search"); n != 2 || len(entries) != 1 || result.More {
				t.Errorf("%d searches were sent; %d entries; %+v", n, len(entries), result)
			}
			mend()
			recovers(t, session)
		})
	}
}

// changes are all operations that change something.
func changes() map[string]func(context.Context, directory.Session) error {
	return map[string]func(context.Context, directory.Session) error{
		"add": func(ctx context.Context, s directory.Session) error {
			_, err := s.Add(ctx, &directory.AddRequest{DN: userDN("a"), Attributes: []directory.Attribute{{Name: "sn", Values: []string{"x"}}}})
			return err
		},
		"modify": func(ctx context.Context, s directory.Session) error {
			_, err := s.Modify(ctx, &directory.ModifyRequest{DN: userDN("a"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "sn", Values: []string{"x"}}}})
			return err
		},
		"delete": func(ctx context.Context, s directory.Session) error {
			_, err := s.Delete(ctx, &directory.DeleteRequest{DN: userDN("a")})
			return err
		},
		"modifyDN": func(ctx context.Context, s directory.Session) error {
			_, err := s.ModifyDN(ctx, &directory.ModifyDNRequest{DN: userDN("a"), RDN: directory.RDN{{Type: "uid", Value: "b"}}})
			return err
		},
		"extended": func(ctx context.Context, s directory.Session) error {
			_, err := s.ModifyPassword(ctx, &directory.PasswordRequest{DN: userDN("a"), Old: "old", New: "new"})
			return err
		},
	}
}

// TestChangeFaults checks that a change is sent once, whatever becomes of it, and that
// the fault tells when nobody knows that.
func TestChangeFaults(t *testing.T) {
	leakFree(t)
	for _, test := range misdeeds() {
		for name, change := range changes() {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				server, mend := scripted(t, test.do)
				session := fakeClient(t, server, nil).As(as("a"))
				err := change(within(t, test.deadline), session)
				kindOf(t, err, test.change, test.changeDetail)
				silent(t, err)
				if n := server.Count(name); n != 1 {
					t.Errorf("the change was sent %d times", n)
				}
				mend()
				recovers(t, session)
				if err := change(within(t, 0), session); err != nil || server.Count(name) != 2 {
					t.Errorf("the next change: %v, %d in all", err, server.Count(name))
				}
			})
		}
	}
}

// TestReadOnceMore checks that a read whose first connection dies succeeds on the
// second one, without anything of the first.
func TestReadOnceMore(t *testing.T) {
	leakFree(t)
	for name, req := range map[string]*directory.SearchRequest{
		"Read": read("a", "uid"),
		"List": {Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid")},
	} {
		var failed atomic.Bool
		server := fakeldap.Start(t, func(r *fakeldap.Request) {
			if !failed.Swap(true) {
				r.Entry("uid=lost,"+r.DN, "uid", "lost")
				r.Close()
				return
			}
			behave(r)
		})
		entries, _, err := collect(within(t, 0), fakeClient(t, server, nil).As(as("a")), req)
		if err != nil || len(entries) != 1 || entries[0].Value("uid") != "good" || server.Count("search") != 2 {
			t.Errorf("%s: %v, %v, %d searches", name, entries, err, server.Count("search"))
		}
	}
}

// ends is a log handler that tells of connections that ended.
type ends struct {
	slog.Handler
	ended chan struct{}
}

func (h ends) Enabled(context.Context, slog.Level) bool { return true }

func (h ends) Handle(_ context.Context, record slog.Record) error {
	if strings.Contains(record.Message, "a connection to the directory ended") {
		h.ended <- struct{}{}
	}
	return nil
}

// TestDeadBeforeUse checks that a change goes to another connection when the one it would
// have had has ended: nothing of it had left.
func TestDeadBeforeUse(t *testing.T) {
	leakFree(t)
	server := fakeldap.Start(t, behave)
	handler := ends{slog.DiscardHandler, make(chan struct{}, 100)}
	session := fakeClient(t, server, func(o *ldapclient.Options) { o.Logger = slog.New(handler) }).As(as("a"))
	for name, change := range changes() {
		for i := range 3 {
			if err := change(within(t, 0), session); err != nil {
				t.Fatalf("%s %d: %v", name, i, err)
			}
			sent := server.Requests(name)
			if len(sent) != i+1 {
				t.Fatalf("%d of %d %s were sent", len(sent), i+1, name)
			}
			sent[i].Close()
			<-handler.ended
		}
	}
}

// TestAbandon checks that the server is told when a caller goes away or has no more time.
func TestAbandon(t *testing.T) {
	leakFree(t)
	for name, ask := range map[string]func(context.Context, directory.Session) error{
		"search": func(ctx context.Context, s directory.Session) error {
			_, _, err := collect(ctx, s, read("a", "uid"))
			return err
		},
		"modify": changes()["modify"],
		"extended": func(ctx context.Context, s directory.Session) error {
			_, err := s.WhoAmI(ctx, nil)
			return err
		},
	} {
		server, mend := scripted(t, func(*fakeldap.Request) {})
		session := fakeClient(t, server, nil).As(as("a"))
		ctx, cancel := context.WithCancel(t.Context())
		outcome := make(chan error, 1)
		go func() { outcome <- ask(ctx, session) }()
		request := server.Await(t, name, 1)[0]
		cancel()
		kindOf(t, <-outcome, fault.Canceled, "")
		abandon := server.Await(t, "abandon", 1)[0]
		got := [2]int64{abandon.Abandoned, int64(abandon.Conn)}
		if diff := cmp.Diff([2]int64{request.ID, int64(request.Conn)}, got); diff != "" || abandon.ID <= request.ID {
			t.Errorf("%s: id %d, %s", name, abandon.ID, diff)
		}
		mend()
		recovers(t, session)
	}
}

// TestLateAnswers checks that an answer to a request that was given up is nobody's.
func TestLateAnswers(t *testing.T) {
	leakFree(t)
	var late atomic.Pointer[fakeldap.Request]
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		if r.Name != "search" {
			return
		}
		if late.CompareAndSwap(nil, r) {
			return
		}
		late.Load().Entry(r.DN, "uid", "late")
		r.Entry(r.DN, "uid", "good")
		late.Load().Done(32)
		r.Done(0)
	})
	session := fakeClient(t, server, nil).As(as("a"))
	_, _, err := collect(within(t, shortly), session, read("a", "uid"))
	kindOf(t, err, fault.Timeout, "directoryTimeout")
	recovers(t, session)
	if searches := server.Requests("search"); searches[0].Conn != searches[1].Conn {
		t.Error("the connection was given up, and the late answer did not meet the next request")
	}
}

// TestIgnoredLimits are servers that send more than they were asked for.
func TestF_33IgnoredLimits(t *testing.T) {
	leakFree(t)
	flood := func(n int) fakeldap.Script {
		return func(r *fakeldap.Request) {
			if r.Name != "search" {
				return
			}
			for range n {
				r.Entry("uid=x,"+r.DN, "uid", "x")
			}
			r.Done(0)
		}
	}
	list := func(sizeLimit int) *directory.SearchRequest {
		return &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), SizeLimit: sizeLimit}
	}
	t.Run("Paging", func(t *testing.T) {
		t.Parallel()
		session := fakeClient(t, fakeldap.Start(t, flood(1200)), nil).As(as("a"))
		entries, result, err := collect(within(t, 0), session, list(0))
		if err != nil || len(entries) != 1200 || result.More {
			t.Errorf("%d entries, %+v, %v", len(entries), result, err)
		}
	})
	t.Run("PagingAndSizeLimit", func(t *testing.T) {
		t.Parallel()
		session := fakeClient(t, fakeldap.Start(t, flood(1200)), nil).As(as("a"))
		entries, result, err := collect(within(t, 0), session, list(100))
		if err != nil || len(entries) != 100 || !result.More {
			t.Errorf("%d entries, %+v, %v", len(entries), result, err)
		}
	})
	t.Run("SizeLimitOfALookUp", func(t *testing.T) {
		t.Parallel()
		session := fakeClient(t, fakeldap.Start(t, flood(3)), nil).As(as("a"))
		entries, result, err := collect(within(t, 0), session, list(2))
		if err != nil || len(entries) != 2 || !result.More {
			t.Errorf("%d entries, %+v, %v", len(entries), result, err)
		}
	})
	t.Run("Everything", func(t *testing.T) {
		t.Parallel()
		server := fakeldap.Start(t, flood(20_001))
		session := fakeClient(t, server, nil).As(as("a"))
		entries, _, err := collect(within(t, 0), session, list(0))
		kindOf(t, err, fault.TooLarge, "answerSize")
		if len(entries) != 0 {
			t.Errorf("%d entries", len(entries))
		}
		if id := server.Await(t, "abandon", 1)[0].Abandoned; id != server.Requests("search")[0].ID {
			t.Errorf("request %d was abandoned", id)
		}
	})
	t.Run("MessageSize", func(t *testing.T) {
		t.Parallel()
		server, mend := scripted(t, func(r *fakeldap.Request) { r.Entry(r.DN, "uid", strings.Repeat("x", 70<<10)) })
		session := fakeClient(t, server, func(o *ldapclient.Options) { o.MaxMessage = 64 << 10 }).As(as("a"))
		_, _, err := collect(within(t, 0), session, read("a", "uid"))
		kindOf(t, err, fault.BadGateway, "malformedAnswer")
		mend()
		recovers(t, session)
	})
}

// F_32: a server that has lost its place in a list serves the same page again, or begins anew. No
// entry comes twice, and the list ends with an error.
func TestF_32PageOnceMore(t *testing.T) {
	leakFree(t)
	for name, next := range map[string]func(page int) int{
		"TheSame":      func(int) int { return 0 },
		"FromTheStart": func(page int) int { return (page + 1) % 3 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := 0
			server := fakeldap.Start(t, func(r *fakeldap.Request) {
				r.Entry(fmt.Sprintf("uid=%d,%s", at, r.DN), "uid", fmt.Sprint(at))
				r.DonePage(fmt.Sprint("cookie of ", at))
				at = next(at)
			})
			entries, result, err := collect(within(t, 0), fakeClient(t, server, nil).As(as("a")),
				&directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid")})
			kindOf(t, err, fault.BadGateway, "malformedAnswer")
			want := map[string]string{"TheSame": "0", "FromTheStart": "0 1 2"}[name]
			if got := order(entries); got != want || result.More || server.Count("search") != len(entries)+1 {
				t.Errorf("%q, want %q; %d searches", got, want, server.Count("search"))
			}
		})
	}
}
