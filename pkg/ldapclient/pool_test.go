package ldapclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// The tests of this file run on the clock of package synctest: hours pass at once.

// network is servers in memory, and a client of them.
type network struct {
	*ldapclient.Client
	*events

	pipes   []*fakeldap.Pipe
	servers []*fakeldap.Server
}

// events counts what happens to connections.
type events struct {
	mu      sync.Mutex // guards the fields below
	counts  map[ldapclient.Event]int
	waits   map[ldapclient.Event]time.Duration
	expired []time.Time
}

func (e *events) Operation(context.Context, string) {}

func (e *events) Connection(_ string, event ldapclient.Event, waited time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.counts[event]++
	e.waits[event] = max(e.waits[event], waited)
	if event == ldapclient.ConnectionExpired {
		e.expired = append(e.expired, time.Now())
	}
}

// count returns how often something happened.
func (e *events) count(event ldapclient.Event) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counts[event]
}

// plan says how to make a network.
type plan struct {
	servers []ldapclient.Server // one when nil
	bind    fakeldap.Script     // takes everything when nil
	script  func(server int, r *fakeldap.Request)
	options func(*ldapclient.Options)
}

// onNetwork runs a test on a network, on a clock of its own.
func onNetwork(t *testing.T, p plan, test func(t *testing.T, n *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &network{events: &events{counts: make(map[ldapclient.Event]int), waits: make(map[ldapclient.Event]time.Duration)}}
		if p.servers == nil {
			p.servers = []ldapclient.Server{{}}
		}
		if p.bind == nil {
			p.bind = func(r *fakeldap.Request) { r.Done(0) }
		}
		o := ldapclient.Options{
			TLS:      &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, //nolint:gosec // Each server has an authority of its own.
			BindDN:   directory.MustParseDN(fakeldap.ServiceDN),
			Password: fakeldap.Password,
			Tracer:   n.events,
		}
		pipes := make(map[string]*fakeldap.Pipe)
		for i, s := range p.servers {
			pipe := fakeldap.NewPipe()
			script := answer
			if p.script != nil {
				script = func(r *fakeldap.Request) { p.script(i, r) }
			}
			n.pipes = append(n.pipes, pipe)
			n.servers = append(n.servers, fakeldap.StartOn(t, pipe, p.bind, script))
			address := fmt.Sprintf("127.0.0.1:%d", i+1)
			pipes[address] = pipe
			s.URL = "ldaps://" + address
			o.Servers = append(o.Servers, s)
		}
		o.Dial = func(ctx context.Context, address string) (net.Conn, error) { return pipes[address].Dial(ctx) }
		if p.options != nil {
			p.options(&o)
		}
		client, err := ldapclient.New(o)
		if err != nil {
			t.Fatal(err)
		}
		n.Client = client
		defer func() {
			if err := client.Close(t.Context()); err != nil {
				t.Error(err)
			}
			for _, pipe := range n.pipes {
				pipe.Swallows.Store(false)
			}
		}()
		test(t, n)
	})
}

// get reads an entry as a caller.
func (n *network) get(t *testing.T, uid string) {
	t.Helper()
	if _, _, err := collect(t.Context(), n.As(as(uid)), read(uid)); err != nil {
		t.Errorf("read of %s: %v", uid, err)
	}
}

// put changes an entry as a caller.
func (n *network) put(t *testing.T, uid string) {
	t.Helper()
	if err := changes()["modify"](t.Context(), n.As(as(uid))); err != nil {
		t.Errorf("change by %s: %v", uid, err)
	}
}

// open is how many connections there are.
func (n *network) open() int {
	return n.count(ldapclient.ConnectionOpened) - n.count(ldapclient.ConnectionDefunct) - n.count(ldapclient.ConnectionExpired) - n.count(ldapclient.ConnectionUnneeded)
}

// hold has some changes wait at the server until the function that is returned is called.
type holding struct {
	release chan struct{}
	held    atomic.Int32
}

