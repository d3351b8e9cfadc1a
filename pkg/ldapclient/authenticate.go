package ldapclient

import (
	"context"
	"errors"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// Authenticate verifies a password by a bind on a connection of its own. The policy
// of the directory is asked about the account: one that has to change its password
// is Forbidden with passwordMustChange (draft-behera-ldap-password-policy §6.2).
func (c *Client) Authenticate(ctx context.Context, dn directory.DN, password string) error {
	if password == "" || dn.IsZero() {
		// An unauthenticated bind (RFC 4513 §5.1.2), which succeeds for everybody.
		return resultFault(ldapwire.Result{Code: codeInvalidCredential, Diagnostic: "an empty password or name was not sent"})
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	begun := time.Now()
	select {
	case c.binds <- struct{}{}:
		defer func() { <-c.binds }()
	case <-ctx.Done():
		return transportFault(&waitError{ended(ctx), time.Since(begun)}, false)
	}
	return c.each(c.servers, func(s *server, patient bool) error { return s.authenticate(ctx, patient, dn, password) })
}

// authenticate binds on this server. The error is *downError when it cannot be reached.
func (s *server) authenticate(ctx context.Context, patient bool, dn directory.DN, password string) error {
	if err := s.up(ctx, patient); err != nil {
		var down *downError
		if errors.As(err, &down) {
			return err
		}
		return transportFault(&unsentError{err}, false)
	}
	dialling, cancel := context.WithTimeout(ctx, s.client.options.ConnectTimeout)
	defer cancel()
	socket, err := s.client.dial(dialling, s)
	if err != nil {
		if ctx.Err() != nil {
			return transportFault(&unsentError{ended(ctx)}, false)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failed(err)
		return s.down()
	}
	defer socket.Close()
	s.client.trace(ctx, "bind")
	m, result, err := newStream(socket).bind(ctx, dn, password, s.client.stamped(ctx, []ldapwire.Control{ldapwire.PasswordPolicy()})...)
	if err != nil {
		return transportFault(&lostError{reason: err}, false)
	}
	wait := s.pace(result.Code)
	if result.Code != codeSuccess {
		return bindFault(result, wait)
	}
	switch policy, err := m.PolicyError(); {
	case err != nil:
		return transportFault(&lostError{reason: err}, false)
	case policy == ldapwire.ChangeAfterReset:
		return fault.New(fault.Forbidden, "the password must be changed before anything else").Named("passwordMustChange")
	}
	return nil
}

// bindFault turns a refused bind into a fault. Whatever a directory has against the
// name or the password is one answer. wait is for a server that is busy.
func bindFault(result ldapwire.Result, wait time.Duration) error {
	switch e := resultFault(result); e.Kind {
	case fault.Unavailable, fault.Timeout, fault.BadGateway, fault.Internal:
		e.RetryAfter = wait
		return e
	default:
		return fault.Wrap(fault.Unauthenticated, &resultError{result}, "valid credentials are required").Named("invalidCredentials")
	}
}
