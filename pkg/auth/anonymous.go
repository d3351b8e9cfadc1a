package auth

import (
	"errors"
	"net/http"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// MethodAnonymous is the Method of a Principal for a request without credentials.
const MethodAnonymous = "anonymous"

// Anonymous is the Authenticator of requests without credentials, the last one of a
// chain. They act as one identity, which is never the gateway's own: nobody in particular,
// whose rights are those of an anonymous bind, or a named entry that has as few.
type Anonymous struct {
	principal *Principal
	accounts  *Accounts
}

// NewAnonymous makes the authenticator. The zero identity is nobody in particular; any
// other one is verified by accounts with every request.
func NewAnonymous(identity directory.Identity, accounts *Accounts) (*Anonymous, error) {
	if accounts == nil {
		return nil, errors.New("auth: anonymous callers need accounts")
	}
	return &Anonymous{principal: &Principal{Name: MethodAnonymous, Method: MethodAnonymous, Identity: identity}, accounts: accounts}, nil
}

// Authenticate lets requests without an Authorization header in.
func (a *Anonymous) Authenticate(r *http.Request) (*Principal, error) {
	if len(r.Header["Authorization"]) > 0 {
		return nil, ErrNotApplicable
	}
	if a.principal.Identity.IsAnonymous() {
		return a.principal, nil
	}
	switch err := a.accounts.Verify(r.Context(), a.principal.Identity); fault.KindOf(err) {
	case fault.Unauthenticated, fault.Forbidden:
		// What is wrong with the entry is no matter of the caller, who may authenticate.
		return nil, Refuse(err)
	default:
		if err != nil {
			return nil, err
		}
		return a.principal, nil
	}
}
