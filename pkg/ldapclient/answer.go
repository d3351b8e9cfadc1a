package ldapclient

import (
	"context"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// isOwn reports whether a control is for the session alone to send: as whom a request runs,
// and in what pieces a result comes, is not for its caller to say.
func isOwn(oid string) bool {
	switch oid {
	case ldapwire.OIDProxiedAuthorization, ldapwire.OIDProxiedAuthorizationV1, ldapwire.OIDPaging:
		return true
	}
	return false
}

// with returns the controls that every request of the session carries, those of its caller,
// and more.
func (s *session) with(callers []directory.Control, more ...ldapwire.Control) ([]ldapwire.Control, error) {
	for _, c := range callers {
		if isOwn(c.OID) {
			return nil, fault.New(fault.Invalid, "the control %s is the gateway's own; leave it out", c.OID).Named("control")
		}
		more = append(more, ldapwire.Raw(c))
	}
	return s.controls(more...), nil
}

// stamped returns the controls of a request with the id of the transaction that it is for,
// where there is one and the servers take it.
func (c *Client) stamped(ctx context.Context, controls []ldapwire.Control) []ldapwire.Control {
	if c.options.TransactionID == nil {
		return controls
	}
	known := c.known.Load()
	if known == nil || !known.controls[ldapwire.OIDTransactionID] {
		return controls
	}
	id := c.options.TransactionID(ctx)
	if id == "" {
		return controls
	}
	return append(slices.Clip(controls), ldapwire.TransactionID(id))
}

// answerOf is what came with the end of an operation.
func answerOf(m *ldapwire.Message) (directory.Answer, error) {
	controls, err := m.Controls()
	if err != nil || len(controls) == 0 {
		return directory.Answer{}, err
	}
	answer := directory.Answer{Controls: make([]directory.Control, len(controls))}
	for i, c := range controls {
		answer.Controls[i] = directory.Control(c)
	}
	return answer, nil
}

// answer is what came with the end of the operation.
func (op *operation) answer() (directory.Answer, error) { return decoded(op, answerOf) }

// keep hands out what came with an answer. What makes no sense is logged: the result counts
// without it.
func (c *Client) keep(to *directory.Answer, find func() (directory.Answer, error)) {
	if to == nil {
		return
	}
	answer, err := find()
	if err != nil {
		c.options.Logger.Warn("the controls that came with an answer make no sense", "error", err)
	}
	*to = answer
}
