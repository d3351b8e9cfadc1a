package ldapclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// maxStrikes is how many operations in a row a server may leave without an answer.
	maxStrikes = 5
	// firstStop and lastStop bound the pauses of a server that left too many. One attempt
	// ends each of them, and costs somebody the time that he has.
	firstStop = time.Second
	lastStop  = time.Minute
	// leastStrike is the shortest time without an answer that is held against a server, and
	// slowness how many times as long as usual it has to be.
	leastStrike = 500 * time.Millisecond
	slowness    = 20
)

// breaker stops requests to a server that can be connected to and answers questions about
// itself, but others not at all or too late: its database hangs, for instance. Operations of
// the pools and user binds are held against it in the same way. After maxStrikes of them it is
// asked for nothing but one request after each pause, until that is answered in time.
type breaker struct {
	mu      sync.Mutex // guards the fields below
	strikes int
	stops   int       // pauses so far
	until   time.Time // when the pause is over; zero while requests go on
	trying  bool      // the request after the pause is at work
	// usual is how long an answer about one entry takes, on average; zero before the first.
	usual time.Duration
}

// verdict is what the end of an operation tells about its server.
type verdict int

const (
	nothing verdict = iota
	good
	bad
)

// ended takes the end of an operation that took so long: err is nil when the server answered,
// whatever it said. quick tells that the operation is about one entry, so that an answer that
// takes ProbeTimeout is as bad as none.
func (b *breaker) ended(s *server, err error, took time.Duration, quick bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.judge(s, err, took, quick) {
	case good:
		if quick {
			b.usual = (15*b.usual + took) / 16
		}
		if !b.until.IsZero() {
			s.client.options.Logger.Info("the directory server answers again", "server", s.address)
		}
		b.strikes, b.stops, b.until, b.trying = 0, 0, time.Time{}, false
	case bad:
		b.strike(s)
	case nothing:
		b.next()
	}
}

// spare takes the end of a request that was let through and not sent.
func (b *breaker) spare() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next()
}

// next lets the next request try whether the server answers again. b.mu is held.
func (b *breaker) next() {
	if b.trying {
		b.until, b.trying = time.Now(), false
	}
}

func (b *breaker) judge(s *server, err error, took time.Duration, quick bool) verdict {
	limit := s.client.options.ProbeTimeout
	switch {
	case err == nil && quick && took >= limit:
		return bad
	case err == nil:
		return good
	case errors.Is(err, errGap), errors.Is(err, errSilent):
		return bad
	case !errors.Is(err, context.DeadlineExceeded):
		return nothing // Something else looks after it.
	}
	if b.usual > 0 { // Who has less time than a question may take is heard, too.
		limit = min(limit, max(leastStrike, slowness*b.usual))
	}
	if took < limit {
		return nothing
	}
	return bad
}

// strike holds an operation against the server. b.mu is held.
func (b *breaker) strike(s *server) {
	b.strikes++
	isOpen := !b.until.IsZero()
	if b.strikes < maxStrikes || isOpen && !b.trying { // What was sent before the pause ends in it.
		return
	}
	if !isOpen {
		s.client.options.Logger.Warn("the directory server answers nothing in time; it is asked once after each pause", "server", s.address, "operations", b.strikes)
	}
	b.until, b.trying = time.Now().Add(jitter(min(firstStop<<min(b.stops, 16), lastStop))), false
	b.stops++
}

// admit lets a request go to the server: the first after a pause, and none until that one has
// ended, or run out of time.
func (b *breaker) admit(s *server) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return nil
	}
	if wait := time.Until(b.until); wait > 0 {
		return &downError{errSlow, max(wait, firstBackoff)}
	}
	b.until, b.trying = time.Now().Add(s.client.options.OperationTimeout), true
	return nil
}

// state tells whether requests go on, for a snapshot, and when one is let through.
func (b *breaker) state(now time.Time) (Breaker, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return BreakerClosed, 0
	case b.until.After(now) && !b.trying:
		return BreakerOpen, b.until.Sub(now)
	}
	return BreakerHalfOpen, 0
}

// errSlow is why requests do not go to a server that answers nothing in time.
var errSlow = fmt.Errorf("it left %d requests in a row without an answer in time", maxStrikes)
