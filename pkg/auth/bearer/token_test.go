package bearer_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

func TestGood(t *testing.T) {
	f := newFixture(t, nil)
	for name, token := range map[string]string{
		"S_C01":              f.good("k1"),
		"long type":          f.Token(f.Header("k1").With("typ", "application/at+jwt"), f.Claims("bjensen")),
		"type in capitals":   f.Token(f.Header("k1").With("typ", "AT+JWT"), f.Claims("bjensen")),
		"no kid":             f.TokenBy("k1", []byte(`{"alg":"ES256","typ":"at+jwt"}`), mustJSON(t, f.Claims("bjensen"))),
		"S_C07 of several":   f.Token(f.Header("k1"), f.Claims("bjensen").With("aud", []string{"x", bearertest.Audience})),
		"no scope":           f.Token(f.Header("k1"), f.Claims("bjensen").With("scope", nil)),
		"fractional seconds": f.Token(f.Header("k1"), f.Claims("bjensen").With("exp", float64(f.clock.time().Unix())+299.5)),
		"other claims":       f.Token(f.Header("k1"), f.Claims("bjensen").With("groups", []any{map[string]any{"a": nil}})),
		"places of keys are not looked at": f.Token(
			f.Header("k1").With("jku", "https://evil.example.com/jwks").With("x5u", "https://evil.example.com/x").With("x5t", "x"), f.Claims("bjensen")),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := f.send(token)
			want := &auth.Principal{Name: "bjensen", Method: "bearer", Identity: directory.Identity{AuthzID: "dn:uid=bjensen,ou=People,dc=example,dc=com"}}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
	if f.Fetches() != 0 {
		t.Error("something was fetched")
	}
}

func TestAlgorithms(t *testing.T) {
	all := []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	f := newIssuer(t)
	for _, name := range all {
		f.Add(name, name)
	}
	keys := loadKeys(t, f.KeySet())
	f.start(t, keys, func(o *bearer.Options) { o.Algorithms = all })
	for _, name := range all {
		t.Run(name, func(t *testing.T) { f.wantGood(t, f.good(name)) })
		for _, other := range all {
			if other != name { // A key is for its own algorithm only, whatever the token says.
				f.wantRefused(t, f.Token(f.Header(name).With("alg", other), f.Claims("bjensen")), bearer.ReasonKey)
			}
		}
	}
	// So it is with keys of which the issuer does not say what they are for.
	anyUse := regexp.MustCompile(`"alg":"[A-Za-z0-9]+",`).ReplaceAll(f.KeySet(), nil)
	f.start(t, loadKeys(t, anyUse), func(o *bearer.Options) { o.Algorithms = all })
	for id, others := range map[string][]string{"RS256": {"ES256", "EdDSA"}, "ES256": {"RS256", "ES384", "EdDSA"}, "ES384": {"ES256"}, "ES512": {"ES384"}, "EdDSA": {"PS256", "ES256"}} {
		f.wantGood(t, f.good(id))
		for _, other := range others {
			f.wantRefused(t, f.Token(f.Header(id).With("alg", other), f.Claims("bjensen")), bearer.ReasonKey)
		}
	}
	f.start(t, keys, func(o *bearer.Options) { o.Algorithms = []string{"ES256"} })
	for _, name := range all {
		if name != "ES256" {
			f.wantRefused(t, f.good(name), bearer.ReasonAlgorithm)
		}
	}
	for _, name := range []string{"none", "None", "HS256", "HS384", "HS512", "", "es256", "RSA1_5"} {
		if bearer.CheckAlgorithm(name) == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

func TestRefused(t *testing.T) {
	f := newFixture(t, nil)
	other := bearertest.Start(t)
	other.Add("k1", "ES256")
	header, claims := f.Header("k1"), f.Claims("bjensen")
	hs := func(key []byte) string {
		return bearertest.Compact(mustJSON(t, header.With("alg", "HS256")), mustJSON(t, claims), func(input []byte) []byte {
			mac := hmac.New(sha256.New, key)
			mac.Write(input)
			return mac.Sum(nil)
		})
	}
	raw := func(header, claims string) string { return f.TokenBy("k1", []byte(header), []byte(claims)) }
	const goodHeader = `{"alg":"ES256","kid":"k1","typ":"at+jwt"}`
	goodClaims := string(mustJSON(t, claims))
	good := f.good("k1")
	parts := strings.Split(good, ".")
	now := f.clock.time().Unix()
	for name, test := range map[string]struct {
		token string
		want  auth.Reason
	}{
		"S_C03 expired":          {f.Token(header, claims.With("exp", now-1)), bearer.ReasonExpired},
		"no end":                 {f.Token(header, claims.With("exp", nil)), bearer.ReasonClaims},
		"end is text":            {f.Token(header, claims.With("exp", fmt.Sprint(now+300))), bearer.ReasonClaims},
		"end is negative":        {f.Token(header, claims.With("exp", -1)), bearer.ReasonClaims},
		"end is never":           {f.Token(header, claims.With("exp", 1e18)), bearer.ReasonClaims},
		"S_C05 not yet":          {f.Token(header, claims.With("nbf", now+60)), bearer.ReasonEarly},
		"S_C05 issued later":     {f.Token(header, claims.With("iat", now+60)), bearer.ReasonEarly},
		"issued is null":         {raw(goodHeader, strings.Replace(goodClaims, `"iat":`, `"iat":null,"was":`, 1)), bearer.ReasonClaims},
		"S_C07 other audience":   {f.Token(header, claims.With("aud", "https://other.example.com")), bearer.ReasonAudience},
		"S_C07 no audience":      {f.Token(header, claims.With("aud", nil)), bearer.ReasonAudience},
		"S_C07 others":           {f.Token(header, claims.With("aud", []string{"x", "y"})), bearer.ReasonAudience},
		"S_C07 object":           {f.Token(header, claims.With("aud", map[string]any{bearertest.Audience: 1})), bearer.ReasonClaims},
		"audience of numbers":    {f.Token(header, claims.With("aud", []any{bearertest.Audience, 1})), bearer.ReasonClaims},
		"audience begins so":     {f.Token(header, claims.With("aud", bearertest.Audience+"/")), bearer.ReasonAudience},
		"other issuer":           {f.Token(header, claims.With("iss", f.Name+"/")), bearer.ReasonIssuer},
		"no issuer":              {f.Token(header, claims.With("iss", nil)), bearer.ReasonIssuer},
		"scope is a list":        {f.Token(header, claims.With("scope", []string{"directory"})), bearer.ReasonClaims},
		"no client":              {f.Token(header, claims.With("client_id", nil)), bearer.ReasonClaims},
		"no subject":             {f.Token(header, claims.With("sub", nil)), bearer.ReasonClaims},
		"S_C33 number":           {f.Token(header, claims.With("sub", 5)), bearer.ReasonClaims},
		"S_C33 list":             {f.Token(header, claims.With("sub", []string{"bjensen"})), bearer.ReasonClaims},
		"S_C33 NUL":              {f.Token(header, claims.With("sub", "bjensen\x00")), bearer.ReasonClaims},
		"S_C33 too long":         {f.Token(header, claims.With("sub", strings.Repeat("a", 1025))), bearer.ReasonClaims},
		"S_C33 direction mark":   {f.Token(header, claims.With("sub", "bjensen\u202e")), bearer.ReasonClaims},
		"S_C33 space at the end": {f.Token(header, claims.With("sub", "bjensen ")), bearer.ReasonClaims},

		"none":                  {bearertest.Compact([]byte(`{"alg":"none","typ":"at+jwt"}`), mustJSON(t, claims), func([]byte) []byte { return nil }), bearer.ReasonAlgorithm},
		"none, signed":          {f.Token(header.With("alg", "none"), claims), bearer.ReasonAlgorithm},
		"no alg":                {raw(`{"kid":"k1","typ":"at+jwt"}`, goodClaims), bearer.ReasonAlgorithm},
		"alg in lower case":     {f.Token(header.With("alg", "es256"), claims), bearer.ReasonAlgorithm},
		"S_C09 key set as key":  {hs(f.KeySet()), bearer.ReasonAlgorithm},
		"S_C09 empty key":       {hs(nil), bearer.ReasonAlgorithm},
		"other key, same id":    {other.Token(other.Header("k1"), claims), bearer.ReasonSignature},
		"S_C11 path as kid":     {raw(`{"alg":"ES256","kid":"../../etc/passwd","typ":"at+jwt"}`, goodClaims), bearer.ReasonKey},
		"S_C11 control in kid":  {raw(`{"alg":"ES256","kid":"k1\u0000\n","typ":"at+jwt"}`, goodClaims), bearer.ReasonKey},
		"S_C11 number as kid":   {raw(`{"alg":"ES256","kid":1,"typ":"at+jwt"}`, goodClaims), bearer.ReasonMalformed},
		"S_C11 huge kid":        {raw(`{"alg":"ES256","kid":"`+strings.Repeat("k", 100<<10)+`","typ":"at+jwt"}`, goodClaims), bearer.ReasonMalformed},
		"embedded key":          {other.Token(other.Header("k1").With("kid", "k1").With("jwk", map[string]any{"kty": "EC"}), claims), bearer.ReasonMalformed},
		"ID token":              {f.Token(header.With("typ", "JWT"), claims), bearer.ReasonType},
		"logout token":          {f.Token(header.With("typ", "logout+jwt"), claims), bearer.ReasonType},
		"no type":               {f.Token(header.With("typ", nil), claims), bearer.ReasonType},
		"empty type":            {f.Token(header.With("typ", "application/"), claims), bearer.ReasonType},
		"S_C15 unknown crit":    {f.Token(header.With("crit", []string{"x"}).With("x", 1), claims), bearer.ReasonMalformed},
		"S_C15 empty crit":      {f.Token(header.With("crit", []string{}), claims), bearer.ReasonMalformed},
		"S_C15 absent member":   {f.Token(header.With("crit", []string{"exp"}), claims), bearer.ReasonMalformed},
		"S_C15 b64":             {f.Token(header.With("crit", []string{"b64"}).With("b64", false), claims), bearer.ReasonMalformed},
		"S_C15 b64 alone":       {f.Token(header.With("b64", false), claims), bearer.ReasonMalformed},
		"S_C17 flattened":       {fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]), bearer.ReasonMalformed},
		"S_C17 general":         {fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, parts[1], parts[0], parts[2]), bearer.ReasonMalformed},
		"S_C21 no part":         {"", bearer.ReasonMalformed},
		"S_C21 one part":        {parts[0], bearer.ReasonMalformed},
		"S_C21 two parts":       {parts[0] + "." + parts[1], bearer.ReasonMalformed},
		"S_C21 four parts":      {good + ".", bearer.ReasonMalformed},
		"S_C21 five parts":      {good + ".a.b", bearer.ReasonMalformed},
		"S_C21 dots":            {"..", bearer.ReasonMalformed},
		"no signature":          {parts[0] + "." + parts[1] + ".", bearer.ReasonSignature},
		"detached":              {parts[0] + ".." + parts[2], bearer.ReasonSignature},
		"other claims":          {parts[0] + "." + encode(mustJSON(t, f.Claims("kvaughan"))) + "." + parts[2], bearer.ReasonSignature},
		"S_C23 loose bits":      {parts[0] + "." + parts[1] + "." + looseBits(parts[2]), bearer.ReasonMalformed},
		"S_C23 padding":         {good + "==", bearer.ReasonMalformed},
		"S_C23 space":           {parts[0] + ". " + parts[1] + "." + parts[2], bearer.ReasonMalformed},
		"S_C23 line break":      {parts[0] + "." + parts[1] + "." + parts[2][:4] + "\n" + parts[2][4:], bearer.ReasonMalformed},
		"S_C23 other alphabet":  {parts[0] + "." + parts[1] + "." + parts[2][:40] + "+/" + parts[2][42:], bearer.ReasonMalformed},
		"header twice the same": {raw(`{"alg":"none","alg":"ES256","kid":"k1","typ":"at+jwt"}`, goodClaims), bearer.ReasonMalformed},
		"claim twice":           {raw(goodHeader, strings.Replace(goodClaims, `"sub":`, `"sub":"kvaughan","sub":`, 1)), bearer.ReasonClaims},
		"claims not UTF-8":      {raw(goodHeader, strings.Replace(goodClaims, "bjensen", "bjensen\xff", 1)), bearer.ReasonClaims},
		"claims are a list":     {raw(goodHeader, "["+goodClaims+"]"), bearer.ReasonClaims},
		"claims are null":       {raw(goodHeader, "null"), bearer.ReasonClaims},
		"more after the claims": {raw(goodHeader, goodClaims+goodClaims), bearer.ReasonClaims},
		"too long":              {f.Token(header, claims.With("more", strings.Repeat("x", 16<<10))), bearer.ReasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			f.wantRefused(t, test.token, test.want)
			f.wantRefused(t, test.token, test.want) // What is refused stays so.
		})
	}
	if f.Fetches()+other.Fetches() != 0 {
		t.Error("a token made the gateway fetch something")
	}
}

