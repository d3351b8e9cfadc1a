package bearer_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func mustJSON(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func loadKeys(t *testing.T, text []byte) bearer.Keys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := bearer.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// S_C03 and S_C05: to the second, with the leeway and without.
func TestTimes(t *testing.T) {
	for name, leeway := range map[string]time.Duration{"strict": 0, "a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(o *bearer.Options) { o.Leeway = leeway })
			now := f.clock.time().Truncate(time.Second)
			f.clock.now = now
			edge := int64(leeway / time.Second)
			token := func(member string, at int64) string {
				return f.Token(f.Header("k1"), f.Claims("bjensen").With("iat", now.Unix()-900).With(member, at))
			}
			f.wantRefused(t, token("exp", now.Unix()-edge), bearer.ReasonExpired)
			f.wantGood(t, token("exp", now.Unix()-edge+1))
			f.wantGood(t, token("nbf", now.Unix()+edge))
			f.wantRefused(t, token("nbf", now.Unix()+edge+1), bearer.ReasonEarly)
			f.wantGood(t, token("iat", now.Unix()+edge))
			f.wantRefused(t, token("iat", now.Unix()+edge+1), bearer.ReasonEarly)
		})
	}
}

// A token that is remembered still ends in time.
func TestEndWhileRemembered(t *testing.T) {
	f := newFixture(t, nil)
	token := f.Token(f.Header("k1"), f.Claims("bjensen").With("exp", f.clock.time().Unix()+10))
	f.wantGood(t, token)
	f.clock.add(9 * time.Second)
	f.wantGood(t, token)
	f.clock.add(2 * time.Second)
	f.wantRefused(t, token, bearer.ReasonExpired)
}

// S_C29
func TestScopes(t *testing.T) {
	f := newFixture(t, func(o *bearer.Options) { o.RequiredScopes = []string{"directory", "write"} })
	for scope, good := range map[string]bool{
		"directory write": true, "x write  directory": true, "directory": false, "": false, "directory,write": false, "Directory write": false,
	} {
		principal, err := f.send(f.Token(f.Header("k1"), f.Claims("bjensen").With("scope", scope)))
		if good {
			if err != nil {
				t.Errorf("%q: %v", scope, err)
			}
			continue
		}
		var e *fault.Error
		if principal != nil || !errors.As(err, &e) || e.Kind != fault.Forbidden || auth.ReasonOf(err) != bearer.ReasonScope {
			t.Errorf("%q: %v, %v", scope, principal, err)
			continue
		}
		want := []string{`Bearer realm="r", error="insufficient_scope", scope="directory write"`}
		if diff := cmp.Diff(want, e.Challenges); diff != "" {
			t.Error(diff)
		}
	}
	if f.reads != 1 {
		t.Errorf("the account was read %d times; once for the good ones, and not for the others", f.reads)
	}
}