func (h *holding) answer(_ int, r *fakeldap.Request) {
	if r.Name == "modify" {
		h.held.Add(1)
		<-h.release
	}
	answer(r)
}

// Who waits for a connection is served in turn, while there are few. When there are many,
// who came last is served first, so that not all are served too late; and who finds too
// many waiting is sent away at once.
func TestQueue(t *testing.T) {
	const room = 8
	for name, test := range map[string]struct {
		waiting int
		want    []int
	}{
		"Short": {4, []int{0, 1, 2, 3}},
		"Long":  {8, []int{7, 6, 5, 4, 0, 1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			h := &holding{release: make(chan struct{})}
			onNetwork(t, plan{script: h.answer, options: func(o *ldapclient.Options) {
				o.MaxConns, o.MaxQueue = 2, room
			}}, func(t *testing.T, n *network) {
				h.release = make(chan struct{})
				var work sync.WaitGroup
				var mu sync.Mutex
				var order []int
				work.Go(func() { n.put(t, "holder") })
				synctest.Wait()
				for i := range test.waiting {
					work.Go(func() {
						n.put(t, "a")
						mu.Lock()
						order = append(order, i)
						mu.Unlock()
					})
					synctest.Wait()
				}
				if test.waiting == room {
					err := changes()["modify"](t.Context(), n.As(as("a")))
					kindOf(t, err, fault.Unavailable, "pool")
					var e *fault.Error
					if errors.As(err, &e) && e.RetryAfter <= 0 {
						t.Error("nobody said when to come back")
					}
				}
				for range test.waiting + 1 {
					h.release <- struct{}{}
					synctest.Wait()
				}
				work.Wait()
				if !slices.Equal(order, test.want) {
					t.Errorf("served in the order %v, want %v", order, test.want)
				}
				if n.count(ldapclient.CheckoutAfterWait) != test.waiting {
					t.Errorf("%d waited", n.count(ldapclient.CheckoutAfterWait))
				}
			})
		})
	}
}

// F_23: nobody waits longer for a connection than the options say, however much time there is.
func TestF_23AcquireTimeout(t *testing.T) {
	h := &holding{}
	onNetwork(t, plan{script: h.answer, options: func(o *ldapclient.Options) {
		o.MaxConns, o.AcquireTimeout, o.OperationTimeout = 2, 4*time.Second, time.Hour
	}}, func(t *testing.T, n *network) {
		h.release = make(chan struct{})
		var work sync.WaitGroup
		work.Go(func() { n.put(t, "holder") })
		synctest.Wait()
		begun := time.Now()
		err := changes()["modify"](t.Context(), n.As(as("a")))
		kindOf(t, err, fault.Unavailable, "pool")
		if waited := time.Since(begun); waited != 4*time.Second {
			t.Errorf("it waited %s", waited)
		}
		n.get(t, "a") // Searches share another connection.
		close(h.release)
		work.Wait()
		n.put(t, "a")
	})
}

// No more connections than the options say are opened at once, and never more than there
// may be.
func TestDialLimit(t *testing.T) {
	h := &holding{}
	var binding, most atomic.Int32
	onNetwork(t, plan{script: h.answer, bind: func(r *fakeldap.Request) {
		most.Store(max(most.Load(), binding.Add(1)))
		time.Sleep(time.Second) //nolint:forbidigo // On the clock of the test.
		binding.Add(-1)
		r.Done(0)
	}, options: func(o *ldapclient.Options) { o.MaxConns, o.MaxDials = 8, 2 }}, func(t *testing.T, n *network) {
		h.release = make(chan struct{})
		var work sync.WaitGroup
		for range 20 {
			work.Go(func() { n.put(t, "a") })
		}
		time.Sleep(9 * time.Second) //nolint:forbidigo // On the clock of the test.
		if held := h.held.Load(); held != 6 || most.Load() != 2 || len(n.pipes[0].Dials()) != 7 {
			t.Errorf("%d changes at work, %d dials, %d of them at once", held, len(n.pipes[0].Dials()), most.Load())
		}
		close(h.release)
		work.Wait()
	})
}