// looseBits changes the bits at the end of a text that carry nothing.
func looseBits(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last^1])
}

// S_C33: whatever the subject is, it stays one value of the template.
func TestSubjects(t *testing.T) {
	f := newFixture(t, nil)
	for subject, want := range map[string]string{
		"a)(uid=*":         `dn:uid=a)(uid\=*,ou=People,dc=example,dc=com`,
		"cn=x,ou=evil":     "",
		"x,ou=evil+cn=y":   "",
		"u:root":           "dn:uid=u:root,ou=People,dc=example,dc=com",
		`bjensen\2cou\3dx`: "",
		"#414243":          "",
		"名前":               "dn:uid=名前,ou=People,dc=example,dc=com",
	} {
		principal, err := f.send(f.Token(f.Header("k1"), f.Claims(subject)))
		if err != nil {
			t.Errorf("%q: %v", subject, err)
			continue
		}
		dn, err := directory.ParseDN(strings.TrimPrefix(principal.Identity.AuthzID, "dn:"))
		if err != nil || dn.Depth() != 4 || !cmp.Equal(dn.RDN(), directory.RDN{{Type: "uid", Value: subject}}) {
			t.Errorf("%q became %s", subject, principal.Identity.AuthzID)
		}
		if want != "" && !strings.Contains(want, `\`) && principal.Identity.AuthzID != want {
			t.Errorf("%q became %s, want %s", subject, principal.Identity.AuthzID, want)
		}
	}
}

func TestNotApplicable(t *testing.T) {
	f := newFixture(t, nil)
	r := httptest.NewRequest(http.MethodGet, "/?access_token="+f.good("k1"), nil)
	if _, err := f.authenticator.Authenticate(r); !errors.Is(err, auth.ErrNotApplicable) {
		t.Errorf("a token in the query: %v", err)
	}
	r.SetBasicAuth("bjensen", "hifalutin")
	if _, err := f.authenticator.Authenticate(r); !errors.Is(err, auth.ErrNotApplicable) {
		t.Error(err)
	}
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
