package ldapclient_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// The tests of this file run on the clock of package synctest, on which nothing takes
// time but what waits for it: a bound is met to the nanosecond.

// adopt makes a client with one connection, and returns the server's end of it. It may
// make no other one.
func adopt(t *testing.T, sharing bool) (directory.Session, net.Conn) {
	t.Helper()
	client, server := adoptClient(t, sharing)
	return client.Service(), server
}

func adoptClient(t *testing.T, sharing bool) (*ldapclient.Client, net.Conn) {
	t.Helper()
	client, err := ldapclient.New(ldapclient.Options{
		Servers:  []ldapclient.Server{{URL: "ldaps://127.0.0.1:1"}},
		TLS:      &tls.Config{MinVersion: tls.VersionTLS12},
		BindDN:   directory.MustParseDN("cn=service"),
		Password: "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	ldapclient.Adopt(client, ours, sharing)
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
		_ = theirs.Close()
	})
	return client, theirs
}

// took runs an operation with a deadline, and returns how long it took.
func took(t *testing.T, deadline time.Duration, operation func(context.Context) error) (time.Duration, error) {
	t.Helper()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	err := operation(ctx)
	return time.Since(begun), err
}

// late is how much longer than its deadline an operation may take.
const late = 10 * time.Millisecond

// timeBounds are operations with a deadline, and the kind of its end.
func timeBounds(session directory.Session) map[string]struct {
	sharing   bool
	operation func(context.Context) error
	detail    string
} {
	return map[string]struct {
		sharing   bool
		operation func(context.Context) error
		detail    string
	}{
		"read": {true, func(ctx context.Context) error {
			_, _, err := collect(ctx, session, read("a", "uid"))
			return err
		}, "directoryTimeout"},
		"change": {false, func(ctx context.Context) error { return changes()["modify"](ctx, session) }, "unknownOutcome"},
	}
}

// F_06 and F_07: a server that takes the request and says nothing, and one that does not
// even take it. Either way the operation ends with its time, be there much of it or little.
func TestSilentServer(t *testing.T) {
	for name, listens := range map[string]bool{"F_06": true, "F_07": false} {
		for operation := range timeBounds(nil) {
			for _, deadline := range []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second, 20 * time.Second} {
				t.Run(name+"/"+operation+"/"+deadline.String(), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						session, server := adopt(t, timeBounds(nil)[operation].sharing)
						test := timeBounds(session)[operation]
						if listens {
							go swallow(server)
						}
						spent, err := took(t, deadline, test.operation)
						kindOf(t, err, fault.Timeout, test.detail)
						if spent < deadline || spent > deadline+late {
							t.Errorf("it took %s", spent)
						}
					})
				})
			}
		}
	}
}

// swallow takes all that comes.
func swallow(server net.Conn) {
	buffer := make([]byte, 1<<10)
	for {
		if _, err := server.Read(buffer); err != nil {
			return
		}
	}
}

// A caller with little time does not end the connection of those who share it, as long as
// the server takes something within a quarter of a second.
func TestLittleTimeOnASlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session, server := adopt(t, true)
		spent, err := took(t, time.Millisecond, timeBounds(session)["read"].operation)
		kindOf(t, err, fault.Timeout, "directoryTimeout")
		if spent != time.Millisecond {
			t.Errorf("it took %s", spent)
		}
		time.Sleep(200 * time.Millisecond) //nolint:forbidigo // On the clock of the test.
		go serve(server, func(dst []byte, m *ldapwire.Message) []byte {
			dst = ldapwire.AppendEntry(dst, m.ID, &directory.Entry{DN: "uid=a"})
			return ldapwire.AppendResult(dst, m.ID, ldapwire.SearchResultDone, ldapwire.Result{})
		})
		entries, _, err := collect(t.Context(), session, read("a", "uid"))
		if err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
	})
}

// serve answers each request with what answer appends. Abandon gets none.
func serve(server net.Conn, answer func(dst []byte, m *ldapwire.Message) []byte) {
	messages := ldapwire.NewReader(server, 1<<20)
	for {
		m, err := messages.Read()
		if err != nil {
			return
		}
		if m.Op != ldapwire.AbandonRequest {
			_, _ = server.Write(answer(nil, m))
		}
	}
}

