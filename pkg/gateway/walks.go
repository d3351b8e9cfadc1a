package gateway

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

const (
	// idleWalk is how long a walk keeps its connection between two pages.
	idleWalk = time.Minute
	// maxWalks is how many walks are remembered, and maxServed how many of their entries
	// in all, 16 octets each.
	maxWalks  = 1 << 12
	maxServed = 1 << 22
)

// mark tells an entry from every other one.
type mark [16]byte

// walk is a paged query in the order of a server. One request uses it at a time.
type walk struct {
	id string
	// steps is the search; nil when it has to be begun anew.
	steps directory.Walk
	// ahead are entries that steps has returned and that were not looked at, at most
	// pageOfReferences; last tells that it has no more.
	ahead []*directory.Entry
	last  bool
	// server is where the order of the entries so far is from.
	server string
	// served are the entries of the pages so far.
	served []mark
	// passed are those of them that steps, begun anew, has not come across yet.
	passed map[mark]bool
	// used is when the walk was last given back.
	used time.Time
}

// walks are the walks between their pages. What is forgotten of them costs time when
// they go on, or an error, never a wrong page.
type walks struct {
	mu     sync.Mutex // guards the fields below
	known  map[string]*walk
	held   int  // walks in known that keep a connection
	served int  // entries of walks in known
	armed  bool // a sweep is to come
	// limit is how many walks keep a connection.
	limit int
	now   func() time.Time
}

// newWalks makes an empty set of walks, of which so many keep their connections.
func newWalks(limit int) *walks {
	return &walks{known: make(map[string]*walk), limit: limit, now: time.Now}
}

// take takes a walk of which that many entries have been served. When more have been,
// because a page was lost on its way, or when another request uses it, a new walk begins
// with the same entries. It is nil when the walk is not known.
func (s *walks) take(id string, served int) *walk {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.known[id]
	switch {
	case w == nil || len(w.served) < served:
		return nil
	case len(w.served) > served:
		return &walk{id: rand.Text(), server: w.server, served: append([]mark(nil), w.served[:served]...)}
	}
	s.remove(w)
	return w
}

// put keeps a walk for its next page.
func (s *walks) put(w *walk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.used = s.now()
	s.known[w.id] = w
	s.served += len(w.served)
	if w.steps != nil {
		s.held++
	}
	for s.held > s.limit {
		s.release(s.oldest(func(w *walk) bool { return w.steps != nil }))
	}
	for s.served > maxServed || len(s.known) > maxWalks {
		w := s.oldest(func(*walk) bool { return true })
		s.remove(w)
		w.end()
	}
	if !s.armed {
		s.armed = true
		time.AfterFunc(idleWalk, s.sweep)
	}
}

// remove takes a walk out. s.mu is held.
func (s *walks) remove(w *walk) {
	delete(s.known, w.id)
	s.served -= len(w.served)
	if w.steps != nil {
		s.held--
	}
}

// release gives the connection of a walk back. s.mu is held.
func (s *walks) release(w *walk) {
	w.end()
	s.held--
}

// oldest returns the walk among some that was used the longest time ago. s.mu is held.
func (s *walks) oldest(among func(*walk) bool) *walk {
	var oldest *walk
	for _, w := range s.known {
		if among(w) && (oldest == nil || w.used.Before(oldest.used)) {
			oldest = w
		}
	}
	return oldest
}

// sweep gives back the connections of walks that have been idle, and forgets walks whose
// cookies have expired.
func (s *walks) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := cookieLife
	for _, w := range s.known {
		idle := s.now().Sub(w.used)
		switch {
		case idle >= cookieLife:
			s.remove(w)
			w.end()
			continue
		case idle >= idleWalk && w.steps != nil:
			s.release(w)
		}
		if w.steps != nil {
			next = min(next, idleWalk-idle)
		} else {
			next = min(next, cookieLife-idle)
		}
	}
	if s.armed = len(s.known) > 0; s.armed {
		time.AfterFunc(next, s.sweep)
	}
}

// pass has the entries that were served passed over.
func (w *walk) pass() {
	w.passed = make(map[mark]bool, len(w.served))
	for _, m := range w.served {
		w.passed[m] = true
	}
}

// end gives the connection back.
func (w *walk) end() {
	if w.steps != nil {
		w.steps.Close()
		w.steps, w.ahead, w.last = nil, nil, false
	}
}
