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
)

// breaker stops requests to a server that can be connected to and answers questions about
// itself, but no others: its database hangs, for instance. After maxStrikes operations that
// ran out of time, ProbeTimeout of it at least, it is asked for nothing but one request after
// each pause, until it answers one.
type breaker struct {
	mu      sync.Mutex // guards the fields below
	strikes int
	stops   int       // pauses so far
	until   time.Time // when the pause is over; zero while requests go on
}

// ended takes the end of an operation that took so long.
func (b *breaker) ended(s *server, err error, took time.Duration) {
	if err != nil && (!errors.Is(err, context.DeadlineExceeded) || took < s.client.options.ProbeTimeout) {
		return // That says nothing about the server, or something else looks after it.
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		if !b.until.IsZero() {
			s.client.options.Logger.Info("the directory server answers again", "server", s.address)
		}
		b.strikes, b.stops, b.until = 0, 0, time.Time{}
		return
	}
	if b.strikes++; b.strikes < maxStrikes {
		return
	}
	if b.until.IsZero() {
		s.client.options.Logger.Warn("the directory server answers nothing in time; it is asked once after each pause", "server", s.address, "operations", b.strikes)
	}
	b.until = time.Now().Add(jitter(min(firstStop<<min(b.stops, 16), lastStop)))
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
	b.until = time.Now().Add(s.client.options.OperationTimeout)
	return nil
}

// state tells whether requests go on, for a snapshot, and when one is let through.
func (b *breaker) state(now time.Time) (Breaker, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return BreakerClosed, 0
	case b.until.After(now):
		return BreakerOpen, b.until.Sub(now)
	}
	return BreakerHalfOpen, 0
}

// errSlow is why requests do not go to a server that answers nothing in time.
var errSlow = fmt.Errorf("it left %d requests in a row without an answer", maxStrikes)
