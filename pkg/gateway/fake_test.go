package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// fake is a directory that keeps entries in a map and notes what it is asked. It
// shows what the gateway does around its operations; how a directory behaves is
// shown by the tests on a real one.
type fake struct {
	directory.Session // what is not written out here panics

	mu           sync.Mutex
	entries      map[string]*directory.Entry // by the key of the DN
	log          []string
	revisions    []string // by which lost answers to modifications may be made good
	capabilities *directory.Capabilities
	subtree      bool // a deletion was to take all below with it
	silent       bool // nothing comes back with a change
	// before is called ahead of each operation, with its name; it may change entries,
	// or fail the operation.
	before func(operation string) error
	// who is the identity that WhoAmI tells, and generated the password that it makes.
	who, generated string
	usability      *directory.Usability // of each account
	// references is how many references to other servers each search meets.
	references int
}

func newFake(uids ...string) *fake {
	f := &fake{entries: map[string]*directory.Entry{}, capabilities: &directory.Capabilities{Assertion: true, ReadEntry: true, Increment: true, Revision: "entryCSN"}}
	for _, uid := range uids {
		f.put(uid, "1", "first")
	}
	return f
}

// put stores a user.
func (f *fake) put(uid, revision string, descriptions ...string) {
	dn := "uid=" + uid + ",ou=People,dc=example,dc=com"
	f.entries[directory.MustParseDN(dn).Key()] = &directory.Entry{DN: dn, Attributes: []directory.Attribute{
		{Name: "objectClass", Values: []string{"top", "person", "organizationalPerson", "inetOrgPerson"}},
		{Name: "uid", Values: []string{uid}},
		{Name: "cn", Values: []string{uid}},
		{Name: "sn", Values: []string{uid}},
		{Name: "description", Values: descriptions},
		{Name: "entryCSN", Values: []string{revision}},
	}}
}

func (f *fake) note(operation string, args ...any) error {
	f.log = append(f.log, strings.TrimSpace(operation+" "+fmt.Sprint(args...)))
	if f.before != nil {
		return f.before(operation)
	}
	return nil
}

func (f *fake) operations(name string) int {
	n := 0
	for _, line := range f.log {
		if strings.HasPrefix(line, name) {
			n++
		}
	}
	return n
}

func (f *fake) As(directory.Identity) directory.Session { return f }
func (f *fake) Service() directory.Session              { return f }
func (f *fake) Authenticate(context.Context, directory.DN, string, *directory.Answer) (directory.AccountState, error) {
	return directory.AccountState{}, nil
}
func (f *fake) WhoAmI(context.Context, *directory.Answer) (string, error) { return f.who, nil }
func (f *fake) Capabilities(context.Context) (*directory.Capabilities, error) {
	return f.capabilities, nil
}

func (f *fake) Add(context.Context, *directory.AddRequest) (*directory.Entry, error) {
	return nil, f.note("add")
}

func (f *fake) Search(_ context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	f.mu.Lock()
	if err := f.note("search", req.Base); err != nil {
		f.mu.Unlock()
		return directory.SearchResult{}, err
	}
	var found []*directory.Entry
	for key, entry := range f.entries {
		dn := directory.MustParseDN(entry.DN)
		if key == req.Base.Key() || req.Scope != directory.ScopeBase && dn.IsBelow(req.Base) {
			found = append(found, entry)
		}
	}
	f.mu.Unlock()
	if len(found) == 0 && req.Scope == directory.ScopeBase {
		return directory.SearchResult{}, fault.New(fault.NotFound, "no entry")
	}
	slices.SortFunc(found, func(a, b *directory.Entry) int { return strings.Compare(a.DN, b.DN) })
	for _, entry := range found {
		if req.Usability {
			entry = &directory.Entry{DN: entry.DN, Usability: f.usability}
		}
		if err := yield(entry); err != nil {
			return directory.SearchResult{}, err
		}
	}
	return directory.SearchResult{References: f.references}, nil
}

// Modify checks the asserted revision, as the assertion control does, and writes
// nothing: what is sent is in the log.
func (f *fake) Modify(_ context.Context, req *directory.ModifyRequest) (*directory.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revisions = append(f.revisions, req.Revision)
	if err := f.note("modify", req.Changes); err != nil {
		return nil, err
	}
	entry := f.entries[req.DN.Key()]
	if req.Assert != nil && !strings.Contains(fmt.Sprint(*req.Assert), entry.Value("entryCSN")) {
		return nil, fault.New(fault.PreconditionFailed, "assertion")
	}
	if f.silent {
		return nil, nil
	}
	return entry, nil
}

func (f *fake) Delete(_ context.Context, req *directory.DeleteRequest) (*directory.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subtree = f.subtree || req.Subtree
	if err := f.note("delete", req.DN); err != nil {
		return nil, err
	}
	return f.entries[req.DN.Key()], nil
}

func newService(t *testing.T, f *fake, options gateway.Options) *gateway.Service {
	t.Helper()
	models, problems, err := mapping.Load(mappings.Files())
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	options.Directory, options.Models = f, models
	service, err := gateway.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

var caller = auth.Principal{Name: "test", Identity: directory.Identity{AuthzID: "dn:uid=test,dc=example,dc=com"}} //nolint:gochecknoglobals // A constant.

func do(t *testing.T, s *gateway.Service, req *mapping.Request) (*gateway.Answer, error) {
	t.Helper()
	return s.Do(t.Context(), caller, "api", req)
}

// body makes the body of a request.
func body(t *testing.T, text string) *mapping.Object {
	t.Helper()
	value, err := mapping.DecodeJSON([]byte(text), 64)
	if err != nil {
		t.Fatal(err)
	}
	object, ok := value.(*mapping.Object)
	if !ok {
		t.Fatalf("%s is no object", text)
	}
	return object
}

// Walk begins a walk over the entries in the order of their names, and notes its begin
// and its end.
func (f *fake) Walk(req *directory.SearchRequest) directory.Walk { return &fakeWalk{fake: f, req: req} }

type fakeWalk struct {
	*fake

	req   *directory.SearchRequest
	rest  []*directory.Entry
	begun bool
}

func (w *fakeWalk) Next(ctx context.Context, n int) ([]*directory.Entry, bool, error) {
	if !w.begun {
		w.begun = true
		_, err := w.Search(ctx, w.req, func(entry *directory.Entry) error { w.rest = append(w.rest, entry); return nil })
		if err != nil {
			return nil, false, err
		}
		w.add("held")
	}
	w.add("step")
	if w.before != nil {
		if err := w.before("step"); err != nil {
			return nil, false, err
		}
	}
	n = min(n, len(w.rest))
	next := w.rest[:n]
	w.rest = w.rest[n:]
	return next, len(w.rest) > 0, nil
}

func (w *fakeWalk) Server() string { return "fake" }

func (w *fakeWalk) Answer() directory.Answer { return directory.Answer{} }

func (w *fakeWalk) References() int {
	if !w.begun {
		return 0
	}
	return w.references
}

func (w *fakeWalk) Close() { w.add("closed") }

// locked is operations beside others that are at work.
func (f *fake) locked(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.operations(name)
}

func (w *fakeWalk) add(operation string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, operation)
}
