package auth

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Attributes that tell the state of an account.
const (
	attrLockedTime    = "pwdAccountLockedTime"    // OpenLDAP, draft-behera-ldap-password-policy §5.3.3; OpenDJ
	attrTmpLockoutEnd = "pwdAccountTmpLockoutEnd" // OpenLDAP 2.5
	attrReset         = "pwdReset"                // §5.3.6
	attrStartTime     = "pwdStartTime"            // §5.3.8
	attrEndTime       = "pwdEndTime"              // §5.3.9
	attrPolicy        = "pwdPolicySubentry"       // §5.3.7
	attrChangedTime   = "pwdChangedTime"          // §5.3.2
	attrGraceUseTime  = "pwdGraceUseTime"         // §5.3.5

	attrNSLock       = "nsAccountLock" // 389 Directory Server; by a role, too
	attrUnlockTime   = "accountUnlockTime"
	attrNSExpiration = "passwordExpirationTime"

	attrDSDisabled           = "ds-pwp-account-disabled" // OpenDJ, PingDS
	attrDSExpiration         = "ds-pwp-account-expiration-time"
	attrDSPasswordExpiration = "ds-pwp-password-expiration-time"

	attrUserAccount    = "userAccountControl" // Active Directory
	attrComputed       = "msDS-User-Account-Control-Computed"
	attrLockoutTime    = "lockoutTime"
	attrLastSet        = "pwdLastSet"
	attrAccountExpires = "accountExpires"
	attrADExpiration   = "msDS-UserPasswordExpiryTimeComputed"
)

const (
	// lockedForGood is the lock of draft-behera-ldap-password-policy §5.3.3 that only an
	// administrator takes away.
	lockedForGood = "000001010000Z"
	// theEpoch is how 389 Directory Server writes a lock without end in accountUnlockTime,
	// and in passwordExpirationTime that the password has to be changed.
	theEpoch = "19700101000000Z"
	// afterTheEpoch is its passwordExpirationTime for a password that does not expire.
	afterTheEpoch = "19700101000001Z"
)

