package bearer

import (
	"sync"
	"time"
)

const (
	// breakerFailures is how many failures in a row make the gateway leave a server alone.
	breakerFailures = 5
	// breakerPause is for how long, before one question tries whether it is back.
	breakerPause = 5 * time.Second
)

// breaker leaves a server alone that has failed several times in a row: requests are
// refused at once, but for one in a while that tries. The zero breaker is ready, and
// safe for concurrent use.
type breaker struct {
	mu       sync.Mutex // guards the fields below
	failures int        // in a row
	until    time.Time  // the next question may be asked then
	trying   bool       // one is under way
}

// enter returns 0 when a question may be asked; it must end with succeeded, failed or
// leave. Else it returns how long there is nothing to ask.
func (b *breaker) enter(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures < breakerFailures:
		return 0
	case b.trying:
		return breakerPause
	case now.Before(b.until):
		return b.until.Sub(now)
	}
	b.trying = true
	return 0
}

// leave ends a question that told nothing.
func (b *breaker) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
}

// succeeded ends a question that was answered. It reports whether the one before was not.
func (b *breaker) succeeded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	failed := b.failures > 0
	b.failures, b.trying = 0, false
	return failed
}

// failed ends a question that was not answered. It returns how long to wait before the
// next, and whether this was the first failure in a row.
func (b *breaker) failed(now time.Time) (wait time.Duration, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	b.trying = false
	if b.failures >= breakerFailures {
		b.until, wait = now.Add(breakerPause), breakerPause
	}
	return wait, b.failures == 1
}
