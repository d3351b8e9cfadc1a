package bearer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func encodeJSON(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGoodTokens(t *testing.T) {
	issuer := bearertest.Start(t)
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		issuer.Add(algorithm, algorithm)
	}
	g := newGateway(t, issuer, nil)
	want := &auth.Principal{Name: "bjensen", Method: "bearer", Identity: directory.Identity{AuthzID: "dn:uid=bjensen,ou=People,dc=example,dc=com"}}
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		token := issuer.Token(issuer.Header(algorithm), issuer.Claims("bjensen"))
		for range 2 {
			got, err := g.send(token)
			if err != nil {
				t.Fatalf("%s: %v", algorithm, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", algorithm, diff)
			}
		}
	}
	header, claims := issuer.Header("ES256"), issuer.Claims("bjensen")
	for name, token := range map[string]string{
		"a list of audiences":   issuer.Token(header, claims.With("aud", []string{"other", bearertest.Audience})),
		"a long type":           issuer.Token(header.With("typ", "application/AT+JWT"), claims),
		"more scopes":           issuer.Token(header, claims.With("scope", "openid directory mail")),
		"unknown header member": issuer.Token(header.With("jku", "https://evil.example.com/keys"), claims),
		"no kid":                issuer.TokenBy("ES256", encodeJSON(t, header.With("kid", nil)), encodeJSON(t, claims)),
		"no iat":                issuer.Token(header, claims.With("iat", nil)),
	} {
		if _, err := g.send(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusedTokens(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("rsa", "RS256")
	issuer.Add("ec", "ES256")
	issuer.Add("other", "ES256")
	header, claims := issuer.Header("ec"), issuer.Claims("bjensen")
	now := time.Now().Unix()
	good := issuer.Token(header, claims)
	parts := strings.Split(good, ".")
	raw := func(header, claims string) string { return issuer.TokenBy("ec", []byte(header), []byte(claims)) }
	rawClaims := func(claims string) string { return issuer.TokenBy("ec", encodeJSON(t, header), []byte(claims)) }
	unsigned := func([]byte) []byte { return nil }
	withSecret := func(secret []byte) func([]byte) []byte {
		return func(input []byte) []byte {
			mac := hmac.New(sha256.New, secret)
			mac.Write(input)
			return mac.Sum(nil)
		}
	}
	plainJSON := string(encodeJSON(t, claims))
	tests := []struct {
		name, token string
		want        auth.Reason
	}{
		{"nothing", "", ReasonMalformed},
		{"one part", "abc", ReasonMalformed},
		{"two parts", parts[0] + "." + parts[1], ReasonMalformed},
		{"five parts", good + ".a.b", ReasonMalformed},
		{"padding", parts[0] + "." + parts[1] + "." + parts[2] + "==", ReasonMalformed},
		{"standard alphabet", "++++." + parts[1] + "." + parts[2], ReasonMalformed},
		{"a line break", parts[0] + "." + parts[1] + "\n." + parts[2], ReasonMalformed},
		{"more than 16 KiB", issuer.Token(header, claims.With("more", strings.Repeat("a", 16<<10))), ReasonMalformed},
		{"header is no JSON", raw("header", plainJSON), ReasonMalformed},
		{"header is a list", raw("[]", plainJSON), ReasonMalformed},
		{"alg twice", raw(`{"alg":"none","alg":"ES256","kid":"ec","typ":"at+jwt"}`, plainJSON), ReasonMalformed},
		{"crit", issuer.Token(header.With("crit", []string{"exp"}).With("exp", 1), claims), ReasonMalformed},
		{"crit is empty", issuer.Token(header.With("crit", []string{}), claims), ReasonMalformed},
		{"b64", issuer.Token(header.With("b64", false), claims), ReasonMalformed},
		{"alg none", bearertest.Compact(encodeJSON(t, header.With("alg", "none")), encodeJSON(t, claims), unsigned), ReasonAlgorithm},
		{"alg None", bearertest.Compact(encodeJSON(t, header.With("alg", "None")), encodeJSON(t, claims), unsigned), ReasonAlgorithm},
		{"no alg", bearertest.Compact(encodeJSON(t, header.With("alg", nil)), encodeJSON(t, claims), unsigned), ReasonAlgorithm},
		{"alg in another case", issuer.Token(header.With("alg", "es256"), claims), ReasonAlgorithm},
		{"public key as a secret", bearertest.Compact(encodeJSON(t, issuer.Header("rsa").With("alg", "HS256")), encodeJSON(t, claims), withSecret(issuer.KeySet())), ReasonAlgorithm},
		{"alg that is not allowed", issuer.Token(issuer.Header("rsa").With("alg", "RS512"), claims), ReasonAlgorithm},
		{"no typ", issuer.Token(header.With("typ", nil), claims), ReasonType},
		{"an identity token", issuer.Token(header.With("typ", "JWT"), claims), ReasonType},
		{"unknown kid", issuer.TokenBy("ec", encodeJSON(t, header.With("kid", "gone")), encodeJSON(t, claims)), ReasonKey},
		{"alg of another key", issuer.TokenBy("ec", encodeJSON(t, header.With("kid", "rsa")), encodeJSON(t, claims)), ReasonKey},
		{"kid of another key", issuer.TokenBy("ec", encodeJSON(t, header.With("kid", "other")), encodeJSON(t, claims)), ReasonSignature},
		{"no signature", parts[0] + "." + parts[1] + ".", ReasonSignature},
		{"signature of other claims", parts[0] + "." + strings.Split(issuer.Token(header, claims.With("sub", "admin")), ".")[1] + "." + parts[2], ReasonSignature},
		{"claims are no object", rawClaims(`[]`), ReasonClaims},
		{"claims are no JSON", rawClaims(`x`), ReasonClaims},
		{"sub twice", rawClaims(`{"sub":"admin",` + plainJSON[1:]), ReasonClaims},
		{"sub twice, escaped", rawClaims(`{"s\u0075b":"admin",` + plainJSON[1:]), ReasonClaims},
		{"not UTF-8", rawClaims("{\"x\":\"\xff\"," + plainJSON[1:]), ReasonClaims},
		{"no iss", issuer.Token(header, claims.With("iss", nil)), ReasonIssuer},
		{"other iss", issuer.Token(header, claims.With("iss", issuer.Name+"/")), ReasonIssuer},
		{"iss is a list", issuer.Token(header, claims.With("iss", []string{issuer.Name})), ReasonIssuer},
		{"no aud", issuer.Token(header, claims.With("aud", nil)), ReasonAudience},
		{"other aud", issuer.Token(header, claims.With("aud", bearertest.Audience+"/")), ReasonAudience},
		{"aud is a list without ours", issuer.Token(header, claims.With("aud", []string{"a", "b"})), ReasonAudience},
		{"aud is empty", issuer.Token(header, claims.With("aud", []string{})), ReasonAudience},
		{"aud is a number", issuer.Token(header, claims.With("aud", 1)), ReasonClaims},
		{"aud holds a number", issuer.Token(header, claims.With("aud", []any{bearertest.Audience, 1})), ReasonClaims},
		{"no exp", issuer.Token(header, claims.With("exp", nil)), ReasonClaims},
		{"exp is text", issuer.Token(header, claims.With("exp", "9999999999")), ReasonClaims},
		{"exp is null", rawClaims(strings.Replace(plainJSON, `"exp":`, `"exp":null,"x":`, 1)), ReasonClaims},
		{"exp beyond all time", issuer.Token(header, claims.With("exp", 1e300)), ReasonClaims},
		{"exp is negative", issuer.Token(header, claims.With("exp", -1)), ReasonClaims},
		{"expired", issuer.Token(header, claims.With("exp", now-1)), ReasonExpired},
		{"nbf is text", issuer.Token(header, claims.With("nbf", "0")), ReasonClaims},
		{"nbf ahead", issuer.Token(header, claims.With("nbf", now+60)), ReasonEarly},
		{"iat ahead", issuer.Token(header, claims.With("iat", now+60)), ReasonEarly},
		{"no sub", issuer.Token(header, claims.With("sub", nil)), ReasonClaims},
		{"sub is a number", issuer.Token(header, claims.With("sub", 7)), ReasonClaims},
		{"sub with a space", issuer.Token(header, claims.With("sub", "bjensen ")), ReasonClaims},
		{"sub with NUL", issuer.Token(header, claims.With("sub", "bjensen\x00")), ReasonClaims},
		{"no client_id", issuer.Token(header, claims.With("client_id", nil)), ReasonClaims},
		{"scope is a list", issuer.Token(header, claims.With("scope", []string{"directory"})), ReasonClaims},
		{"scope is null", rawClaims(strings.Replace(plainJSON, `"scope":`, `"scope":null,"x":`, 1)), ReasonClaims},
	}
	var first *fault.Error
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, issuer, nil)
			g.check(t, tt.token, tt.want)
			g.check(t, good, "") // the same gateway takes a good one
			_, err := auth.NewChain(g).Authenticate(&http.Request{Header: http.Header{"Authorization": {"Bearer " + tt.token}}})
			var e *fault.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			seen := *e
			seen.Err = nil
			if first == nil {
				first = &seen
			}
			if diff := cmp.Diff(first, &seen); diff != "" {
				t.Errorf("it can be told apart (-first +this):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff([]string{`Bearer realm="directory", error="invalid_token"`}, first.Challenges); diff != "" {
		t.Errorf("challenges (-want +got):\n%s", diff)
	}
}

func TestLeeway(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("ec", "ES256")
	g := newGateway(t, issuer, func(o *Options) { o.Leeway = 30 * time.Second })
	now := g.clock.Now().Unix()
	header, claims := issuer.Header("ec"), issuer.Claims("bjensen")
	g.check(t, issuer.Token(header, claims.With("exp", now-28)), "")
	g.check(t, issuer.Token(header, claims.With("exp", now-30)), ReasonExpired)
	g.check(t, issuer.Token(header, claims.With("nbf", now+30)), "")
	g.check(t, issuer.Token(header, claims.With("nbf", now+32)), ReasonEarly)
	g.check(t, issuer.Token(header, claims.With("iat", now+32)), ReasonEarly)
}

// Only access tokens (at+jwt) need a client_id; another type is good when the operator allows it.
func TestOtherTypes(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("ec", "ES256")
	g := newGateway(t, issuer, func(o *Options) { o.Types = []string{"application/JWT"} })
	claims := issuer.Claims("bjensen").With("client_id", nil)
	g.check(t, issuer.Token(issuer.Header("ec").With("typ", "JWT"), claims), "")
	g.check(t, issuer.Token(issuer.Header("ec"), claims), ReasonType)
}

func TestScopes(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("ec", "ES256")
	g := newGateway(t, issuer, func(o *Options) { o.RequiredScopes = []string{"directory", "write"} })
	header, claims := issuer.Header("ec"), issuer.Claims("bjensen")
	for _, scope := range []any{nil, "", "directory", "writedirectory", "directory Write"} {
		principal, err := g.send(issuer.Token(header, claims.With("scope", scope)))
		var e *fault.Error
		if principal != nil || !errors.As(err, &e) || e.Kind != fault.Forbidden || auth.ReasonOf(err) != ReasonScope || e.Detail.Kind != "insufficientScope" {
			t.Fatalf("%v: got %v, %v", scope, principal, err)
		}
		want := []string{`Bearer realm="directory", error="insufficient_scope", scope="directory write"`}
		if diff := cmp.Diff(want, e.Challenges); diff != "" {
			t.Errorf("%v: challenges (-want +got):\n%s", scope, diff)
		}
	}
	g.check(t, issuer.Token(header, claims.With("scope", "write  directory")), "")
	// A token that is not for this gateway does not learn of scopes.
	g.check(t, issuer.Token(header, claims.With("scope", nil).With("aud", "other")), ReasonAudience)
}

// A token that is remembered dies at its end all the same.
func TestRememberedTokenExpires(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("ec", "ES256")
	g := newGateway(t, issuer, nil)
	began := g.clock.Now()
	token := issuer.Token(issuer.Header("ec"), issuer.Claims("bjensen").With("exp", began.Unix()+20))
	g.check(t, token, "")
	g.clock.advance(19*time.Second - time.Duration(began.Nanosecond()))
	g.check(t, token, "")
	g.clock.advance(time.Second)
	g.check(t, token, ReasonExpired)
}

func TestRememberedTokenOfALockedAccount(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("ec", "ES256")
	g := newGateway(t, issuer, nil)
	token := issuer.Token(issuer.Header("ec"), issuer.Claims("bjensen"))
	g.check(t, token, "")
	g.people.set(nil, directory.Attribute{Name: "pwdAccountLockedTime", Values: []string{"000001010000Z"}})
	g.clock.advance(auth.MaxAccountAge)
	for range 2 {
		_, err := g.send(token)
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unauthenticated || auth.ReasonOf(err) != auth.ReasonLocked {
			t.Fatalf("got %v", err)
		}
		if diff := cmp.Diff([]string{`Bearer realm="directory", error="invalid_token"`}, e.Challenges); diff != "" {
			t.Errorf("challenges (-want +got):\n%s", diff)
		}
	}
	g.people.set(nil, directory.Attribute{Name: "pwdReset", Values: []string{"TRUE"}})
	g.clock.advance(5 * time.Second)
	if principal, err := g.send(token); principal == nil || !auth.MustChange(err) {
		t.Errorf("got %v, %v", principal, err)
	}
	g.people.set(fault.New(fault.Unavailable, "the directory does not answer"))
	g.clock.advance(5 * time.Second)
	if principal, err := g.send(token); principal != nil || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v, %v", principal, err)
	}
}

// An identity is made of a claim that names somebody, or of none.
func TestIdentityClaim(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("ec", "ES256")
	template, err := ParseTemplate("dn:uid={preferred_username},ou=People,dc=example,dc=com")
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, issuer, func(o *Options) { o.AuthzID = template })
	claims := issuer.Claims("0815")
	for _, value := range []any{nil, "", 7.5, -7, " a", "a\x00", []string{"a"}, strings.Repeat("a", auth.MaxName+1)} {
		principal, err := g.send(issuer.Token(issuer.Header("ec"), claims.With("preferred_username", value)))
		if principal != nil || fault.KindOf(err) != fault.Forbidden || auth.ReasonOf(err) != ReasonIdentity {
			t.Errorf("%v: got %+v, %v", value, principal, err)
		}
	}
	principal, err := g.send(issuer.Token(issuer.Header("ec"), claims.With("preferred_username", "x,ou=Admins")))
	if err != nil || principal.Identity.AuthzID != `dn:uid=x\,ou=Admins,ou=People,dc=example,dc=com` || principal.Name != "0815" {
		t.Errorf("got %+v, %v", principal, err)
	}
}

// A key that is too small is as good as none.
func TestKeySets(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // It is to be refused.
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	key := map[string]any{"kty": "RSA", "kid": "small", "n": encode(small.N.Bytes()), "e": encode(big.NewInt(int64(small.E)).Bytes())}
	issuer := bearertest.Start(t)
	issuer.Add("ec", "ES256")
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(issuer.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) map[string]any { return bearertest.Object(set.Keys[0]).With(name, value) }
	for name, keys := range map[string][]any{
		"too small":      {key},
		"a secret":       {map[string]any{"kty": "oct", "k": "c2VjcmV0"}},
		"for encryption": {with("use", "enc")},
		"private":        {with("d", encode(make([]byte, 32)))},
		"off the curve":  {with("x", encode(make([]byte, 32)))},
		"unknown type":   {with("kty", "new")},
		"none":           {},
	} {
		if got, err := parseKeySet(encodeJSON(t, map[string]any{"keys": keys})); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
		keys = append(keys, set.Keys[0])
		if got, err := parseKeySet(encodeJSON(t, map[string]any{"keys": keys})); err != nil || len(got) != 1 || got[0].KeyID != "ec" {
			t.Errorf("%s beside a good one: got %v, %v", name, got, err)
		}
	}
	for _, text := range []string{"", "[]", "null", `{"keys":{}}`} {
		if got, err := parseKeySet([]byte(text)); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
	if _, err := LoadKeys("/nonexistent/keys.json"); err == nil || !strings.Contains(err.Error(), "/nonexistent/keys.json") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("ec", "ES256")
	good := newGateway(t, issuer, nil).options
	for name, change := range map[string]func(*Options){
		"issuer":     func(o *Options) { o.Issuer = "" },
		"audience":   func(o *Options) { o.Audience = "" },
		"keys":       func(o *Options) { o.Keys = nil },
		"algorithms": func(o *Options) { o.Algorithms = nil },
		"none":       func(o *Options) { o.Algorithms = []string{"ES256", "none"} },
		"HS256":      func(o *Options) { o.Algorithms = []string{"HS256"} },
		"types":      func(o *Options) { o.Types = nil },
		"identity":   func(o *Options) { o.AuthzID = Template{} },
		"accounts":   func(o *Options) { o.Accounts = nil },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: an authenticator was made", name)
		}
	}
}
