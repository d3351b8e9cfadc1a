package ldapclient

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// AuthenticatePlain verifies a user name and a password by a SASL bind with the mechanism
// PLAIN (RFC 4616) on a connection of its own, and returns the authorization identity
// that the directory made of it (RFC 4532). A zero authzID leaves that to the directory;
// with another one the directory decides whether the user may be that. The errors are
// those of Authenticate, but that no policy is asked about the account.
func (c *Client) AuthenticatePlain(ctx context.Context, authzID, user, password string) (string, error) {
	if password == "" || user == "" || strings.Contains(authzID+user+password, "\x00") {
		return "", resultFault(ldapwire.Result{Code: codeInvalidCredential, Diagnostic: "an empty password or name was not sent"})
	}
	identity := ""
	err := c.verify(ctx, func(ctx context.Context, s *server, fresh stream) error {
		result, err := fresh.sasl(ctx, string(Plain), authzID+"\x00"+user+"\x00"+password)
		if err != nil {
			return transportFault(&lostError{reason: err}, false)
		}
		if result.Code == codeOther && strings.HasPrefix(result.Diagnostic, saslUnverified) {
			result.Code = codeInvalidCredential
		}
		if wait := s.pace(result.Code); result.Code != codeSuccess {
			return bindFault(result, wait)
		}
		c.trace(ctx, "whoami")
		identity, result, err = fresh.extended(ctx, bindID+1, ldapwire.OIDWhoAmI)
		switch {
		case err != nil:
			return transportFault(&lostError{reason: err}, false)
		case result.Code != codeSuccess:
			return resultFault(result)
		case identity == "":
			return fault.New(fault.BadGateway, "the directory made nobody in particular of the caller").Named("callerSearch")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return identity, nil
}

// saslUnverified is how OpenLDAP says that there is no such user, or none with a password
// that SASL can verify.
const saslUnverified = "SASL(-1): generic failure: Password verification failed"

// verify has somebody bind, in a way that login knows, on a fresh connection that then
// ends. A password is sent once: a directory may count wrong ones.
func (c *Client) verify(ctx context.Context, login func(context.Context, *server, stream) error) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	begun := time.Now()
	select {
	case c.binds <- struct{}{}:
		defer func() { <-c.binds }()
	case <-ctx.Done():
		return transportFault(&waitError{ended(ctx), time.Since(begun)}, false)
	}
	return c.each(c.steady(c.servers), func(s *server, patient bool) error { return s.verify(ctx, patient, login) })
}

// verify does so on this server. The error is *downError when it cannot be reached, or is not
// to be asked.
func (s *server) verify(ctx context.Context, patient bool, login func(context.Context, *server, stream) error) error {
	if err := s.breaker.admit(s); err != nil {
		return err
	}
	asked := false
	defer func() {
		if !asked {
			s.breaker.spare()
		}
	}()
	if err := s.up(ctx, patient); err != nil {
		var down *downError
		if errors.As(err, &down) {
			return err
		}
		return transportFault(&unsentError{err}, false)
	}
	socket, err := s.dialForBind(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return transportFault(&unsentError{ended(ctx)}, false)
		}
		s.client.happened(s, ConnectionFailed, 0)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failed(err)
		return s.down()
	}
	defer socket.Close()
	s.client.trace(ctx, "bind")
	begun := time.Now()
	asked = true
	if err = s.client.decoding(s, func() error { return login(ctx, s, newStream(socket)) }); err != nil {
		err = transportFault(&lostError{reason: err}, false)
	}
	silence := err
	if p := directory.OutcomeOf(err).Progress; p == directory.Answered || p == directory.NoProgress {
		silence = nil // A refusal is an answer.
	}
	s.breaker.ended(s, silence, time.Since(begun), false)
	return err
}

// dialForBind opens a connection that is not of a pool, when it is its turn.
func (s *server) dialForBind(ctx context.Context) (net.Conn, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	ctx, cancel := context.WithTimeout(ctx, s.client.options.ConnectTimeout)
	defer cancel()
	return s.client.dial(ctx, s)
}
