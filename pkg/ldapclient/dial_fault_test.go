package ldapclient_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

func asFault(err error, e **fault.Error) bool { return errors.As(err, e) }

// searchDone answers a bind with the end of a search, which tells success.
func searchDone(r *fakeldap.Request) {
	r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x65, fakeldap.Integer(0x0a, 0), fakeldap.Octets(0x04, ""), fakeldap.Octets(0x04, ""))))
}

// huge is an answer of success that is longer than any may be before a bind.
func huge(r *fakeldap.Request) []byte {
	result := r.Result(0)
	result.AppendChild(fakeldap.Octets(0x87, strings.Repeat("x", 64<<10)))
	return fakeldap.Message(r.ID, result)
}

// notice is the notice of disconnection (RFC 4511 §4.4.1).
func notice() []byte {
	return fakeldap.Message(0, fakeldap.Element(0x78, fakeldap.Integer(0x0a, 52), fakeldap.Octets(0x04, ""), fakeldap.Octets(0x04, fakeldap.Secret), fakeldap.Octets(0x8a, "1.3.6.1.4.1.1466.20036")))
}

// TestBindFaults are servers that go wrong before the first request: the fault tells
// when to come back, and the client does when the server has come to its senses.
func TestBindFaults(t *testing.T) {
	leakFree(t)
	for _, test := range []struct {
		name   string
		bind   fakeldap.Script
		kind   fault.Kind
		detail string
	}{
		{"Close", func(r *fakeldap.Request) { r.Close() }, fault.Unavailable, "directoryUnreachable"},
		{"CloseAfterwards", func(r *fakeldap.Request) { r.Done(0); r.Close() }, fault.Unavailable, "directoryUnreachable"},
		{"Silence", func(*fakeldap.Request) {}, fault.Unavailable, "directoryUnreachable"},
		{"Garbage", func(r *fakeldap.Request) { r.Send([]byte("SSH-2.0-x\r\n\r\n")); r.Close() }, fault.BadGateway, "malformedAnswer"},
		{"SearchDone", searchDone, fault.BadGateway, "malformedAnswer"},
		{"AnswerToAnother", func(r *fakeldap.Request) { r.Send(fakeldap.Message(r.ID+1, r.Result(0))) }, fault.BadGateway, "malformedAnswer"},
		{"HugeLength", func(r *fakeldap.Request) { r.Send([]byte("\x30\x84\x7f\xff\xff\xff")) }, fault.BadGateway, "malformedAnswer"},
		{"HugeAnswer", func(r *fakeldap.Request) { r.Send(huge(r)) }, fault.BadGateway, "malformedAnswer"},
		{"Notice", func(r *fakeldap.Request) { r.Send(notice()) }, fault.Unavailable, "directoryUnreachable"},
		{"HalfAMessage", func(r *fakeldap.Request) { r.Send([]byte("\x30\x0c\x02\x01\x01")); r.Close() }, fault.Unavailable, "directoryUnreachable"},
		{"Busy", func(r *fakeldap.Request) { r.Done(51) }, fault.Unavailable, "directoryUnreachable"},
		{"Unavailable", func(r *fakeldap.Request) { r.Done(52) }, fault.Unavailable, "directoryUnreachable"},
		{"InvalidCredentials", func(r *fakeldap.Request) { r.Done(49) }, fault.BadGateway, "directoryCredentials"},
		{"StrongerAuthRequired", func(r *fakeldap.Request) { r.Done(8) }, fault.BadGateway, "directoryCredentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var mended atomic.Bool
			server := fakeldap.StartWithBind(t, func(r *fakeldap.Request) {
				if mended.Load() {
					r.Done(0)
					return
				}
				test.bind(r)
			}, behave)
			client := fakeClient(t, server, func(o *ldapclient.Options) { o.ConnectTimeout, o.RefusedPause = shortly, shortly })
			_, err := client.Capabilities(within(t, 0))
			kindOf(t, err, test.kind, test.detail)
			silent(t, err)
			var e *fault.Error
			// A server that takes the bind was up, unless the request had been sent.
			if asFault(err, &e) && (e.RetryAfter <= 0 && test.name != "CloseAfterwards" || e.RetryAfter > 5*time.Second) {
				t.Errorf("retry after %s", e.RetryAfter)
			}
			if n := server.Count("schema"); n > 2 {
				t.Errorf("%d requests on dead connections", n)
			}
			mended.Store(true)
			for deadline := time.Now().Add(long); ; {
				_, err := client.Capabilities(within(t, 0))
				if err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("no recovery: %v", err)
				}
				kindOf(t, err, test.kind, test.detail)
				if asFault(err, &e) {
					time.Sleep(e.RetryAfter) //nolint:forbidigo // What the fault asks for.
				}
			}
			recovers(t, client.As(as("a")))
		})
	}
}

