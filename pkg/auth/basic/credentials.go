package basic

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
)

// credentials returns the name and the password of a request: those of the Authorization
// header, or those of two headers of their own, where the options name them. One of the
// two alone counts for nothing beside an Authorization header, and is refused without it:
// it never makes a caller anonymous.
func (a *Authenticator) credentials(r *http.Request) (name, password string, err error) {
	encoded, isBasic := auth.Credentials(r, "Basic")
	names, passwords := r.Header[a.options.NameHeader], r.Header[a.options.PasswordHeader]
	switch {
	case a.options.NameHeader == "" || len(names)+len(passwords) == 0:
	case len(r.Header["Authorization"]) > 0:
		if len(names) > 0 && len(passwords) > 0 {
			return "", "", auth.ReasonTwo
		}
	case len(names) > 1 || len(passwords) > 1:
		return "", "", auth.ReasonTwo
	case len(names) == 0 || len(passwords) == 0:
		return "", "", auth.Refuse(ReasonMalformed)
	default:
		return check(names[0], passwords[0])
	}
	if !isBasic {
		return "", "", auth.ErrNotApplicable
	}
	return parse(encoded)
}

// parse takes the credentials apart (RFC 7617 §2): the first colon separates, and
// the password may hold more of them.
func parse(encoded string) (name, password string, err error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", "", auth.Refuse(ReasonMalformed)
	}
	name, password, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", auth.Refuse(ReasonMalformed)
	}
	return check(name, password)
}

// check refuses what no directory has to see, an empty password above all: a bind with it
// would succeed for everybody (RFC 4513 §5.1.2).
func check(name, password string) (string, string, error) {
	switch {
	case len(password) > MaxPassword || !utf8.ValidString(name) || !utf8.ValidString(password) || strings.IndexByte(password, 0) >= 0:
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
