package bearer_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// people is a directory in which everybody's account is usable, but for those with an entry here.
type people struct {
	directory.Session // what is not written out here panics

	mu     sync.Mutex // guards the fields below
	states map[string]directory.Attribute
	gone   map[string]bool
	down   bool
	reads  int
}

func (p *people) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *people) As(directory.Identity) directory.Session { return p }
func (p *people) Service() directory.Session              { return p }

func (p *people) Authenticate(context.Context, directory.DN, string, *directory.Answer) (directory.AccountState, error) {
	return directory.AccountState{}, errors.New("not used")
}

func (p *people) Capabilities(context.Context) (*directory.Capabilities, error) {
	return &directory.Capabilities{}, nil
}

func (p *people) WhoAmI(context.Context, *directory.Answer) (string, error) {
	return "dn:uid=whoever", nil
}

func (p *people) Search(_ context.Context, r *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	uid := r.Base.RDN()[0].Value
	switch state, ok := p.states[uid]; {
	case p.down:
		return directory.SearchResult{}, fault.New(fault.Unavailable, "down")
	case p.gone[uid]:
		return directory.SearchResult{}, fault.New(fault.NotFound, "no such object")
	case ok:
		return directory.SearchResult{}, yield(&directory.Entry{Attributes: []directory.Attribute{state}})
	}
	return directory.SearchResult{}, yield(&directory.Entry{})
}

// fixture is an issuer, and an authenticator that takes its tokens.
type fixture struct {
	*bearertest.Issuer
	*people

	authenticator *bearer.Authenticator
	clock         *clock
}

// newFixture makes an issuer with the keys "k1" (ES256) and an authenticator with the
// issuer's keys from a file. The options are those that change says.
func newFixture(t testing.TB, change func(*bearer.Options)) *fixture {
	t.Helper()
	f := newIssuer(t)
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, f.KeySet(), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := bearer.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	f.start(t, keys, change)
	return f
}

func newIssuer(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{
		Issuer: bearertest.Start(t), clock: &clock{now: time.Now()},
		people: &people{states: map[string]directory.Attribute{}, gone: map[string]bool{}},
	}
	f.Clock = f.clock.time
	f.Add("k1", "ES256")
	return f
}

func (f *fixture) start(t testing.TB, keys bearer.Keys, change func(*bearer.Options)) {
	t.Helper()
	accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: f.people, Clock: f.clock.time, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	template, err := bearer.ParseTemplate("dn:uid={sub},ou=People,dc=example,dc=com")
	if err != nil {
		t.Fatal(err)
	}
	o := bearer.Options{
		Realm: "r", Issuer: f.Name, Audience: bearertest.Audience, Keys: keys, Algorithms: []string{"RS256", "ES256"},
		Types: []string{"at+jwt"}, AuthzID: template, Accounts: accounts, Clock: f.clock.time,
	}
	if change != nil {
		change(&o)
	}
	if f.authenticator, err = bearer.New(o); err != nil {
		t.Fatal(err)
	}
}

// send sends a token.
func (f *fixture) send(token string) (*auth.Principal, error) {
	return f.sendWithin(context.Background(), token)
}

func (f *fixture) sendWithin(ctx context.Context, token string) (*auth.Principal, error) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return f.authenticator.Authenticate(r)
}

// good returns a good token by the key of that id.
func (f *fixture) good(id string) string { return f.Token(f.Header(id), f.Claims("bjensen")) }

// wantGood fails unless the token is taken.
func (f *fixture) wantGood(t *testing.T, token string) {
	t.Helper()
	if principal, err := f.send(token); err != nil || principal == nil || principal.Name != "bjensen" {
		t.Errorf("got %v, %v", principal, err)
	}
}

// wantRefused fails unless the token is refused with the reason, and the client hears
// no more than that.
func (f *fixture) wantRefused(t *testing.T, token string, want auth.Reason) {
	t.Helper()
	principal, err := f.send(token)
	var e *fault.Error
	if principal != nil || !errors.As(err, &e) || e.Kind != fault.Unauthenticated {
		t.Fatalf("got %v, %v", principal, err)
	}
	if got := auth.ReasonOf(err); got != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if e.Message != auth.Refuse(nil).Message || e.Detail != (fault.Detail{}) || len(e.Challenges) != 1 || e.Challenges[0] != `Bearer realm="r", error="invalid_token"` {
		t.Errorf("the client hears %q, %+v, %q", e.Message, e.Detail, e.Challenges)
	}
}

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
