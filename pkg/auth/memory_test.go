package auth

import (
	"context"
	"slices"
	"sync"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// memory is a directory of a few entries, by DN. Operations that accounts never need
// panic, by way of the interface that is nil.
type memory struct {
	directory.Directory

	mu      sync.Mutex // guards the fields below
	entries map[string]*directory.Entry
	names   map[string]string // what WhoAmI answers, by identity
	schema  *directory.Schema
	down    error // the answer to everything, when not nil
	// searches holds the base of each search and the attributes of the last one.
	searches   []string
	attributes []string
	// hold, when not nil, is what each search waits for.
	hold chan struct{}
}

func (m *memory) set(dn string, attributes ...directory.Attribute) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries == nil {
		m.entries = make(map[string]*directory.Entry)
	}
	m.entries[dn] = &directory.Entry{DN: dn, Attributes: attributes}
}

func (m *memory) setDown(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = err
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.searches)
}

func (m *memory) Service() directory.Session { return memorySession{memory: m} }

func (m *memory) As(identity directory.Identity) directory.Session {
	return memorySession{memory: m, identity: identity}
}

func (m *memory) Capabilities(context.Context) (*directory.Capabilities, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &directory.Capabilities{Schema: m.schema}, m.down
}

type memorySession struct {
	directory.Session
	memory   *memory
	identity directory.Identity
}

func (s memorySession) Search(ctx context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	m := s.memory
	m.mu.Lock()
	m.searches = append(m.searches, req.Base.String())
	m.attributes = slices.Clone(req.Attributes)
	entry, down, hold := m.entries[req.Base.String()], m.down, m.hold
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return directory.SearchResult{}, fault.Wrap(fault.Canceled, ctx.Err(), "the search was given up")
		}
	}
	switch {
	case down != nil:
		return directory.SearchResult{}, down
	case !s.identity.IsAnonymous():
		return directory.SearchResult{}, fault.New(fault.Forbidden, "only the gateway's account reads accounts")
	case entry == nil:
		return directory.SearchResult{}, fault.New(fault.NotFound, "there is no such entry")
	}
	return directory.SearchResult{}, yield(entry)
}

func (s memorySession) WhoAmI(context.Context, *directory.Answer) (string, error) {
	m := s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return "", m.down
	}
	name, ok := m.names[s.identity.AuthzID]
	if !ok {
		return "", fault.New(fault.Forbidden, "no such identity")
	}
	return name, nil
}
