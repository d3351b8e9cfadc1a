package basic

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/internal/memo"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Why credentials were refused, for the audit event.
const (
	ReasonMalformed auth.Reason = "malformedCredentials"
	ReasonName      auth.Reason = "badUserName"
	ReasonEmpty     auth.Reason = "emptyPassword"
	ReasonUnknown   auth.Reason = "unknownUser"
	ReasonAmbiguous auth.Reason = "ambiguousUser"
	ReasonPassword  auth.Reason = "wrongPassword"
)

const (
	// MaxCache is the longest time for which a password is remembered.
	MaxCache = 30 * time.Second
	// MaxPassword is the greatest length of a password, in bytes.
	MaxPassword = 1024
	// cacheSize is how many callers are remembered.
	cacheSize = 10_000
	// variable is the name of the caller in the templates.
	variable = "username"
)

// Search finds the entry of a caller by a search with the gateway's own account.
type Search struct {
	Base  directory.DN
	Scope directory.Scope
	// Filter must find one entry; {username} stands for the name that the caller sent.
	Filter directory.FilterTemplate
}

// Plain verifies passwords by SASL PLAIN.
type Plain struct {
	// Directory verifies the password of a user and returns the authorization identity that
	// the directory makes of it, as ldapclient.Client does. An empty authzID is the user's own.
	Directory interface {
		AuthenticatePlain(ctx context.Context, authzID, user, password string) (string, error)
	}
	// AuthzID makes the authorization identity of the name that the caller sent.
	AuthzID AuthzID
}

// Options say how to authenticate.
type Options struct {
	// Directory verifies the password; required.
	Directory directory.Directory
	// Accounts verifies the account of a caller whose password is remembered; required.
	Accounts *auth.Accounts
	// Realm is what challenges say.
	Realm string
	// Plain has the directory make the entry of the caller, by its SASL rules; Search and
	// DNTemplate are not used then.
	Plain *Plain
	// Search finds the entry of the caller. When nil, DNTemplate names it.
	Search *Search
	// DNTemplate is the DN of the caller, with {username} in it.
	DNTemplate directory.DNTemplate
	// NameHeader and PasswordHeader are headers in which the two may stand as they are, in
	// place of an Authorization header; none when empty.
	NameHeader, PasswordHeader string
	// KeepPassword has the identity of a principal hold its password, for a directory that
	// is asked in the caller's own name.
	KeepPassword bool
	// Cache is how long a password that was right is remembered: at most MaxCache; 0
	// is not at all.
	Cache time.Duration
	// Timeout bounds the verification of a password; 30 s when 0.
	Timeout time.Duration
	// Clock tells the time; time.Now when nil.
	Clock func() time.Time
	// Logger is told of names that several entries have; nil discards it.
	Logger *slog.Logger
}

// Authenticator is an auth.Authenticator for user names and passwords. It is safe
// for concurrent use.
type Authenticator struct {
	options   Options
	challenge string
	key       [32]byte // of the hashes; new with every start
	nobody    string   // a name that no entry has
	cache     *memo.Cache[[sha256.Size]byte, *auth.Principal]
}

// New makes an authenticator.
func New(o Options) (*Authenticator, error) {
	if o.Directory == nil || o.Accounts == nil {
		return nil, errors.New("basic: a directory and accounts are needed")
	}
	if err := checkVariables(&o); err != nil {
		return nil, err
	}
	if (o.NameHeader == "") != (o.PasswordHeader == "") {
		return nil, errors.New("basic: the headers for the name and for the password go together")
	}
	o.NameHeader, o.PasswordHeader = http.CanonicalHeaderKey(o.NameHeader), http.CanonicalHeaderKey(o.PasswordHeader)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	o.Cache = max(0, min(o.Cache, MaxCache))
	a := &Authenticator{
		options:   o,
		challenge: "Basic realm=" + auth.QuoteRealm(o.Realm) + `, charset="UTF-8"`,
		nobody:    rand.Text(),
		cache:     memo.New[[sha256.Size]byte, *auth.Principal](cacheSize, o.Clock),
	}
	_, _ = rand.Read(a.key[:]) // It never fails (crypto/rand).
	return a, nil
}

