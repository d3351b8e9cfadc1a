package memo

import (
	"context"
	"sync"
	"time"
)

// Cache remembers values by key. Its methods may be called by several goroutines.
type Cache[K comparable, V any] struct {
	size  int
	clock func() time.Time

	mu      sync.Mutex // guards the fields below
	recent  map[K]entry[V]
	older   map[K]entry[V]
	flights map[K]*flight[V]
}

type entry[V any] struct {
	value V
	until time.Time
}

// flight is one look-up in progress.
type flight[V any] struct {
	done chan struct{}
	// Set before done is closed.
	value     V
	err       error
	abandoned bool // the one who looked it up gave up, by its own context
	panicked  bool
}

// New makes a cache of at most size entries. The oldest half is forgotten when
// it is full. The clock tells the time.
func New[K comparable, V any](size int, clock func() time.Time) *Cache[K, V] {
	c := &Cache[K, V]{size: max(size, 2), clock: clock}
	c.Clear()
	return c
}

// Get returns the value of the key, unless it is not there or too old.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	now := c.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(key, now)
}

func (c *Cache[K, V]) get(key K, now time.Time) (V, bool) {
	e, ok := c.recent[key]
	if !ok {
		if e, ok = c.older[key]; ok {
			c.put(key, e) // what is in use stays
		}
	}
	if !ok || !now.Before(e.until) {
		return *new(V), false
	}
	return e.value, true
}

// put stores an entry. The lock is held.
func (c *Cache[K, V]) put(key K, e entry[V]) {
	if len(c.recent) >= c.size/2 {
		c.older = c.recent
		c.recent = make(map[K]entry[V], 16)
	}
	delete(c.older, key)
	c.recent[key] = e
}

// Len returns the number of entries, those that are too old included.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.recent) + len(c.older)
}

// Clear forgets everything, also what is being looked up at the moment: its
// result goes to those who wait for it already, and is not kept.
func (c *Cache[K, V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent, c.older = map[K]entry[V]{}, map[K]entry[V]{}
	c.flights = map[K]*flight[V]{}
}

// Forget forgets one key, as Clear does for all.
func (c *Cache[K, V]) Forget(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.recent, key)
	delete(c.older, key)
	delete(c.flights, key)
}

// ForgetIf forgets every entry whose value is the one meant, and whatever is being
// looked up at the moment.
func (c *Cache[K, V]) ForgetIf(meant func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entries := range []map[K]entry[V]{c.recent, c.older} {
		for key, e := range entries {
			if meant(e.value) {
				delete(entries, key)
			}
		}
	}
	c.flights = map[K]*flight[V]{}
}

// Result is what a look-up found.
type Result[V any] struct {
	Value V
	// Keep is how long to remember the value; 0 is not at all.
	Keep time.Duration
}

// Do returns the value of the key, and looks it up when it is not there. Callers
// that ask for the same key meanwhile wait for that result, or for the end of their
// own context. shared tells that somebody else looked it up. A look-up that ends
// because its caller went away is made again by the next who waits.
func (c *Cache[K, V]) Do(ctx context.Context, key K, look func(context.Context) (Result[V], error)) (value V, shared bool, err error) {
	for {
		now := c.clock()
		c.mu.Lock()
		if value, ok := c.get(key, now); ok {
			c.mu.Unlock()
			return value, false, nil
		}
		f := c.flights[key]
		if f == nil {
			f = &flight[V]{done: make(chan struct{})}
			c.flights[key] = f
			c.mu.Unlock()
			c.fly(ctx, key, f, look)
			return f.value, false, f.err
		}
		c.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return *new(V), true, context.Cause(ctx)
		}
		if !f.abandoned && !f.panicked {
			return f.value, true, f.err
		}
	}
}

// fly looks the value up and hands it to those who wait.
func (c *Cache[K, V]) fly(ctx context.Context, key K, f *flight[V], look func(context.Context) (Result[V], error)) {
	f.panicked = true
	began := c.clock() // what was found may be as old as that
	var found Result[V]
	defer func() {
		f.value = found.Value
		f.abandoned = f.err != nil && ctx.Err() != nil
		c.land(key, f, found.Keep, began)
	}()
	found, f.err = look(ctx)
	f.panicked = false
}

// land stores the result, unless it was forgotten meanwhile.
func (c *Cache[K, V]) land(key K, f *flight[V], keep time.Duration, began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[key] == f {
		delete(c.flights, key)
		if keep > 0 && f.err == nil && !f.panicked {
			c.put(key, entry[V]{value: f.value, until: began.Add(keep)})
		}
	}
	close(f.done)
}
