package bearer_test

import (
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
)

// No text but the issuer's own token is taken, however little it differs.
func FuzzToken(f *testing.F) {
	t := newFixture(f, nil)
	good := t.good("k1")
	parts := strings.Split(good, ".")
	for _, seed := range []string{"", "..", good + ".", good + "=", parts[0] + "." + parts[1] + "." + looseBits(parts[2]), "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(seed)
	}
	f.Fuzz(func(tt *testing.T, token string) {
		if principal, err := t.send(token); (err == nil) != (principal != nil) || err == nil && strings.TrimLeft(token, " ") != good {
			tt.Errorf("%q: %v, %v", token, principal, err)
		}
	})
}

// Whatever an issuer signs is taken apart without a panic, and a caller has a name.
func FuzzClaims(f *testing.F) {
	t := newFixture(f, nil)
	good := string(mustJSON(f, t.Claims("bjensen")))
	sign := t.Signer("k1")
	f.Add(`{"alg":"ES256","kid":"k1","typ":"at+jwt"}`, good)
	f.Add(`{"alg":"ES256","typ":"application/at+jwt","jwk":{}}`, good)
	f.Add(`{}`, `{"aud":[[]],"exp":1e999}`)
	f.Fuzz(func(tt *testing.T, header, claims string) {
		principal, err := t.send(bearertest.Compact([]byte(header), []byte(claims), sign))
		if (err == nil) != (principal != nil) || err == nil && (principal.Name == "" || !strings.HasPrefix(principal.Identity.AuthzID, "dn:uid=")) {
			tt.Errorf("%v, %v", principal, err)
		}
	})
}

// A template that is taken has a claim in it.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"u:{sub}", "dn:uid={sub},ou=x", "dn:{sub}", "u:{}", "dn:uid={{sub}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := bearer.ParseTemplate(text); err == nil && !strings.Contains(text, "{") {
			t.Errorf("%q makes every caller the same", text)
		}
	})
}