// F_10: a server that sends an entry a second for ever. The deadline ends that, nothing
// is handed out, and the server is told.
func TestDrip(t *testing.T) {
	t.Run("F_10", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			session, server := adopt(t, true)
			abandoned := make(chan int32, 1)
			go drip(server, abandoned)
			const deadline = 30 * time.Second
			var entries []*directory.Entry
			spent, err := took(t, deadline, func(ctx context.Context) (err error) {
				req := read("a", "uid")
				req.Scope, req.SizeLimit = directory.ScopeSubtree, 32
				entries, _, err = collect(ctx, session, req)
				return err
			})
			kindOf(t, err, fault.Timeout, "directoryTimeout")
			if spent != deadline || len(entries) != 0 {
				t.Errorf("it took %s and handed out %d entries", spent, len(entries))
			}
			if id := <-abandoned; id == 0 {
				t.Error("nothing was abandoned")
			}
		})
	})
}

// drip answers the first request with entries for ever, and tells the id that is
// abandoned.
func drip(server net.Conn, abandoned chan<- int32) {
	messages := ldapwire.NewReader(server, 1<<20)
	first, err := messages.Read()
	if err != nil {
		return
	}
	over := make(chan struct{})
	defer close(over)
	go func() {
		for {
			if _, err := server.Write(ldapwire.AppendEntry(nil, first.ID, &directory.Entry{DN: "uid=a"})); err != nil {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-over:
				return
			}
		}
	}()
	for {
		m, err := messages.Read()
		if err != nil {
			return
		}
		if m.Op == ldapwire.AbandonRequest {
			if id, err := m.Abandon(); err == nil {
				abandoned <- id
			}
		}
	}
}

// stuffed is a connection that takes nothing once it is full.
type stuffed struct {
	net.Conn

	full     *atomic.Bool
	deadline atomic.Pointer[time.Time]
	gone     chan struct{}
	once     sync.Once
}

func (s *stuffed) SetWriteDeadline(t time.Time) error {
	s.deadline.Store(&t)
	return s.Conn.SetWriteDeadline(t)
}

func (s *stuffed) Write(data []byte) (int, error) {
	if !s.full.Load() {
		return s.Conn.Write(data)
	}
	var over <-chan time.Time
	if t := s.deadline.Load(); t != nil && !t.IsZero() {
		over = time.After(time.Until(*t))
	}
	select {
	case <-over:
		return 0, os.ErrDeadlineExceeded
	case <-s.gone:
		return 0, net.ErrClosed
	}
}

func (s *stuffed) Close() error {
	s.once.Do(func() { close(s.gone) })
	return s.Conn.Close()
}

// The way goes silent while it is asked whether it lives, and takes nothing any more: the end of
// the connection does not wait for that. Who has asked is told in time.
func TestEndDoesNotWait(t *testing.T) {
	var full atomic.Bool
	onNetwork(t, plan{options: func(o *ldapclient.Options) {
		open := o.Dial
		o.Heartbeat = time.Hour
		o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := open(ctx, address)
			if err != nil {
				return nil, err
			}
			return &stuffed{Conn: conn, full: &full, gone: make(chan struct{})}, nil
		}
	}}, func(t *testing.T, n *network) {
		for name, run := range map[string]func(context.Context) error{
			"a change": func(ctx context.Context) error { return changes()["modify"](ctx, n.As(as("a"))) },
			"a read":   func(ctx context.Context) error { _, _, err := collect(ctx, n.As(as("a")), read("a")); return err },
		} {
			if err := run(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
			n.pipes[0].Swallows.Store(true)
			time.AfterFunc(time.Second, func() { full.Store(true) })
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
			err := run(ctx)
			cancel()
			if took := time.Since(begun); err == nil || took > 7*time.Second+50*time.Millisecond {
				t.Errorf("%s took %s, %v", name, took, err)
			}
			n.pipes[0].Swallows.Store(false)
			full.Store(false)
			time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
		}
	})
}
