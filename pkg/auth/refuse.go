package auth

import (
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// refused is what every caller hears whose credentials were refused, or who sent
// none. It does not tell an unknown user from a wrong password.
const refused = "valid credentials are required"

// Reason is a short word for why credentials were refused. It is for the audit
// event and the log; a client never sees it. A Reason is an error, to be the
// private cause of a fault, or a part of it.
type Reason string

// The reasons of this package; authenticators have their own.
const (
	ReasonNone        Reason = "noCredentials"
	ReasonTwo         Reason = "twoCredentials"
	ReasonScheme      Reason = "unknownScheme"
	ReasonClosed      Reason = "closed"
	ReasonUnknown     Reason = "accountUnknown"
	ReasonDisabled    Reason = "accountDisabled"
	ReasonLocked      Reason = "accountLocked"
	ReasonExpired     Reason = "accountExpired"
	ReasonNotYetValid Reason = "accountNotYetValid"
	ReasonPassword    Reason = "passwordExpired"
	ReasonMustChange  Reason = "passwordMustChange"
	// ReasonGrace is that of a caller that was let in with a password that has expired.
	ReasonGrace Reason = "graceLogin"
)

// Error returns the word.
func (r Reason) Error() string { return string(r) }

// ReasonOf returns the reason in the chain of err, or "". It is safe to write down:
// it holds nothing of what the client sent.
func ReasonOf(err error) Reason {
	var reason Reason
	errors.As(err, &reason)
	return reason
}

// Refuse returns the fault of refused credentials: Unauthenticated, with the one
// message that all such faults have. The cause should be a [Reason] or wrap one.
func Refuse(cause error) *fault.Error {
	return &fault.Error{Kind: fault.Unauthenticated, Message: refused, Err: cause}
}

// RefuseAccount returns the fault of an account that is not usable: as Refuse, with
// the reason as detail.kind as well. Only a caller whose credentials are good may
// get it.
func RefuseAccount(reason Reason) *fault.Error {
	return Refuse(reason).Named(string(reason))
}

// RefuseState returns the fault of an account in a state in which it is not usable, nil for
// one that is. Only a caller whose credentials are good may get it.
func RefuseState(state directory.AccountState) error {
	switch {
	case state.Usable():
		return nil
	case state.Status == directory.PasswordMustChange:
		return RefuseMustChange()
	}
	return RefuseAccount(Reason(state.Status.String()))
}

// RefuseMustChange returns the fault of a caller that has to change the password before
// anything else; MustChange knows it.
func RefuseMustChange() *fault.Error {
	return fault.Wrap(fault.Forbidden, ReasonMustChange, "the password must be changed before anything else").
		Named(string(ReasonMustChange))
}

// MustChange reports whether err tells of a caller that is known, and has to
// change the password before anything else.
func MustChange(err error) bool {
	return ReasonOf(err) == ReasonMustChange && errors.Is(err, fault.Forbidden)
}
