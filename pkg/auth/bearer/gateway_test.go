package bearer

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// people is a directory in which every account is there, and the same for all.
// Operations that accounts never need panic, by way of the interface that is nil.
type people struct {
	directory.Directory
	directory.Session

	mu         sync.Mutex // guards the fields below
	attributes []directory.Attribute
	down       error
}

func (p *people) set(down error, attributes ...directory.Attribute) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.attributes = down, attributes
}

func (p *people) Service() directory.Session { return p }

func (p *people) Capabilities(context.Context) (*directory.Capabilities, error) {
	return &directory.Capabilities{}, nil
}

func (p *people) Search(_ context.Context, r *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return directory.SearchResult{}, p.down
	}
	return directory.SearchResult{}, yield(&directory.Entry{DN: r.Base.String(), Attributes: p.attributes})
}

// testClock is a clock that only the test moves.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// gateway is an authenticator for the tokens of an issuer, whose keys are in a file.
type gateway struct {
	*Authenticator
	people *people
	clock  *testClock
}

func newGateway(t testing.TB, issuer *bearertest.Issuer, change func(*Options)) *gateway {
	t.Helper()
	g := &gateway{people: new(people), clock: &testClock{now: issuer.Clock()}}
	issuer.Clock = g.clock.Now // Its tokens are not from the future.
	accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: g.people, Clock: g.clock.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	template, err := ParseTemplate("dn:uid={sub},ou=People,dc=example,dc=com")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Realm: "directory", Issuer: issuer.Name, Audience: bearertest.Audience,
		Algorithms: []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"}, Types: []string{"at+jwt"},
		RequiredScopes: []string{"directory"}, AuthzID: template, Accounts: accounts, Clock: g.clock.Now,
	}
	if change != nil {
		change(&o)
	}
	if o.Keys == nil {
		o.Keys = loadKeys(t, issuer.KeySet())
	}
	if g.Authenticator, err = New(o); err != nil {
		t.Fatal(err)
	}
	return g
}

func loadKeys(t testing.TB, set []byte) Keys {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := LoadKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (g *gateway) send(token string) (*auth.Principal, error) {
	return g.Authenticate(&http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}})
}

// check sends a token and makes sure of the reason, "" for a good token.
func (g *gateway) check(t *testing.T, token string, want auth.Reason) {
	t.Helper()
	principal, err := g.send(token)
	switch {
	case want == "" && (err != nil || principal == nil):
		t.Errorf("got %v, %v, want a principal", principal, err)
	case want != "" && (principal != nil || fault.KindOf(err) != fault.Unauthenticated || auth.ReasonOf(err) != want):
		t.Errorf("got %v, %v, want a refusal because of %q", principal, err, want)
	}
}
