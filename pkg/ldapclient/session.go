package ldapclient

import (
	"context"
	"errors"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

const (
	// page is how many entries of a list are fetched at once.
	page = 500
	// bounded is the greatest size limit of a search that shares its connection.
	bounded = 32
)

// session runs operations as an identity, or as the gateway's own account.
type session struct {
	client  *Client
	proxied bool
	authzID string
}

// controls returns those that every request of the session carries, and more.
func (s *session) controls(more ...ldapwire.Control) []ldapwire.Control {
	if !s.proxied {
		return more
	}
	return append([]ldapwire.Control{ldapwire.ProxiedAuthorization(s.authzID)}, more...)
}

// errNoProxy is the fault for a directory that cannot act for others.
func errNoProxy() *fault.Error {
	return fault.New(fault.BadGateway, "the directory does not support proxied authorization (RFC 4370), without which the gateway cannot act for its callers").Named("proxiedAuthorization")
}

func (s *session) Search(ctx context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	if req.Scope == directory.ScopeBase || req.SizeLimit > 0 && req.SizeLimit <= bounded {
		return s.lookUp(ctx, req, yield)
	}
	return s.list(ctx, req, yield)
}

// lookUp is a search with few results, on a connection that it shares.
func (s *session) lookUp(ctx context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	op, err := s.search(ctx, nil, req)
	if err != nil {
		return directory.SearchResult{}, err
	}
	result, err := s.ended(req, op, len(op.entries))
	if err != nil {
		return result, err
	}
	for _, entry := range op.entries {
		if err := yield(entry); err != nil {
			return result, err
		}
	}
	return result, nil
}

// search sends a search: on that connection, or on one that it shares. One whose
// connection was dead before anything came back is sent once more.
func (s *session) search(ctx context.Context, alone *conn, req *directory.SearchRequest, controls ...ldapwire.Control) (*operation, error) {
	all := s.controls(controls...)
	encode := func(dst []byte, id int32) []byte { return ldapwire.AppendSearch(dst, id, req, all...) }
	for attempt := 0; ; attempt++ {
		c, release := alone, func() {}
		if alone == nil {
			var err error
			if c, release, err = s.client.borrow(ctx, true); err != nil {
				return nil, transportFault(err, false)
			}
		}
		s.client.trace(ctx, "search")
		op, err := c.do(ctx, encode)
		release()
		var lost *lostError
		var unsent *unsentError
		again := errors.As(err, &unsent) || errors.As(err, &lost) && len(op.entries) == 0
		switch {
		case err == nil:
			return op, nil
		case again && alone == nil && attempt == 0 && ctx.Err() == nil:
			continue
		}
		return nil, transportFault(err, false)
	}
}

// ended judges how a search ended, after count entries in all.
func (s *session) ended(req *directory.SearchRequest, op *operation, count int) (directory.SearchResult, error) {
	result, err := op.final.Result()
	if err != nil {
		return directory.SearchResult{}, transportFault(err, false)
	}
	outcome := directory.SearchResult{References: op.references}
	switch {
	case op.final.Op != ldapwire.SearchResultDone:
		return outcome, fault.New(fault.BadGateway, "the directory sent an answer that makes no sense").Named("malformedAnswer")
	case result.Code == codeSuccess:
		return outcome, nil
	case result.Code == codeSizeLimitExceeded && req.SizeLimit > 0 && count == req.SizeLimit:
		outcome.More = true
		return outcome, nil
	}
	e := resultFault(result)
	if result.Code == codeSizeLimitExceeded {
		e.Detail.Limit = int64(count)
	}
	return outcome, e
}

// list is a search of any length, in pages, on a connection of its own. Entries are
// handed out when nothing is outstanding.
func (s *session) list(ctx context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	known, err := s.client.knowledge(ctx)
	if err != nil {
		return directory.SearchResult{}, err
	}
	for attempt := 0; ; attempt++ {
		c, release, err := s.client.borrow(ctx, false)
		if err != nil {
			return directory.SearchResult{}, transportFault(err, false)
		}
		l := lister{session: s, conn: c, req: req, yield: yield, critical: known.paging}
		result, err := l.run(ctx)
		release()
		// A connection that had died while it was idle; nothing has been handed out.
		if err != nil && l.count == 0 && attempt == 0 && c.isWorn() && errors.Is(err, fault.Unavailable) && ctx.Err() == nil {
			continue
		}
		return result, err
	}
}

// lister fetches a list.
type lister struct {
	*session
	conn     *conn
	req      *directory.SearchRequest
	yield    func(*directory.Entry) error
	critical bool
	count    int // entries handed out
}

func (l *lister) run(ctx context.Context) (directory.SearchResult, error) {
	var total directory.SearchResult
	cookie := ""
	for {
		op, err := l.search(ctx, l.conn, l.req, ldapwire.Paging(page, cookie, l.critical))
		if err != nil {
			return total, err
		}
		result, err := l.ended(l.req, op, l.count+len(op.entries))
		total.References += result.References
		total.More = result.More
		if err != nil {
			return total, err
		}
		if cookie, _, err = op.final.PagingCookie(); err != nil {
			return total, transportFault(err, false)
		}
		for i, entry := range op.entries {
			op.entries[i] = nil // It may be let go of while the rest is at work.
			if err := l.yield(entry); err != nil {
				l.forget(ctx, cookie)
				return total, err
			}
			l.count++
		}
		if cookie == "" || result.More {
			return total, nil
		}
	}
}

// forget tells the server that a list ends here (RFC 2696 §3).
func (l *lister) forget(ctx context.Context, cookie string) {
	if cookie == "" || ctx.Err() != nil {
		return
	}
	// Whatever the answer is, the list is over.
	_, _ = l.search(ctx, l.conn, l.req, ldapwire.Paging(0, cookie, l.critical))
}

func (s *session) Add(ctx context.Context, req *directory.AddRequest) (*directory.Entry, error) {
	controls := s.writeControls(&req.WriteOptions, ldapwire.PostRead)
	return s.change(ctx, "add", ldapwire.AddResponse, func(dst []byte, id int32) []byte {
		return ldapwire.AppendAdd(dst, id, req, controls...)
	})
}

func (s *session) Modify(ctx context.Context, req *directory.ModifyRequest) (*directory.Entry, error) {
	controls := s.writeControls(&req.WriteOptions, ldapwire.PostRead)
	if req.Permissive {
		known, err := s.client.knowledge(ctx)
		if err != nil {
			return nil, err
		}
		if known.permissive {
			controls = append(controls, ldapwire.PermissiveModify())
		}
	}
	return s.change(ctx, "modify", ldapwire.ModifyResponse, func(dst []byte, id int32) []byte {
		return ldapwire.AppendModify(dst, id, req, controls...)
	})
}

func (s *session) Delete(ctx context.Context, req *directory.DeleteRequest) (*directory.Entry, error) {
	controls := s.writeControls(&req.WriteOptions, ldapwire.PreRead)
	return s.change(ctx, "delete", ldapwire.DelResponse, func(dst []byte, id int32) []byte {
		return ldapwire.AppendDelete(dst, id, req.DN, controls...)
	})
}

func (s *session) writeControls(o *directory.WriteOptions, read func([]string) ldapwire.Control) []ldapwire.Control {
	controls := s.controls()
	if o.Assert != nil {
		controls = append(controls, ldapwire.Assertion(o.Assert))
	}
	if len(o.Read) > 0 {
		controls = append(controls, read(o.Read))
	}
	return controls
}

// change sends a change, once, on a connection of its own.
func (s *session) change(ctx context.Context, name string, want ldapwire.Op, encode func(dst []byte, id int32) []byte) (*directory.Entry, error) {
	op, err := s.alone(ctx, name, encode)
	if err != nil {
		return nil, transportFault(err, true)
	}
	if err := s.succeeded(op, want); err != nil {
		return nil, err
	}
	// A change that was made is a success, whatever came back with it.
	entry, err := op.final.ReadEntry()
	if err != nil {
		s.client.options.Logger.Warn("the entry that came back with a change makes no sense", "error", err)
		return nil, nil //nolint:nilnil // No entry came back.
	}
	return entry, nil
}

// alone sends a request on a connection of its own. When nothing of it left, because
// the connection had died while it was idle, another one is tried.
func (s *session) alone(ctx context.Context, name string, encode func(dst []byte, id int32) []byte) (*operation, error) {
	for attempt := 0; ; attempt++ {
		c, release, err := s.client.borrow(ctx, false)
		if err != nil {
			return nil, err
		}
		s.client.trace(ctx, name)
		op, err := c.do(ctx, encode)
		release()
		var unsent *unsentError
		if errors.As(err, &unsent) && attempt == 0 && ctx.Err() == nil {
			continue
		}
		return op, err
	}
}

// succeeded returns nil when the operation did.
func (s *session) succeeded(op *operation, want ldapwire.Op) error {
	result, err := op.final.Result()
	switch {
	case err != nil:
		return transportFault(err, true)
	case op.final.Op != want:
		return fault.New(fault.BadGateway, "the directory sent an answer that makes no sense").Named("malformedAnswer")
	case result.Code != codeSuccess:
		return resultFault(result)
	}
	return nil
}

func (s *session) WhoAmI(ctx context.Context) (string, error) {
	controls := s.controls()
	op, err := s.alone(ctx, "whoami", func(dst []byte, id int32) []byte {
		return ldapwire.AppendExtended(dst, id, ldapwire.OIDWhoAmI, controls...)
	})
	if err != nil {
		return "", transportFault(err, false)
	}
	if err := s.succeeded(op, ldapwire.ExtendedResponse); err != nil {
		return "", err
	}
	value, err := op.final.ExtendedValue()
	if err != nil {
		return "", transportFault(err, false)
	}
	return strings.Clone(value), nil
}
