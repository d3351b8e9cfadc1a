package ldapclient

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// page is how many entries of a list are fetched at once.
const page = 500

// list is a search of any length, in pages, on a connection of its own. Entries are
// handed out when nothing is outstanding.
func (s *session) list(ctx context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	known, err := s.client.knowledge(ctx)
	if err != nil {
		return directory.SearchResult{}, err
	}
	ctx, cancel := s.client.bounded(ctx)
	defer cancel()
	l := lister{session: s, req: req, critical: known.paging}
	l.yield = func(entry *directory.Entry) error {
		entry, err := s.whole(ctx, req.Attributes, l.conn, entry)
		if err != nil {
			return err
		}
		return yield(entry)
	}
	result, err := l.run(ctx)
	// A connection that was dead; nothing has been handed out.
	if err != nil && !l.started && isLost(err) {
		l.avoid = failedServer(err)
		result, err = l.run(ctx)
	}
	if err != nil && !l.stopped {
		return result, transportFault(err, false)
	}
	return result, err
}

// lister fetches a list.
type lister struct {
	*session
	conn     *conn
	req      *directory.SearchRequest
	yield    func(*directory.Entry) error
	critical bool
	started  bool    // a page has come
	stopped  bool    // yield returned an error
	count    int     // entries handed out
	avoid    *server // where it failed
}

// run borrows a connection for the whole list.
func (l *lister) run(ctx context.Context) (directory.SearchResult, error) {
	loan, err := l.borrow(ctx, need{target: l.target(l.req.Base), avoid: l.avoid})
	if err != nil {
		return directory.SearchResult{}, err
	}
	defer loan.giveBack() //nolint:contextcheck // What is drained is for who comes next.
	l.conn = loan.conn
	op, err := l.page(ctx, "")
	if err != nil {
		return directory.SearchResult{}, err
	}
	l.started = true
	return l.rest(ctx, op)
}

// page fetches the page that the cookie stands for.
func (l *lister) page(ctx context.Context, cookie string) (*operation, error) {
	controls, err := l.with(l.req.Controls, ldapwire.Paging(page, cookie, l.critical))
	if err != nil {
		return nil, err
	}
	if cookie != "" {
		return l.conn.goOn(ctx, searchFor(l.req, controls))
	}
	return l.conn.do(ctx, searchFor(l.req, controls))
}

// rest hands out the page that has been fetched, and those after it.
func (l *lister) rest(ctx context.Context, op *operation) (directory.SearchResult, error) {
	var total directory.SearchResult
	seen := pages{}
	for {
		result, err := judge(l.req, op, l.count+len(op.entries))
		total.References += result.References
		total.More, total.Answer = result.More, result.Answer
		if err != nil {
			return total, err
		}
		cookie, _, err := op.cookie()
		if err == nil {
			err = seen.note(op.entries)
		}
		if err != nil {
			return total, err
		}
		if err := l.handOut(&total, op.entries, cookie); err != nil || total.More || cookie == "" {
			l.forget(ctx, cookie)
			return total, err
		}
		if op, err = l.page(ctx, cookie); err != nil {
			return total, err
		}
	}
}

// cookie is that of the next page; see ldapwire.Message.PagingCookie.
func (op *operation) cookie() (cookie string, paged bool, err error) {
	err = op.conn.decode(func() (err error) { cookie, paged, err = op.final.PagingCookie(); return err })
	return cookie, paged, err
}

// handOut yields the entries of a page, as many as are wanted. cookie tells whether
// there are more pages.
func (l *lister) handOut(total *directory.SearchResult, entries []*directory.Entry, cookie string) error {
	for i, entry := range entries {
		entries[i] = nil // It may be let go of while the rest is at work.
		if err := l.yield(entry); err != nil {
			l.stopped = true
			return err
		}
		l.count++
		// A server may count each page of its own.
		if l.count == l.req.SizeLimit && (i < len(entries)-1 || cookie != "") {
			total.More = true
			return nil
		}
	}
	return nil
}

// forget tells the server that a list ends here (RFC 2696 §3), whatever it answers.
func (l *lister) forget(ctx context.Context, cookie string) {
	if cookie == "" || ctx.Err() != nil {
		return
	}
	_, _ = l.conn.do(ctx, searchFor(l.req, l.controls(ldapwire.Paging(0, cookie, l.critical))))
}

// pages are those of a search so far, by the name of the first entry of each.
type pages map[string]bool

// note refuses a page that came before: a server that has lost its place in a search may begin
// anew, again and again, without a word.
func (p pages) note(entries []*directory.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	first := entries[0].DN
	if p[first] {
		return nonsense("a page that came before")
	}
	p[first] = true
	return nil
}
