package integration_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// provider is an authorization server of another make, in the process of the test. Its
// access tokens are opaque.
type provider struct {
	server *httptest.Server
	ca     *testcert.CA
}

const redirect = "https://client.example.com/callback"

// newProvider starts one with the user and password of the directory's bjensen.
func newProvider(t *testing.T) *provider {
	t.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(users, []byte(`{"id1": {"ID": "id1", "Username": "bjensen", "Password": "secret", "FirstName": "Barbara", "LastName": "Jensen"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := storage.StoreFromFile(users)
	if err != nil {
		t.Fatal(err)
	}
	storage.RegisterClients(storage.WebClient("web", "s:%cret", redirect))
	p := &provider{server: httptest.NewUnstartedServer(nil), ca: ca}
	p.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	issuer := "https://" + p.server.Listener.Addr().String()
	p.server.Config.Handler = exampleop.SetupServer(issuer, storage.NewStorage(store), nil, false)
	p.server.StartTLS()
	t.Cleanup(p.server.Close)
	return p
}

// logIn has the user of the provider give a client a token by the code flow (RFC 6749 §4.1).
func (p *provider) logIn(t *testing.T, scope string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Transport: p.transport(), Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	// follow gets a page, or sends a form, and returns where it leads.
	follow := func(page string, form url.Values) *url.URL {
		t.Helper()
		method := http.MethodGet
		if form != nil {
			method = http.MethodPost
		}
		request, err := http.NewRequest(method, page, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if form != nil {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		location, err := response.Location()
		if err != nil {
			t.Fatalf("status %d, %v", response.StatusCode, err)
		}
		return location
	}
	question := url.Values{"client_id": {"web"}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {scope}, "state": {"x"}, "nonce": {"y"}}
	login := follow(p.server.URL+"/auth?"+question.Encode(), nil)
	back := follow(login.String(), url.Values{"id": {login.Query().Get("authRequestID")}, "username": {"bjensen"}, "password": {"secret"}})
	code := follow(back.String(), nil).Query().Get("code")
	response, err := p.post(client, "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("status %d, %v: no token", response.StatusCode, err)
	}
	return answer.AccessToken
}

// post sends a form as the client.
func (p *provider) post(client *http.Client, path string, form url.Values) (*http.Response, error) {
	request, err := http.NewRequest(http.MethodPost, p.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth("web", url.QueryEscape("s:%cret"))
	return client.Do(request)
}

// TestRealAuthorizationServer asks a server that was not written for this gateway.
func TestRealAuthorizationServer(t *testing.T) {
	p := newProvider(t)
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) { realAuthorizationServer(t, server, p) })
}

func realAuthorizationServer(t *testing.T, directory *slapd.Server, p *provider) {
	dir := t.TempDir()
	write(t, dir, "ca.pem", string(p.ca.PEM()))
	write(t, dir, "secret", "s:%cret\n")
	g := start(t, directory, settings{auth: fmt.Sprintf(`
auth:
  bearer:
    introspection: {url: "%s/oauth/introspect", clientId: web, clientSecret: "file:%s"}
    ca: %s
    requiredScopes: [profile]
    authzId: "dn:uid={username},ou=People,dc=example,dc=com"
`, p.server.URL, filepath.Join(dir, "secret"), filepath.Join(dir, "ca.pem"))})
	const path = "/api/users/bjensen"
	send := func(method, path, token, body string) *reply {
		return g.send(t, ask{method: method, path: path, header: headers("Authorization", "Bearer "+token), body: body})
	}
	change := `[{"operation":"replace","field":"/description","value":"by token"}]`
	token := p.logIn(t, "openid profile")
	t.Run("R_A17", func(t *testing.T) {
		send("GET", path, token, "").want(http.StatusOK).has(`"bjensen"`, "_id")
		send("PATCH", path, token, change).want(http.StatusOK)
		send("PATCH", "/api/users/scarter", token, change).fails(http.StatusForbidden, "")
	})
	t.Run("Scope", func(t *testing.T) {
		send("GET", path, p.logIn(t, "openid"), "").fails(http.StatusForbidden, "insufficientScope")
	})
	t.Run("Garbage", func(t *testing.T) {
		for _, text := range []string{token + "x", "abc", token[:len(token)-4]} {
			send("GET", path, text, "").fails(http.StatusUnauthorized, "")
		}
	})
	t.Run("Revoked", func(t *testing.T) {
		response, err := p.post(&http.Client{Transport: p.transport()}, "/revoke", url.Values{"token": {token}})
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response, err)
		}
		_ = response.Body.Close()
		send("GET", path, token, "").fails(http.StatusUnauthorized, "")
	})
}

func (p *provider) transport() http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.ca.Pool(), MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
}
