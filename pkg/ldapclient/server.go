package ldapclient

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// server is one server of the directory. It is up, or it is down: after a failure to
// connect it is tried again, by one attempt at a time, with growing pauses, and nobody
// who has another server to go to waits for that. Its connections are in pools, one for
// each identity that they are bound as.
type server struct {
	client    *Client
	address   string
	tls       *tls.Config
	startTLS  bool
	secondary bool
	busy      atomic.Int64 // how often in a row it had no time
	load      atomic.Int64 // how many requests it has at work
	known     atomic.Pointer[facts]
	breaker   breaker
	waits     waits
	denied    atomic.Int64 // when somebody was told of a caller that may not be acted for, in Unix seconds
	counts    map[Event]*atomic.Int64
	slots     chan struct{} // holds a token for each connection that is being opened

	mu      sync.Mutex // guards the fields below, and those of its pools
	own     *pool      // of the gateway's own account
	callers map[accountKey]*pool
	lent    int            // connections of callers, open or being opened
	hungry  map[*pool]bool // the pools that somebody waits for
	dialing int            // connections that are being opened
	closed  bool
	// failures counts attempts to connect that failed in a row, retryAt is when the
	// next one may be made, cause is why the last one failed.
	failures int
	retryAt  time.Time
	cause    error
	// upSince is when the server came back; zero when it never was down.
	upSince    time.Time
	steadiness steadiness
	// aged is when a connection was last ended for its age.
	aged time.Time
}

func newServer(c *Client, address string, config *tls.Config, o Server) *server {
	s := &server{
		client: c, address: address, tls: config, startTLS: o.StartTLS, secondary: o.Secondary,
		callers: make(map[accountKey]*pool), hungry: make(map[*pool]bool),
		counts: make(map[Event]*atomic.Int64), slots: make(chan struct{}, c.options.MaxDials),
	}
	for _, event := range Events() {
		s.counts[event] = new(atomic.Int64)
	}
	maxShared := max(1, c.options.MaxConns/4)
	s.own = newPool(s, nil, maxShared, c.options.MaxConns-maxShared)
	s.own.maxParked = c.options.MaxWalks
	return s
}

// pools are all pools of the server, in no order. s.mu is held.
func (s *server) pools(yield func(*pool) bool) {
	if !yield(s.own) {
		return
	}
	for _, p := range s.callers {
		if !yield(p) {
			return
		}
	}
}

// mayConnect reports whether it is time for an attempt to connect. s.mu is held.
func (s *server) mayConnect() bool {
	if s.failures > 0 {
		return s.dialing == 0 && time.Until(s.retryAt) <= 0
	}
	return s.dialing < s.client.options.MaxDials
}

// down is the error for a server that is not up. s.mu is held.
func (s *server) down() error {
	return &downError{s.cause, max(time.Until(s.retryAt), firstBackoff)}
}

// failed notes that the server is down, and tells everybody who waits. s.mu is held.
func (s *server) failed(cause error) {
	if s.failures == 0 || root(s.cause).Error() != root(cause).Error() {
		s.tell(cause)
	}
	pause := fullJitter(min(firstBackoff<<min(s.failures, 16), lastBackoff))
	if isRefusedBind(cause) { // Each attempt may count towards a lock of the account.
		first := s.client.options.RefusedPause
		pause = jitter(min(first<<min(s.failures, 16), 20*first))
	}
	if s.failures == 0 {
		s.steadiness.went(time.Now())
	}
	s.failures++
	if len(s.own.open) == 0 {
		s.known.Store(nil) // It may have been mended when it is tried again.
	}
	s.cause, s.retryAt = cause, time.Now().Add(pause)
	for p := range s.hungry {
		p.reject(s.down())
	}
}

