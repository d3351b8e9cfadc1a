package ldapclient

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// Compare asks whether an attribute has a value. Like a search with a bounded answer it
// shares its connection.
func (s *session) Compare(ctx context.Context, req *directory.CompareRequest) (bool, error) {
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	controls, err := s.with(req.Controls)
	if err != nil {
		return false, err
	}
	r := request{name: "compare", want: ldapwire.CompareResponse, controls: controls, encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		return ldapwire.AppendCompare(dst, id, req, controls...)
	}, base: req.DN, quick: true}
	op, err := s.exchange(ctx, r, need{sharing: true, target: s.target(req.DN)})
	if err != nil {
		return false, err
	}
	s.client.keep(req.Answer, op.answer)
	switch op.result.Code {
	case codeCompareTrue:
		return true, nil
	case codeCompareFalse:
		return false, nil
	case codeSuccess:
		return false, transportFault(nonsense("a comparison that is neither true nor false"), false)
	}
	return false, op.fault()
}