// Connections end when they have not been used for long, but for those that are to be
// ready, which are there before anybody needs them.
func TestIdleTime(t *testing.T) {
	for _, keep := range []int{0, 1, 3} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			h := &holding{}
			onNetwork(t, plan{script: h.answer, options: func(o *ldapclient.Options) {
				o.MinIdle, o.IdleTime, o.MaxConns = keep, time.Minute, 16
			}}, func(t *testing.T, n *network) {
				h.release = make(chan struct{})
				n.get(t, "a")
				var work sync.WaitGroup
				for range 6 {
					work.Go(func() { n.put(t, "a") })
				}
				time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // On the clock of the test.
				close(h.release)
				work.Wait()
				if n.open() != 7 {
					t.Errorf("%d connections at work", n.open())
				}
				for range 70 { // Use of one of them keeps the others from nothing.
					time.Sleep(time.Second) //nolint:forbidigo // On the clock of the test.
					n.put(t, "a")
				}
				if got, want := n.open(), max(1, keep)+min(1, keep); got != want {
					t.Errorf("%d connections after a minute with one in use, want %d", got, want)
				}
				time.Sleep(10 * time.Minute) //nolint:forbidigo // On the clock of the test.
				if got, want := n.open(), keep+min(1, keep); got != want {
					t.Errorf("%d connections at rest, want %d", got, want)
				}
				if n.count(ldapclient.ConnectionDefunct)+n.count(ldapclient.ConnectionExpired) > 0 || n.count(ldapclient.ConnectionUnneeded) == 0 {
					t.Errorf("they ended for another reason: %v", n.counts)
				}
				n.get(t, "a")
				n.put(t, "a")
			})
		})
	}
}

// Connections end for their age, not all at the same time, and nobody notices. Somebody reads
// whenever the client looks at them.
func TestMaxAge(t *testing.T) {
	step := time.Duration(soak.Size(15, 5)) * time.Second
	onNetwork(t, plan{options: func(o *ldapclient.Options) {
		o.MinIdle, o.MaxAge, o.IdleTime, o.AgeGap = 6, time.Hour, 24*time.Hour, time.Minute
		o.Heartbeat = 2 * step
	}}, func(t *testing.T, n *network) {
		n.get(t, "a")
		begun := time.Now()
		for time.Since(begun) < 10*time.Hour {
			time.Sleep(step) //nolint:forbidigo // On the clock of the test.
			n.get(t, "a")
		}
		if n.count(ldapclient.ConnectionDefunct)+n.count(ldapclient.ConnectionUnneeded) > 0 || n.count(ldapclient.CheckoutNewConnection) > 1 {
			t.Errorf("%v", n.counts)
		}
		n.mu.Lock()
		ends := slices.Clone(n.expired)
		n.mu.Unlock()
		if len(ends) < 7*8 || len(ends) > 7*13 {
			t.Fatalf("%d connections ended in 10 hours, of 7 that live an hour", len(ends))
		}
		if first := ends[0].Sub(begun); first < 48*time.Minute || first > 72*time.Minute {
			t.Errorf("the first ended after %s", first)
		}
		for i := 1; i < len(ends); i++ {
			if gap := ends[i].Sub(ends[i-1]); gap < time.Minute {
				t.Errorf("two ended %s apart", gap)
			}
		}
	})
}

// A connection carries so many requests and no more.
func TestMaxOperations(t *testing.T) {
	onNetwork(t, plan{options: func(o *ldapclient.Options) { o.MaxOperations = 10 }}, func(t *testing.T, n *network) {
		for range 100 {
			n.put(t, "a")
		}
		if opened := n.count(ldapclient.ConnectionOpened); opened < 10 || opened > 14 {
			t.Errorf("%d connections for 100 changes, 10 on each", opened)
		}
	})
}

