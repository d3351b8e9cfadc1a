package directory

import (
	"crypto/subtle"
	"fmt"
	"strings"
)

// Identity is as whom an operation acts in the directory.
// The zero Identity is anonymous; it never stands for the service account.
type Identity struct {
	// AuthzID is an authorization identity (RFC 4513 §5.2.1.8): "dn:uid=…" or "u:…".
	AuthzID string
	// Password is what the identity has proved itself with, where the directory has to be
	// asked in its own name; else the zero Password.
	Password Password
}

// IsAnonymous reports whether nobody in particular acts.
func (i Identity) IsAnonymous() bool { return i.AuthzID == "" }

// DN returns the name of an identity whose AuthzID is one; an error for any other.
func (i Identity) DN() (DN, error) {
	name, ok := strings.CutPrefix(i.AuthzID, "dn:")
	if !ok {
		return DN{}, fmt.Errorf("%q is not the authorization identity of an entry", i.AuthzID)
	}
	return ParseDN(name)
}

// Password is a password that no log and no message shows.
type Password struct{ value string }

// NewPassword keeps a password.
func NewPassword(value string) Password { return Password{value} }

// Value returns the password.
func (p Password) Value() string { return p.value }

// IsZero reports whether there is none.
func (p Password) IsZero() bool { return p.value == "" }

// Equal reports whether both are the same, in a time that does not tell how much of them is.
func (p Password) Equal(other Password) bool {
	return subtle.ConstantTimeCompare([]byte(p.value), []byte(other.value)) == 1
}

// String returns stars, whatever the password is.
func (p Password) String() string {
	if p.IsZero() {
		return ""
	}
	return "***"
}

// GoString is String.
func (p Password) GoString() string { return p.String() }

// MarshalText returns String.
func (p Password) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
