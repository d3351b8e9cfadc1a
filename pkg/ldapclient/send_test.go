package ldapclient_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// recorder is a connection below TLS that counts the records that leave with data in them,
// and can hold them back.
type recorder struct {
	net.Conn

	records *atomic.Int64
	gate    *gateway
}

// gateway is open, or holds what wants to pass.
type gateway struct {
	mu   sync.Mutex // guards the field below
	held chan struct{}
}

func (g *gateway) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = make(chan struct{})
}

func (g *gateway) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != nil {
		close(g.held)
		g.held = nil
	}
}

func (g *gateway) pass() {
	g.mu.Lock()
	held := g.held
	g.mu.Unlock()
	if held != nil {
		<-held
	}
}

// Write counts the records of type 23, application data (RFC 8446 §5.1).
func (r *recorder) Write(data []byte) (int, error) {
	r.gate.pass()
	for rest := data; len(rest) >= 5; {
		if rest[0] == 23 {
			r.records.Add(1)
		}
		rest = rest[min(len(rest), 5+int(rest[3])<<8+int(rest[4])):]
	}
	return r.Conn.Write(data)
}

// recording makes a plan whose records are counted, and held back while the gate is closed.
func recording(records *atomic.Int64, gate *gateway, script func(int, *fakeldap.Request)) plan {
	return plan{script: script, options: func(o *ldapclient.Options) {
		open := o.Dial
		o.MaxConns = 4 // One of them is shared.
		o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			socket, err := open(ctx, address)
			return &recorder{socket, records, gate}, err
		}
	}}
}

// Requests that are ready while another one is being written leave together, in one TLS record.
func TestOneRecord(t *testing.T) {
	var records atomic.Int64
	var gate gateway
	onNetwork(t, recording(&records, &gate, nil), func(t *testing.T, n *network) {
		n.get(t, "a")
		gate.close()
		before := records.Load()
		const more = 40
		var group sync.WaitGroup
		group.Go(func() { n.get(t, "first") })
		synctest.Wait()
		for i := range more {
			group.Go(func() { n.get(t, fmt.Sprint("u", i)) })
		}
		synctest.Wait()
		gate.open()
		group.Wait()
		if got := records.Load() - before; got != 2 {
			t.Errorf("%d records, want one for the first request and one for %d others", got, more)
		}
		if got := n.servers[0].Count("search"); got != more+2 {
			t.Errorf("%d searches came", got)
		}
	})
}

// A request that waits behind another one that is being written was not sent, whatever ends
// it: the end of its time, its caller, or the connection.
func TestReadyButNotSent(t *testing.T) {
	for name, test := range map[string]struct {
		end      func(cancel context.CancelFunc, n *network)
		progress directory.Progress
	}{
		"Deadline": {func(context.CancelFunc, *network) { time.Sleep(time.Minute) }, directory.NotSent}, //nolint:forbidigo // On the clock of the test.
		"Cancel":   {func(cancel context.CancelFunc, _ *network) { cancel() }, directory.Cancelled},
		"Close":    {func(_ context.CancelFunc, n *network) { go func() { _ = n.Close(context.Background()) }() }, directory.NotSent},
	} {
		t.Run(name, func(t *testing.T) {
			var records atomic.Int64
			var gate gateway
			onNetwork(t, recording(&records, &gate, nil), func(t *testing.T, n *network) {
				n.get(t, "a")
				gate.close()
				first := make(chan error, 1)
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					_, _, err := collect(ctx, n.As(as("first")), read("first"))
					first <- err
				}()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				second := make(chan error, 1)
				go func() {
					_, _, err := collect(ctx, n.As(as("second")), read("second"))
					second <- err
				}()
				synctest.Wait()
				test.end(cancel, n)
				synctest.Wait()
				gate.open()
				if outcome := directory.OutcomeOf(<-second); outcome.Progress != test.progress || outcome.Sent {
					t.Errorf("the second: %+v", outcome)
				}
				if err := <-first; err != nil && name == "Cancel" { // Otherwise it had to wait too long, too.
					t.Errorf("the first: %v", err)
				}
				synctest.Wait()
				for _, r := range n.servers[0].Requests("search") {
					if r.DN == read("second").Base.String() {
						t.Error("it was sent")
					}
				}
			})
		})
	}
}

// breaking is a Tracer that panics for a marked request.
type breaking struct{ *events }

func (b breaking) Operation(ctx context.Context, _ string) {
	if ctx.Value(mark{}) != nil {
		panic("a fault of the tracer") //nolint:forbidigo // It is what is tested.
	}
}