// F_05, F_25: a server that does not say anything any more is found out without anybody
// asking for anything, and those who have asked go elsewhere long before their time is over.
func TestF_25Heartbeat(t *testing.T) {
	onNetwork(t, plan{servers: make([]ldapclient.Server, 2), options: func(o *ldapclient.Options) {
		o.Heartbeat, o.ProbeTimeout, o.MinIdle = 10*time.Second, 3*time.Second, 2
	}}, func(t *testing.T, n *network) {
		n.get(t, "a")
		n.put(t, "a")
		time.Sleep(10 * time.Minute) //nolint:forbidigo // On the clock of the test.
		if n.open() != 3+2 || n.count(ldapclient.ConnectionDefunct) > 0 {
			t.Errorf("%d connections, %d lost while everything is well", n.open(), n.count(ldapclient.ConnectionDefunct))
		}
		if asked := n.servers[0].Count("schema"); asked < 100 || asked > 400 {
			t.Errorf("asked %d times", asked)
		}
		n.pipes[0].Swallows.Store(true)
		begun := time.Now()
		n.get(t, "a")
		if waited := time.Since(begun); waited < 3*time.Second || waited > 13*time.Second {
			t.Errorf("the first read took %s", waited)
		}
		begun = time.Now()
		n.get(t, "a")
		n.put(t, "a")
		if waited := time.Since(begun); waited > 0 {
			t.Errorf("those after it took %s", waited)
		}
		n.pipes[0].Swallows.Store(false)
		time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
		before := n.servers[0].Count("search")
		n.get(t, "a")
		if n.servers[0].Count("search") != before+1 {
			t.Error("the first server is not used again")
		}
	})
}

// F_26, F_24: a server that is down is tried again with growing pauses, by one attempt at
// a time, with nobody asking and however many ask; when it is back, all are served.
func TestF_24F_26Recovery(t *testing.T) {
	onNetwork(t, plan{}, func(t *testing.T, n *network) {
		n.pipes[0].Refuses.Store(true)
		for range 60 {
			var work sync.WaitGroup
			for range 50 {
				work.Go(func() {
					_, _, err := collect(t.Context(), n.As(as("a")), read("a"))
					kindOf(t, err, fault.Unavailable, "directoryUnreachable")
				})
			}
			work.Wait()
			time.Sleep(time.Second) //nolint:forbidigo // On the clock of the test.
		}
		dials := n.pipes[0].Dials()
		if len(dials) < 12 || len(dials) > 40 {
			t.Errorf("%d attempts in a minute", len(dials))
		}
		for i := len(dials) / 2; i < len(dials); i++ {
			if pause := dials[i].Sub(dials[i-1]); pause > 8*time.Second { // TestFullJitter looks at the short ones.
				t.Errorf("a pause of %s", pause)
			}
		}
		n.pipes[0].Refuses.Store(false)
		time.Sleep(10 * time.Second) //nolint:forbidigo // On the clock of the test.
		before := len(n.pipes[0].Dials())
		var work sync.WaitGroup
		for range 1000 {
			work.Go(func() { n.get(t, "a") })
		}
		work.Wait()
		if more := len(n.pipes[0].Dials()) - before; more > 16 {
			t.Errorf("%d connections were opened for those who came then", more)
		}
	})
}

// F_18: a directory that refuses the gateway's own account is not asked again and again:
// each attempt may count towards a lock.
func TestF_18RefusedAccount(t *testing.T) {
	var mended atomic.Bool
	onNetwork(t, plan{bind: func(r *fakeldap.Request) {
		if mended.Load() {
			r.Done(0)
		} else {
			r.Done(49)
		}
	}}, func(t *testing.T, n *network) {
		begun := time.Now()
		for time.Since(begun) < time.Hour {
			for range 5 {
				_, _, err := collect(t.Context(), n.As(as("a")), read("a"))
				kindOf(t, err, fault.BadGateway, "directoryCredentials")
			}
			time.Sleep(time.Second) //nolint:forbidigo // On the clock of the test.
		}
		dials := n.pipes[0].Dials()
		if len(dials) < 10 || len(dials) > 32 {
			t.Errorf("%d attempts in an hour", len(dials))
		}
		if pause := dials[1].Sub(dials[0]); pause < 7*time.Second {
			t.Errorf("the second attempt after %s", pause)
		}
		mended.Store(true)
		time.Sleep(6 * time.Minute) //nolint:forbidigo // On the clock of the test.
		n.get(t, "a")
	})
}

