package ldapclient

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// Mode is how the gateway acts for its callers in the directory.
type Mode string

// The modes. In each of them an operation runs as its caller because of what it carries,
// or because of the pool that its connection is from, which is never bound as another.
const (
	// Proxied has every request of a caller carry its identity, in a critical control
	// (RFC 4370) on a connection of the gateway's own account.
	Proxied Mode = "proxied"
	// BindAs uses connections that are bound with the caller's own name and password.
	BindAs Mode = "bind"
	// SASLProxy uses connections on which the gateway's own account has assumed the
	// caller's identity when it bound (RFC 4513 §5.2.1.8).
	SASLProxy Mode = "sasl-proxy"
	// AsService has the gateway's own account act, whoever the caller is.
	AsService Mode = "service"
)

// Mechanism is how the gateway's own account binds.
type Mechanism string

// The mechanisms.
const (
	Simple   Mechanism = "simple"   // with BindDN and Password
	External Mechanism = "EXTERNAL" // with the client certificate of the TLS configuration (RFC 4422 appendix A)
	Plain    Mechanism = "PLAIN"    // with User and Password (RFC 4616)
)

// accountKey stands for an account and everything that proves it.
type accountKey [sha256.Size]byte

// account is a caller as whom connections are bound. A nil one is the gateway's own.
type account struct {
	key  accountKey
	mode Mode
	// authzID is the authorization identity, for SASLProxy.
	authzID string
	// dn and password are for BindAs.
	dn       directory.DN
	password directory.Password
}

// accountOf makes the account of a caller.
func accountOf(mode Mode, identity directory.Identity) (*account, error) {
	a := &account{mode: mode, authzID: identity.AuthzID, password: identity.Password}
	parts := []string{string(mode), identity.AuthzID}
	if mode == BindAs {
		var err error
		if a.dn, err = identity.DN(); err != nil || identity.Password.IsZero() {
			return nil, fault.New(fault.Forbidden, "the directory has to be asked in your name, for which your own password is needed; authenticate with the Basic scheme").Named("passwordNeeded")
		}
		parts = append(parts, identity.Password.Value())
	}
	var text []byte
	for _, part := range parts {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	a.key = sha256.Sum256(text)
	return a, nil
}

// logIn binds a fresh connection.
func (c *Client) logIn(ctx context.Context, fresh stream, as *account) error {
	o := &c.options
	var result ldapwire.Result
	var err error
	switch {
	case as != nil && as.mode == BindAs:
		_, result, err = fresh.bind(ctx, as.dn, as.password.Value())
	case o.Mechanism == Simple:
		return c.logInOwn(ctx, fresh)
	default:
		result, err = fresh.sasl(ctx, string(o.Mechanism), o.credentials(as))
	}
	if err == nil && result.Code != codeSuccess {
		err = &resultError{result}
	}
	return err
}

// logInOwn binds a fresh connection with the name and the password of the gateway's own
// account, and looks at what a password policy says of them. One that lets the account do
// nothing but change its password (draft-behera-ldap-password-policy §8.1.2) has refused it.
func (c *Client) logInOwn(ctx context.Context, fresh stream) error {
	m, result, err := fresh.bind(ctx, c.options.BindDN, c.options.Password, ldapwire.PasswordPolicy())
	if err != nil {
		return err
	}
	policy, err := m.PolicyAnswer()
	switch {
	case result.Code != codeSuccess:
		return errors.Join(&resultError{result}, ownReason(policy.Error))
	case err != nil:
		return err
	case policy.Error == ldapwire.ChangeAfterReset:
		return errOwnReset
	}
	c.warnOfPassword(policy)
	return nil
}

// What a password policy has against the gateway's own account.
var (
	errOwnReset   = errors.New("its password has to be changed before it may do anything else")
	errOwnExpired = errors.New("its password has expired")
	errOwnLocked  = errors.New("the account is locked")
)

// ownReason is why a policy refused the gateway's own account; nil where it does not tell.
func ownReason(policy ldapwire.PolicyError) error {
	switch policy { //nolint:exhaustive // The others are about changes.
	case ldapwire.PasswordExpired:
		return errOwnExpired
	case ldapwire.AccountLocked:
		return errOwnLocked
	case ldapwire.ChangeAfterReset:
		return errOwnReset
	}
	return nil
}

// warnOfPassword tells that the password of the gateway's own account needs to be changed, once
// an hour.
func (c *Client) warnOfPassword(policy ldapwire.PolicyAnswer) {
	now, last := time.Now().Unix(), c.warned.Load()
	switch {
	case !policy.HasGrace && !policy.HasExpiry:
	case now-last < int64(time.Hour/time.Second) || !c.warned.CompareAndSwap(last, now):
	case policy.HasGrace:
		c.options.Logger.Warn("the password of the gateway's own account has expired", "uses left", policy.Grace)
	default:
		c.options.Logger.Warn("the password of the gateway's own account expires soon", "in", time.Duration(policy.Expires)*time.Second)
	}
}

// alarm tells the operator, once a minute, that the directory does not let the gateway act for
// somebody (RFC 4370 §5): it is the rules of the gateway's own account that are to be mended, or
// a caller that nobody has thought of. A request is never sent without its identity instead.
func (s *server) alarm(result ldapwire.Result) {
	if result.Code != codeAuthorizationDenied {
		return
	}
	now := time.Now().Unix()
	if last := s.denied.Load(); now-last >= int64(time.Minute/time.Second) && s.denied.CompareAndSwap(last, now) {
		s.client.options.Logger.Warn("the directory does not let the gateway act for a caller; look at what its own account may", "server", s.address, "error", &resultError{result})
	}
}

// credentials are those of the SASL mechanism.
func (o *Options) credentials(as *account) string {
	authzID := ""
	if as != nil {
		authzID = as.authzID
	}
	if o.Mechanism == External {
		return authzID
	}
	return authzID + "\x00" + o.User + "\x00" + o.Password
}

// refused is the fault of a caller whose connection could not be bound, because of what it
// is or sent; nil where the directory or the gateway's own account is at fault.
func (a *account) refused(err error) *fault.Error {
	var (
		bind   *bindError
		result *resultError
	)
	if a == nil || !errors.As(err, &bind) || !errors.As(bind.reason, &result) {
		return nil
	}
	switch {
	case a.mode == BindAs && isRefusedBind(err):
		return fault.Wrap(fault.Unauthenticated, err, "valid credentials are required").Named("invalidCredentials")
	case a.mode == SASLProxy && (result.result.Code == codeInsufficientAccess || result.result.Code == codeAuthorizationDenied):
		return fault.Wrap(fault.Forbidden, err, "the directory does not let the gateway act for you").Named("authorizationDenied")
	}
	return nil
}