// checkVariables makes sure that the name of the caller, and nothing else, decides
// which entry is found.
func checkVariables(o *Options) error {
	if o.Plain != nil {
		if o.Plain.Directory == nil || o.Plain.AuthzID.IsZero() {
			return errors.New("basic: PLAIN needs a directory and an authorization identity")
		}
		return nil
	}
	variables := o.DNTemplate.Variables()
	if o.Search != nil {
		variables = o.Search.Filter.Variables()
	}
	if !slices.Equal(variables, []string{variable}) {
		return errors.New("basic: the filter, or the DN template, must have the variable {" + variable + "} and no other")
	}
	if o.Search == nil && (o.DNTemplate.Climbs() > 0 || o.DNTemplate.IsVariable()) {
		return errors.New("basic: the DN template must be a whole DN in which {" + variable + "} is a value")
	}
	return nil
}

// Challenge returns the challenge of RFC 7617 §2; it has no error codes.
func (a *Authenticator) Challenge(string) string { return a.challenge }

// Forget forgets the passwords of an entry and of all below it, which go and move with it;
// their next use asks the directory.
func (a *Authenticator) Forget(dn directory.DN) {
	a.cache.ForgetIf(func(principal *auth.Principal) bool {
		known, err := directory.ParseDN(strings.TrimPrefix(principal.Identity.AuthzID, "dn:"))
		return err != nil || known.Equal(dn) || known.IsBelow(dn)
	})
}

// Authenticate verifies the user name and the password of the request.
func (a *Authenticator) Authenticate(r *http.Request) (*auth.Principal, error) {
	name, password, err := a.credentials(r)
	if err != nil {
		return nil, err
	}
	key := a.hash(name, password)
	if principal, ok := a.cache.Get(key); ok {
		return a.usable(r.Context(), principal)
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.options.Timeout)
	defer cancel()
	bound := false
	principal, _, err := a.cache.Do(ctx, key, func(ctx context.Context) (memo.Result[*auth.Principal], error) {
		bound = true
		principal, err := a.verify(ctx, name, password)
		return memo.Result[*auth.Principal]{Value: principal, Keep: a.options.Cache}, err
	})
	switch {
	case err != nil: // With the principal of one that must change the password.
		return principal, auth.WaitFault(err, "the password")
	case bound && a.options.Plain == nil: // By this very request; the bind looked at the account.
		return principal, nil
	}
	return a.usable(ctx, principal)
}

// usable returns the principal of a remembered password when its account may still
// be used.
func (a *Authenticator) usable(ctx context.Context, principal *auth.Principal) (*auth.Principal, error) {
	err := a.options.Accounts.Verify(ctx, principal.Identity)
	switch {
	case err == nil || auth.MustChange(err):
		return principal, err
	case auth.ReasonOf(err) == auth.ReasonPassword && principal.Account.Status == directory.PasswordExpired:
		// The last time that an expired password was good is remembered like any other.
		return principal, nil
	}
	return nil, err
}

// verify finds the entry of the caller and binds as it.
func (a *Authenticator) verify(ctx context.Context, name, password string) (*auth.Principal, error) {
	if a.options.Plain != nil {
		return a.verifyPlain(ctx, name, password)
	}
	dn, err := a.find(ctx, name)
	if err != nil {
		return nil, a.refuseLate(ctx, err, password)
	}
	principal := &auth.Principal{Name: name, Method: "basic", Identity: directory.Identity{AuthzID: "dn:" + dn.String()}}
	if a.options.KeepPassword {
		principal.Identity.Password = directory.NewPassword(password)
	}
	principal.Account, err = a.options.Directory.Authenticate(ctx, dn, password, nil)
	var e *fault.Error
	switch status := principal.Account.Status; {
	case err == nil:
		// What was known of the account is older than this bind.
		a.options.Accounts.Purge(principal.Identity)
		return principal, nil
	case errors.As(err, &e) && e.Kind == fault.Unauthenticated && status == directory.AccountValid:
		return nil, auth.Refuse(errors.Join(ReasonPassword, err))
	case errors.As(err, &e) && e.Kind == fault.Unauthenticated:
		refused := auth.Refuse(errors.Join(auth.Reason(status.String()), err))
		if e.Detail.Kind == status.String() { // The password was right.
			refused = refused.Named(e.Detail.Kind)
		}
		return nil, refused
	case errors.As(err, &e) && e.Detail.Kind == string(auth.ReasonMustChange):
		return principal, fault.Wrap(fault.Forbidden, errors.Join(auth.ReasonMustChange, err), "%s", e.Message).Named(e.Detail.Kind)
	}
	return nil, err
}