// LeastRequests spreads reads by what servers have to do, and sends all changes to one.
func TestLeastRequests(t *testing.T) {
	slow := make(chan struct{})
	onNetwork(t, plan{servers: []ldapclient.Server{{ReadOnly: true}, {}, {}, {Secondary: true}}, script: func(server int, r *fakeldap.Request) {
		if server == 2 && r.Name == "search" {
			<-slow
		}
		answer(r)
	}, options: func(o *ldapclient.Options) { o.Balance = ldapclient.LeastRequests }}, func(t *testing.T, n *network) {
		slow = make(chan struct{})
		var work sync.WaitGroup
		const reads = 300
		for range reads {
			work.Go(func() { n.get(t, "a") })
			synctest.Wait()
		}
		for range 20 {
			n.put(t, "a")
		}
		close(slow)
		work.Wait()
		got := n.searches()
		if got[0]+got[1]+got[2] < reads || got[0] < reads/3 || got[1] < reads/3 || got[2] > 5 || got[3] > 0 {
			t.Errorf("reads went to %v; the third is slow, the fourth a secondary", got)
		}
		if n.servers[1].Count("modify") != 20 {
			t.Error("changes went elsewhere than to the first that takes them")
		}
	})
}

// searches is how many each server got.
func (n *network) searches() []int {
	var counts []int
	for _, s := range n.servers {
		counts = append(counts, s.Count("search"))
	}
	return counts
}

// Affinity keeps to one server for an entry, and to another when that one is down.
func TestAffinity(t *testing.T) {
	onNetwork(t, plan{servers: make([]ldapclient.Server, 3), options: func(o *ldapclient.Options) { o.Balance = ldapclient.Affinity }}, func(t *testing.T, n *network) {
		homes := make(map[string]int)
		ask := func(uid string) int {
			t.Helper()
			before := n.searches()
			n.get(t, uid)
			return indexOfChange(before, n.searches())
		}
		for i := range 60 {
			uid := fmt.Sprintf("u%d", i)
			homes[uid] = ask(uid)
			if again := ask(uid); again != homes[uid] {
				t.Errorf("%s is at %d, and then at %d", uid, homes[uid], again)
			}
		}
		used := make(map[int]int)
		for home := range maps.Values(homes) {
			used[home]++
		}
		if len(used) != 3 || used[0] < 5 || used[1] < 5 || used[2] < 5 {
			t.Errorf("the entries are spread %v", used)
		}
		n.pipes[1].Refuses.Store(true)
		n.pipes[1].Swallows.Store(true)
		time.Sleep(time.Minute) //nolint:forbidigo // On the clock of the test.
		for uid, home := range homes {
			if now := ask(uid); home != 1 && now != home || now == 1 {
				t.Errorf("%s was at %d, and is at %d while the second is down", uid, home, now)
			}
		}
	})
}

// indexOfChange is where two lists differ.
func indexOfChange(before, after []int) int {
	for i := range before {
		if before[i] != after[i] {
			return i
		}
	}
	return -1
}

