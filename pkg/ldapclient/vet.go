package ldapclient

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// The ids of what is asked of a fresh connection, after the bind.
const (
	whoID = bindID + 1 + iota
	refusalID
	rootID
	firstID = rootID // of an operation, less one
)

// vet finds out whether a fresh connection of the gateway's own account may be used, before
// anybody gets it, and what the server can do, where that is not known. Each connection is
// asked, for behind one address there may be several servers, and a balancer.
func (s *server) vet(ctx context.Context, fresh stream) error {
	if s.facts() == nil {
		if err := s.introduce(ctx, fresh); err != nil {
			return err
		}
	}
	if s.client.options.Mode != Proxied {
		return nil
	}
	if f := s.facts(); f != nil && !f.controls[ldapwire.OIDProxiedAuthorization] {
		return &unfitError{errNoProxy()}
	}
	return fresh.checkProxy(ctx)
}

// introduce reads what the server says of itself. One that does not let the gateway read that
// is found out by whoever needs to know.
func (s *server) introduce(ctx context.Context, fresh stream) error {
	request := ldapwire.AppendSearch(nil, rootID, &directory.SearchRequest{
		Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), Attributes: rootAttributes(), SizeLimit: 1,
	})
	a, err := fresh.ask(ctx, request, rootID, ldapwire.SearchResultDone)
	if err == nil && a.result.Code == codeSuccess && len(a.entries) == 1 {
		s.learned(factsOf(a.entries[0]))
	}
	return err
}

// checkProxy makes sure that the control of proxied authorization arrives: for somebody
// whom the directory must see as nobody in particular, it must not see the gateway. A
// refusal will do, since only who got the control can refuse it.
func (s stream) checkProxy(ctx context.Context) error {
	a, err := s.ask(ctx, ldapwire.AppendExtended(nil, whoID, ldapwire.OIDWhoAmI, "", ldapwire.ProxiedAuthorization(nobody)), whoID, ldapwire.ExtendedResponse)
	if err != nil {
		return err
	}
	switch code := a.result.Code; {
	case code == codeSuccess:
		who, err := a.final.ExtendedValue()
		if err == nil && !isNobody(who) {
			return s.checkRefusal(ctx) // 389 Directory Server says who has bound, whatever controls say.
		}
		return err
	case code == codeUnavailableExtension:
		return &unfitError{errNoProxy()}
	case code == codeProtocolError:
		return s.checkRefusal(ctx) // It may not have the operation (RFC 4511 §4.12).
	case isBusy(code) || code == codeOperationsError || code == codeOther:
		return &resultError{a.result} // That tells nothing.
	}
	return nil
}

// checkRefusal makes sure of the same where nobody can be asked who he is: the directory
// must refuse a request for an identity that makes no sense.
func (s stream) checkRefusal(ctx context.Context) error {
	request := ldapwire.AppendSearch(nil, refusalID, &directory.SearchRequest{
		Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), SizeLimit: 1,
	}, ldapwire.ProxiedAuthorization("nonsense"))
	a, err := s.ask(ctx, request, refusalID, ldapwire.SearchResultDone)
	if err == nil && a.result.Code == codeSuccess {
		err = &unfitError{fault.New(fault.BadGateway, "a request for an identity that makes no sense was answered: the directory, or a proxy before it, passes over the control of proxied authorization (RFC 4370), and everybody would act as the gateway").Named("proxiedAuthorization")}
	}
	return err
}

// vetError is a failure while a fresh connection was asked what has to be known.
type vetError struct{ reason error }

func (e *vetError) Error() string { return "the first questions on a connection: " + e.reason.Error() }
func (e *vetError) Unwrap() error { return e.reason }

// unfitError is why a server must not be used, although it can be reached.
type unfitError struct{ fault *fault.Error }

func (e *unfitError) Error() string { return e.fault.Error() }
func (e *unfitError) Unwrap() error { return e.fault }

// nobody is the authorization identity of who is not authenticated (RFC 4513 §5.2.1.8).
const nobody = "dn:"
