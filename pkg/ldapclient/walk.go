package ldapclient

import (
	"context"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// walk is a search that is taken in steps, by simple paging (RFC 2696) on a connection of
// its own.
type walk struct {
	*session
	req    *directory.SearchRequest
	loan   loan    // without a connection before the first step and after the end
	avoid  *server // where it failed
	cookie string
	server string
	ended  bool
	seen   pages
	// references counts the continuation references of all steps.
	references int
	answer     directory.Answer // that of the last step
}

// Walk begins a search that is taken in steps.
func (s *session) Walk(req *directory.SearchRequest) directory.Walk {
	return &walk{session: s, req: req, seen: pages{}}
}

// Server names the server that the walk is on.
func (w *walk) Server() string { return w.server }

// References counts the continuation references so far.
func (w *walk) References() int { return w.references }

// Answer is what came with the last step.
func (w *walk) Answer() directory.Answer { return w.answer }

// Next takes a step.
func (w *walk) Next(ctx context.Context, n int) ([]*directory.Entry, bool, error) {
	if w.ended {
		return nil, false, fault.New(fault.Internal, "the walk has ended")
	}
	ctx, cancel := w.client.bounded(ctx)
	defer cancel()
	first := w.loan.conn == nil
	if !first {
		w.loan.unpark()
	}
	entries, err := w.step(ctx, n)
	if err != nil && first && isLost(err) {
		// The connection was dead, and nothing has been handed out.
		w.giveBack() //nolint:contextcheck // What is drained is for who comes next.
		w.avoid = failedServer(err)
		entries, err = w.step(ctx, n)
	}
	if err != nil {
		w.Close() //nolint:contextcheck // What is drained is for who comes next.
		return nil, false, transportFault(err, false)
	}
	if w.cookie == "" {
		w.Close() //nolint:contextcheck // What is drained is for who comes next.
	} else {
		w.loan.park()
	}
	return entries, !w.ended, nil
}

func (w *walk) step(ctx context.Context, n int) ([]*directory.Entry, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	size := int32(min(n, page)) //nolint:gosec // It is small.
	controls, err := w.with(w.req.Controls, ldapwire.Paging(size, w.cookie, true))
	if err != nil {
		return nil, err
	}
	send := w.loan.do
	if w.cookie != "" {
		send = w.loan.goOn
	}
	op, err := send(ctx, searchFor(w.req, controls))
	if err != nil {
		return nil, err
	}
	result, err := judge(w.req, op, len(op.entries))
	w.answer = result.Answer
	if err != nil {
		return nil, err
	}
	cookie, paged, err := op.cookie()
	if slices.Contains(op.without, ldapwire.OIDPaging) {
		return nil, errLacks(ldapwire.OIDPaging)
	}
	if err == nil && (!paged || len(op.entries) > n) {
		err = nonsense("a result without pages")
	}
	if err == nil {
		err = w.seen.note(op.entries)
	}
	if err != nil {
		return nil, err
	}
	for i, entry := range op.entries {
		if op.entries[i], err = w.whole(ctx, w.req.Attributes, w.loan.conn, entry); err != nil {
			return nil, err
		}
	}
	w.cookie = cookie
	w.references += op.references
	return op.entries, nil
}

// begin borrows a connection, before the first step.
func (w *walk) begin(ctx context.Context) error {
	if w.loan.conn != nil {
		return nil
	}
	if err := w.ready(ctx); err != nil {
		return err
	}
	known, err := w.client.knowledge(ctx)
	if err != nil {
		return err
	}
	if w.req, err = w.complete(ctx, w.req); err != nil {
		return err
	}
	if !known.paging {
		return fault.New(fault.Unsupported, "the directory does not return results in pages (RFC 2696)").Named("paging")
	}
	l, err := w.borrow(ctx, need{target: w.target(w.req.Base), avoid: w.avoid})
	if err != nil {
		return err
	}
	w.loan, w.server = l, l.server.address
	return nil
}

// Close ends the walk. The server is not told: it keeps no more of a walk than its place
// on the connection, which the next one overwrites.
func (w *walk) Close() {
	w.ended = true
	w.giveBack()
}

func (w *walk) giveBack() {
	if w.loan.conn != nil {
		w.loan.giveBack()
		w.loan = loan{}
	}
}
