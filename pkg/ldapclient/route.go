package ldapclient

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Balance is how requests are spread over servers of the same role. Secondaries follow
// when no primary can be reached.
type Balance string

// The ways.
const (
	// Failover sends everything to the first server that is up.
	Failover Balance = "failover"
	// LeastRequests sends a read to the server with the fewest requests at work, and a
	// change to the first one that is up and takes changes.
	LeastRequests Balance = "leastRequests"
	// Affinity sends everything that is about one entry to one server, so that a change is
	// seen by the reads after it.
	Affinity Balance = "affinity"
)

// need is what a connection is wanted for.
type need struct {
	sharing bool // with other searches
	change  bool
	// target is the key of the DN that the request is about.
	target string
	// avoid is the server to be asked last: it has failed just now.
	avoid *server
}

// borrow borrows a connection to the first server that is up, of those that are asked in
// the order of the Balance.
func (s *session) borrow(ctx context.Context, n need) (loan, error) {
	var l loan
	if n.avoid == nil && !n.change {
		n.avoid = s.client.named(directory.Avoided(ctx))
	}
	pinned := s.client.pins.of(s.key)
	if wrote := s.wrote.Load(); wrote != nil && !n.change {
		pinned = wrote
	}
	err := s.client.each(s.client.order(n, pinned), func(server *server, patient bool) (err error) {
		l, err = server.lend(ctx, s.as, n, patient)
		return err
	})
	if err == nil {
		if n.change {
			s.wrote.Store(l.server)
			s.client.pins.put(s.key, l.server)
		}
		return l, nil
	}
	var already *fault.Error
	if !errors.As(err, &already) {
		err = &unsentError{err}
	}
	return loan{}, err
}

// named returns the server of that name; nil when there is none.
func (c *Client) named(address string) *server {
	if address == "" {
		return nil
	}
	i := slices.IndexFunc(c.servers, func(s *server) bool { return s.address == address })
	if i < 0 {
		return nil
	}
	return c.servers[i]
}

// lend lends a connection that is known to be alive. Who reads and has too little time for a
// question that gets no answer goes without: the read may be sent again.
func (s *server) lend(ctx context.Context, as *account, n need, patient bool) (loan, error) {
	for {
		l, err := s.borrow(ctx, as, n.sharing, patient)
		if err != nil || !l.isRested || !n.change && !s.hasTime(ctx) {
			return l, err
		}
		asking, cancel := context.WithTimeout(ctx, s.client.options.ProbeTimeout)
		err = l.ask(asking)
		cancel()
		if err == nil {
			return l, nil
		}
		l.giveBack() //nolint:contextcheck // What is drained is for who comes next.
		if ctx.Err() != nil {
			return loan{}, &waitError{reason: ended(ctx)}
		}
	}
}

// hasTime reports whether there is time left after a question without an answer.
func (s *server) hasTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > 2*s.client.options.ProbeTimeout
}

// order is the order in which servers are tried.
func (c *Client) order(n need, pinned *server) []*server {
	servers := c.servers
	if n.change {
		servers = c.writable
	}
	if len(servers) == 1 || n.avoid == nil && pinned == nil && (c.options.Balance == Failover || n.change && c.options.Balance == LeastRequests) {
		return c.steady(servers)
	}
	servers = slices.Clone(servers)
	switch primaries := c.primaries(servers); c.options.Balance {
	case Failover: // In their order.
	case LeastRequests:
		if !n.change {
			byLoad(servers[:primaries])
			byLoad(servers[primaries:])
		}
	case Affinity:
		rotate(servers[:primaries], n.target)
		rotate(servers[primaries:], n.target)
	}
	servers = c.steady(servers)
	move(servers, pinned, 0)
	move(servers, n.avoid, len(servers)-1)
	return servers
}

// primaries is how many of the servers are. They come first.
func (c *Client) primaries(servers []*server) int {
	i := slices.IndexFunc(servers, func(s *server) bool { return s.secondary })
	if i < 0 {
		return len(servers)
	}
	return i
}

// byLoad sorts servers by how much they have to do, equal ones in any order.
func byLoad(servers []*server) {
	now := time.Now()
	rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] }) //nolint:gosec // No secret depends on it.
	loads := make(map[*server]float64, len(servers))
	for _, s := range servers {
		loads[s] = float64(s.load.Load()+1) / s.warm(now)
	}
	slices.SortFunc(servers, func(a, b *server) int { return cmp.Compare(loads[a], loads[b]) })
}

// rotate brings the server of an entry to the front; those behind it take its place, in
// their order, when it is down.
func rotate(servers []*server, target string) {
	if len(servers) == 0 || target == "" {
		return
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(target))
	first := int(hash.Sum64() % uint64(len(servers))) //nolint:gosec // It is small.
	rotated := slices.Concat(servers[first:], servers[:first])
	copy(servers, rotated)
}

// move moves a server, when it is there, to another place.
func move(servers []*server, s *server, to int) {
	from := slices.Index(servers, s)
	if from < 0 {
		return
	}
	servers = slices.Delete(servers, from, from+1)
	_ = slices.Insert(servers, to, s)
}

// pins remember which server a caller has written to, so that it reads from there until
// the others can be expected to have the change.
type pins struct {
	hold time.Duration // 0 pins nobody

	mu   sync.Mutex // guards the field below
	made map[string]pin
}

type pin struct {
	server *server
	until  time.Time
}

// maxPins is how many callers are remembered.
const maxPins = 10_000

// of returns the server that a caller is pinned to, or nil.
func (p *pins) of(caller string) *server {
	if p.hold == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	made, ok := p.made[caller]
	if ok && time.Now().After(made.until) {
		delete(p.made, caller)
		return nil
	}
	return made.server
}

// put pins a caller.
func (p *pins) put(caller string, s *server) {
	if p.hold == 0 {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.made) >= maxPins {
		for known, made := range p.made { // Those that are over, else any of them.
			if now.After(made.until) || len(p.made) >= maxPins {
				delete(p.made, known)
			}
		}
	}
	p.made[caller] = pin{s, now.Add(p.hold)}
}
