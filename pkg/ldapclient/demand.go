package ldapclient

import (
	"context"
	"errors"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// lacks is the fault for a request that needs a control which the servers do not have; nil
// when they have all. Nothing needs to be sent to find that out.
func (k *knowledge) lacks(controls []ldapwire.Control) error {
	for _, c := range controls {
		if c.IsCritical() && !k.controls[c.OID()] {
			return errLacks(c.OID())
		}
	}
	return nil
}

// errLacks is as the answer of a server that does not have a critical control (RFC 4511
// §4.1.11).
func errLacks(oid string) *fault.Error {
	return fault.New(fault.Unsupported, "the directory does not have a feature that this request needs (the control %s)", oid).Named("unavailableCriticalExtension")
}

// demand adds critical controls to those of a request, or refuses it.
func (s *session) demand(ctx context.Context, to *[]ldapwire.Control, controls ...ldapwire.Control) error {
	known, err := s.client.knowledge(ctx)
	if err == nil {
		err = known.lacks(controls)
	}
	*to = append(*to, controls...)
	return err
}

// noOp is the control for changes that are tried.
func (k *knowledge) noOp() ldapwire.Control {
	if k.controls[ldapwire.OIDNoOpDraft] {
		return ldapwire.NoOp(ldapwire.OIDNoOpDraft)
	}
	return ldapwire.NoOp(ldapwire.OIDNoOp)
}

// complete returns the request with the controls that its fields stand for among its
// Controls, but for those of the order and of pages.
func (s *session) complete(ctx context.Context, req *directory.SearchRequest) (*directory.SearchRequest, error) {
	if len(req.ReturnValues) == 0 && !req.Original && !req.Usability && req.View == nil {
		return req, nil
	}
	known, err := s.client.knowledge(ctx)
	if err != nil {
		return nil, err
	}
	var more []ldapwire.Control
	if len(req.ReturnValues) > 0 {
		if slices.ContainsFunc(req.ReturnValues, isComposed) {
			return nil, fault.New(fault.Invalid, "values are chosen by single comparisons (RFC 3876); leave out and, or and not").Named("control")
		}
		more = append(more, ldapwire.ReturnValues(req.ReturnValues))
	}
	if req.Original {
		more = append(more, ldapwire.Original())
	}
	if req.View != nil {
		if len(req.Sort) == 0 {
			return nil, fault.New(fault.Invalid, "a part of a result needs an order; give a sort key").Named("control")
		}
		more = append(more, ldapwire.View(req.View))
	}
	if err := known.lacks(more); err != nil {
		return nil, err
	}
	if req.Usability && known.controls[ldapwire.OIDUsability] {
		more = append(more, ldapwire.Usability())
	}
	completed := *req
	completed.Controls = slices.Clone(req.Controls)
	for _, c := range more {
		completed.Controls = append(completed.Controls, c.Encoded())
	}
	return &completed, nil
}

func isComposed(f directory.Filter) bool {
	return f.Op == directory.FilterAnd || f.Op == directory.FilterOr || f.Op == directory.FilterNot || f.DNAttributes
}

// judgeOrder looks at what a server says of the order of a result, and of the part of it.
// failed is how the search ended otherwise. A server that says nothing has passed over a
// critical control.
func judgeOrder(req *directory.SearchRequest, op *operation, result *directory.SearchResult, failed error) error {
	if len(req.Sort) == 0 {
		return failed
	}
	var (
		code      int
		attribute string
		sorted    bool
	)
	err := op.conn.decode(func() (err error) { code, attribute, sorted, err = op.final.SortResult(); return err })
	switch {
	case failed != nil:
		var e *fault.Error
		if errors.As(failed, &e) && err == nil && e.Detail.Attribute == "" {
			e.Detail.Attribute = attribute
		}
		return failed
	case err != nil:
		return transportFault(err, false)
	case !sorted && op.result.Code == codeSuccess && len(op.entries) > 1: // slapd says nothing when a limit ends the search.
		return transportFault(nonsense("a result without a word about its order"), false)
	case code != codeSuccess:
		e := resultFault(ldapwire.Result{Code: code, Diagnostic: "the result of the sort control"})
		e.Detail.Attribute = attribute
		return e
	case req.View == nil:
		return nil
	}
	var view *directory.ViewResult
	err = op.conn.decode(func() (err error) { view, code, err = op.final.View(); return err })
	switch {
	case err == nil && view == nil:
		err = nonsense("a part of a result without a word about which")
	case err == nil && code != codeSuccess:
		return resultFault(ldapwire.Result{Code: code, Diagnostic: "the result of the virtual list view control"})
	}
	if err != nil {
		return transportFault(err, false)
	}
	result.View = view
	return nil
}
