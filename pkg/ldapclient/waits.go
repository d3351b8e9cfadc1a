package ldapclient

import (
	"sync"
	"time"
)

// waitBounds are the upper bounds of the buckets of Waits.
var waitBounds = [...]time.Duration{ //nolint:gochecknoglobals // A constant table.
	time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	500 * time.Millisecond, time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
}

// Waits is a histogram of how long those waited who had to wait for a connection, whether they
// got one or not.
type Waits struct {
	// Count is how many there were; Sum and Max are the time of all of them and the longest.
	Count    int64
	Sum, Max time.Duration
	// Buckets are in the order of their bounds, and each holds those before it.
	Buckets []Bucket
}

// Bucket is a part of Waits.
type Bucket struct {
	// Count is how many waited no longer than Bound.
	Bound time.Duration
	Count int64
}

// waits gathers what Waits shows.
type waits struct {
	mu      sync.Mutex // guards the fields below
	sum     time.Duration
	longest time.Duration
	counts  [len(waitBounds) + 1]int64
}

func (w *waits) add(d time.Duration) {
	i := 0
	for i < len(waitBounds) && d > waitBounds[i] {
		i++
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[i]++
	w.sum += d
	w.longest = max(w.longest, d)
}

func (w *waits) snapshot() Waits {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := Waits{Sum: w.sum, Max: w.longest, Buckets: make([]Bucket, len(waitBounds))}
	for i, n := range w.counts {
		all.Count += n
		if i < len(waitBounds) {
			all.Buckets[i] = Bucket{waitBounds[i], all.Count}
		}
	}
	return all
}
