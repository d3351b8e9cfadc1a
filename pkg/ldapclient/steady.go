package ldapclient

import (
	"slices"
	"sync/atomic"
	"time"
)

const (
	// proving is how soon after it was taken for steady a server that goes down again has been
	// taken so too early.
	proving = time.Minute
	// firstProof and lastProof bound the time for which a server that came back has to stay,
	// before it is asked again as if it had never gone. It doubles each time that it goes too
	// soon.
	firstProof = 2 * time.Second
	lastProof  = 30 * time.Second
)

// steadiness damps a server that comes and goes: requests, and with them the load, would go to
// and fro with it. The first time that it comes back it is trusted at once; when it has gone
// again soon after, it is asked after all others for a while, the longer the more often that
// happened. It is asked nevertheless while no other is up.
type steadiness struct {
	// until is when it counts as steady, in Unix nanoseconds; 0 is always.
	until atomic.Int64

	// The fields below are guarded by server.mu.
	times   int       // how often in a row it went too soon
	trusted time.Time // since when it counted as steady; zero before it came back first
	gone    time.Time
}

// went notes that the server is down.
func (s *steadiness) went(now time.Time) { s.gone = now }

// came notes that it is up again, and returns for how long it has to prove that it stays.
func (s *steadiness) came(now time.Time) time.Duration {
	if s.trusted.IsZero() || s.gone.Sub(s.trusted) >= proving {
		s.times = 0
	} else {
		s.times++
	}
	proof := time.Duration(0)
	if s.times > 0 {
		proof = min(firstProof<<min(s.times-1, 16), lastProof)
	}
	s.trusted = now.Add(proof)
	s.until.Store(s.trusted.UnixNano())
	return proof
}

// left is for how long yet the server has to prove that it stays.
func (s *steadiness) left(now time.Time) time.Duration {
	until := s.until.Load()
	if until == 0 {
		return 0
	}
	return time.Unix(0, until).Sub(now)
}

// steady returns the servers in their order, those last that have to prove that they stay.
func (c *Client) steady(servers []*server) []*server {
	if len(servers) == 1 {
		return servers
	}
	now := time.Now()
	var steady, others []*server
	for i, s := range servers {
		switch {
		case s.steadiness.left(now) > 0:
			if len(others) == 0 { // There seldom is one.
				steady = slices.Clone(servers[:i])
			}
			others = append(others, s)
		case len(others) > 0:
			steady = append(steady, s)
		}
	}
	if len(others) == 0 {
		return servers
	}
	return append(steady, others...)
}