// F_64: who has written reads from where it has written, for a while, and others do not.
func TestF_64WriteCoherence(t *testing.T) {
	onNetwork(t, plan{servers: []ldapclient.Server{{ReadOnly: true}, {}}, options: func(o *ldapclient.Options) { o.WriteCoherence = 5 * time.Second }}, func(t *testing.T, n *network) {
		home := func(uid string) int {
			t.Helper()
			before := n.searches()
			n.get(t, uid)
			return indexOfChange(before, n.searches())
		}
		if home("a") != 0 {
			t.Error("the first server does not serve")
		}
		n.put(t, "a")
		if home("a") != 1 || home("b") != 0 {
			t.Error("the writer, or another, reads from the wrong server")
		}
		time.Sleep(6 * time.Second) //nolint:forbidigo // On the clock of the test.
		if home("a") != 0 {
			t.Error("the writer stays for ever")
		}
	})
}

// Changes never go to a server that is read-only, not even when no other is there.
func TestReadOnlyServer(t *testing.T) {
	onNetwork(t, plan{servers: []ldapclient.Server{{ReadOnly: true}, {}}}, func(t *testing.T, n *network) {
		n.pipes[1].Refuses.Store(true)
		n.get(t, "a")
		err := changes()["modify"](t.Context(), n.As(as("a")))
		kindOf(t, err, fault.Unavailable, "directoryUnreachable")
		if n.servers[0].Count("modify") > 0 {
			t.Error("the change was sent")
		}
	})
}

// A server that has just come back is not given everything at once.
func TestSlowStart(t *testing.T) {
	release := make(chan struct{})
	onNetwork(t, plan{servers: make([]ldapclient.Server, 2), script: func(_ int, r *fakeldap.Request) {
		if r.Name == "search" {
			go func() { <-release; answer(r) }()
			return
		}
		answer(r)
	}, options: func(o *ldapclient.Options) { o.Balance = ldapclient.LeastRequests }}, func(t *testing.T, n *network) {
		release = make(chan struct{})
		close(release)
		n.pipes[0].Refuses.Store(true)
		for range 50 {
			n.get(t, "a")
		}
		n.pipes[0].Refuses.Store(false)
		for before := n.searches()[0]; n.searches()[0] == before; { // It comes back.
			time.Sleep(time.Millisecond) //nolint:forbidigo // On the clock of the test.
			n.get(t, "a")
		}
		release = make(chan struct{})
		before := n.searches()
		var work sync.WaitGroup
		for range 44 {
			work.Go(func() { n.get(t, "a") })
			synctest.Wait()
		}
		after := n.searches()
		close(release)
		work.Wait()
		if fresh, other := after[0]-before[0], after[1]-before[1]; fresh == 0 || fresh > other/4 {
			t.Errorf("the server that came back got %d, the other one %d", fresh, other)
		}
	})
}

// Wrong options are errors that say what to do.
func TestPoolOptions(t *testing.T) {
	good := func() ldapclient.Options {
		return ldapclient.Options{
			Servers: []ldapclient.Server{{URL: "ldaps://localhost"}}, TLS: &tls.Config{MinVersion: tls.VersionTLS12},
			BindDN: directory.MustParseDN(fakeldap.ServiceDN), Password: "x",
		}
	}
	for name, spoil := range map[string]func(*ldapclient.Options){
		"all read-only":          func(o *ldapclient.Options) { o.Servers[0].ReadOnly = true },
		"balance":                func(o *ldapclient.Options) { o.Balance = "roundRobin" },
		"mode":                   func(o *ldapclient.Options) { o.Mode = "root" },
		"mechanism":              func(o *ldapclient.Options) { o.Mechanism = "DIGEST-MD5" },
		"external, no key":       func(o *ldapclient.Options) { o.Mechanism = ldapclient.External },
		"plain, no user":         func(o *ldapclient.Options) { o.Mechanism = ldapclient.Plain },
		"sasl-proxy with simple": func(o *ldapclient.Options) { o.Mode = ldapclient.SASLProxy },
		"operations":             func(o *ldapclient.Options) { o.MaxOperations = 1<<31 - 1 },
	} {
		o := good()
		spoil(&o)
		if _, err := ldapclient.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := ldapclient.New(good()); err != nil {
		t.Error(err)
	}
}
