package store

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // {SSHA} is the scheme of OpenLDAP's data.
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// schemes are the hashes of passwords, by the name in braces.
func schemeOf(stored string) (scheme, rest string) {
	if strings.HasPrefix(stored, "{") {
		if scheme, rest, found := strings.Cut(stored[1:], "}"); found {
			return strings.ToUpper(scheme), rest
		}
	}
	return "", stored
}

// verifies tells whether a password is the stored one.
func verifies(stored, password string) bool {
	scheme, rest := schemeOf(stored)
	var h hash.Hash
	switch scheme {
	case "":
		return subtle.ConstantTimeCompare([]byte(stored), []byte(password)) == 1
	case "CLEARTEXT":
		return subtle.ConstantTimeCompare([]byte(rest), []byte(password)) == 1
	case "SHA", "SSHA":
		h = sha1.New() //nolint:gosec // See the import.
	case "SHA256", "SSHA256":
		h = sha256.New()
	case "SHA384", "SSHA384":
		h = sha512.New384()
	case "SHA512", "SSHA512":
		h = sha512.New()
	default:
		return false
	}
	sum, err := base64.StdEncoding.DecodeString(rest)
	if err != nil || len(sum) < h.Size() || scheme[:2] != "SS" && len(sum) > h.Size() {
		return false
	}
	_, _ = h.Write([]byte(password))
	_, _ = h.Write(sum[h.Size():])
	return subtle.ConstantTimeCompare(h.Sum(nil), sum[:h.Size()]) == 1
}

