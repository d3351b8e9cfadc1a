package ldapclient

import (
	"context"
	"errors"

	"github.com/go-ldap/ldap/v3"

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
	select {
	case c.binds <- struct{}{}:
		defer func() { <-c.binds }()
	case <-ctx.Done():
		return transportFault(&unsentError{context.Cause(ctx)}, false)
	}
	var (
		first error
		down  *downError
	)
	for _, s := range c.servers {
		err := s.authenticate(ctx, dn, password)
		if !errors.As(err, &down) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return downFault(first, down.wait)
}

// authenticate binds on this server. The error is *downError when it cannot be reached.
func (s *server) authenticate(ctx context.Context, dn directory.DN, password string) error {
	if err := s.isDown(); err != nil {
		return err
	}
	dialling, cancel := context.WithTimeout(ctx, s.client.options.ConnectTimeout)
	defer cancel()
	socket, err := dialTLS(dialling, s.address, s.tls)
	if err != nil {
		if ctx.Err() != nil {
			return transportFault(&unsentError{context.Cause(ctx)}, false)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.failed(err)
	}
	defer socket.Close()
	s.mu.Lock()
	s.recovered()
	s.mu.Unlock()
	s.client.trace(ctx, "bind")
	result, err := bind(ctx, socket, ldap.NewSimpleBindRequest(dn.String(), password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()}))
	var refused *ldap.Error
	switch {
	case errors.As(err, &refused) && refused.ResultCode < ldap.ErrorNetwork:
		return bindFault(refused)
	case err != nil:
		return transportFault(&lostError{err}, false)
	}
	if policy, ok := ldap.FindControl(result.Controls, ldap.ControlTypeBeheraPasswordPolicy).(*ldap.ControlBeheraPasswordPolicy); ok && policy.Error == ldap.BeheraChangeAfterReset {
		return fault.New(fault.Forbidden, "the password must be changed before anything else").Named("passwordMustChange")
	}
	return nil
}

// isDown returns the error for a server that is not to be tried yet.
func (s *server) isDown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait := s.untilRetry(); wait > 0 {
		return &downError{s.cause, wait}
	}
	return nil
}

// bindFault turns a refused bind into a fault. Whatever a directory has against the
// name or the password is one answer.
func bindFault(refused *ldap.Error) error {
	result := ldapwire.Result{Code: int(refused.ResultCode)}
	if refused.Err != nil {
		result.Diagnostic = refused.Err.Error()
	}
	switch e := resultFault(result); e.Kind {
	case fault.Unavailable, fault.Timeout, fault.BadGateway, fault.Internal:
		return e
	default:
		return fault.Wrap(fault.Unauthenticated, &resultError{result}, "valid credentials are required").Named("invalidCredentials")
	}
}