// tell logs why the server is down. s.mu is held.
func (s *server) tell(cause error) {
	var unfit *unfitError
	if errors.As(cause, &unfit) {
		s.client.options.Logger.Error("the directory server must not be used", "server", s.address, "error", cause)
		return
	}
	s.client.options.Logger.Warn("the directory server cannot be reached", "server", s.address, "error", cause)
}

// fullJitter spreads a wait over all of it, so that gateways that lost a server together come
// back one by one. An attempt to connect that comes at once does no harm: there is one at a
// time.
func fullJitter(d time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(d) + 1)) //nolint:gosec // No secret depends on it.
}

// jitter spreads a wait over its second half, for what must not be repeated at once.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d/2)+1)) //nolint:gosec // No secret depends on it.
}

// root is the innermost error, which names no ports of ours.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// served notes that the server answers, and so is up.
func (s *server) served() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures == 0 {
		return
	}
	now := time.Now()
	if proof := s.steadiness.came(now); proof > 0 && len(s.client.servers) > 1 {
		s.client.options.Logger.Warn("the directory server can be reached again; it comes and goes, so that others are asked first for a while", "server", s.address, "while", proof)
	} else {
		s.client.options.Logger.Info("the directory server can be reached again", "server", s.address)
	}
	s.failures, s.cause, s.retryAt, s.upSince = 0, nil, time.Time{}, now
	s.client.stale.Store(true) // It may have been changed meanwhile.
	s.settle()
}

// settle serves everybody who waits for a connection to the server. s.mu is held.
func (s *server) settle() {
	for p := range s.hungry {
		p.settle()
	}
}

// up waits until the server is up, as far as anybody knows. While it is down it fails
// with a *downError, at once when not patient, else after the next attempt to connect,
// if one is due.
func (s *server) up(ctx context.Context, patient bool) error {
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return errClosed
	case s.failures == 0 || len(s.own.open) > 0:
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	l, err := s.acquire(ctx, nil, true, patient)
	if err == nil {
		l.giveBack() //nolint:contextcheck // What is drained is for who comes next.
	}
	return err
}

// pool returns the pool of an account, which it makes when there is none. s.mu is held.
func (s *server) pool(as *account) *pool {
	if as == nil {
		return s.own
	}
	p := s.callers[as.key]
	if p == nil {
		p = newPool(s, as, 1, callerConns)
		s.callers[as.key] = p
	}
	return p
}

// spare ends the connection of a caller that has been of no use for the longest time,
// so that another caller may have one. It reports false when all are in use. s.mu is held.
func (s *server) spare() bool {
	var oldest *conn
	for _, p := range s.callers {
		for _, c := range p.idle {
			if oldest == nil || c.rested.Before(oldest.rested) {
				oldest = c
			}
		}
		for _, candidate := range p.shared {
			if c := candidate.conn; candidate.load == 0 && len(p.searches) == 0 && (oldest == nil || c.rested.Before(oldest.rested)) {
				oldest = c
			}
		}
	}
	if oldest == nil {
		return false
	}
	oldest.pool.withdraw(oldest, errUnneeded)
	return true
}

// suspect ends the connections at rest, for another one went silent, and who gets one of
// them would have to wait to find that out. s.mu is held.
func (s *server) suspect() {
	for p := range s.pools {
		for len(p.idle) > 0 {
			p.withdraw(p.idle[0], errSuspect)
		}
	}
}

// close ends all connections, and opens no more. Nothing else starts any more.
func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for p := range s.pools {
		for c := range p.open {
			s.client.work.Go(func() { c.close(errClosed) })
		}
		p.reject(errClosed)
	}
}

// warm is the share of requests that a server takes, of those that it would take if it
// had never been down: it grows to 1 within some time, so that a server that has just
// come back is not given everything at once.
func (s *server) warm(now time.Time) float64 {
	const slowStart = 10 * time.Second
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upSince.IsZero() {
		return 1
	}
	return min(1, max(0.1, float64(now.Sub(s.upSince))/float64(slowStart)))
}