// A panic while a request is put together fails this request, and nothing else: those that
// leave with it, and those after it, have the connection as before.
func TestPanicInSending(t *testing.T) {
	var records atomic.Int64
	var gate gateway
	p := recording(&records, &gate, nil)
	options := p.options
	p.options = func(o *ldapclient.Options) {
		options(o)
		happened, ok := o.Tracer.(*events)
		if !ok {
			t.Fatal("the tracer is another one")
		}
		o.Tracer = breaking{happened}
	}
	onNetwork(t, p, func(t *testing.T, n *network) {
		n.get(t, "a")
		bad := func() error {
			_, _, err := collect(context.WithValue(t.Context(), mark{}, true), n.As(as("bad")), read("bad"))
			return err
		}
		kindOf(t, bad(), fault.Internal, "gatewayFault")
		gate.close()
		var group sync.WaitGroup
		group.Go(func() { n.get(t, "first") })
		synctest.Wait()
		group.Go(func() { n.get(t, "before") })
		synctest.Wait()
		group.Go(func() { kindOf(t, bad(), fault.Internal, "gatewayFault") })
		synctest.Wait()
		group.Go(func() { n.get(t, "after") })
		synctest.Wait()
		gate.open()
		group.Wait()
		if got := n.count(ldapclient.PanicContained); got != 2 || n.count(ldapclient.ConnectionOpened) != 1 {
			t.Errorf("%d panics were counted, and %d connections opened", got, n.count(ldapclient.ConnectionOpened))
		}
		if err := changes()["modify"](context.WithValue(t.Context(), mark{}, true), n.As(as("bad"))); directory.OutcomeOf(err).Sent {
			t.Errorf("a change: %v", err)
		}
		n.put(t, "a")
	})
}

// broken is a connection that panics when something is read from it.
type broken struct {
	net.Conn

	breaks *atomic.Bool
}

func (b *broken) Read(data []byte) (int, error) {
	n, err := b.Conn.Read(data)
	if b.breaks.Swap(false) {
		panic("a fault of the reader") //nolint:forbidigo // It is what is tested.
	}
	return n, err
}

// A panic while an answer is read ends the connection. A read goes to another one, a change is
// of unknown outcome; the next requests know nothing of it.
func TestPanicInReading(t *testing.T) {
	var breaks atomic.Bool
	onNetwork(t, plan{options: func(o *ldapclient.Options) {
		open := o.Dial
		o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			socket, err := open(ctx, address)
			return &broken{socket, &breaks}, err
		}
	}}, func(t *testing.T, n *network) {
		n.get(t, "a")
		n.put(t, "a")
		breaks.Store(true)
		n.get(t, "a")
		breaks.Store(true)
		err := changes()["modify"](t.Context(), n.As(as("a")))
		kindOf(t, err, fault.Timeout, "unknownOutcome")
		n.put(t, "a")
		if got := n.count(ldapclient.PanicContained); got != 2 || n.count(ldapclient.ConnectionDefunct) != 2 {
			t.Errorf("%d panics were counted, and %d connections ended", got, n.count(ldapclient.ConnectionDefunct))
		}
	})
}

// A panic while a connection is opened is a failure to open it.
func TestPanicInOpening(t *testing.T) {
	var breaks atomic.Bool
	onNetwork(t, plan{options: func(o *ldapclient.Options) {
		open := o.Dial
		o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			if breaks.Swap(false) {
				panic("a fault of the dialer") //nolint:forbidigo // It is what is tested.
			}
			return open(ctx, address)
		}
	}}, func(t *testing.T, n *network) {
		breaks.Store(true)
		_, _, err := collect(t.Context(), n.As(as("a")), read("a"))
		kindOf(t, err, fault.Unavailable, "directoryUnreachable")
		time.Sleep(time.Second) //nolint:forbidigo // On the clock of the test.
		n.get(t, "a")
		if got := n.count(ldapclient.PanicContained); got != 1 {
			t.Errorf("%d panics were counted", got)
		}
	})
}

// used is how much processor time the process has taken.
func used(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkBaseSearch reads one entry, with so many callers at once. The time of the
// processor is that of the client, the directory is a process of its own.
func BenchmarkBaseSearch(b *testing.B) {
	server := slapd.Start(b, slapd.Options{LogLevel: "none"})
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			var records atomic.Int64
			client := newClient(b, server, func(o *ldapclient.Options) {
				o.MaxConns = 4
				o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
					var dialer net.Dialer
					socket, err := dialer.DialContext(ctx, "tcp", address)
					return &recorder{socket, &records, &gateway{}}, err
				}
			})
			session := client.As(as("scarter"))
			req := read("gen001", "objectClass", "uid", "cn", "sn", "mail", "entryCSN", "telephoneNumber")
			search := func() error {
				entries, _, err := collect(b.Context(), session, req)
				if err == nil && len(entries) != 1 {
					err = errors.New("no entry")
				}
				return err
			}
			if err := search(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			before, sent := used(b), records.Load()
			var left atomic.Int64
			left.Store(int64(b.N))
			var group sync.WaitGroup
			for range callers {
				group.Go(func() {
					for left.Add(-1) >= 0 {
						if err := search(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64((used(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(records.Load()-sent)/float64(b.N), "records/op")
		})
	}
}