// TestLoginFaults are servers that go wrong when the password of a user is verified: it
// is sent once, and only a success is one.
func TestLoginFaults(t *testing.T) {
	leakFree(t)
	for _, test := range []struct {
		name   string
		bind   fakeldap.Script
		kind   fault.Kind
		detail string
	}{
		{"Close", func(r *fakeldap.Request) { r.Close() }, fault.Unavailable, "directoryUnreachable"},
		{"Silence", func(*fakeldap.Request) {}, fault.Timeout, "directoryTimeout"},
		{"Garbage", func(r *fakeldap.Request) { r.Send([]byte("SSH-2.0-x\r\n\r\n")); r.Close() }, fault.BadGateway, "malformedAnswer"},
		{"SearchDone", searchDone, fault.BadGateway, "malformedAnswer"},
		{"HugeLength", func(r *fakeldap.Request) { r.Send([]byte("\x30\x84\x7f\xff\xff\xff")) }, fault.BadGateway, "malformedAnswer"},
		{"HugeAnswer", func(r *fakeldap.Request) { r.Send(huge(r)) }, fault.BadGateway, "malformedAnswer"},
		{"Notice", func(r *fakeldap.Request) { r.Send(notice()) }, fault.Unavailable, "directoryUnreachable"},
		{"NonsensePolicy", func(r *fakeldap.Request) {
			r.Send(fakeldap.Message(r.ID, r.Result(0), fakeldap.Element(0x30, fakeldap.Octets(0x04, "1.3.6.1.4.1.42.2.27.8.5.1"), fakeldap.Octets(0x04, "\x30\x05"))))
		}, fault.BadGateway, "malformedAnswer"},
		{"Busy", func(r *fakeldap.Request) { r.Done(51) }, fault.Unavailable, "directoryBusy"},
		{"InvalidCredentials", func(r *fakeldap.Request) { r.Done(49) }, fault.Unauthenticated, "invalidCredentials"},
		{"NoSuchObject", func(r *fakeldap.Request) { r.Done(32) }, fault.Unauthenticated, "invalidCredentials"},
		{"UnwillingToPerform", func(r *fakeldap.Request) { r.Done(53) }, fault.Unauthenticated, "invalidCredentials"},
		{"ConstraintViolation", func(r *fakeldap.Request) { r.Done(19) }, fault.Unauthenticated, "invalidCredentials"},
		{"Other", func(r *fakeldap.Request) { r.Done(80) }, fault.Internal, ""},
		{"CompareTrue", func(r *fakeldap.Request) { r.Done(6) }, fault.Internal, ""},
		{"SASLInProgress", func(r *fakeldap.Request) { r.Done(14) }, fault.Internal, ""},
		{"Referral", func(r *fakeldap.Request) { r.Done(10) }, fault.BadGateway, "referral"},
		{"NoResult", func(r *fakeldap.Request) { r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x61))) }, fault.BadGateway, "malformedAnswer"},
		{"AnswerToAnother", func(r *fakeldap.Request) { r.Send(fakeldap.Message(r.ID+1, r.Result(0))) }, fault.BadGateway, "malformedAnswer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, test.bind)
			client := fakeClient(t, server, nil)
			deadline := long
			if test.kind == fault.Timeout {
				deadline = shortly
			}
			_, err := client.Authenticate(within(t, deadline), userDN("a"), "password", nil)
			kindOf(t, err, test.kind, test.detail)
			silent(t, err)
			if n := server.Count("bind"); n != 1 {
				t.Errorf("the password was sent %d times", n)
			}
		})
	}
}

