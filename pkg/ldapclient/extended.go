package ldapclient

import (
	"context"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// isOfConnection reports whether an extended operation is about the connection, or about
// other messages on it, so that nobody may run it on one that belongs to all.
func isOfConnection(oid string) bool {
	switch oid {
	case ldapwire.OIDStartTLS, ldapwire.OIDCancel, ldapwire.OIDTransactionStart, ldapwire.OIDTransactionEnd:
		return true
	}
	return false
}

// Extended runs an extended operation.
func (s *session) Extended(ctx context.Context, req *directory.ExtendedRequest) (*directory.ExtendedResult, error) {
	if isOfConnection(req.OID) {
		return nil, fault.New(fault.Unsupported, "the extended operation %s is about a connection, and connections are the gateway's own", req.OID).Named("extendedOperation")
	}
	controls, err := s.with(req.Controls)
	if err != nil {
		return nil, err
	}
	r := request{name: "extended", want: ldapwire.ExtendedResponse, controls: controls, encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		return ldapwire.AppendExtendedRequest(dst, id, req, controls...)
	}}
	op, err := s.runExtended(ctx, req.Reads, r)
	if err != nil {
		return nil, err
	}
	s.client.keep(req.Answer, op.answer)
	switch e := op.fault(); op.result.Code {
	case codeSuccess:
	case codeProtocolError:
		// The answer to an operation that is not there (RFC 4511 §4.12).
		e.Kind, e.Message = fault.Unsupported, "the directory does not have this extended operation, or does not take its value"
		return nil, e.Named("extendedOperation")
	default:
		return nil, e
	}
	result, err := decoded(op, (*ldapwire.Message).ExtendedResult)
	if err != nil {
		return nil, transportFault(err, !req.Reads)
	}
	return &result, nil
}

func (s *session) runExtended(ctx context.Context, reads bool, r request) (*operation, error) {
	if !reads {
		return s.send(ctx, directory.DN{}, r)
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return s.exchange(ctx, r, need{})
}

// WhoAmI asks whom the directory sees.
func (s *session) WhoAmI(ctx context.Context, answer *directory.Answer) (string, error) {
	if err := s.ready(ctx); err != nil {
		return "", err
	}
	op, err := s.exchange(ctx, request{name: "whoami", want: ldapwire.ExtendedResponse, controls: s.controls(), encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		return ldapwire.AppendExtended(dst, id, ldapwire.OIDWhoAmI, "", controls...)
	}, quick: true}, need{sharing: true})
	if err != nil {
		return "", err
	}
	s.client.keep(answer, op.answer)
	if op.result.Code != codeSuccess {
		return "", op.fault()
	}
	value, err := decoded(op, (*ldapwire.Message).ExtendedValue)
	if err != nil {
		return "", transportFault(err, false)
	}
	return strings.Clone(value), nil
}
