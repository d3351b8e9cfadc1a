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
}

// policyOf returns the policy of an account: that of the entry which pwdPolicySubentry
// names, where there is one, else that of the options. s.mu is held.
func (s *Store) policyOf(e *entry) Policy {
	names := e.attribute("pwdPolicySubentry")
	if len(names) == 0 {
		return s.options.Policy
	}
	n, err := s.schema.parseDN(names[0])
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
	p := Policy{InHistory: number("pwdInHistory"), MinAge: time.Duration(number("pwdMinAge")) * time.Second, Frozen: is("pwdAllowUserChange", "FALSE")}
	if number("pwdCheckQuality") > 0 {
		p.MinLength = number("pwdMinLength")
	}
	if is("pwdLockout", "TRUE") {
		p.MaxFailure, p.LockoutDuration = number("pwdMaxFailure"), time.Duration(number("pwdLockoutDuration"))*time.Second
	}
	return p
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