// hashed is the form in which a password is stored.
func hashed(password string) string {
	salt := make([]byte, 8)
	_, _ = rand.Read(salt)                             // It never fails.
	sum := sha1.Sum(append([]byte(password), salt...)) //nolint:gosec // See the import.
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

const timeForm = "20060102150405Z"

// Bind verifies a password (RFC 4513 §5.1.3). The result for an unknown name, a wrong
// password and a locked account is the same, but for the reason. Who has to change the
// password may do nothing else, to which the caller of Bind sees.
func (s *Store) Bind(dn, password string) (Who, Result) {
	n, err := s.schema.parseDN(dn)
	if err != nil {
		return Who{}, refuse(invalidDNSyntax, "invalid DN")
	}
	wrong := Result{Code: invalidCredentials}
	if !s.root.isZero() && n.key() == s.root.key() && s.options.RootPassword != "" {
		if subtle.ConstantTimeCompare([]byte(password), []byte(s.options.RootPassword)) == 1 {
			return Who{DN: s.root.String(), Root: true}, Result{}
		}
		return Who{}, wrong
	}
	s.mu.RLock()
	found := s.entries[n.key()]
	var e *entry
	var policy Policy
	allowed := false
	userPassword, _ := s.schema.attribute("userPassword")
	if found != nil {
		e = found.entry
		policy = s.policyOf(e)
		allowed = s.viewOf(Who{}).may(e, target{typ: userPassword}, auth)
	}
	s.mu.RUnlock()
	if e == nil || !allowed {
		return Who{}, wrong
	}
	if len(e.attribute("userPassword")) == 0 {
		return Who{}, wrong
	}
	locked := s.isLocked(e, policy.LockoutDuration)
	good := slices.ContainsFunc(e.attribute("userPassword"), func(stored string) bool { return verifies(stored, password) })
	if policy.MaxFailure > 0 && !locked {
		s.countLogin(n.key(), good, policy.MaxFailure)
	}
	switch {
	case locked:
		wrong.Reason = AccountLocked
		return Who{}, wrong
	case !good:
		return Who{}, wrong
	}
	result := s.age(n.key(), e, policy)
	if result.Code != success {
		return Who{}, result
	}
	return Who{DN: e.dn}, result
}

// isLocked tells whether too many wrong passwords, or an administrator, locked an account.
func (s *Store) isLocked(e *entry, duration time.Duration) bool {
	now := s.options.Now()
	for name, closed := range map[string]func(time.Time) bool{"pwdStartTime": now.Before, "pwdEndTime": func(at time.Time) bool { return !now.Before(at) }} {
		if values := e.attribute(name); len(values) > 0 {
			if at, err := time.Parse(timeForm, values[0]); err == nil && closed(at) {
				return true
			}
		}
	}
	values := e.attribute("pwdAccountLockedTime")
	if len(values) == 0 {
		return false
	}
	since, err := time.Parse(timeForm, values[0])
	if err != nil || strings.HasPrefix(values[0], "000001010000") {
		return true
	}
	return duration == 0 || now.Before(since.Add(duration))
}

// countLogin notes a wrong password, or forgets the wrong ones after a good one.
func (s *Store) countLogin(key string, good bool, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.entries[key]
	if n == nil || good && len(n.attribute("pwdFailureTime")) == 0 && len(n.attribute("pwdAccountLockedTime")) == 0 {
		return
	}
	e := n.clone()
	if good {
		s.setOperational(e, "pwdFailureTime")
		s.setOperational(e, "pwdAccountLockedTime")
	} else {
		now := s.options.Now().UTC()
		failures := append(slices.Clone(e.attribute("pwdFailureTime")), now.Format("20060102150405.000000Z"))
		s.setOperational(e, "pwdFailureTime", failures...)
		if len(failures) >= most {
			s.setOperational(e, "pwdAccountLockedTime", now.Format(timeForm))
		}
	}
	s.stamp(e, Who{DN: s.root.String()}, false)
	s.replace(n, e)
}

// newPassword checks and hashes the passwords of a state that is to be stored, and keeps
// what the policy wants to know. One that the root sets has to be changed, as in OpenLDAP, unless
// the request itself says so or otherwise, by pwdReset (saysReset). before is nil for a new entry.
// s.mu is held.
func (s *Store) newPassword(v *view, before, after *entry, saysReset bool) Result {
	var old []string
	if before != nil {
		old = before.attribute("userPassword")
	}
	current := after.attribute("userPassword")
	if slices.Equal(old, current) {
		return Result{}
	}
	t, _ := s.schema.attribute("userPassword")
	values := slices.Clone(current)
	for i, value := range values {
		if slices.Contains(old, value) {
			continue
		}
		if scheme, _ := schemeOf(value); scheme != "" {
			continue
		}
		if result := s.checkPassword(v, before, value); result.Code != success {
			return result
		}
		values[i] = hashed(value)
	}
	after.set(attribute{typ: t, values: values})
	if len(values) == 0 {
		return Result{}
	}
	s.setOperational(after, "pwdChangedTime", s.options.Now().UTC().Format(timeForm))
	s.setOperational(after, "pwdFailureTime")
	s.setOperational(after, "pwdAccountLockedTime")
	if before == nil {
		return Result{}
	}
	policy := s.policyOf(before)
	switch {
	case saysReset:
	case v.who.Root && policy.MustChange:
		s.setOperational(after, "pwdReset", "TRUE")
	default:
		s.setOperational(after, "pwdReset")
	}
	s.setOperational(after, "pwdGraceUseTime")
	if kept := policy.InHistory; kept > 0 && len(old) > 0 {
		value := fmt.Sprintf("%s#1.3.6.1.4.1.1466.115.121.1.40#%d#%s", s.options.Now().UTC().Format(timeForm), len(old[0]), old[0])
		history := append(slices.Clone(before.attribute("pwdHistory")), value)
		s.setOperational(after, "pwdHistory", history[max(0, len(history)-kept):]...)
	}
	return Result{}
}

// standing returns changes in which a password that is to be deleted is the stored one that it
// verifies, as OpenLDAP's password policy has it. One that verifies none is refused where
// another one is to take its place.
func (s *Store) standing(e *entry, changes []directory.Change) ([]directory.Change, Result) {
	is := func(c directory.Change, op directory.ChangeOp) bool {
		return c.Op == op && strings.EqualFold(c.Attribute, "userPassword")
	}
	replaces := slices.ContainsFunc(changes, func(c directory.Change) bool { return is(c, directory.ChangeAdd) })
	changes = slices.Clone(changes)
	for i, change := range changes {
		if !is(change, directory.ChangeDelete) {
			continue
		}
		values := slices.Clone(change.Values)
		for j, value := range values {
			at := slices.IndexFunc(e.attribute("userPassword"), func(stored string) bool { return stored == value || verifies(stored, value) })
			switch {
			case at >= 0:
				values[j] = e.attribute("userPassword")[at]
			case replaces:
				result := refuse(unwillingToPerform, "Must supply correct old password to change to new one")
				result.Reason = MustSupplyOldPassword
				return nil, result
			}
		}
		changes[i].Values = values
	}
	return changes, Result{}
}

// passwordIn is the stored password in a value of pwdHistory: time#syntax#length#password.
func passwordIn(value string) string {
	parts := strings.SplitN(value, "#", 4)
	return parts[len(parts)-1]
}

// ChangePassword sets a password (RFC 3062). user is whose, "" that of who; old is the
// present one, "" when it was not given; a password is generated where there is no new one.
func (s *Store) ChangePassword(who Who, user, old, password string) (generated string, result Result) {
	if user == "" {
		user = who.DN
	}
	n, err := s.schema.parseDN(user)
	if err != nil {
		return "", refuse(invalidAttributeSyntax, "Invalid DN")
	}
	if password == "" {
		generated = rand.Text()[:12]
		password = generated
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewOf(who)
	v.locked = true
	found, above := s.find(n)
	t, _ := s.schema.attribute("userPassword")
	verified := found != nil && v.may(found.entry, target{typ: t}, auth) &&
		slices.ContainsFunc(found.attribute("userPassword"), func(stored string) bool { return verifies(stored, old) })
	switch {
	case old != "" && !verified:
		return "", refuse(unwillingToPerform, "unwilling to verify old password")
	case found == nil:
		return "", s.missing(v, above)
	case !v.may(found.entry, target{typ: t}, write):
		return "", Result{Code: insufficientAccess}
	case old == "" && !who.Root && s.policyOf(found.entry).OldPassword:
		return "", Result{Code: insufficientAccess, Message: "Must supply old password to be changed as well as new one", Reason: MustSupplyOldPassword}
	}
	e := found.clone()
	e.set(attribute{typ: t, values: []string{password}})
	if result := s.checkEntry(e, found.attribute("structuralObjectClass")[0]); result.Code != success {
		return "", result
	}
	if result := s.newPassword(v, found.entry, e, false); result.Code != success {
		return "", result
	}
	s.stamp(e, who, false)
	s.replace(found, e)
	return generated, Result{}
}
