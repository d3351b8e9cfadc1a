package basic_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/basic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

const people = "ou=People,dc=example,dc=com"

// fake is a directory of people with passwords.
type fake struct {
	directory.Session // what is not written out here panics

	mu        sync.Mutex        // guards the fields below
	passwords map[string]string // by DN
	locked    map[string]bool   // by DN; only a look at the account tells
	extra     []string          // DNs that every search finds as well
	searchErr error
	bindErr   error
	account   directory.AccountState    // what each bind tells
	expired   bool                      // all passwords; only a look at the account tells
	searches  []directory.SearchRequest // for callers
	binds     []string                  // names and passwords
	reads     int                       // of accounts
	gate      chan struct{}             // held binds, when not nil
}

func newFake() *fake {
	return &fake{passwords: map[string]string{}, locked: map[string]bool{}}
}

// set changes the fake while it is in use.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) person(uid, password string) { f.set(func() { f.passwords[dn(uid).Key()] = password }) }

func dn(uid string) directory.DN {
	return directory.MustParseDN(people).Child(directory.RDN{{Type: "uid", Value: uid}})
}

func (f *fake) As(directory.Identity) directory.Session { return nil }
func (f *fake) Service() directory.Session              { return f }

func (f *fake) Capabilities(context.Context) (*directory.Capabilities, error) {
	return &directory.Capabilities{}, nil
}

func (f *fake) Authenticate(ctx context.Context, name directory.DN, password string, _ *directory.Answer) (directory.AccountState, error) {
	return f.account, f.bind(ctx, name, password)
}

func (f *fake) bind(ctx context.Context, name directory.DN, password string) error {
	f.mu.Lock()
	f.binds = append(f.binds, name.String()+" "+password)
	want, ok := f.passwords[name.Key()]
	err, gate := f.bindErr, f.gate
	f.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return fault.Wrap(fault.Timeout, ctx.Err(), "late")
		}
	}
	switch {
	case err != nil:
		return err
	case !ok || want != password || password == "":
		return fault.New(fault.Unauthenticated, "no").Named("invalidCredentials")
	}
	return nil
}

func (f *fake) Search(_ context.Context, r *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Scope == directory.ScopeBase {
		f.reads++
		switch _, ok := f.passwords[r.Base.Key()]; {
		case f.searchErr != nil:
			return directory.SearchResult{}, f.searchErr
		case !ok:
			return directory.SearchResult{}, fault.New(fault.NotFound, "no such object")
		case f.locked[r.Base.Key()]:
			return directory.SearchResult{}, yield(&directory.Entry{Attributes: []directory.Attribute{{Name: "pwdAccountLockedTime", Values: []string{"000001010000Z"}}}})
		}
		if f.expired {
			return directory.SearchResult{}, yield(&directory.Entry{Attributes: []directory.Attribute{{Name: "passwordExpirationTime", Values: []string{"20200101000000Z"}}}})
		}
		return directory.SearchResult{}, yield(&directory.Entry{})
	}
	f.searches = append(f.searches, *r)
	if f.searchErr != nil {
		return directory.SearchResult{}, f.searchErr
	}
	found := f.extra
	if name := dn(r.Filter.Value); f.passwords[name.Key()] != "" {
		found = append([]string{name.String()}, found...)
	}
	for i, name := range found {
		if i == r.SizeLimit {
			return directory.SearchResult{More: true}, nil
		}
		if err := yield(&directory.Entry{DN: name}); err != nil {
			return directory.SearchResult{}, err
		}
	}
	return directory.SearchResult{}, nil
}

// fixture is an authenticator over a fake.
type fixture struct {
	*fake
	*basic.Authenticator

	Accounts *auth.Accounts
}

// bySearch and byTemplate are the two ways to find the entry.
func bySearch(t *testing.T, o basic.Options) *fixture {
	t.Helper()
	filter, err := directory.ParseFilterTemplate("(uid={username})")
	if err != nil {
		t.Fatal(err)
	}
	o.Search = &basic.Search{Base: directory.MustParseDN(people), Scope: directory.ScopeSubtree, Filter: filter}
	return newFixture(t, o)
}

func byTemplate(t *testing.T, o basic.Options) *fixture {
	t.Helper()
	var err error
	if o.DNTemplate, err = directory.ParseDNTemplate("uid={username}," + people); err != nil {
		t.Fatal(err)
	}
	return newFixture(t, o)
}

func newFixture(t *testing.T, o basic.Options) *fixture {
	t.Helper()
	f := newFake()
	accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: f, Clock: o.Clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	o.Directory, o.Accounts = f, accounts
	authenticator, err := basic.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{f, authenticator, accounts}
}

// login sends a user name and a password.
func (f *fixture) login(ctx context.Context, name, password string) (*auth.Principal, error) {
	return f.send(ctx, "Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
}

func (f *fixture) send(ctx context.Context, authorization string) (*auth.Principal, error) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Header.Set("Authorization", authorization)
	return f.Authenticate(r)
}

// Authenticate is that of the authenticator, not that of the directory.
func (f *fixture) Authenticate(r *http.Request) (*auth.Principal, error) {
	return f.Authenticator.Authenticate(r)
}

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

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
