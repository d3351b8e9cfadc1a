package store

import (
	"crypto/subtle"
	"strings"
)

// Plain verifies what a client says by the SASL mechanism PLAIN (RFC 4616 §2), and returns as
// whom it acts from then on: the user, or whom the user asks to be and may be. The entry of a
// user is uid=USER below Options.PlainBase. As in OpenLDAP a password has to be stored in clear,
// anonymous needs the right to find the entry and to use the password, and no password policy
// looks at the account. The messages are those of its SASL library.
func (s *Store) Plain(message string) (Who, Result) {
	parts := strings.Split(message, "\x00")
	if len(parts) != 3 {
		return Who{}, refuse(other, "SASL(-5): bad protocol / cancel: three parts are expected")
	}
	authzID, user := parts[0], parts[1]
	who, result := s.verifyPlain(user, parts[2])
	if result.Code != success || authzID == "" || authzID == user {
		return who, result
	}
	switch kind, whom, _ := strings.Cut(authzID, ":"); {
	case strings.EqualFold(kind, "u"):
		authzID = "dn:" + s.plainDN(whom)
	case strings.EqualFold(kind, "dn"):
		authzID = "dn:" + whom
	}
	if who, result = s.Proxy(who, authzID); result.Code != success {
		return Who{}, refuse(insufficientAccess, "SASL(-14): authorization failure: not authorized")
	}
	return who, Result{}
}

// plainDN is the name of the entry of a user.
func (s *Store) plainDN(user string) string {
	return "uid=" + escapeDN(user) + "," + s.options.PlainBase
}

// verifyPlain verifies the password of a user.
func (s *Store) verifyPlain(user, password string) (Who, Result) {
	n, err := s.schema.parseDN(s.plainDN(user))
	if user == "" || err != nil {
		return Who{}, refuse(insufficientAccess, "SASL(-14): authorization failure: Password verification failed")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, anonymous := s.entries[n.key()], s.viewOf(Who{})
	if found == nil || !anonymous.may(found.entry, entryAttribute, auth) {
		return Who{}, refuse(other, "SASL(-1): generic failure: Password verification failed")
	}
	stored, ok := clearPassword(found.entry)
	for _, name := range []string{"objectClass", "userPassword"} {
		t, _ := s.schema.attribute(name)
		ok = ok && anonymous.may(found.entry, target{typ: t}, auth)
	}
	switch {
	case !ok:
		return Who{}, refuse(invalidCredentials, "SASL(-13): user not found: Password verification failed")
	case subtle.ConstantTimeCompare([]byte(stored), []byte(password)) == 0:
		return Who{}, refuse(invalidCredentials, "SASL(-13): authentication failure: Password verification failed")
	}
	return Who{DN: n.key()}, Result{}
}

// clearPassword is the first password of an entry that is stored in clear.
func clearPassword(e *entry) (string, bool) {
	for _, stored := range e.attribute("userPassword") {
		if scheme, rest := schemeOf(stored); scheme == "" || scheme == "CLEARTEXT" {
			return rest, true
		}
	}
	return "", false
}
