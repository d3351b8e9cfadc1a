package memdir

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// walk is a result that is taken in pages (RFC 2696). As in slapd a connection holds one
// at a time, and a new one takes the place of the one before.
type walk struct {
	cursor *store.Cursor
	// next is the entry that the next page begins with; nil is none. ended says that the
	// cursor came to its end.
	next  *directory.Entry
	ended bool
	// query is the digest of what was asked for: a cookie is good for nothing else. slapd
	// is not so strict.
	query [sha256.Size]byte
	// id is random, and number counts the pages; together they are the cookie.
	id     string
	number uint32
	sorted bool
}

func (w *walk) cookie() string {
	return string(binary.BigEndian.AppendUint32([]byte(w.id), w.number))
}

// peek looks at the next entry, nil at the end.
func (w *walk) peek() *directory.Entry {
	if w.next == nil && !w.ended {
		if entry, ok := w.cursor.Next(); ok {
			w.next = entry
		} else {
			w.ended = true
		}
	}
	return w.next
}

// searchPage answers a search with one page of its result.
func (r *request) searchPage(q *ldapwire.Search, p *paging) {
	w, result := r.page(q, p)
	if w == nil {
		r.finish(result)
		return
	}
	full := 0
	for ; full < p.size && w.peek() != nil; full++ {
		if !r.entry(w.next) {
			return
		}
		w.next = nil
	}
	cookie := ""
	// A limit that ended the result is told with the page after, when this one is full.
	if w.peek() != nil || full == p.size && w.cursor.Result().Code != 0 && full > 0 {
		w.number++
		cookie = w.cookie()
		r.conn.setPage(w)
	} else if result := w.cursor.Result(); result.Code != 0 {
		r.finish(result)
		return
	}
	r.finish(store.Result{}, append(r.sorted(store.Result{}), ldapwire.PagingResult(0, cookie))...)
}

// page begins a walk, or takes it up where the cookie says. A nil walk is the end, with
// the result.
func (r *request) page(q *ldapwire.Search, p *paging) (*walk, store.Result) {
	query := r.digest(q)
	if p.cookie != "" {
		w, result := r.conn.takePage(p.cookie, query)
		if w != nil && p.size == 0 {
			return nil, store.Result{Message: "search abandoned by pagedResult size=0"}
		}
		return w, result
	}
	cursor, result := r.open(q)
	if result.Code != 0 {
		return nil, result
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // It never fails.
	return &walk{cursor: cursor, query: query, id: string(id), sorted: len(r.controls.sort) > 0}, store.Result{}
}

// digest is a digest of what a search asks for, and who asks.
func (r *request) digest(q *ldapwire.Search) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d %t %q %q %+v",
		r.who.DN, q.Base, q.Scope, q.SizeLimit, q.TypesOnly, q.Attributes, ldapwire.AppendFilter(nil, &q.Filter), r.controls.sort))
}

// takePage takes the walk from which the cookie is. Without one the results are those of
// slapd: a cookie of an earlier page of the same walk is old, any other is invalid.
func (c *conn) takePage(cookie string, query [sha256.Size]byte) (*walk, store.Result) {
	c.mu.Lock()
	w := c.page
	switch {
	case w == nil || !strings.HasPrefix(cookie, w.id) || len(cookie) != len(w.cookie()) || w.query != query || cookie > w.cookie():
		c.mu.Unlock()
		return nil, store.Result{Code: protocolError, Message: "paged results cookie is invalid"}
	case cookie < w.cookie():
		c.mu.Unlock()
		return nil, store.Result{Code: unwilling, Message: "paged results cookie is invalid or old"}
	}
	c.page = nil
	c.mu.Unlock()
	c.server.holdSorted(w, nil)
	return w, store.Result{}
}

// setPage holds a walk until its next page, nil for none, instead of the one before.
func (c *conn) setPage(w *walk) {
	c.mu.Lock()
	before := c.page
	c.page = w
	c.mu.Unlock()
	c.server.holdSorted(before, w)
}

// maxHeldSorts is how many sorted results may be held between pages, on all connections
// together, before no other search may be sorted: slapd's sssvlv-max on a machine with two
// processors.
const maxHeldSorts = 8

func (s *Server) maySort() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sorted < maxHeldSorts
}

// holdSorted counts a walk that is held no longer, and one that is held from now on.
func (s *Server) holdSorted(before, after *walk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before != nil && before.sorted {
		s.sorted--
	}
	if after != nil && after.sorted {
		s.sorted++
	}
}
