package auth

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth/internal/memo"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

const (
	// MaxAccountAge is the longest time for which the state of an account is remembered.
	MaxAccountAge = 30 * time.Second
	// refusalAge is the longest time for which an unusable account is remembered, so
	// that one which an administrator has just opened does not wait long.
	refusalAge = 5 * time.Second
	// accountsSize is the number of accounts remembered by default.
	accountsSize = 10_000
	// policiesSize is the number of password policies remembered.
	policiesSize = 100
)

// AccountsOptions say how to verify accounts.
type AccountsOptions struct {
	// Directory holds the accounts; required.
	Directory directory.Directory
	// Policy is the password policy of accounts that name none (pwdPolicySubentry),
	// for directories that keep their default policy in the configuration, as OpenLDAP
	// does (ppolicy_default). It tells how long a lock lasts, and how long a password.
	// Without it, or when the gateway's account may not read it, a locked account stays
	// locked here until the directory removes the lock, at the next good bind or by an
	// administrator; and a password that has expired is noticed by the next bind alone.
	Policy directory.DN
	// MaxAge is how long a usable account is remembered: MaxAccountAge when 0, and
	// never more; negative is not at all.
	MaxAge time.Duration
	// Size is the greatest number of accounts remembered; 10,000 when 0.
	Size int
	// Clock tells the time; time.Now when nil.
	Clock func() time.Time
	// Logger is told what only the operator can mend; slog.Default when nil.
	Logger *slog.Logger
}

// Accounts tells whether the account behind an identity may be used. A directory
// looks at that in a bind; it does not for an identity that it is told of by
// proxied authorization (RFC 4370): slapd serves users so that were deleted,
// locked, or have to change their password.
//
// The entry is read by the gateway's own account, which needs the right to read
// the pseudo-attribute "entry" (in OpenLDAP), objectClass, and every attribute of
// [StateAttributes] that the directory has. An entry that the gateway's account
// cannot see is an unknown account. A state attribute that it cannot see counts as
// absent, so that a lock would be missed: the recipe for the directory must grant
// these rights.
//
// Accounts is safe for concurrent use.
type Accounts struct {
	options AccountsOptions
	cache   *memo.Cache[string, account]
	// policies are what password policies say, by the key of the name.
	policies *memo.Cache[string, passwordPolicy]
}

// account is what is known of an identity.
type account struct {
	state error // nil for a usable account
	// entry is the key of the account's name; "" when there is none.
	entry string
}

