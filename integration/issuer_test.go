package integration_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// issuer signs access tokens. It is written out here, without the library that the
// gateway verifies them with.
type issuer struct {
	key  *ecdsa.PrivateKey
	keys string
}

const (
	issuerName = "https://login.example.com"
	audience   = "https://gateway.example.com"
)

// newIssuer makes an issuer with its keys in a file.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, keys: filepath.Join(t.TempDir(), "keys.json")}
	if err := os.WriteFile(i.keys, []byte(i.jwks(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// jwks returns the public key as a key set (RFC 7517).
func (i *issuer) jwks(t *testing.T) string {
	t.Helper()
	point, err := i.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k1","x":%q,"y":%q}]}`,
		encode(point[1:33]), encode(point[33:]))
}

// section returns the section "auth" of a configuration, with more lines in it.
func (i *issuer) section(more string) string {
	return fmt.Sprintf(`
auth:
  bearer:
    issuer: %s
    audience: %s
    keys: %s
    algorithms: [ES256]
    authzId: "dn:uid={sub},ou=People,dc=example,dc=com"
%s`, issuerName, audience, i.keys, more)
}

// claims are those of a good token.
func claims(subject string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": issuerName, "aud": audience, "sub": subject, "client_id": "tests", "jti": rand.Text(),
		"iat": now, "exp": now + 300, "scope": "directory",
	}
}

// with returns a copy of a claim set or header with one member set, or removed (nil).
func with(set map[string]any, name string, value any) map[string]any {
	changed := maps.Clone(set)
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

func goodHeader() map[string]any {
	return map[string]any{"alg": "ES256", "kid": "k1", "typ": "at+jwt"}
}

// token signs claims (RFC 7515).
func (i *issuer) token(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	input := encode(h) + "." + encode(c)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// bearer returns the header of a request with a good token.
func (i *issuer) bearer(t *testing.T, subject string) http.Header {
	t.Helper()
	return headers("Authorization", "Bearer "+i.token(t, goodHeader(), claims(subject)))
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
