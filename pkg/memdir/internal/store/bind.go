package store

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // {SSHA} asks for it.
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Bind verifies a password. A wrong one and an entry that is not there are the same.
func (s *Store) Bind(dn, password string) (Who, Result) {
	key, ok := normalize(dn)
	if !ok {
		return Who{}, Result{Code: invalidDN, Message: "invalid DN"}
	}
	if key != "" && key == s.rootKey && s.options.RootPassword != "" {
		if subtle.ConstantTimeCompare([]byte(password), []byte(s.options.RootPassword)) == 1 {
			return Who{DN: s.options.RootDN, Root: true}, Result{}
		}
		return Who{}, Result{Code: invalidCredentials}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.entries[key]
	if e == nil || !s.level(Who{}, e, "userPassword").may(LevelAuth) {
		return Who{}, Result{Code: invalidCredentials}
	}
	for _, stored := range e.values("userPassword") {
		if verify(stored, password) {
			return Who{DN: e.dn}, Result{}
		}
	}
	return Who{}, Result{Code: invalidCredentials}
}

// verify compares a password with a stored one (RFC 2307 §5.3): {SSHA}, {SHA},
// {SSHA256}, {SHA256} or in the clear.
func verify(stored, password string) bool {
	scheme, encoded, ok := strings.Cut(strings.TrimPrefix(stored, "{"), "}")
	if !ok || stored[0] != '{' {
		return subtle.ConstantTimeCompare([]byte(stored), []byte(password)) == 1
	}
	octets, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false
	}
	var sum []byte
	switch strings.ToUpper(scheme) {
	case "SSHA", "SHA":
		digest := sha1.Sum(append([]byte(password), octets[min(sha1.Size, len(octets)):]...)) //nolint:gosec // The scheme asks for it.
		sum = digest[:]
	case "SSHA256", "SHA256":
		digest := sha256.Sum256(append([]byte(password), octets[min(sha256.Size, len(octets)):]...))
		sum = digest[:]
	default:
		return false
	}
	return len(octets) >= len(sum) && subtle.ConstantTimeCompare(octets[:len(sum)], sum) == 1
}

// hash makes a stored password of one in the clear.
func hash(password string) string {
	salt := make([]byte, 8)
	_, _ = rand.Read(salt) // It never fails.
	sum := sha256.Sum256(append([]byte(password), salt...))
	return "{SSHA256}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

// Proxy tells as whom a request runs that names an authorization identity (RFC 4370),
// by the values of authzTo in the entry of the caller. Whether the identity has an entry
// is not looked at, as slapd does.
func (s *Store) Proxy(by Who, authzID string) (Who, Result) {
	dn, isDN := strings.CutPrefix(authzID, "dn:")
	target, ok := normalize(dn)
	switch {
	case authzID != "" && !isDN:
		return Who{}, Result{Code: authzDenied, Message: "authzId mapping failed"}
	case !ok:
		return Who{}, Result{Code: authzDenied, Message: "authzId mapping failed"}
	case target == "":
		return Who{}, Result{}
	}
	caller, _ := normalize(by.DN)
	s.mu.RLock()
	defer s.mu.RUnlock()
	allowed := caller == target || by.Root && (target == s.suffix || isBelow(target, s.suffix))
	if e := s.entries[caller]; e != nil && !allowed {
		for _, value := range e.values("authzTo") {
			allowed = allowed || covers(value, target)
		}
	}
	if !allowed {
		return Who{}, Result{Code: authzDenied, Message: "not authorized to assume identity"}
	}
	return Who{DN: target, Root: target == s.rootKey}, Result{}
}

// covers tells whether a value of authzTo names the target.
func covers(value, target string) bool {
	if value == "*" {
		return true
	}
	kind, text, ok := strings.Cut(value, ":")
	if !ok {
		return false
	}
	if kind == "dn.regex" {
		pattern, err := regexp.Compile("(?i)" + text)
		return err == nil && pattern.MatchString(target)
	}
	key, ok := normalize(text)
	if !ok {
		return false
	}
	switch kind {
	case "dn", "dn.exact":
		return target == key
	case "dn.onelevel":
		return parentKey(target) == key
	case "dn.subtree":
		return target == key || isBelow(target, key)
	case "dn.children":
		return isBelow(target, key)
	}
	return false
}

// ChangePassword sets a password (RFC 3062); user "" is the caller. Without a new one it
// makes one, and returns it.
func (s *Store) ChangePassword(who Who, user, old, new string) (generated string, r Result) {
	if user == "" {
		user = who.DN
	}
	if _, ok := normalize(user); !ok {
		return "", Result{Code: invalidSyntax, Message: "Invalid DN"}
	}
	if old != "" {
		if _, result := s.Bind(user, old); result.Code != success {
			return "", Result{Code: unwilling, Message: "unwilling to verify old password"}
		}
	}
	if new == "" {
		new = rand.Text()[:12]
		generated = new
	}
	outcome := s.Modify(who, user, []directory.Change{{Op: directory.ChangeReplace, Attribute: "userPassword", Values: []string{new}}}, Write{})
	if outcome.Code != success {
		return "", outcome.Result
	}
	return generated, Result{}
}
