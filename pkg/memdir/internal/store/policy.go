package store

import (
	"slices"
	"strconv"
	"time"
)

// Policy is a password policy, the part of OpenLDAP's ppolicy that is here. The zero
// Policy demands nothing.
type Policy struct {
	// MaxFailure is how many wrong passwords in a row lock an account; 0 is no lock.
	MaxFailure int
	// LockoutDuration is how long the lock lasts; 0 is until somebody lifts it.
	LockoutDuration time.Duration
	// MinLength is the least length of a new password in octets.
	MinLength int
	// MinAge is how old a password has to be before it is changed.
	MinAge time.Duration
	// InHistory is how many earlier passwords may not be used again.
	InHistory int
	// Frozen keeps users from changing their own passwords.
	Frozen bool
	// OldPassword demands the present password with a new one (RFC 3062).
	OldPassword bool
	// MustChange has a user whose password was reset change it before anything else.
	MustChange bool
	// MaxAge is how long a password is good, and Warning for how long before its end one is
	// told; 0 is for ever, and not at all.
	MaxAge, Warning time.Duration
	// GraceLogins is how many more times a password is good that is older, GraceTime for
	// how long; 0 for GraceTime is no limit.
	GraceLogins int
	GraceTime   time.Duration
}

// policyOf returns the policy of an account: that of the entry which pwdPolicySubentry
// names, or else the options, where there is one, else that of the options. s.mu is held.
func (s *Store) policyOf(e *entry) Policy {
	name := s.options.PolicyDN
	if names := e.attribute("pwdPolicySubentry"); len(names) > 0 {
		name = names[0]
	}
	if name == "" {
		return s.options.Policy
	}
	n, err := s.schema.parseDN(name)
	found := s.entries[n.key()]
	if err != nil || found == nil || !found.hasClass("pwdPolicy") {
		return s.options.Policy
	}
	number := func(name string) int {
		values := found.attribute(name)
		if len(values) == 0 {
			return 0
		}
		n, _ := strconv.Atoi(values[0]) // It is an integer, by the schema.
		return n
	}
	is := func(name, value string) bool { return slices.Contains(found.attribute(name), value) }
	seconds := func(name string) time.Duration { return time.Duration(number(name)) * time.Second }
	p := Policy{
		InHistory: number("pwdInHistory"), MinAge: seconds("pwdMinAge"), Frozen: is("pwdAllowUserChange", "FALSE"), MustChange: is("pwdMustChange", "TRUE"), OldPassword: is("pwdSafeModify", "TRUE"),
		MaxAge: seconds("pwdMaxAge"), Warning: seconds("pwdExpireWarning"), GraceLogins: number("pwdGraceAuthNLimit"), GraceTime: seconds("pwdGraceExpiry"),
	}
	if number("pwdCheckQuality") > 0 {
		p.MinLength = number("pwdMinLength")
	}
	if is("pwdLockout", "TRUE") {
		p.MaxFailure, p.LockoutDuration = number("pwdMaxFailure"), seconds("pwdLockoutDuration")
	}
	return p
}

// age tells a good login what the policy says of the age of its password: as slapd, which
// knows none of an account without pwdChangedTime. A grace login is counted, those within
// one second as one.
// One that has to be changed may be as old as it likes.
func (s *Store) age(key string, e *entry, p Policy) Result {
	changed := e.attribute("pwdChangedTime")
	result := Result{}
	reset := p.MustChange && slices.Equal(e.attribute("pwdReset"), []string{"TRUE"})
	if reset {
		result.Reason = ChangeAfterReset
	}
	if p.MaxAge == 0 || len(changed) == 0 {
		return result
	}
	age := s.passwordAge(e)
	switch left := p.MaxAge - age; {
	case left >= 0 || reset:
		if left < p.Warning {
			result.Expires, result.HasExpiry = int32(max(0, left/time.Second)), true //nolint:gosec // Less than a time of 32 bits.
		}
		return result
	case p.GraceTime > 0 && age > p.MaxAge+p.GraceTime:
		return Result{Code: invalidCredentials, Expired: true}
	}
	left := p.GraceLogins - len(e.attribute("pwdGraceUseTime"))
	if left < 1 {
		return Result{Code: invalidCredentials, Expired: true}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.entries[key]; n != nil {
		now := s.options.Now().UTC().Format(timeForm)
		if used := n.attribute("pwdGraceUseTime"); !slices.Contains(used, now) {
			changed := n.clone()
			s.setOperational(changed, "pwdGraceUseTime", append(slices.Clone(used), now)...)
			s.stamp(changed, Who{DN: s.root.String()}, false)
			s.replace(n, changed)
		}
	}
	return Result{Grace: int32(left - 1), HasGrace: true} //nolint:gosec // The number of a policy.
}

// passwordAge is how long an account has its password; long where it is not known.
func (s *Store) passwordAge(e *entry) time.Duration {
	since := time.Time{}
	if changed := e.attribute("pwdChangedTime"); len(changed) > 0 {
		since, _ = time.Parse(timeForm, changed[0])
	}
	return s.options.Now().Sub(since)
}

// checkPassword applies the policy to a new password. s.mu is held.
func (s *Store) checkPassword(v *view, before *entry, password string) Result {
	if v.who.Root || before == nil {
		return Result{}
	}
	p := s.policyOf(before)
	switch {
	case p.Frozen && v.key == before.key:
		return Result{Code: insufficientAccess, Message: "User alteration of password is not allowed", Reason: PasswordModNotAllowed}
	case p.MinAge > 0 && s.passwordAge(before) < p.MinAge:
		return Result{Code: constraintViolation, Message: "Password is too young to change", Reason: PasswordTooYoung}
	case len(password) < p.MinLength:
		return Result{Code: constraintViolation, Message: "Password fails quality checking policy", Reason: PasswordTooShort}
	case p.InHistory == 0:
		return Result{}
	}
	history := slices.Clone(before.attribute("userPassword"))
	for _, stored := range before.attribute("pwdHistory") {
		history = append(history, passwordIn(stored))
	}
	if slices.ContainsFunc(history, func(stored string) bool { return verifies(stored, password) }) {
		return Result{Code: constraintViolation, Message: "Password is in history of old passwords", Reason: PasswordInHistory}
	}
	return Result{}
}
