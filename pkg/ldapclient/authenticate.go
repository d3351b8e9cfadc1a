package ldapclient

import (
	"context"
	"regexp"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// Authenticate verifies a password by a bind on a connection of its own. The policy of the
// directory is asked about the account (draft-behera-ldap-password-policy §6.2), and what it
// says is the state, beside an error as well. One whose password was right, and who is kept
// out nevertheless, is told why: Forbidden with passwordMustChange, or Unauthenticated with
// the name of the state. Everybody else is Unauthenticated with invalidCredentials, whatever
// the state. The answer, when it is not nil, takes what came with that of the bind.
func (c *Client) Authenticate(ctx context.Context, dn directory.DN, password string, answer *directory.Answer) (state directory.AccountState, err error) {
	if password == "" || dn.IsZero() {
		// An unauthenticated bind (RFC 4513 §5.1.2), which succeeds for everybody.
		return state, resultFault(ldapwire.Result{Code: codeInvalidCredential, Diagnostic: "an empty password or name was not sent"})
	}
	err = c.verify(ctx, func(ctx context.Context, s *server, fresh stream) (err error) {
		m, result, err := fresh.bind(ctx, dn, password, c.stamped(ctx, []ldapwire.Control{ldapwire.PasswordPolicy()})...)
		if err != nil {
			return transportFault(&lostError{reason: err}, false)
		}
		wait := s.pace(result.Code)
		c.keep(answer, func() (directory.Answer, error) { return answerOf(m) })
		policy, err := m.PolicyAnswer()
		switch {
		case result.Code != codeSuccess:
			state, err = refused(result, policy, wait)
		case err != nil:
			err = transportFault(&lostError{reason: err}, false)
		default:
			state, err = admitted(policy)
		}
		return err
	})
	return state, err
}

// admitted is the outcome of a bind that succeeded.
func admitted(policy ldapwire.PolicyAnswer) (state directory.AccountState, err error) {
	if policy.HasExpiry {
		state.PasswordExpires = time.Now().Add(time.Duration(max(0, policy.Expires)) * time.Second)
	}
	switch {
	case policy.Error == ldapwire.ChangeAfterReset:
		state.Status = directory.PasswordMustChange
		return state, mustChange(nil)
	case policy.HasGrace:
		state.Status = directory.PasswordExpired
		state.GraceLogins, state.HasGrace = int(max(0, policy.Grace)), true
	}
	return state, nil
}

// refused is the outcome of a bind that failed. That a password has expired, a policy tells
// only to one whose password was right; that an account is locked, to everybody.
func refused(result ldapwire.Result, policy ldapwire.PolicyAnswer, wait time.Duration) (state directory.AccountState, err error) {
	e := bindFault(result, wait)
	if e.Kind != fault.Unauthenticated {
		return state, e
	}
	switch policy.Error {
	case ldapwire.PasswordExpired:
		state.Status = directory.PasswordExpired
		return state, e.Named(state.Status.String())
	case ldapwire.ChangeAfterReset:
		state.Status = directory.PasswordMustChange
	case ldapwire.AccountLocked:
		state.Status = directory.AccountLocked
	default:
		var verified bool
		switch state.Status, verified = statusOfActiveDirectory(result.Diagnostic); {
		case verified && state.Status == directory.PasswordMustChange:
			return state, mustChange(e)
		case verified:
			return state, e.Named(state.Status.String())
		}
	}
	return state, e
}

// mustChange is the fault of one whose password was right and has to be changed.
func mustChange(cause error) error {
	return fault.Wrap(fault.Forbidden, cause, "the password must be changed before anything else").Named(directory.PasswordMustChange.String())
}

// subCode finds the reason of Active Directory in its diagnostic text, a number of Windows:
// "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data 532, v4563".
var subCode = regexp.MustCompile(`\bAcceptSecurityContext error, data ([0-9a-f]+)\b`)

// statusOfActiveDirectory tells why Active Directory refused, and whether the password was
// right, which it looks at before all but the lock.
func statusOfActiveDirectory(diagnostic string) (status directory.AccountStatus, verified bool) {
	found := subCode.FindStringSubmatch(diagnostic)
	if found == nil {
		return directory.AccountValid, false
	}
	switch found[1] {
	case "532": // ERROR_PASSWORD_EXPIRED
		return directory.PasswordExpired, true
	case "533": // ERROR_ACCOUNT_DISABLED
		return directory.AccountDisabled, true
	case "701": // ERROR_ACCOUNT_EXPIRED
		return directory.AccountExpired, true
	case "773": // ERROR_PASSWORD_MUST_CHANGE
		return directory.PasswordMustChange, true
	case "775": // ERROR_ACCOUNT_LOCKED_OUT
		return directory.AccountLocked, false
	}
	return directory.AccountValid, false
}

// bindFault turns a refused bind into a fault. Whatever a directory has against the
// name or the password is one answer. wait is for a server that is busy.
func bindFault(result ldapwire.Result, wait time.Duration) *fault.Error {
	switch e := resultFault(result); e.Kind {
	case fault.Unavailable, fault.Timeout, fault.BadGateway, fault.Internal:
		e.RetryAfter = wait
		return e
	default:
		return fault.Wrap(fault.Unauthenticated, &resultError{result}, "valid credentials are required").Named("invalidCredentials")
	}
}
