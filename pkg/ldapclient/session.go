package ldapclient

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// bounded is the greatest size limit of a search that shares its connection.
const bounded = 32

// session runs operations as an identity, or as the gateway's own account.
type session struct {
	client *Client
	// as is whose connections are used; nil is the gateway's own.
	as *account
	// proxied tells that every request carries authzID.
	proxied bool
	// authzID is who makes changes, as far as the directory tells; "" when unknown, and where
	// others make them in the same name.
	authzID string
	// key stands for the caller; "" is the gateway itself.
	key string
	// refused is why the identity cannot act at all.
	refused error
	// wrote is the server that got the last change of the session, which reads from there: what
	// a request shows of its own change must not be older than that.
	wrote atomic.Pointer[server]
}

// controls returns those that every request of the session carries, and more.
func (s *session) controls(more ...ldapwire.Control) []ldapwire.Control {
	if !s.proxied {
		return more
	}
	return append([]ldapwire.Control{ldapwire.ProxiedAuthorization(s.authzID)}, more...)
}

// ready checks that the directory can act as the identity: a server that does not know
// the control, and passes over it although it is critical, would act as the gateway.
func (s *session) ready(ctx context.Context) error {
	if s.refused != nil || !s.proxied {
		return s.refused
	}
	known, err := s.client.knowledge(ctx)
	if err == nil && !known.proxied {
		err = errNoProxy()
	}
	return err
}

// errNoProxy is the fault for a directory that cannot act for others.
func errNoProxy() *fault.Error {
	return fault.New(fault.BadGateway, "the directory does not support proxied authorization (RFC 4370), without which the gateway cannot act for its callers").Named("proxiedAuthorization")
}

func (s *session) Search(ctx context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	if err := s.ready(ctx); err != nil {
		return directory.SearchResult{}, err
	}
	req, err := s.complete(ctx, req)
	if err != nil {
		return directory.SearchResult{}, err
	}
	if len(req.Sort) > 0 {
		return s.lookUp(ctx, req, yield, false)
	}
	if req.Scope == directory.ScopeBase || req.SizeLimit > 0 && req.SizeLimit <= bounded {
		return s.lookUp(ctx, req, yield, true)
	}
	return s.list(ctx, req, yield)
}

// lookUp is a search that is answered in one piece. One with few results shares its
// connection.
func (s *session) lookUp(ctx context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error, sharing bool) (directory.SearchResult, error) {
	var more []ldapwire.Control
	if len(req.Sort) > 0 {
		more = []ldapwire.Control{ldapwire.Sort(req.Sort)}
	}
	controls, err := s.with(req.Controls, more...)
	if err != nil {
		return directory.SearchResult{}, err
	}
	op, err := s.exchange(ctx, searchFor(req, controls), need{sharing: sharing, target: s.target(req.Base)})
	if err != nil {
		return directory.SearchResult{}, err
	}
	result, err := judge(req, op, len(op.entries))
	if err = judgeOrder(req, op, &result, err); err != nil {
		return result, err
	}
	for i, entry := range op.entries {
		if i == req.SizeLimit && i > 0 { // The server passed over the limit.
			result.More = true
			break
		}
		if entry, err = s.whole(ctx, req.Attributes, op.conn, entry); err != nil {
			return result, err
		}
		if err := yield(entry); err != nil {
			return result, err
		}
	}
	return result, nil
}

func searchFor(req *directory.SearchRequest, controls []ldapwire.Control) request {
	return request{name: "search", want: ldapwire.SearchResultDone, controls: controls, encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		return ldapwire.AppendSearch(dst, id, req, controls...)
	}, base: req.Base, quick: req.Scope == directory.ScopeBase}
}

// judge tells how a search ended, after count entries in all.
func judge(req *directory.SearchRequest, op *operation, count int) (directory.SearchResult, error) {
	answer, err := op.answer()
	if err != nil {
		return directory.SearchResult{}, transportFault(err, false)
	}
	outcome := directory.SearchResult{References: op.references, Answer: answer}
	switch code := op.result.Code; {
	case code == codeSuccess:
		return outcome, nil
	case code == codeSizeLimitExceeded && req.SizeLimit > 0 && count >= req.SizeLimit:
		outcome.More = true
		return outcome, nil
	default:
		e := op.fault()
		if code == codeSizeLimitExceeded {
			e.Detail.Limit = int64(count)
		}
		return outcome, e
	}
}

// exchange sends a request that changes nothing, and gets its answer. When the
// connection turns out to be dead, the request is sent once more on another one; when the
// server has no time, to each of the others.
func (s *session) exchange(ctx context.Context, r request, n need) (*operation, error) {
	ctx, cancel := s.client.bounded(ctx)
	defer cancel()
	for again := true; ; again = false {
		op, err := s.once(ctx, r, n)
		switch {
		case err == nil && isBusy(op.result.Code):
			if other, ok := s.elsewhere(ctx, r, n, op.conn.server); ok {
				return other, nil
			}
			return op, nil
		case err == nil:
			return op, nil
		case !again || !isLost(err):
			return nil, transportFault(err, false)
		}
		n.avoid = failedServer(err)
	}
}

// failedServer is the server that ended the connection of an operation; nil where that is
// unknown.
func failedServer(err error) *server {
	var lost *lostError
	if errors.As(err, &lost) {
		return lost.server
	}
	return nil
}

// target is what the balance goes by.
func (s *session) target(dn directory.DN) string {
	if s.client.options.Balance != Affinity {
		return ""
	}
	return dn.Key()
}

// once borrows a connection and sends a request on it.
func (s *session) once(ctx context.Context, r request, n need) (*operation, error) {
	l, err := s.borrow(ctx, n)
	if err != nil {
		return nil, err
	}
	defer l.giveBack() //nolint:contextcheck // What is drained is for who comes next.
	if r.name == "" {  // It tells nothing of how others fare, so that the next one is the trial.
		defer l.server.breaker.spare()
	}
	return l.do(ctx, r)
}

// isLost reports whether an error of conn.do is the end of a connection.
func isLost(err error) bool {
	var lost *lostError
	return errors.As(err, &lost) || isUnsent(err)
}

// isUnsent reports whether a connection was dead before anything was sent on it.
func isUnsent(err error) bool {
	var unsent *unsentError
	var waited *waitError
	return errors.As(err, &unsent) && !errors.As(err, &waited) && !errors.Is(err, errClosed) && !errors.Is(err, errPanic) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
