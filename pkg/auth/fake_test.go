package auth_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// fake is a directory of a few entries that only reads by name.
type fake struct {
	directory.Session // what is not written out here panics

	schema *directory.Schema

	mu       sync.Mutex // guards the fields below
	entries  map[string]*directory.Entry
	whoAmI   map[string]string // answers, by authorization identity
	failure  error             // of every operation
	searches []directory.SearchRequest
}

func newFake() *fake {
	return &fake{entries: map[string]*directory.Entry{}, whoAmI: map[string]string{}}
}

// put stores an entry with attributes as pairs of name and value.
func (f *fake) put(dn string, pairs ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	entry := &directory.Entry{DN: dn}
	for i := 0; i < len(pairs); i += 2 {
		entry.Attributes = append(entry.Attributes, directory.Attribute{Name: pairs[i], Values: []string{pairs[i+1]}})
	}
	f.entries[directory.MustParseDN(dn).Key()] = entry
}

func (f *fake) remove(dn string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.entries, directory.MustParseDN(dn).Key())
}

func (f *fake) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failure = err
}

// asked returns the number of searches so far.
func (f *fake) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.searches)
}

func (f *fake) As(identity directory.Identity) directory.Session { return caller{f, identity} }
func (f *fake) Service() directory.Session                       { return f }

func (f *fake) Authenticate(context.Context, directory.DN, string) error {
	return fault.New(fault.Internal, "not used")
}

func (f *fake) Capabilities(context.Context) (*directory.Capabilities, error) {
	return &directory.Capabilities{Schema: f.schema}, nil
}

func (f *fake) Search(ctx context.Context, r *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	f.mu.Lock()
	f.searches = append(f.searches, *r)
	entry, failure := f.entries[r.Base.Key()], f.failure
	f.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return directory.SearchResult{}, fault.Wrap(fault.Timeout, ctx.Err(), "late")
	case failure != nil:
		return directory.SearchResult{}, failure
	case entry == nil:
		return directory.SearchResult{}, fault.New(fault.NotFound, "no such object")
	}
	return directory.SearchResult{}, yield(entry)
}

// caller is a session that only tells who it is.
type caller struct {
	directory.Session

	identity directory.Identity
}

func (c caller) WhoAmI(context.Context) (string, error) {
	f := c.Session.(*fake)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure != nil {
		return "", f.failure
	}
	if name, ok := f.whoAmI[c.identity.AuthzID]; ok {
		return name, nil
	}
	return "", fault.New(fault.Forbidden, "not authorized to assume identity")
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

// person is the identity of somebody of the example data.
func person(uid string) directory.Identity {
	return directory.Identity{AuthzID: "dn:" + personDN(uid)}
}

func personDN(uid string) string {
	return strings.Replace("uid=?,ou=People,dc=example,dc=com", "?", uid, 1)
}
