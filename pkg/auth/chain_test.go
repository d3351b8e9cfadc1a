package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// scheme is an authenticator whose answer a test knows beforehand.
type scheme struct {
	name      string
	principal *auth.Principal
	err       error
	asked     *[]string
}

func (s scheme) Authenticate(r *http.Request) (*auth.Principal, error) {
	if _, ok := auth.Credentials(r, s.name); !ok {
		return nil, auth.ErrNotApplicable
	}
	*s.asked = append(*s.asked, s.name)
	return s.principal, s.err
}

func (s scheme) Challenge(code string) string {
	if code == "" {
		return s.name
	}
	return s.name + " error=" + code
}

// silent is an authenticator without challenge.
type silent struct{}

func (silent) Authenticate(*http.Request) (*auth.Principal, error) {
	return nil, auth.ErrNotApplicable
}

func request(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	return r
}

func TestChain(t *testing.T) {
	who := &auth.Principal{Name: "a"}
	shared := auth.Refuse(auth.Reason("wrong"))
	mustChange := fault.Wrap(fault.Forbidden, auth.ReasonMustChange, "change it")
	own := auth.Refuse(auth.Reason("own"))
	own.Challenges = []string{"Own error=x"}
	type outcome struct {
		Principal  string
		Kind       string
		Reason     auth.Reason
		Challenges []string
		Asked      []string
	}
	for name, test := range map[string]struct {
		authorization []string
		want          outcome
	}{
		"nothing":           {nil, outcome{Kind: "unauthenticated", Reason: auth.ReasonNone, Challenges: []string{"Good", "Bad", "Own", "Down", "Change"}}},
		"good":              {[]string{"Good x"}, outcome{Principal: "a", Asked: []string{"Good"}}},
		"any case":          {[]string{"gOOD x"}, outcome{Principal: "a", Asked: []string{"Good"}}},
		"wrong":             {[]string{"Bad x"}, outcome{Kind: "unauthenticated", Reason: "wrong", Challenges: []string{"Good", "Bad", "Own", "Down", "Change"}, Asked: []string{"Bad"}}},
		"own challenge":     {[]string{"Own x"}, outcome{Kind: "unauthenticated", Reason: "own", Challenges: []string{"Own error=x", "Good", "Bad", "Down", "Change"}, Asked: []string{"Own"}}},
		"unavailable":       {[]string{"Down x"}, outcome{Kind: "unavailable", Asked: []string{"Down"}}},
		"must change":       {[]string{"Change x"}, outcome{Principal: "a", Kind: "forbidden", Reason: auth.ReasonMustChange, Asked: []string{"Change"}}},
		"unknown scheme":    {[]string{"Digest x"}, outcome{Kind: "unauthenticated", Reason: auth.ReasonScheme, Challenges: []string{"Good", "Bad", "Own", "Down", "Change"}}},
		"scheme is longer":  {[]string{"Goodness x"}, outcome{Kind: "unauthenticated", Reason: auth.ReasonScheme, Challenges: []string{"Good", "Bad", "Own", "Down", "Change"}}},
		"empty header":      {[]string{""}, outcome{Kind: "unauthenticated", Reason: auth.ReasonScheme, Challenges: []string{"Good", "Bad", "Own", "Down", "Change"}}},
		"S_C31 two headers": {[]string{"Good x", "Good x"}, outcome{Kind: "invalid", Reason: auth.ReasonTwo, Challenges: []string{"Good error=invalid_request", "Bad error=invalid_request", "Own error=invalid_request", "Down error=invalid_request", "Change error=invalid_request"}}},
		"S_C31 a list":      {[]string{"Good x, Bad y"}, outcome{Kind: "invalid", Reason: auth.ReasonTwo, Challenges: []string{"Good error=invalid_request", "Bad error=invalid_request", "Own error=invalid_request", "Down error=invalid_request", "Change error=invalid_request"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got outcome
			chain := auth.NewChain(
				silent{},
				scheme{"Good", who, nil, &got.Asked},
				scheme{"Bad", nil, shared, &got.Asked},
				scheme{"Own", nil, fmt.Errorf("wrapped: %w", own), &got.Asked},
				scheme{"Down", nil, fault.New(fault.Unavailable, "down"), &got.Asked},
				scheme{"Change", who, mustChange, &got.Asked},
			)
			principal, err := chain.Authenticate(request(test.authorization...))
			if principal != nil {
				got.Principal = principal.Name
			}
			var e *fault.Error
			if errors.As(err, &e) {
				got.Kind, got.Reason, got.Challenges = e.Kind.String(), auth.ReasonOf(err), e.Challenges
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if len(shared.Challenges) > 0 || len(own.Challenges) != 1 {
		t.Error("a fault that authenticators share was changed")
	}
}

// Every refusal says the same.
func TestOneMessage(t *testing.T) {
	var asked []string
	chain := auth.NewChain(scheme{"Bad", nil, auth.Refuse(auth.Reason("wrong")), &asked})
	messages := map[string]bool{auth.RefuseAccount(auth.ReasonLocked).Message: true}
	for _, r := range []*http.Request{request("Bad x"), request("Other x"), request(""), request()} {
		_, err := chain.Authenticate(r)
		var e *fault.Error
		if !errors.As(err, &e) {
			t.Fatalf("got %v", err)
		}
		messages[e.Message] = true
	}
	if len(messages) != 1 {
		t.Errorf("got %v", messages)
	}
}

func TestTwoCredentials(t *testing.T) {
	var asked []string
	chain := auth.NewChain(scheme{"Any", &auth.Principal{}, nil, &asked})
	for value, two := range map[string]bool{
		"Any a":                        false,
		"Any a,b":                      false,
		"Any a, b":                     false,
		`Any realm="x", nonce="y"`:     false,
		`Any realm = "x", nonce = "y"`: false,
		"Any a, ":                      false,
		"Any a,  Any ":                 false,
		"Any a, (x) y":                 false,
		"Any a, Any b":                 true,
		"Any a,Any b":                  true,
		"Any a ,\tAny  b":              true,
		"Any a, c, Any b":              true,
	} {
		_, err := chain.Authenticate(request(value))
		if got := errors.Is(err, fault.Invalid); got != two {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestCredentials(t *testing.T) {
	for value, want := range map[string]string{
		"Basic abc":    "abc",
		"bASIC   abc":  "abc",
		"Basic":        "",
		"Basic ":       "",
		"Basic a b":    "a b",
		"Basically a":  "-",
		"Bearer Basic": "-",
		"Basic\tabc":   "-",
	} {
		got, ok := auth.Credentials(request(value), "Basic")
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func TestQuoteRealm(t *testing.T) {
	for realm, want := range map[string]string{
		"":              `""`,
		"rest2ldap":     `"rest2ldap"`,
		`a "b" \c`:      `"a \"b\" \\c"`,
		"a\r\nX-Bad: y": `"a??X-Bad: y"`,
		"é":             `"?"`,
	} {
		if got := auth.QuoteRealm(realm); got != want {
			t.Errorf("%q: got %s, want %s", realm, got, want)
		}
	}
}

// No header makes the chain panic, and none is let in but the one good credential.
func FuzzChain(f *testing.F) {
	for _, seed := range []string{"Any good", "any  good", "Any good, Any good", "Any good,x y", ",", " Any good", "Any good "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var asked []string
		chain := auth.NewChain(scheme{"Any", &auth.Principal{}, nil, &asked})
		principal, err := chain.Authenticate(request(value))
		head, _, _ := strings.Cut(value, " ")
		if (principal != nil) != (err == nil) || err == nil && !strings.EqualFold(head, "Any") {
			t.Errorf("%q: %v, %v", value, principal, err)
		}
	})
}

func TestContext(t *testing.T) {
	if auth.FromContext(t.Context()) != nil {
		t.Error("somebody out of nothing")
	}
	who := &auth.Principal{Name: "a"}
	if auth.FromContext(auth.NewContext(t.Context(), who)) != who {
		t.Error("somebody else")
	}
}
