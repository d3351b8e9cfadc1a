package auth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// refusing is an authenticator of the scheme Bad.
type refusing struct{}

func (refusing) Authenticate(r *http.Request) (*Principal, error) {
	if _, ok := Credentials(r, "Bad"); !ok {
		return nil, ErrNotApplicable
	}
	return nil, Refuse(Reason("wrong"))
}

// ask sends a request with those Authorization headers.
func ask(c *Chain, authorization ...string) (*Principal, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	return c.Authenticate(r)
}

// R_A15: a chain without ways to authenticate lets nobody in, and asks for nothing.
func TestR_A15_ClosedChain(t *testing.T) {
	for _, authorization := range [][]string{nil, {"Basic YTpi"}, {"Bearer x", "Bearer x"}} {
		principal, err := ask(NewChain(), authorization...)
		var e *fault.Error
		if principal != nil || !errors.As(err, &e) || e.Kind != fault.Forbidden || e.Detail.Kind != "closed" || len(e.Challenges) > 0 {
			t.Errorf("%v: %v, %v", authorization, principal, err)
		}
	}
}

// X30: only who sends no credentials at all is anonymous.
func TestX30_UnusableCredentialsAreNotAnonymous(t *testing.T) {
	accounts, err := NewAccounts(AccountsOptions{Directory: &memory{}})
	if err != nil {
		t.Fatal(err)
	}
	anonymous, err := NewAnonymous(directory.Identity{}, accounts)
	if err != nil {
		t.Fatal(err)
	}
	chain := NewChain(refusing{}, anonymous)
	principal, err := ask(chain)
	if err != nil || principal.Method != MethodAnonymous || !principal.Identity.IsAnonymous() {
		t.Errorf("got %+v, %v", principal, err)
	}
	for _, authorization := range []string{"Bad x", "Other x", "Bad", "", " "} {
		if principal, err := ask(chain, authorization); principal != nil || !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("%q: %v, %v", authorization, principal, err)
		}
	}
}

// The entry as which anonymous callers act is looked at like any other. While it cannot be
// used, callers need credentials.
func TestAnonymousAsAnEntry(t *testing.T) {
	const guest = "uid=guest,dc=example,dc=com"
	m := &memory{}
	accounts, err := NewAccounts(AccountsOptions{Directory: m, MaxAge: -1})
	if err != nil {
		t.Fatal(err)
	}
	anonymous, err := NewAnonymous(directory.Identity{AuthzID: "dn:" + guest}, accounts)
	if err != nil {
		t.Fatal(err)
	}
	want := func(kind error) {
		t.Helper()
		principal, err := ask(NewChain(anonymous))
		if !errors.Is(err, kind) || (principal != nil) != (kind == nil) {
			t.Errorf("got %v, %v; want %v", principal, err, kind)
		}
	}
	want(fault.Unauthenticated)
	m.set(guest)
	want(nil)
	m.set(guest, directory.Attribute{Name: "pwdReset", Values: []string{"TRUE"}})
	want(fault.Unauthenticated)
	m.setDown(fault.New(fault.Unavailable, "down"))
	want(fault.Unavailable)
}
