package basic

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
)

// parse takes the credentials apart (RFC 7617 §2): the first colon separates, and
// the password may hold more of them.
func parse(encoded string) (name, password string, err error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || !utf8.Valid(decoded) {
		return "", "", auth.Refuse(ReasonMalformed)
	}
	name, password, ok := strings.Cut(string(decoded), ":")
	switch {
	case !ok || len(password) > MaxPassword || strings.IndexByte(password, 0) >= 0:
		return "", "", auth.Refuse(ReasonMalformed)
	case !auth.IsName(name):
		return "", "", auth.Refuse(ReasonName)
	case password == "":
		return "", "", auth.Refuse(ReasonEmpty)
	}
	return name, password, nil
}

// hash is the key under which a password is remembered.
func (a *Authenticator) hash(name, password string) (sum [sha256.Size]byte) {
	var room [256]byte // Enough for all but odd ones, without an allocation.
	text := append(room[:0], a.key[:]...)
	text = binary.BigEndian.AppendUint64(text, uint64(len(name)))
	text = append(append(text, name...), password...)
	sum = sha256.Sum256(text)
	clear(text)
	return sum
}