// TestManyWithCancellations has many callers at once, who give up at any moment, on a
// server that answers late, in any order, or never. Each gets its own answer or an error,
// and at the end every connection is of use again.
func TestManyWithCancellations(t *testing.T) {
	leakFree(t)
	const callers, maxConns = 200, 8
	var mended atomic.Bool
	var opened connections
	server := fakeldap.Start(t, alone(t, moody(&mended)))
	client := fakeClient(t, server, func(o *ldapclient.Options) {
		o.MaxConns, o.ConnectTimeout, o.Tracer = maxConns, time.Minute, &opened
	})
	source := soak.Rand(t)
	var succeeded, failed, cancelled atomic.Int64
	var group sync.WaitGroup
	for range callers {
		random := rand.New(rand.NewPCG(source.Uint64(), 0)) //nolint:gosec // No secret depends on it.
		group.Go(func() {
			for range soak.Size(10, 500) {
				uid := string(rune('a'+random.IntN(26))) + string(rune('a'+random.IntN(26)))
				shared, err := one(t, client.As(as(uid)), uid, random)
				switch {
				case err == nil:
					succeeded.Add(1)
				case shared:
					failed.Add(1)
				default:
					cancelled.Add(1)
				}
			}
		})
	}
	group.Wait()
	if succeeded.Load() == 0 || failed.Load() == 0 || cancelled.Load() == 0 {
		t.Errorf("%d succeeded, %d and %d failed: that tests nothing", succeeded.Load(), failed.Load(), cancelled.Load())
	}
	mended.Store(true)
	for range 2 * maxConns {
		group.Go(func() {
			recovers(t, client.As(as("a")))
			if err := changes()["modify"](within(t, 0), client.As(as("a"))); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	group.Wait()
	// Only what was lent to one alone, and did not end, may cost a connection.
	if n := server.Count("bind"); n > maxConns+int(cancelled.Load()) {
		t.Errorf("%d connections were made, and %d lists and changes were given up", n, cancelled.Load())
	}
	if n := opened.most(); n > maxConns {
		t.Errorf("%d connections were open at once, want %d at most", n, maxConns)
	}
}

// alone checks that a connection on which a change was not answered yet gets nothing but its
// end, and calls the script.
func alone(t *testing.T, script fakeldap.Script) fakeldap.Script {
	t.Helper()
	var mu sync.Mutex // guards the field below
	changing := make(map[int]*fakeldap.Request)
	return func(r *fakeldap.Request) {
		mu.Lock()
		if before := changing[r.Conn]; before != nil && !before.IsAnswered() && r.Name != "abandon" {
			t.Errorf("connection %d got a %s while a change was at work", r.Conn, r.Name)
		}
		if r.Name != "search" && r.Name != "abandon" {
			changing[r.Conn] = r
		}
		mu.Unlock()
		script(r)
	}
}

// moody is a script that answers at once, after the next request of the connection, or
// never.
func moody(mended *atomic.Bool) fakeldap.Script {
	var (
		mu    sync.Mutex // guards the fields below
		count int
		later = map[int]*fakeldap.Request{}
	)
	answer := func(r *fakeldap.Request) {
		if r.Name == "search" && !mended.Load() {
			r.Entry(r.DN, "uid", r.DN)
			r.Done(0)
			return
		}
		behave(r)
	}
	return func(r *fakeldap.Request) {
		if r.Name == "abandon" {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		count++
		before := later[r.Conn]
		delete(later, r.Conn)
		switch {
		case mended.Load() || count%7 > 1:
			answer(r)
		case count%7 == 1:
			later[r.Conn] = r
		}
		if before != nil {
			answer(before)
		}
	}
}

// one makes one request with little time, and checks its outcome. It tells whether the request
// shared its connection.
func one(t *testing.T, session directory.Session, uid string, random *rand.Rand) (shared bool, err error) {
	t.Helper()
	ctx := within(t, time.Duration(1+random.IntN(20))*time.Millisecond)
	req, shared := read(uid, "uid"), true
	if random.IntN(4) == 0 {
		shared = false
		req = &directory.SearchRequest{Base: userDN(uid), Scope: directory.ScopeOneLevel, Filter: directory.Present("uid")}
	}
	if random.IntN(6) == 0 {
		shared = false
		_, err = session.Delete(ctx, &directory.DeleteRequest{DN: userDN(uid)})
	} else {
		var entries []*directory.Entry
		entries, _, err = collect(ctx, session, req)
		if err == nil && (len(entries) != 1 || !strings.EqualFold(entries[0].DN, userDN(uid).String()) || entries[0].Value("uid") != entries[0].DN) {
			t.Errorf("%s got %v", uid, entries)
		}
	}
	if kind := fault.KindOf(err); err != nil && kind != fault.Timeout && (kind != fault.Unavailable || !strings.Contains(err.Error(), "in time")) {
		t.Errorf("%s: %v", uid, err)
	}
	return shared, err
}

// slowpoke is a Tracer that keeps a marked request until its time is over, right before
// it is sent.
type slowpoke struct{}

func (slowpoke) Connection(string, ldapclient.Event, time.Duration) {}

type mark struct{}

func (slowpoke) Operation(ctx context.Context, _ string) {
	if ctx.Value(mark{}) == nil {
		return
	}
	<-ctx.Done()
	time.Sleep(50 * time.Millisecond) //nolint:forbidigo // More than the write is given beyond its deadline.
}

// TestLittleTime checks that a caller whose time ends in the moment of sending spoils
// neither the connection for those who share it, nor the server for everyone.
func TestLittleTime(t *testing.T) {
	leakFree(t)
	var first atomic.Pointer[fakeldap.Request]
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		if r.Name == "search" {
			first.CompareAndSwap(nil, r)
		}
	})
	session := fakeClient(t, server, func(o *ldapclient.Options) { o.Tracer = slowpoke{} }).As(as("a"))
	outcome := make(chan error, 1)
	go func() {
		_, _, err := collect(t.Context(), session, read("a", "uid"))
		outcome <- err
	}()
	server.Await(t, "search", 1)
	_, _, err := collect(context.WithValue(within(t, shortly), mark{}, true), session, read("a", "uid"))
	kindOf(t, err, fault.Timeout, "directoryTimeout")
	behave(first.Load())
	if err := <-outcome; err != nil {
		t.Errorf("who shared the connection: %v", err)
	}
	if n := server.Count("bind"); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}
