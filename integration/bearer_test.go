package integration_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

func TestBearer(t *testing.T) { slapd.Each(t, slapd.Options{}, bearerTokens) }

func bearerTokens(t *testing.T, server *slapd.Server) {
	i := newIssuer(t)
	g := start(t, server, settings{auth: i.section("    requiredScopes: [directory]\n")})
	const path = "/api/users/bjensen"
	send := func(t *testing.T, token string) *reply {
		return g.send(t, ask{method: "GET", path: path, header: headers("Authorization", "Bearer "+token)})
	}
	t.Run("Good", func(t *testing.T) {
		token := i.token(t, goodHeader(), claims("bjensen"))
		send(t, token).want(http.StatusOK).has(`"bjensen"`, "_id")
		r := send(t, token).want(http.StatusOK)
		if events := g.eventsOf(t, r); events[0]["principal"] != "bjensen" || events[0]["authMethod"] != "bearer" {
			t.Errorf("event %v", events[0])
		}
		if strings.Contains(g.log.String(), token) {
			t.Error("the log holds the token")
		}
	})
	t.Run("ActsAsTheSubject", func(t *testing.T) {
		body := `[{"operation":"replace","field":"/description","value":"by token"}]`
		header := i.bearer(t, "bjensen")
		g.send(t, ask{method: "PATCH", path: path, header: header, body: body}).want(http.StatusOK)
		g.send(t, ask{method: "PATCH", path: "/api/users/scarter", header: header, body: body}).fails(http.StatusForbidden, "")
	})
	t.Run("R_A23", func(t *testing.T) {
		r := g.get(t, "", path).fails(http.StatusUnauthorized, "")
		if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="rest2ldap"` {
			t.Errorf("challenge %q", got)
		}
	})
	past := time.Now().Add(-time.Hour).Unix()
	for name, token := range map[string]string{
		"R_A19":         i.token(t, goodHeader(), with(claims("bjensen"), "exp", past)),
		"NoExpiry":      i.token(t, goodHeader(), with(claims("bjensen"), "exp", nil)),
		"NotYet":        i.token(t, goodHeader(), with(claims("bjensen"), "nbf", time.Now().Add(time.Hour).Unix())),
		"OtherIssuer":   i.token(t, goodHeader(), with(claims("bjensen"), "iss", issuerName+"/")),
		"OtherAudience": i.token(t, goodHeader(), with(claims("bjensen"), "aud", "https://other.example.com")),
		"NoAudience":    i.token(t, goodHeader(), with(claims("bjensen"), "aud", nil)),
		"NoSubject":     i.token(t, goodHeader(), with(claims("bjensen"), "sub", nil)),
		"None":          i.token(t, with(goodHeader(), "alg", "none"), claims("bjensen")),
		"HS256":         i.token(t, with(goodHeader(), "alg", "HS256"), claims("bjensen")),
		"IDToken":       i.token(t, with(goodHeader(), "typ", "JWT"), claims("bjensen")),
		"NoType":        i.token(t, with(goodHeader(), "typ", nil), claims("bjensen")),
		"OtherKey":      newIssuer(t).token(t, goodHeader(), claims("bjensen")),
		"UnknownKey":    i.token(t, with(goodHeader(), "kid", "k2"), claims("bjensen")),
		"Critical":      i.token(t, with(goodHeader(), "crit", []string{"x"}), claims("bjensen")),
		"NotSigned":     strings.TrimRight(i.token(t, goodHeader(), claims("bjensen")), "AQgwBCDEFGHIJKLMNOPRSTUVWXYZabcdefhijklmnopqrstuvxyz0123456789-_"),
		"Garbage":       "abc",
	} {
		t.Run(name, func(t *testing.T) {
			r := send(t, token).fails(http.StatusUnauthorized, "")
			if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="rest2ldap", error="invalid_token"` {
				t.Errorf("challenge %q", got)
			}
		})
	}
	t.Run("Scope", func(t *testing.T) {
		r := send(t, i.token(t, goodHeader(), with(claims("bjensen"), "scope", "mail"))).fails(http.StatusForbidden, "")
		if got := r.header.Get("WWW-Authenticate"); !strings.Contains(got, `error="insufficient_scope"`) || !strings.Contains(got, `scope="directory"`) {
			t.Errorf("challenge %q", got)
		}
	})
	t.Run("R_A25", func(t *testing.T) {
		header := i.bearer(t, "bjensen")
		header.Add("Authorization", header.Get("Authorization"))
		r := g.send(t, ask{method: "GET", path: path, header: header}).fails(http.StatusBadRequest, "invalidRequest")
		if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="rest2ldap", error="invalid_request"` {
			t.Errorf("challenge %q", got)
		}
	})
	for name, subject := range map[string]string{
		"Comma": "bjensen,ou=People,dc=example,dc=com", "Plus": "bjensen+cn=x", "Escape": `bjensen\2c`, "Star": "*", "Empty": "",
	} {
		t.Run("Subject/"+name, func(t *testing.T) {
			send(t, i.token(t, goodHeader(), claims(subject))).fails(http.StatusUnauthorized, "")
		})
	}
}

// The keys come from a URL, and are fetched anew for a key that is not known.
func TestBearerKeysFromURL(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	i := newIssuer(t)
	dir := t.TempDir()
	ca := writeCertificate(t, dir)
	pair, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	var fetched atomic.Int32
	keys := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		_, _ = w.Write([]byte(i.jwks(t)))
	}))
	keys.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	keys.StartTLS()
	defer keys.Close()
	write(t, dir, "ca.pem", string(ca.PEM()))
	section := strings.Replace(i.section(""), "keys: "+i.keys, "jwksUrl: "+keys.URL+"/jwks\n    ca: "+filepath.Join(dir, "ca.pem"), 1)
	g := start(t, server, settings{auth: section})
	for range 3 {
		g.send(t, ask{method: "GET", path: "/api/users/bjensen", header: i.bearer(t, "bjensen")}).want(http.StatusOK)
	}
	if n := fetched.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}
