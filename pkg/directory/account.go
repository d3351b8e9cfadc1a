package directory

import "time"

// AccountStatus is whether an account can be used, and why not. Where several are true, the
// one that stands first below counts, but for AccountValid.
type AccountStatus int

const (
	// AccountValid is an account that can be used.
	AccountValid AccountStatus = iota
	// AccountDisabled is one that an administrator has switched off.
	AccountDisabled
	// AccountLocked is one that is closed after wrong passwords, or by an administrator.
	AccountLocked
	// AccountExpired is one whose time is over.
	AccountExpired
	// AccountNotYetValid is one whose time has not begun.
	AccountNotYetValid
	// PasswordExpired is one whose password is too old. It may be good a few more times:
	// see AccountState.GraceLogins.
	PasswordExpired
	// PasswordMustChange is one that has to change its password before anything else.
	PasswordMustChange
)

// String returns the status in lowerCamelCase, as events have it.
func (s AccountStatus) String() string {
	return [...]string{
		"accountValid", "accountDisabled", "accountLocked", "accountExpired", "accountNotYetValid", "passwordExpired", "passwordMustChange",
	}[s]
}

// AccountState is what a directory tells of an account, in the same words for every kind
// of directory. The zero AccountState is a valid account of which nothing else is known.
type AccountState struct {
	Status AccountStatus
	// Unlocks is when a locked account is open again by itself; zero is never, or unknown.
	Unlocks time.Time
	// PasswordExpires is when the password expires, or did; zero is never, or unknown.
	PasswordExpires time.Time
	// GraceLogins is how many more times an expired password is good. HasGrace tells that
	// it is known; the one that has just been used is not counted.
	GraceLogins int
	HasGrace    bool
}

// Usable reports whether somebody may act as the account as usual: it is valid, or its
// expired password is good for another time.
func (s AccountState) Usable() bool {
	return s.Status == AccountValid || s.Status == PasswordExpired && s.HasGrace && s.GraceLogins > 0
}
