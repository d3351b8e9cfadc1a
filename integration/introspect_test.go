package integration_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
)

// introspected is the section "auth" of a gateway that asks an endpoint about tokens.
func introspected(t *testing.T, url string, ca []byte, more string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "ca.pem", string(ca))
	write(t, dir, "secret", "s:%cret\n")
	return fmt.Sprintf(`
auth:
  realm: myrealm
  bearer:
    introspection: {url: %q, clientId: gateway, clientSecret: "file:%s"%s}
    ca: %s
    requiredScopes: [read, write]
    authzId: "dn:uid={username},ou=People,dc=example,dc=com"
`, url, filepath.Join(dir, "secret"), more, filepath.Join(dir, "ca.pem"))
}

func TestIntrospection(t *testing.T) { slapd.Each(t, slapd.Options{}, introspection) }

func introspection(t *testing.T, server *slapd.Server) {
	issuer := bearertest.Start(t)
	endpoint := issuer.Introspect("gateway", "s:%cret")
	g := start(t, server, settings{auth: introspected(t, endpoint.URL, issuer.CA.PEM(), ", cache: 5m")})
	const path = "/api/users/bjensen"
	send := func(t *testing.T, token string) *reply {
		return g.send(t, ask{method: "GET", path: path, header: headers("Authorization", "Bearer "+token)})
	}
	good := endpoint.Active("kvaughan").With("scope", "read write uid")

	t.Run("R_A17", func(t *testing.T) {
		endpoint.Set("t1", good)
		r := send(t, "t1").want(http.StatusOK).has(`"bjensen"`, "_id")
		want := []bearertest.Question{{
			ContentType: "application/x-www-form-urlencoded", Accept: "application/json",
			User: "gateway", Password: "s:%cret", Body: "token=t1&token_type_hint=access_token",
		}}
		if diff := cmp.Diff(want, endpoint.Questions()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if events := g.eventsOf(t, r); events[0]["principal"] != "kvaughan" || events[0]["authMethod"] != "bearer" {
			t.Errorf("event %v", events[0])
		}
	})
	t.Run("R_A21", func(t *testing.T) {
		endpoint.Set("twice", good)
		before := len(endpoint.Questions())
		for range 2 {
			send(t, "twice").want(http.StatusOK).has(`"bjensen"`, "_id")
		}
		if n := len(endpoint.Questions()) - before; n != 1 {
			t.Errorf("%d questions", n)
		}
	})
	t.Run("R_A19", func(t *testing.T) {
		endpoint.Set("t2", good.With("exp", time.Now().Unix()-3600))
		r := send(t, "t2").fails(http.StatusUnauthorized, "")
		if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="myrealm", error="invalid_token"` {
			t.Errorf("challenge %q", got)
		}
	})
	t.Run("R_A23", func(t *testing.T) {
		r := g.get(t, "", path).fails(http.StatusUnauthorized, "")
		if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="myrealm"` {
			t.Errorf("challenge %q", got)
		}
	})
	t.Run("R_A25", func(t *testing.T) {
		header := headers("Authorization", "Bearer t1")
		header.Add("Authorization", "Bearer t1")
		r := g.send(t, ask{method: "GET", path: path, header: header}).fails(http.StatusBadRequest, "invalidRequest")
		if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="myrealm", error="invalid_request"` {
			t.Errorf("challenge %q", got)
		}
	})
	t.Run("F039", func(t *testing.T) {
		endpoint.Set("t3", good.With("scope", "read"))
		r := send(t, "t3").fails(http.StatusForbidden, "insufficientScope")
		if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="myrealm", error="insufficient_scope", scope="read write"` {
			t.Errorf("challenge %q", got)
		}
	})
	t.Run("NoIdentity", func(t *testing.T) {
		endpoint.Set("t4", good.With("username", nil))
		send(t, "t4").fails(http.StatusForbidden, "noIdentity")
		if !eventually(func() bool { return strings.Contains(g.log.String(), "{username} is missing") }) {
			t.Error("the log does not tell which pointer is missing")
		}
	})
	t.Run("ActsAsTheUser", func(t *testing.T) {
		endpoint.Set("t5", good.With("username", "bjensen"))
		body := `[{"operation":"replace","field":"/description","value":"by token"}]`
		header := headers("Authorization", "Bearer t5")
		g.send(t, ask{method: "PATCH", path: path, header: header, body: body}).want(http.StatusOK)
		g.send(t, ask{method: "PATCH", path: "/api/users/scarter", header: header, body: body}).fails(http.StatusForbidden, "")
	})
	for name, username := range map[string]string{"Comma": "bjensen,ou=People,dc=example,dc=com", "Plus": "bjensen+cn=x", "Star": "*"} {
		t.Run("F045/"+name, func(t *testing.T) {
			endpoint.Set(name, good.With("username", username))
			send(t, name).fails(http.StatusUnauthorized, "")
		})
	}
	t.Run("F_83", func(t *testing.T) {
		issuer.Close()
		r := send(t, "unknown-token").fails(http.StatusServiceUnavailable, "issuerUnreachable")
		if r.header.Get("Retry-After") == "" || r.header.Get("WWW-Authenticate") != "" {
			t.Errorf("headers %v", r.header)
		}
		send(t, "t1").want(http.StatusOK) // What is known serves on.
	})
	if log := g.log.String(); strings.Contains(log, "s:%cret") || strings.Contains(log, "unknown-token") {
		t.Error("the log holds a secret or a token")
	}
}

// Without a cache every request is a question, so that a revoked token is refused at once.
func TestIntrospectionWithoutCache(t *testing.T) {
	slapd.Each(t, slapd.Options{}, introspectionWithoutCache)
}

func introspectionWithoutCache(t *testing.T, server *slapd.Server) {
	issuer := bearertest.Start(t)
	endpoint := issuer.Introspect("gateway", "s:%cret")
	g := start(t, server, settings{auth: introspected(t, endpoint.URL, issuer.CA.PEM(), "")})
	header := headers("Authorization", "Bearer t1")
	endpoint.Set("t1", endpoint.Active("kvaughan").With("scope", "read write"))
	g.send(t, ask{method: "GET", path: "/api/users/bjensen", header: header}).want(http.StatusOK)
	g.send(t, ask{method: "GET", path: "/api/users/bjensen", header: header}).want(http.StatusOK)
	endpoint.Set("t1", nil)
	g.send(t, ask{method: "GET", path: "/api/users/bjensen", header: header}).fails(http.StatusUnauthorized, "")
	if n := len(endpoint.Questions()); n != 3 {
		t.Errorf("%d questions", n)
	}
}
