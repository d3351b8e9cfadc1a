// Package basic authenticates by user name and password (RFC 7617), which it
// verifies with a bind in the directory.
//
// A password that was right is remembered for a short time as a keyed hash, in
// memory, so that not every request costs a bind. A wrong one is not remembered:
// each attempt reaches the directory, whose policy counts it.
package basic

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

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

// Options say how to authenticate.
type Options struct {
	// Directory verifies the password; required.
	Directory directory.Directory
	// Accounts verifies the account of a caller whose password is remembered; required.
	Accounts *auth.Accounts
	// Realm is what challenges say.
	Realm string
	// Search finds the entry of the caller. When nil, DNTemplate names it.
	Search *Search
	// DNTemplate is the DN of the caller, with {username} in it.
	DNTemplate directory.DNTemplate
	// Cache is how long a password that was right is remembered: at most MaxCache; 0
	// is not at all.
	Cache time.Duration
	// Clock tells the time; time.Now when nil.
	Clock func() time.Time
}

// Authenticator is an auth.Authenticator for user names and passwords. It is safe
// for concurrent use.
type Authenticator struct {
	options   Options
	challenge string
	key       [32]byte // of the hashes; new with every start
	cache     *memo.Cache[[sha256.Size]byte, *auth.Principal]
}

// New makes an authenticator.
func New(o Options) (*Authenticator, error) {
	if o.Directory == nil || o.Accounts == nil {
		return nil, errors.New("basic: a directory and accounts are needed")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.Cache = max(0, min(o.Cache, MaxCache))
	a := &Authenticator{
		options:   o,
		challenge: "Basic realm=" + auth.QuoteRealm(o.Realm) + `, charset="UTF-8"`,
		cache:     memo.New[[sha256.Size]byte, *auth.Principal](cacheSize, o.Clock),
	}
	_, _ = rand.Read(a.key[:]) // It never fails (crypto/rand).
	return a, nil
}

// Challenge returns the challenge of RFC 7617 §2; it has no error codes.
func (a *Authenticator) Challenge(string) string { return a.challenge }

// Authenticate verifies the Basic credentials of the request.
func (a *Authenticator) Authenticate(r *http.Request) (*auth.Principal, error) {
	encoded, ok := auth.Credentials(r, "Basic")
	if !ok {
		return nil, auth.ErrNotApplicable
	}
	name, password, err := parse(encoded)
	if err != nil {
		return nil, err
	}
	key := a.hash(name, password)
	if principal, ok := a.cache.Get(key); ok {
		return a.usable(r.Context(), principal)
	}
	type verified struct {
		principal *auth.Principal
		err       error
	}
	var fresh *verified
	principal, _, err := a.cache.Do(r.Context(), key, func(ctx context.Context) (memo.Result[*auth.Principal], error) {
		principal, err := a.verify(ctx, name, password)
		fresh = &verified{principal, err}
		if err != nil {
			return memo.Result[*auth.Principal]{}, err
		}
		return memo.Result[*auth.Principal]{Value: principal, Keep: a.options.Cache}, nil
	})
	switch {
	case fresh != nil: // A bind of this very request: it looked at the account.
		return fresh.principal, fresh.err
	case err != nil:
		return nil, waitFault(err)
	}
	return a.usable(r.Context(), principal)
}

// usable returns the principal of a remembered password when its account may still
// be used.
func (a *Authenticator) usable(ctx context.Context, principal *auth.Principal) (*auth.Principal, error) {
	if err := a.options.Accounts.Verify(ctx, principal.Identity); err != nil {
		if auth.MustChange(err) {
			return principal, err
		}
		return nil, err
	}
	return principal, nil
}

// waitFault turns the end of a wait for somebody else's bind into a fault.
func waitFault(err error) error {
	var e *fault.Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fault.Canceled, err, "the caller went away")
	}
	return fault.Wrap(fault.Timeout, err, "the password could not be verified in time")
}

// parse takes the credentials apart (RFC 7617 §2): the first colon separates, and
// the password may hold more of them.
func parse(encoded string) (name, password string, err error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || !utf8.Valid(decoded) {
		return "", "", auth.Refuse(ReasonMalformed)
	}
	name, password, ok := strings.Cut(string(decoded), ":")
	switch {
	case !ok || len(password) > MaxPassword || strings.IndexByte(password, 0) >= 0:
		return "", "", auth.Refuse(ReasonMalformed)
	case !auth.IsName(name):
		return "", "", auth.Refuse(ReasonName)
	case password == "":
		return "", "", auth.Refuse(ReasonEmpty)
	}
	return name, password, nil
}

// hash is the key under which a password is remembered.
func (a *Authenticator) hash(name, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, a.key[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(name))))
	mac.Write([]byte(name))
	mac.Write([]byte(password))
	mac.Sum(sum[:0])
	return sum
}

// verify finds the entry of the caller and binds as it.
func (a *Authenticator) verify(ctx context.Context, name, password string) (*auth.Principal, error) {
	dn, err := a.find(ctx, name)
	if err != nil {
		return nil, err
	}
	principal := &auth.Principal{Name: name, Method: "basic", Identity: directory.Identity{AuthzID: "dn:" + dn.String()}}
	err = a.options.Directory.Authenticate(ctx, dn, password)
	var e *fault.Error
	switch {
	case err == nil:
		// What was known of the account is older than this bind.
		a.options.Accounts.Purge(principal.Identity)
		return principal, nil
	case errors.As(err, &e) && e.Kind == fault.Unauthenticated:
		return nil, auth.Refuse(errors.Join(ReasonPassword, err))
	case errors.As(err, &e) && e.Detail.Kind == string(auth.ReasonMustChange):
		return principal, fault.Wrap(fault.Forbidden, errors.Join(auth.ReasonMustChange, err), "%s", e.Message).Named(e.Detail.Kind)
	}
	return nil, err
}

// find returns the name of the caller's entry.
func (a *Authenticator) find(ctx context.Context, name string) (directory.DN, error) {
	values := map[string]string{variable: name}
	search := a.options.Search
	if search == nil {
		dn, err := a.options.DNTemplate.Expand(values)
		if err != nil {
			return dn, auth.Refuse(errors.Join(ReasonName, err))
		}
		return dn, nil
	}
	filter, err := search.Filter.Expand(values)
	if err != nil {
		return directory.DN{}, auth.Refuse(errors.Join(ReasonName, err))
	}
	var found []string
	result, err := a.options.Directory.Service().Search(ctx, &directory.SearchRequest{
		Base: search.Base, Scope: search.Scope, Filter: filter, SizeLimit: 2,
	}, func(entry *directory.Entry) error {
		found = append(found, entry.DN)
		return nil
	})
	switch {
	case err != nil:
		return directory.DN{}, lookUpFault(err)
	case len(found) == 0:
		return directory.DN{}, auth.Refuse(ReasonUnknown)
	case len(found) > 1 || result.More:
		return directory.DN{}, auth.Refuse(ReasonAmbiguous)
	}
	dn, err := directory.ParseDN(found[0])
	if err != nil {
		return dn, fault.Wrap(fault.BadGateway, err, "the directory returned a name that is none").Named("malformedAnswer")
	}
	return dn, nil
}

// lookUpFault is the fault of a search for a caller. What the directory has against
// the search is not the caller's fault, and never a refusal.
func lookUpFault(err error) error {
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Forbidden, fault.Invalid, fault.TooLarge, fault.Unauthenticated:
		return fault.Wrap(fault.BadGateway, err, "the gateway could not look up callers in the directory; the operator has to mend that").Named("callerSearch")
	default:
		return err
	}
}
