package auth

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Attributes that tell the state of an account, and those of a password policy.
const (
	attrLockedTime     = "pwdAccountLockedTime"           // OpenLDAP, behera-ldap-password-policy §5.3.3
	attrTmpLockoutEnd  = "pwdAccountTmpLockoutEnd"        // OpenLDAP 2.5
	attrReset          = "pwdReset"                       // §5.3.6
	attrStartTime      = "pwdStartTime"                   // §5.3.8
	attrEndTime        = "pwdEndTime"                     // §5.3.9
	attrPolicy         = "pwdPolicySubentry"              // §5.3.7
	attrNSLock         = "nsAccountLock"                  // 389 Directory Server
	attrDSDisabled     = "ds-pwp-account-disabled"        // OpenDJ, PingDS
	attrDSExpiration   = "ds-pwp-account-expiration-time" // OpenDJ, PingDS
	attrUserAccount    = "userAccountControl"             // Active Directory
	attrLockoutSeconds = "pwdLockoutDuration"             // of a policy
)

// lockedForGood is the lock that only an administrator takes away.
const lockedForGood = "000001010000Z"

// accountDisable is the bit ADS_UF_ACCOUNTDISABLE of userAccountControl.
const accountDisable = 2

// StateAttributes returns the attributes, of all kinds of directories, that tell
// whether an account may be used. The gateway's account must be able to read those
// that the directory has.
func StateAttributes() []string {
	return []string{
		attrLockedTime, attrTmpLockoutEnd, attrReset, attrStartTime, attrEndTime, attrPolicy,
		attrNSLock, attrDSDisabled, attrDSExpiration, attrUserAccount,
	}
}

// knownAttributes returns the state attributes that the schema has, all when there is
// no schema, and objectClass, which every entry has.
func knownAttributes(schema *directory.Schema) []string {
	known := slices.DeleteFunc(StateAttributes(), func(name string) bool {
		return schema != nil && schema.Attribute(name) == nil
	})
	return append(known, "objectClass")
}

// judge tells whether the account of the entry may be used. A value that makes no
// sense counts against it. The second result tells that it cannot say.
func (a *Accounts) judge(ctx context.Context, entry *directory.Entry) (state, err error) {
	now := a.options.Clock()
	if isDisabled(entry) {
		return RefuseAccount(ReasonDisabled), nil
	}
	locked, err := a.isLocked(ctx, entry, now)
	switch {
	case err != nil:
		return nil, err
	case locked:
		return RefuseAccount(ReasonLocked), nil
	case isPast(entry, attrEndTime, now) || isPast(entry, attrDSExpiration, now):
		return RefuseAccount(ReasonExpired), nil
	case isAhead(entry, attrStartTime, now):
		return RefuseAccount(ReasonNotYetValid), nil
	case isTrue(entry, attrReset):
		return RefuseMustChange(), nil
	}
	return nil, nil
}

func isDisabled(entry *directory.Entry) bool {
	if isTrue(entry, attrNSLock) || isTrue(entry, attrDSDisabled) {
		return true
	}
	value := entry.Value(attrUserAccount)
	flags, err := strconv.ParseInt(value, 10, 64)
	return value != "" && (err != nil || flags&accountDisable != 0)
}

// isTrue tells an attribute that is there and not FALSE.
func isTrue(entry *directory.Entry, attribute string) bool {
	value := entry.Value(attribute)
	return value != "" && !strings.EqualFold(value, "FALSE")
}

// isPast tells a time that is not in the future, or that makes no sense.
func isPast(entry *directory.Entry, attribute string, now time.Time) bool {
	value := entry.Value(attribute)
	if value == "" {
		return false
	}
	at, err := directory.ParseGeneralizedTime(value)
	return err != nil || !now.Before(at)
}

// isAhead tells a time that is in the future, or that makes no sense.
func isAhead(entry *directory.Entry, attribute string, now time.Time) bool {
	value := entry.Value(attribute)
	if value == "" {
		return false
	}
	at, err := directory.ParseGeneralizedTime(value)
	return err != nil || now.Before(at)
}

// isLocked tells whether the account is locked. slapd keeps pwdAccountLockedTime
// after the lock has run out, until the next good bind; so the duration of a lock is
// looked up in the policy, and where it cannot be had the lock counts.
func (a *Accounts) isLocked(ctx context.Context, entry *directory.Entry, now time.Time) (bool, error) {
	if isAhead(entry, attrTmpLockoutEnd, now) {
		return true, nil
	}
	value := entry.Value(attrLockedTime)
	if value == "" {
		return false, nil
	}
	since, err := directory.ParseGeneralizedTime(value)
	if err != nil || value == lockedForGood {
		return true, nil //nolint:nilerr // A lock that makes no sense counts against the account.
	}
	duration, err := a.lockDuration(ctx, entry)
	if err != nil {
		return false, err
	}
	return duration == 0 || now.Before(since.Add(duration)), nil
}

// lockDuration returns how long a lock lasts by the policy of the account; 0 is for
// good, or unknown.
func (a *Accounts) lockDuration(ctx context.Context, entry *directory.Entry) (time.Duration, error) {
	dn := a.options.Policy
	if value := entry.Value(attrPolicy); value != "" {
		var err error
		if dn, err = directory.ParseDN(value); err != nil {
			return 0, nil //nolint:nilerr // A policy that cannot be named is unknown.
		}
	}
	if dn.IsZero() {
		return 0, nil
	}
	policy, err := a.read(ctx, dn, []string{attrLockoutSeconds})
	if err != nil {
		return 0, err
	}
	if policy == nil || policy.Value(attrLockoutSeconds) == "" {
		a.options.Logger.WarnContext(ctx, "the password policy cannot be read, so that a locked account stays locked", "policy", dn.String())
		return 0, nil
	}
	seconds, err := strconv.ParseInt(policy.Value(attrLockoutSeconds), 10, 32)
	if err != nil || seconds < 0 {
		return 0, nil //nolint:nilerr // A duration that makes no sense is unknown.
	}
	return time.Duration(seconds) * time.Second, nil
}
