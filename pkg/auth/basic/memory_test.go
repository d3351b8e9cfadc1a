package basic

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// memory is a directory of people, each found by its uid. Operations that logins never
// need panic, by way of the interface that is nil.
type memory struct {
	directory.Directory

	mu     sync.Mutex // guards the fields below
	people []*person
	// down is the answer to searches, bindDown to binds, when not nil.
	down, bindDown error
	filters        []string
	binds          []bind
	// hold, when not nil, is what each bind waits for.
	hold chan struct{}
}

type person struct {
	dn, uid, password string
	locked            bool
	mustChange        bool
}

// bind is one attempt to bind.
type bind struct{ dn, password string }

// change changes the directory under its lock.
func (m *memory) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *memory) bound() []bind {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.binds)
}

// Authenticate takes an empty password, as a server that RFC 4513 §5.1.2 warns of.
func (m *memory) Authenticate(_ context.Context, dn directory.DN, password string, _ *directory.Answer) (directory.AccountState, error) {
	return directory.AccountState{}, m.bind(dn, password)
}

func (m *memory) bind(dn directory.DN, password string) error {
	m.mu.Lock()
	hold := m.hold
	m.binds = append(m.binds, bind{dn.String(), password})
	m.mu.Unlock()
	if hold != nil {
		<-hold
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bindDown != nil {
		return m.bindDown
	}
	if password == "" {
		return nil
	}
	for _, p := range m.people {
		if p.dn != dn.String() || p.password != password || p.locked {
			continue
		}
		if p.mustChange {
			return fault.New(fault.Forbidden, "the password must be changed before anything else").Named("passwordMustChange")
		}
		return nil
	}
	return fault.New(fault.Unauthenticated, "the directory refused the credentials")
}

func (m *memory) Capabilities(context.Context) (*directory.Capabilities, error) {
	return &directory.Capabilities{}, nil
}

func (m *memory) Service() directory.Session { return session{memory: m} }

type session struct {
	directory.Session
	memory *memory
}

func (s session) Search(_ context.Context, req *directory.SearchRequest, yield func(*directory.Entry) error) (directory.SearchResult, error) {
	m := s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return directory.SearchResult{}, m.down
	}
	if req.Scope != directory.ScopeBase {
		m.filters = append(m.filters, req.Filter.String())
	}
	found := 0
	for _, p := range m.people {
		if !p.matches(req) {
			continue
		}
		if found++; req.SizeLimit > 0 && found > req.SizeLimit {
			return directory.SearchResult{More: true}, nil
		}
		if err := yield(p.entry()); err != nil {
			return directory.SearchResult{}, err
		}
	}
	if found == 0 && req.Scope == directory.ScopeBase {
		return directory.SearchResult{}, fault.New(fault.NotFound, "there is no such entry")
	}
	return directory.SearchResult{}, nil
}

func (p *person) matches(req *directory.SearchRequest) bool {
	if req.Scope == directory.ScopeBase {
		return p.dn == req.Base.String()
	}
	return directory.MustParseDN(p.dn).IsBelow(req.Base) && req.Filter.Op == directory.FilterEqual &&
		req.Filter.Attribute == "uid" && strings.EqualFold(req.Filter.Value, p.uid)
}

func (p *person) entry() *directory.Entry {
	e := &directory.Entry{DN: p.dn}
	if p.locked {
		e.Attributes = append(e.Attributes, directory.Attribute{Name: "pwdAccountLockedTime", Values: []string{"000001010000Z"}})
	}
	if p.mustChange {
		e.Attributes = append(e.Attributes, directory.Attribute{Name: "pwdReset", Values: []string{"TRUE"}})
	}
	return e
}
