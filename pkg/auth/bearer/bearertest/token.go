package bearertest

import (
	"crypto/rand"
	"maps"
	"testing"

	"github.com/go-json-experiment/json"
)

// Object is a header or a set of claims.
type Object map[string]any

// With returns a copy with one member set, or taken away when the value is nil.
func (o Object) With(name string, value any) Object {
	changed := maps.Clone(o)
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

// Header returns the header of an access token (RFC 9068 §2.1) signed with the key of
// that id.
func (i *Issuer) Header(id string) Object {
	i.tb.Helper()
	return Object{"alg": i.key(id).algorithm, "kid": id, "typ": "at+jwt"}
}

// Claims returns the claims of a good access token (RFC 9068 §2.2), issued now and
// valid for five minutes, with the scope "directory".
func (i *Issuer) Claims(subject string) Object {
	now := i.Clock().Unix()
	return Object{
		"iss": i.Name, "aud": Audience, "sub": subject, "client_id": "tests", "jti": rand.Text(),
		"iat": now, "exp": now + 300, "scope": "directory",
	}
}

// Token returns the token (RFC 7515 §7.1), signed with the key that the header's kid
// names.
func (i *Issuer) Token(header, claims Object) string {
	i.tb.Helper()
	id, _ := header["kid"].(string)
	return i.TokenBy(id, marshal(i.tb, header), marshal(i.tb, claims))
}

// TokenBy returns a token of any header and claims, whatever they say, signed with the
// key of that id by its own algorithm.
func (i *Issuer) TokenBy(id string, header, claims []byte) string {
	i.tb.Helper()
	return Compact(header, claims, i.Signer(id))
}

// Signer returns what signs with the key of that id, for Compact.
func (i *Issuer) Signer(id string) func(input []byte) []byte {
	i.tb.Helper()
	k := i.key(id)
	return func(input []byte) []byte {
		signature, err := k.sign(input)
		if err != nil {
			i.tb.Fatal(err)
		}
		return signature
	}
}

// Compact returns a token with a signature of any kind.
func Compact(header, claims []byte, sign func(input []byte) []byte) string {
	input := encode(header) + "." + encode(claims)
	return input + "." + encode(sign([]byte(input)))
}

func marshal(tb testing.TB, value any) []byte {
	tb.Helper()
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