// StateAttributes returns the attributes, of all kinds of directories, that tell
// whether an account may be used. The gateway's account must be able to read those
// that the directory has.
func StateAttributes() []string {
	return []string{
		attrLockedTime, attrTmpLockoutEnd, attrReset, attrStartTime, attrEndTime, attrPolicy, attrChangedTime, attrGraceUseTime,
		attrNSLock, attrUnlockTime, attrNSExpiration,
		attrDSDisabled, attrDSExpiration, attrDSPasswordExpiration,
		attrUserAccount, attrComputed, attrLockoutTime, attrLastSet, attrAccountExpires, attrADExpiration,
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

// judge tells the state of the account of the entry. A value that makes no sense counts
// against it. The error tells that nobody knows.
func (a *Accounts) judge(ctx context.Context, entry *directory.Entry) (directory.AccountState, error) {
	v := view{entry: entry, now: a.options.Clock()}
	if v.needsPolicy() {
		var err error
		if v.policy, err = a.policyOf(ctx, entry); err != nil {
			return directory.AccountState{}, err
		}
	}
	return v.state(), nil
}

// view is an entry at a moment.
type view struct {
	entry  *directory.Entry
	now    time.Time
	policy passwordPolicy
}

// needsPolicy tells whether there is something that only a policy makes sense of.
func (v *view) needsPolicy() bool {
	return v.has(attrLockedTime) && v.entry.Value(attrLockedTime) != lockedForGood || v.has(attrChangedTime)
}

func (v *view) state() directory.AccountState {
	locked, unlocks := v.lock()
	expired, expires := v.expiry()
	state := directory.AccountState{PasswordExpires: expires}
	switch {
	case v.isDisabled():
		state.Status = directory.AccountDisabled
	case locked:
		state.Status, state.Unlocks = directory.AccountLocked, unlocks
	case v.isPast(attrEndTime) || v.isPast(attrDSExpiration) || v.isPastFileTime(attrAccountExpires):
		state.Status = directory.AccountExpired
	case v.isAhead(attrStartTime):
		state.Status = directory.AccountNotYetValid
	case expired:
		state.Status = directory.PasswordExpired
		state.GraceLogins, state.HasGrace = v.graceLogins()
	case v.isTrue(attrReset) || v.entry.Value(attrNSExpiration) == theEpoch || v.isNeverSet():
		state.Status = directory.PasswordMustChange
	}
	return state
}

func (v *view) has(attribute string) bool { return v.entry.Value(attribute) != "" }

func (v *view) isDisabled() bool {
	return v.isTrue(attrNSLock) || v.isTrue(attrDSDisabled) || v.hasFlag(attrUserAccount, flagDisabled)
}

// isTrue tells an attribute that is there and not FALSE.
func (v *view) isTrue(attribute string) bool {
	return v.has(attribute) && !strings.EqualFold(v.entry.Value(attribute), "FALSE")
}

// time returns a time. One that makes no sense is zero.
func (v *view) time(attribute string) (at time.Time, sense bool) {
	at, err := directory.ParseGeneralizedTime(v.entry.Value(attribute))
	return at, err == nil
}

// isPast tells a time that is not in the future, or that makes no sense.
func (v *view) isPast(attribute string) bool {
	at, sense := v.time(attribute)
	return v.has(attribute) && (!sense || !v.now.Before(at))
}

// isAhead tells a time that is in the future, or that makes no sense.
func (v *view) isAhead(attribute string) bool {
	at, sense := v.time(attribute)
	return v.has(attribute) && (!sense || v.now.Before(at))
}

// lock tells whether the account is locked, and until when; zero is for good, or unknown.
// slapd keeps pwdAccountLockedTime after the lock has run out, until the next good bind; so
// the duration of a lock is that of the policy, and where it cannot be had the lock counts.
func (v *view) lock() (locked bool, until time.Time) {
	for _, attribute := range []string{attrTmpLockoutEnd, attrUnlockTime} {
		if at, _ := v.time(attribute); v.isAhead(attribute) {
			locked, until = true, latest(until, at)
		}
	}
	switch since, sense := v.time(attrLockedTime); {
	case v.entry.Value(attrUnlockTime) == theEpoch || v.isLockedOut():
		return true, time.Time{}
	case !v.has(attrLockedTime):
		return locked, until
	case !sense || v.entry.Value(attrLockedTime) == lockedForGood || v.policy.lockout == 0:
		return true, time.Time{}
	case v.now.Before(since.Add(v.policy.lockout)):
		return true, latest(until, since.Add(v.policy.lockout))
	}
	return locked, until
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// expiry tells whether the password has expired, and when it does; zero is never, or
// unknown.
func (v *view) expiry() (expired bool, at time.Time) {
	for _, attribute := range []string{attrDSPasswordExpiration, attrNSExpiration} {
		switch v.entry.Value(attribute) {
		case "", theEpoch, afterTheEpoch:
		default:
			at, _ = v.time(attribute)
			return v.isPast(attribute), at
		}
	}
	if v.has(attrADExpiration) {
		return v.expiryOfActiveDirectory()
	}
	if !v.has(attrChangedTime) || v.policy.maxAge == 0 {
		return false, time.Time{}
	}
	since, sense := v.time(attrChangedTime)
	if !sense {
		return true, time.Time{}
	}
	at = since.Add(v.policy.maxAge)
	return v.now.After(at), at
}

// graceLogins tells how many more times an expired password is good.
func (v *view) graceLogins() (left int, known bool) {
	if !v.has(attrChangedTime) || v.policy.maxAge == 0 {
		return 0, false
	}
	since, sense := v.time(attrChangedTime)
	if !sense || v.policy.graceExpiry > 0 && v.now.After(since.Add(v.policy.maxAge+v.policy.graceExpiry)) {
		return 0, true
	}
	return max(0, v.policy.graceLogins-len(v.entry.Values(attrGraceUseTime))), true
}

// Flags of Active Directory's userAccountControl, and of what it computes.
const (
	flagDisabled        = 1 << 1
	flagLockedOut       = 1 << 4
	flagNeverExpires    = 1 << 16
	flagSmartCard       = 1 << 18
	flagPasswordExpired = 1 << 23
)

// hasFlag tells a number that has the flag, or makes no sense.
func (v *view) hasFlag(attribute string, flag int64) bool {
	flags, err := strconv.ParseInt(v.entry.Value(attribute), 10, 64)
	return v.has(attribute) && (err != nil || flags&flag != 0)
}

// isLockedOut is for Active Directory, which computes whether the lock has run out; the
// time of the lock alone does not tell.
func (v *view) isLockedOut() bool {
	if v.has(attrComputed) {
		return v.hasFlag(attrComputed, flagLockedOut)
	}
	return v.has(attrLockoutTime) && v.entry.Value(attrLockoutTime) != "0"
}

// isNeverSet tells a password of Active Directory that has to be changed.
func (v *view) isNeverSet() bool {
	return v.entry.Value(attrLastSet) == "0" && !v.hasFlag(attrUserAccount, flagNeverExpires|flagSmartCard)
}

func (v *view) expiryOfActiveDirectory() (expired bool, at time.Time) {
	if v.entry.Value(attrADExpiration) == "0" { // It has to be changed; see isNeverSet.
		return false, time.Time{}
	}
	at, _ = fileTime(v.entry.Value(attrADExpiration))
	return v.hasFlag(attrComputed, flagPasswordExpired) || v.isPastFileTime(attrADExpiration), at
}

// isPastFileTime tells a time of Active Directory that is not in the future, or that makes
// no sense.
func (v *view) isPastFileTime(attribute string) bool {
	at, sense := fileTime(v.entry.Value(attribute))
	return v.has(attribute) && (!sense || !at.IsZero() && !v.now.Before(at))
}

// fileTime returns a time that is counted in tenths of a microsecond from the year 1601;
// 0 and the greatest number are never, which is zero.
func fileTime(value string) (at time.Time, sense bool) {
	const (
		never     = 1<<63 - 1
		perSecond = 10_000_000
		toEpoch   = 11_644_473_600
	)
	ticks, err := strconv.ParseInt(value, 10, 64)
	if err != nil || ticks < 0 {
		return time.Time{}, false
	}
	if ticks == 0 || ticks == never {
		return time.Time{}, true
	}
	return time.Unix(ticks/perSecond-toEpoch, ticks%perSecond*100).UTC(), true
}