// NewAccounts makes a verifier of accounts.
func NewAccounts(options AccountsOptions) (*Accounts, error) {
	if options.Directory == nil {
		return nil, errors.New("auth: accounts need a directory")
	}
	if options.MaxAge == 0 || options.MaxAge > MaxAccountAge {
		options.MaxAge = MaxAccountAge
	}
	options.MaxAge = max(options.MaxAge, 0)
	if options.Size == 0 {
		options.Size = accountsSize
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	return &Accounts{
		options:  options,
		cache:    memo.New[string, account](options.Size, options.Clock),
		policies: memo.New[string, passwordPolicy](policiesSize, options.Clock),
	}, nil
}

// Verify returns nil when the account of the identity may be used. Otherwise the
// fault is Unauthenticated when the account is unknown, disabled, locked, expired
// or not yet valid, or its password has expired and is not good for another time, with
// that as detail.kind (see Reason); Forbidden with
// passwordMustChange when the password has to be changed first; Unavailable, Timeout
// and the like when the directory could not be asked. The answer may be
// MaxAccountAge old.
func (a *Accounts) Verify(ctx context.Context, identity directory.Identity) error {
	if identity.IsAnonymous() {
		return RefuseAccount(ReasonUnknown)
	}
	if found, ok := a.cache.Get(identity.AuthzID); ok {
		return found.state
	}
	found, _, err := a.cache.Do(ctx, identity.AuthzID, func(ctx context.Context) (memo.Result[account], error) {
		found, err := a.look(ctx, identity)
		keep := a.options.MaxAge
		if found.state != nil {
			keep = min(keep, refusalAge)
		}
		return memo.Result[account]{Value: found, Keep: keep}, err
	})
	if err != nil {
		return WaitFault(err, "the account")
	}
	return found.state
}

// Purge forgets what is known of an identity, whose next use asks the directory.
func (a *Accounts) Purge(identity directory.Identity) { a.cache.Forget(identity.AuthzID) }

// PurgeEntry forgets what is known of an entry and of all below it, under whatever
// identities.
func (a *Accounts) PurgeEntry(dn directory.DN) {
	key := dn.Key()
	// A value that looks like a name may be forgotten too, which costs a look.
	a.cache.ForgetIf(func(known account) bool { return known.entry == key || strings.HasSuffix(known.entry, ","+key) })
}

// PurgeAll forgets everything.
func (a *Accounts) PurgeAll() {
	a.cache.Clear()
	a.policies.Clear()
}

// look asks the directory. The error tells that there is no answer.
func (a *Accounts) look(ctx context.Context, identity directory.Identity) (account, error) {
	dn, refused, err := a.resolve(ctx, identity)
	if refused != nil || err != nil {
		return account{state: refused}, err
	}
	capabilities, err := a.options.Directory.Capabilities(ctx)
	if err != nil {
		return account{}, err
	}
	found := account{entry: dn.Key()}
	entry, err := a.read(ctx, dn, knownAttributes(capabilities.Schema))
	switch {
	case err != nil:
		return account{}, err
	case entry == nil:
		found.state = RefuseAccount(ReasonUnknown)
		return found, nil
	}
	state, err := a.judge(ctx, entry)
	found.state = RefuseState(state)
	return found, err
}

// State tells the state of the account of an entry as it is now, as far as the gateway's
// account can see it. The fault is NotFound when it cannot see the entry.
func (a *Accounts) State(ctx context.Context, dn directory.DN) (directory.AccountState, error) {
	capabilities, err := a.options.Directory.Capabilities(ctx)
	if err != nil {
		return directory.AccountState{}, err
	}
	entry, err := a.read(ctx, dn, knownAttributes(capabilities.Schema))
	switch {
	case err != nil:
		return directory.AccountState{}, err
	case entry == nil:
		return directory.AccountState{}, fault.New(fault.NotFound, "the account is not there")
	}
	return a.judge(ctx, entry)
}

// resolve returns the name of the account.
func (a *Accounts) resolve(ctx context.Context, identity directory.Identity) (dn directory.DN, state, err error) {
	name, isDN := strings.CutPrefix(identity.AuthzID, "dn:")
	if !isDN {
		// Only the directory knows which entry belongs to a "u:" identity.
		name, err = a.options.Directory.As(identity).WhoAmI(ctx, nil)
		switch fault.KindOf(err) {
		case fault.Forbidden, fault.Unauthenticated, fault.NotFound:
			return dn, RefuseAccount(ReasonUnknown), nil // the directory does not take this identity
		default:
		}
		if err != nil {
			return dn, nil, err
		}
		if name, isDN = strings.CutPrefix(name, "dn:"); !isDN && name != "" {
			return dn, nil, fault.New(fault.Unsupported, "the directory does not tell which entry belongs to the caller")
		}
	}
	dn, err = directory.ParseDN(name)
	if err != nil || dn.IsZero() {
		return dn, RefuseAccount(ReasonUnknown), nil
	}
	return dn, nil, nil
}

// read reads one entry as the gateway's account; nil when it cannot be seen.
func (a *Accounts) read(ctx context.Context, dn directory.DN, attributes []string) (*directory.Entry, error) {
	var found *directory.Entry
	_, err := a.options.Directory.Service().Search(ctx, &directory.SearchRequest{
		Base:       dn,
		Scope:      directory.ScopeBase,
		Filter:     directory.Present("objectClass"),
		Attributes: attributes,
		SizeLimit:  1,
	}, func(entry *directory.Entry) error {
		found = entry
		return nil
	})
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Forbidden, fault.Invalid: // Invalid: a name that the directory does not take
		return nil, nil //nolint:nilnil // no entry, and nothing went wrong
	default:
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}