func TestChallenge(t *testing.T) {
	f := newFixture(t, func(o *bearer.Options) { o.RequiredScopes = []string{"a", "b"} })
	for code, want := range map[string]string{
		"":                   `Bearer realm="r"`,
		"invalid_request":    `Bearer realm="r", error="invalid_request"`,
		"insufficient_scope": `Bearer realm="r", error="insufficient_scope", scope="a b"`,
	} {
		if got := f.authenticator.Challenge(code); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// D09 and the ghost-user trap: the account decides with every request, from a memory
// of 30 seconds at most.
func TestAccounts(t *testing.T) {
	f := newFixture(t, nil)
	token := f.good("k1")
	f.wantGood(t, token)
	f.set(func() { f.gone["bjensen"] = true })
	f.wantGood(t, token)
	f.clock.add(auth.MaxAccountAge)
	_, err := f.send(token)
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Unauthenticated || e.Detail.Kind != string(auth.ReasonUnknown) {
		t.Fatalf("deleted: %v", err)
	}
	if diff := cmp.Diff([]string{`Bearer realm="r", error="invalid_token"`}, e.Challenges); diff != "" {
		t.Error(diff)
	}
	f.set(func() {
		f.gone["bjensen"] = false
		f.states["bjensen"] = directory.Attribute{Name: "pwdReset", Values: []string{"TRUE"}}
	})
	f.clock.add(auth.MaxAccountAge)
	if principal, err := f.send(token); principal == nil || !auth.MustChange(err) {
		t.Errorf("must change: %v, %v", principal, err)
	}
	f.set(func() { f.down = true })
	f.clock.add(auth.MaxAccountAge)
	if _, err := f.send(token); !errors.Is(err, fault.Unavailable) {
		t.Errorf("no directory: %v", err)
	}
}

func TestTypes(t *testing.T) {
	f := newFixture(t, func(o *bearer.Options) { o.Types = []string{"JWT", "application/at+jwt"} })
	// Issuers that do not follow RFC 9068 may leave out what it demands.
	f.wantGood(t, f.Token(f.Header("k1").With("typ", "JWT"), f.Claims("bjensen").With("client_id", nil)))
	f.wantGood(t, f.good("k1"))
	f.wantRefused(t, f.Token(f.Header("k1").With("typ", "id+jwt"), f.Claims("bjensen")), bearer.ReasonType)
}

func TestTemplates(t *testing.T) {
	for text, want := range map[string]string{
		"dn:uid={sub},ou=People":                  "dn:uid=bjensen,ou=People",
		"dn:cn={client_id}+uid={sub},ou={tenant}": `dn:cn=tests+uid=bjensen,ou=a\,b`,
		"u:{sub}":             "u:bjensen",
		"u:{tenant}":          "u:a,b",
		"u:{nobody}":          "",
		"dn:uid={n}":          "dn:uid=5", // all its digits
		"dn:uid={userName/0}": "dn:uid=first",
		"u:{act/sub}":         "u:actor",
		"u:{a~1b/m~0n}":       "u:escaped",
		"u:{https://x/uid}":   "u:named",
		"u:{userName/2}":      "",
		"u:{userName/00}":     "",
		"u:{userName/-}":      "",
		"u:{userName/1}":      "", // an object
		"u:{userName}":        "",
		"u:{sub/0}":           "",
		"u:{big}":             "",
		"u:{half}":            "",
		"u:{flag}":            "",
	} {
		template, err := bearer.ParseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		f := newFixture(t, func(o *bearer.Options) { o.AuthzID = template })
		claims := f.Claims("bjensen").With("tenant", "a,b").With("n", 5).With("userName", []any{"first", bearertest.Object{}}).
			With("act", bearertest.Object{"sub": "actor"}).With("a/b", bearertest.Object{"m~n": "escaped"}).With("https://x/uid", "named").
			With("big", 1<<60).With("half", 0.5).With("flag", true)
		token := f.Token(f.Header("k1"), claims)
		if want == "" {
			if principal, err := f.send(token); principal != nil || !errors.Is(err, fault.Forbidden) || auth.ReasonOf(err) != bearer.ReasonIdentity {
				t.Errorf("%s: %v, %v", text, principal, err)
			}
			continue
		}
		if principal, err := f.send(token); err != nil || principal.Identity.AuthzID != want {
			t.Errorf("%s: %v, %v", text, principal, err)
		}
	}
	for _, text := range []string{
		"", "uid={sub}", "dn:", "dn:uid=everybody,ou=People", "dn:{sub}", "dn:uid={sub},..", "dn:uid={sub", "dn:not a name",
		"u:", "u:sub", "u:{}", "u:x{sub}", "u:{sub}x", "u:{a}{b}",
	} {
		if _, err := bearer.ParseTemplate(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestOptions(t *testing.T) {
	f := newFixture(t, nil)
	accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: f.people})
	if err != nil {
		t.Fatal(err)
	}
	template, err := bearer.ParseTemplate("u:{sub}")
	if err != nil {
		t.Fatal(err)
	}
	full := bearer.Options{
		Issuer: "i", Audience: "a", Keys: loadKeys(t, f.KeySet()), Algorithms: []string{"ES256"}, Types: []string{"at+jwt"}, AuthzID: template, Accounts: accounts,
	}
	if _, err := bearer.New(full); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*bearer.Options){
		"issuer":     func(o *bearer.Options) { o.Issuer = "" },
		"audience":   func(o *bearer.Options) { o.Audience = "" },
		"keys":       func(o *bearer.Options) { o.Keys = nil },
		"algorithms": func(o *bearer.Options) { o.Algorithms = nil },
		"HS256":      func(o *bearer.Options) { o.Algorithms = []string{"ES256", "HS256"} },
		"types":      func(o *bearer.Options) { o.Types = nil },
		"identity":   func(o *bearer.Options) { o.AuthzID = bearer.Template{} },
		"accounts":   func(o *bearer.Options) { o.Accounts = nil },
		"both":       func(o *bearer.Options) { o.Introspection = &bearer.Introspection{} },
	} {
		o := full
		change(&o)
		if _, err := bearer.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLoadKeys(t *testing.T) {
	issuer := bearertest.Start(t)
	issuer.Add("k1", "RS256")
	good := string(issuer.KeySet())
	const small = `{"kty":"RSA","n":"ALfBF1QZrjyAWzXn3i-2Yl1sj0gHUMYwFKIfDJb2tF2vCX0FRfSWQVVxM4ZUmXQOhf9t2eDPY4rTiXl8cDe5ZxU","e":"AQAB"}`
	for name, test := range map[string]struct {
		text string
		good bool
	}{
		"good":             {good, true},
		"one of two":       {strings.Replace(good, `{"keys":[`, `{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"new"},`+small+`,`, 1), true},
		"RSA of 512 bits":  {`{"keys":[` + small + `]}`, false},
		"shared secret":    {`{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256"}]}`, false},
		"for encryption":   {strings.Replace(good, `"use":"sig"`, `"use":"enc"`, 1), false},
		"none":             {`{"keys":[]}`, false},
		"no list":          {`{}`, false},
		"one key, no list": {strings.TrimSuffix(strings.TrimPrefix(good, `{"keys":[`), `]}`), false},
		"list twice":       {`{"keys":[],` + strings.TrimPrefix(good, "{"), false},
		"HTML":             {"<html>", false},
		"empty":            {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.json")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := bearer.LoadKeys(path)
			if (err == nil) != test.good || err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := bearer.LoadKeys(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "none.json cannot be read") {
		t.Errorf("got %v", err)
	}
}
