package bearer

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// FuzzParseClaims makes sure that what is taken is a set of claims that later looks
// can rely on.
func FuzzParseClaims(f *testing.F) {
	for _, seed := range []string{
		`{"exp":1}`, `{"exp":1,"aud":"a","scope":"a b","sub":"s"}`, `{"exp":1,"aud":["a","b"],"nbf":0,"iat":1.5}`,
		`{"exp":1,"exp":2}`, `{"exp":-1}`, `{"exp":1e999}`, `{"exp":null}`, `[]`, ``, "{\"exp\":1,\"a\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := parseClaims(payload)
		if err != nil {
			if c != nil {
				t.Fatal("claims beside an error")
			}
			return
		}
		for _, at := range []float64{c.lifetime.expires, c.lifetime.notBefore, c.lifetime.issued} {
			if !(at >= 0 && at <= maxSeconds) {
				t.Fatalf("%q has the time %v", payload, at)
			}
		}
		for _, scope := range c.scopes {
			if strings.ContainsAny(scope, " \t\n") || scope == "" {
				t.Fatalf("%q has the scope %q", payload, scope)
			}
		}
		for name, text := range c.texts {
			if !utf8.ValidString(name) || !utf8.ValidString(text) {
				t.Fatalf("%q is not UTF-8", payload)
			}
		}
		if c.lifetime.at(time.Unix(maxSeconds+1, 0), 0) == nil {
			t.Fatalf("%q is good for ever", payload)
		}
	})
}

// FuzzParseTemplate makes sure that a claim never leads to another place than the
// template says.
func FuzzParseTemplate(f *testing.F) {
	for _, text := range []string{"u:{sub}", "dn:uid={sub},dc=com", "dn:{sub}", "dn:uid=a", "dn:uid={a}+cn={b},dc=com", "u:{a}{b}", "dn:uid={sub},..", ""} {
		for _, value := range []string{"bjensen", "x,ou=Admins", "a+b=c", `\`, "#04", " a", "{sub}", "\x00"} {
			f.Add(text, value)
		}
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		template, err := ParseTemplate(text)
		if err != nil {
			return
		}
		if template.isZero() {
			t.Fatalf("%q makes nothing", text)
		}
		claims, plain := make(map[string]string), make(map[string]string)
		names := template.dn.Variables()
		if !template.isDN {
			names = []string{template.claim}
		}
		for _, name := range names {
			claims[name], plain[name] = value, "a"
		}
		got, err := template.expand(claims)
		if !auth.IsName(value) {
			if err == nil {
				t.Fatalf("%q with %q made %q", text, value, got)
			}
			return
		}
		if err != nil {
			return
		}
		if !template.isDN {
			if got != "u:"+value {
				t.Fatalf("%q with %q made %q", text, value, got)
			}
			return
		}
		want, err := template.expand(plain)
		if err != nil {
			t.Fatalf("%q takes %q, but not a plain value: %v", text, value, err)
		}
		dn, err := directory.ParseDN(strings.TrimPrefix(got, "dn:"))
		if err != nil {
			t.Fatalf("%q with %q made %q: %v", text, value, got, err)
		}
		if other := directory.MustParseDN(strings.TrimPrefix(want, "dn:")); dn.Depth() != other.Depth() || len(dn.RDN()) != len(other.RDN()) {
			t.Fatalf("%q with %q made %q, of another form than %q", text, value, got, want)
		}
	})
}
