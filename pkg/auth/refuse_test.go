package auth

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// fixed is an authenticator that always gives the same answer.
type fixed struct {
	principal *Principal
	err       error
	asked     int
}

func (f *fixed) Authenticate(*http.Request) (*Principal, error) {
	f.asked++
	return f.principal, f.err
}

func (f *fixed) Challenge(string) string { return "Fixed" }

// A refusal ends the matter: nothing weaker is tried in its place. The fault, which
// may be shared, stays as it was.
func TestChainStopsAtTheFirstRefusal(t *testing.T) {
	shared := Refuse(ReasonExpired)
	shared.Challenges = []string{"Own"}
	first, second := &fixed{err: shared}, &fixed{principal: new(Principal)}
	principal, err := NewChain(first, second).Authenticate(new(http.Request))
	var e *fault.Error
	if principal != nil || second.asked != 0 || !errors.As(err, &e) {
		t.Fatalf("got %v, %v; the second authenticator was asked %d times", principal, err, second.asked)
	}
	if diff := cmp.Diff([][]string{{"Own", "Fixed"}, {"Own"}}, [][]string{e.Challenges, shared.Challenges}); diff != "" {
		t.Errorf("challenges of the answer and of the shared fault (-want +got):\n%s", diff)
	}
}

// A caller who must change the password is known.
func TestChainKeepsThePrincipalOfMustChange(t *testing.T) {
	want := &Principal{Name: "bjensen"}
	got, err := NewChain(&fixed{principal: want, err: RefuseMustChange()}).Authenticate(new(http.Request))
	if got != want || !MustChange(err) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, err := range []error{nil, ReasonMustChange, RefuseAccount(ReasonMustChange), fault.New(fault.Forbidden, "no")} {
		if MustChange(err) {
			t.Errorf("%v passes for one who must change the password", err)
		}
	}
}

func TestWaitFault(t *testing.T) {
	for _, tt := range []struct {
		err  error
		kind fault.Kind
	}{
		{fault.New(fault.NotFound, "no"), fault.NotFound},
		{context.DeadlineExceeded, fault.Timeout},
		{context.Canceled, fault.Canceled},
		{errors.New("anything"), fault.Unavailable},
	} {
		if got := fault.KindOf(WaitFault(tt.err, "the token")); got != tt.kind {
			t.Errorf("%v: got %v, want %v", tt.err, got, tt.kind)
		}
	}
}
