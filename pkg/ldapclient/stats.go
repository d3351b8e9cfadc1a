package ldapclient

import (
	"slices"
	"time"
)

// Breaker tells whether a server is given requests.
type Breaker string

// The states.
const (
	// BreakerClosed is the state of a server that is up.
	BreakerClosed Breaker = "closed"
	// BreakerOpen is that of one that is down; nothing is sent to it until Stats.Retry is over.
	BreakerOpen Breaker = "open"
	// BreakerHalfOpen is that of one that is down and is tried.
	BreakerHalfOpen Breaker = "halfOpen"
)

// Stats is the state of the connections to a server at one moment, and what has happened to
// them. Connections for user binds are not counted, but for their failures.
type Stats struct {
	// Server is its host and port.
	Server    string
	Secondary bool
	// Open are the connections that there are, Callers those of them that are bound as
	// callers; Idle are at rest and InUse the others. Opening are more that are being opened.
	Open, Callers, Idle, InUse, Opening int
	// Limit is the greatest number of them, those of callers apart.
	Limit int
	// Waiting is how many wait for one, and Requests how many are at work. Waits tells how long
	// others have waited.
	Waiting, Requests int
	Waits             Waits
	Breaker           Breaker
	// Retry is the time until a server that is down is tried again, 0 when that is due.
	Retry time.Duration
	// Unsteady is for how long yet a server that came and went is asked after the others.
	Unsteady time.Duration
	// Ages are those of the open connections, the oldest first.
	Ages []time.Duration
	// Events counts what has happened since the client was made.
	Events map[Event]int64
}

// Stats returns the state of all servers, primaries first.
func (c *Client) Stats() []Stats {
	all := make([]Stats, len(c.servers))
	for i, s := range c.servers {
		all[i] = s.stats(time.Now())
	}
	return all
}

func (s *server) stats(now time.Time) Stats {
	st := Stats{
		Server: s.address, Secondary: s.secondary, Requests: int(s.load.Load()),
		Waits: s.waits.snapshot(), Unsteady: max(0, s.steadiness.left(now)), Events: make(map[Event]int64),
	}
	for event, n := range s.counts {
		st.Events[event] = n.Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Opening, st.Limit = s.dialing, s.own.maxShared+s.own.maxAlone+s.own.maxParked
	for p := range s.pools {
		st.Open += len(p.open)
		if p.isCaller() {
			st.Callers += len(p.open)
		}
		st.Waiting += len(p.searches) + len(p.others)
		st.Idle += len(p.idle)
		for _, shared := range p.shared {
			if shared.load == 0 {
				st.Idle++
			}
		}
		for conn := range p.open {
			st.Ages = append(st.Ages, now.Sub(conn.born))
		}
	}
	st.InUse = st.Open - st.Idle
	slices.SortFunc(st.Ages, func(a, b time.Duration) int { return int(b - a) })
	st.Breaker, st.Retry = s.breaker.state(now)
	if s.failures > 0 {
		st.Breaker, st.Retry = BreakerOpen, max(0, s.retryAt.Sub(now))
		if s.dialing > 0 {
			st.Breaker = BreakerHalfOpen
		}
	}
	return st
}
