package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// asked is a fixture whose tokens are looked up.
type asked struct {
	*fixture
	*bearertest.Introspection

	log strings.Builder
}

func newAsked(t *testing.T, change func(*bearer.Options)) *asked {
	t.Helper()
	a := &asked{fixture: newIssuer(t)}
	a.Introspection = a.Introspect("gateway", "p:%ü +&=")
	a.start(t, nil, func(o *bearer.Options) {
		o.Issuer, o.Audience, o.Algorithms, o.Types = "", "", nil, nil
		o.Logger = slog.New(slog.NewTextHandler(&a.log, nil))
		o.Introspection = &bearer.Introspection{URL: a.URL, ClientID: "gateway", ClientSecret: "p:%ü +&=", Transport: a.Transport()}
		if change != nil {
			change(o)
		}
	})
	return a
}

// cached remembers answers for five minutes.
func cached(o *bearer.Options) { o.Introspection.Cache = 5 * time.Minute }

func (a *asked) asks(t *testing.T, want int) {
	t.Helper()
	if got := len(a.Questions()); got != want {
		t.Errorf("%d questions, want %d", got, want)
	}
}

func TestIntrospection(t *testing.T) {
	a := newAsked(t, nil)
	a.Set("t1", a.Active("bjensen"))
	principal, err := a.send("t1")
	if err != nil || principal.Name != "bjensen" || principal.Method != "bearer" || principal.Identity.AuthzID != "dn:uid=bjensen,ou=People,dc=example,dc=com" {
		t.Fatalf("got %+v, %v", principal, err)
	}
	want := []bearertest.Question{{
		ContentType: "application/x-www-form-urlencoded", Accept: "application/json",
		User: "gateway", Password: "p:%ü +&=", Body: "token=t1&token_type_hint=access_token",
	}}
	if diff := cmp.Diff(want, a.Questions()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	a.wantRefused(t, "t2", bearer.ReasonInactive)
	a.wantGood(t, "t1")
	a.asks(t, 3) // Nothing is remembered.
}

// What the authorization server says of an active token decides, and what it leaves out
// does not (RFC 7662 §2.2).
func TestIntrospectionAnswers(t *testing.T) {
	a := newAsked(t, func(o *bearer.Options) { o.RequiredScopes = []string{"read", "write"} })
	good := a.Active("bjensen").With("scope", "read write uid")
	strict := newAsked(t, func(o *bearer.Options) { o.Issuer, o.Audience = "https://login.example.com", bearertest.Audience })
	named := strict.Active("bjensen").With("iss", "https://login.example.com")
	for name, test := range map[string]struct {
		of   *asked
		says bearertest.Object
		want auth.Reason // "" is good
	}{
		"Minimal":          {a, bearertest.Object{"active": true, "scope": "write read", "sub": "bjensen"}, ""},
		"S_D01":            {a, good, ""},
		"R_A19":            {a, good.With("exp", a.clock.time().Unix()-1), bearer.ReasonExpired},
		"NotYet":           {a, good.With("nbf", a.clock.time().Unix()+60), bearer.ReasonEarly},
		"NotActive":        {a, good.With("active", false), bearer.ReasonInactive},
		"ActiveIsAText":    {a, good.With("active", "true"), bearer.ReasonInactive},
		"ActiveIsMissing":  {a, good.With("active", nil), bearer.ReasonInactive},
		"ExpiryIsAText":    {a, good.With("exp", "tomorrow"), bearer.ReasonClaims},
		"ExpiryIsZero":     {a, good.With("exp", 0), bearer.ReasonClaims},
		"ScopeIsAList":     {a, good.With("scope", []string{"read", "write"}), bearer.ReasonClaims},
		"S_D15/Refresh":    {a, good.With("token_type", "refresh_token"), bearer.ReasonType},
		"S_D15/KeyBound":   {a, good.With("token_type", "DPoP"), bearer.ReasonType},
		"Issuer":           {strict, named, ""},
		"S_D15/Issuer":     {strict, named.With("iss", "https://login.example.com/"), bearer.ReasonIssuer},
		"S_D15/NoIssuer":   {strict, named.With("iss", nil), bearer.ReasonIssuer},
		"S_D15/Audience":   {strict, named.With("aud", []string{"x"}), bearer.ReasonAudience},
		"S_D15/NoAudience": {strict, named.With("aud", nil), bearer.ReasonAudience},
	} {
		t.Run(name, func(t *testing.T) {
			token := strings.ReplaceAll(name, "_", "-")
			test.of.Set(token, test.says)
			if test.want == "" {
				test.of.wantGood(t, token)
				return
			}
			test.of.wantRefused(t, token, test.want)
		})
	}
	for name, says := range map[string]bearertest.Object{"Fewer": good.With("scope", "read"), "None": good.With("scope", nil), "Longer": good.With("scope", "read writer")} {
		t.Run("F039/"+name, func(t *testing.T) {
			a.Set(name, says)
			principal, err := a.send(name)
			var e *fault.Error
			if principal != nil || !errors.As(err, &e) || e.Kind != fault.Forbidden ||
				len(e.Challenges) != 1 || e.Challenges[0] != `Bearer realm="r", error="insufficient_scope", scope="read write"` {
				t.Errorf("got %v, %+v", principal, e)
			}
		})
	}
}

// A template that the answer cannot fill is the operator's to mend: 403, and a line in
// the log that names the pointer.
func TestIntrospectionIdentity(t *testing.T) {
	template, err := bearer.ParseTemplate("dn:uid={userName/0},ou=People,dc=example,dc=com")
	if err != nil {
		t.Fatal(err)
	}
	a := newAsked(t, func(o *bearer.Options) { o.AuthzID = template })
	a.Set("odd", bearertest.Object{"active": true, "userName": []string{"a, b", "c"}, "client_id": "tests"})
	principal, err := a.send("odd")
	if err != nil || principal.Identity.AuthzID != `dn:uid=a\, b,ou=People,dc=example,dc=com` || principal.Name != "tests" {
		t.Errorf("got %+v, %v", principal, err)
	}
	a.Set("secret-token", a.Active("bjensen"))
	if principal, err := a.send("secret-token"); principal != nil || fault.KindOf(err) != fault.Forbidden || auth.ReasonOf(err) != bearer.ReasonIdentity {
		t.Errorf("got %+v, %v", principal, err)
	}
	if log := a.log.String(); !strings.Contains(log, "{userName/0} is missing") || strings.Contains(log, "secret-token") {
		t.Errorf("log %q", log)
	}
}

func TestIntrospectionCache(t *testing.T) {
	t.Run("R_A21", func(t *testing.T) {
		a := newAsked(t, cached)
		a.Set("t1", a.Active("bjensen").With("exp", nil))
		a.wantGood(t, "t1")
		a.clock.add(5*time.Minute - time.Second)
		a.wantGood(t, "t1")
		a.asks(t, 1)
		a.Set("t1", nil)
		a.clock.add(2 * time.Second)
		a.wantRefused(t, "t1", bearer.ReasonInactive)
		a.asks(t, 2)
	})
	t.Run("NotBeyondTheEndOfTheToken", func(t *testing.T) {
		a := newAsked(t, cached)
		a.Set("t1", a.Active("bjensen").With("exp", a.clock.time().Unix()+60))
		a.wantGood(t, "t1")
		a.clock.add(time.Minute)
		a.wantRefused(t, "t1", bearer.ReasonExpired)
	})
	t.Run("NotActiveForAMoment", func(t *testing.T) {
		a := newAsked(t, cached)
		a.wantRefused(t, "t1", bearer.ReasonInactive)
		a.wantRefused(t, "t1", bearer.ReasonInactive)
		a.asks(t, 1)
		a.Set("t1", a.Active("bjensen"))
		a.clock.add(5 * time.Second)
		a.wantGood(t, "t1")
	})
	t.Run("S_D13", func(t *testing.T) { // Tokens out of thin air do not drive out good ones.
		a := newAsked(t, func(o *bearer.Options) { cached(o); o.Introspection.CacheSize = 10 })
		a.Set("t1", a.Active("bjensen"))
		a.wantGood(t, "t1")
		for n := range 30 {
			a.wantRefused(t, fmt.Sprint("made-up-", n), bearer.ReasonInactive)
		}
		a.wantGood(t, "t1")
		a.asks(t, 31)
	})
	t.Run("OneQuestionForAll", func(t *testing.T) {
		a := newAsked(t, cached)
		a.Set("t1", a.Active("bjensen"))
		arrived, release := make(chan struct{}), make(chan struct{})
		a.Serve(func(w http.ResponseWriter, r *http.Request) {
			close(arrived) // A second question would panic.
			<-release
			a.ServeHTTP(w, r)
		})
		var all sync.WaitGroup
		all.Go(func() { a.wantGood(t, "t1") })
		<-arrived
		for range 20 {
			all.Go(func() { a.wantGood(t, "t1") })
		}
		close(release)
		all.Wait()
		a.asks(t, 1)
	})
}

// A server that does not answer says nothing of the token: 503, never 401 (fault row 83).
func TestF_83_IntrospectionUnavailable(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"S_D03/Status500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"S_D03/Status502": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"Unauthorized":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"S_A21/Redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://other.example.com/", http.StatusTemporaryRedirect)
		},
		"S_D03/MidBody": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"active":true`)
		},
		"S_D03/Timeout": func(_ http.ResponseWriter, r *http.Request) { silent(r) },
		"S_D07/Long":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 5<<20)) },
		"S_D07/Twice": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"active":true,"active":true}`)
		},
		"S_D07/Deep": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"active":true,"x":`+strings.Repeat("[", 100_000)+"}")
		},
		"NoObject": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `[true]`) },
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `{"active":true,"sub":"bjensen"}`)
		},
		"Empty": func(http.ResponseWriter, *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsked(t, func(o *bearer.Options) {
				cached(o)
				if name == "S_D03/Timeout" {
					o.Introspection.Timeout = 50 * time.Millisecond
				}
			})
			a.Set("t1", a.Active("bjensen"))
			a.Serve(answer)
			a.wantUnavailable(t, "t1", time.Second)
			a.Serve(a.ServeHTTP)
			a.wantGood(t, "t1") // The failure is not remembered.
			if log := a.log.String(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "answers again") || strings.Contains(log, "t1") {
				t.Errorf("log %q", log)
			}
		})
	}
	t.Run("S_D03/Refused", func(t *testing.T) {
		a := newAsked(t, nil)
		a.Close()
		a.wantUnavailable(t, "t1", time.Second)
	})
	t.Run("S_D05", func(t *testing.T) {
		a := newAsked(t, nil)
		a.Serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(http.StatusTooManyRequests)
		})
		a.wantUnavailable(t, "t1", 17*time.Second)
	})
	t.Run("RememberedTokensServeOn", func(t *testing.T) {
		a := newAsked(t, cached)
		a.Set("t1", a.Active("bjensen"))
		a.wantGood(t, "t1")
		a.Close()
		a.wantGood(t, "t1")
		a.wantUnavailable(t, "t2", time.Second)
	})
	t.Run("CallerWentAway", func(t *testing.T) {
		a := newAsked(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		a.Serve(func(_ http.ResponseWriter, r *http.Request) { cancel(); silent(r) })
		if _, err := a.sendWithin(ctx, "t1"); fault.KindOf(err) != fault.Canceled {
			t.Errorf("got %v", err)
		}
	})
}

// silent gives no answer until the client goes away, which shows once its body is read.
func silent(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func (a *asked) wantUnavailable(t *testing.T, token string, wait time.Duration) {
	t.Helper()
	principal, err := a.send(token)
	var e *fault.Error
	if principal != nil || !errors.As(err, &e) || e.Kind != fault.Unavailable || len(e.Challenges) != 0 || e.RetryAfter != wait {
		t.Errorf("got %v, %v, %+v", principal, err, e)
	}
}

// S_D19: after five failures nobody asks any more, until one question finds out that the
// server is back.
func TestIntrospectionBreaker(t *testing.T) {
	a := newAsked(t, nil)
	a.Set("t1", a.Active("bjensen"))
	failing := true
	asked := 0
	a.Serve(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if failing {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		a.ServeHTTP(w, r)
	})
	for n := range 5 {
		want := time.Second
		if n == 4 {
			want = 5 * time.Second
		}
		a.wantUnavailable(t, "t1", want)
	}
	a.clock.add(2 * time.Second)
	a.wantUnavailable(t, "t1", 3*time.Second)
	if asked != 5 {
		t.Errorf("%d questions", asked)
	}
	a.clock.add(3 * time.Second)
	a.wantUnavailable(t, "t1", 5*time.Second)
	a.wantUnavailable(t, "t1", 5*time.Second)
	if asked != 6 {
		t.Errorf("%d questions, want one to try", asked)
	}
	failing = false
	a.clock.add(5 * time.Second)
	a.wantGood(t, "t1")
	a.wantGood(t, "t1")
}

// What cannot be a token is not worth a question (RFC 6750 §2.1).
func TestIntrospectionSyntax(t *testing.T) {
	a := newAsked(t, nil)
	for _, token := range []string{"", "=", "a b", "a\x00", "ü", "a=b", "a,b", strings.Repeat("a", 16<<10+1)} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{"Bearer " + token}
		if _, err := a.authenticator.Authenticate(r); auth.ReasonOf(err) != bearer.ReasonMalformed {
			t.Errorf("%q: %v", token, err)
		}
	}
	a.asks(t, 0)
	a.Set("aZ0-._~+/==", a.Active("bjensen"))
	a.wantGood(t, "aZ0-._~+/==")
}

func TestIntrospectionOptions(t *testing.T) {
	f := newFixture(t, nil)
	for name, o := range map[string]bearer.Introspection{
		"clear":     {URL: "http://login.example.com/", ClientID: "x", Transport: f.Transport()},
		"relative":  {URL: "/introspect", ClientID: "x", Transport: f.Transport()},
		"transport": {URL: "https://login.example.com/", ClientID: "x"},
		"client":    {URL: "https://login.example.com/", Transport: f.Transport()},
	} {
		accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: f.people})
		if err != nil {
			t.Fatal(err)
		}
		template, err := bearer.ParseTemplate("u:{sub}")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bearer.New(bearer.Options{Accounts: accounts, AuthzID: template, Introspection: &o}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
