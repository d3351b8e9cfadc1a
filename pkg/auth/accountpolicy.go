package auth

import (
	"context"
	"strconv"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth/internal/memo"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Attributes of a password policy (draft-behera-ldap-password-policy §5.2).
const (
	attrLockoutDuration = "pwdLockoutDuration"
	attrMaxAge          = "pwdMaxAge"
	attrGraceLimit      = "pwdGraceAuthNLimit"
	attrGraceExpiry     = "pwdGraceExpiry" // OpenLDAP
	attrCheckQuality    = "pwdCheckQuality"
	attrMinLength       = "pwdMinLength"
	attrMaxLength       = "pwdMaxLength" // OpenLDAP 2.6
	attrMinAge          = "pwdMinAge"
	attrInHistory       = "pwdInHistory"
)

// PolicyAttributes returns the attributes of a password policy that the gateway's account
// reads, where it may.
func PolicyAttributes() []string {
	return []string{
		attrLockoutDuration, attrMaxAge, attrGraceLimit, attrGraceExpiry,
		attrCheckQuality, attrMinLength, attrMaxLength, attrMinAge, attrInHistory,
	}
}

// passwordPolicy is what a policy says of accounts. The zero passwordPolicy is one of which
// nothing is known: a lock does not end, and a password does not expire.
type passwordPolicy struct {
	lockout, maxAge, graceExpiry time.Duration
	graceLogins                  int
	demands                      directory.PasswordDemands
}

// Demands tells what the password policy of an entry demands of new passwords, as far as
// the gateway's account can see it. The zero DN is a new entry, to which the policy applies
// that is there for all.
func (a *Accounts) Demands(ctx context.Context, dn directory.DN) (directory.PasswordDemands, error) {
	entry := &directory.Entry{}
	if !dn.IsZero() {
		var err error
		if entry, err = a.read(ctx, dn, []string{attrPolicy}); err != nil || entry == nil {
			return directory.PasswordDemands{}, err
		}
	}
	policy, err := a.policyOf(ctx, entry)
	return policy.demands, err
}

// policyOf returns the policy of an account: its own, or else the one of the options. What
// a policy says is remembered as long as a usable account.
func (a *Accounts) policyOf(ctx context.Context, entry *directory.Entry) (passwordPolicy, error) {
	dn := a.options.Policy
	if value := entry.Value(attrPolicy); value != "" {
		var err error
		if dn, err = directory.ParseDN(value); err != nil {
			return passwordPolicy{}, nil //nolint:nilerr // A policy that cannot be named is unknown.
		}
	}
	if dn.IsZero() {
		return passwordPolicy{}, nil
	}
	if known, ok := a.policies.Get(dn.Key()); ok {
		return known, nil
	}
	found, _, err := a.policies.Do(ctx, dn.Key(), func(ctx context.Context) (memo.Result[passwordPolicy], error) {
		found, err := a.readPolicy(ctx, dn)
		return memo.Result[passwordPolicy]{Value: found, Keep: a.options.MaxAge}, err
	})
	return found, err
}

func (a *Accounts) readPolicy(ctx context.Context, dn directory.DN) (passwordPolicy, error) {
	entry, err := a.read(ctx, dn, PolicyAttributes())
	if err != nil {
		return passwordPolicy{}, err
	}
	if entry == nil {
		a.options.Logger.WarnContext(ctx, "the password policy cannot be read, so that a lock does not end here and nobody sees that a password has expired",
			"policy", dn.String())
		return passwordPolicy{}, nil
	}
	seconds := func(attribute string) time.Duration { return time.Duration(number(entry, attribute)) * time.Second }
	demands := directory.PasswordDemands{MinAge: seconds(attrMinAge), InHistory: number(entry, attrInHistory)}
	if number(entry, attrCheckQuality) > 0 { // OpenLDAP looks at the length only then.
		demands.MinLength, demands.MaxLength = number(entry, attrMinLength), number(entry, attrMaxLength)
	}
	return passwordPolicy{
		demands: demands,
		lockout: seconds(attrLockoutDuration), maxAge: seconds(attrMaxAge), graceExpiry: seconds(attrGraceExpiry),
		graceLogins: number(entry, attrGraceLimit),
	}, nil
}

// number returns a number that is not negative; one that makes no sense is 0.
func number(entry *directory.Entry, attribute string) int {
	n, err := strconv.ParseInt(entry.Value(attribute), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}
