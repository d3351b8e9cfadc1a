package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Result codes (RFC 4511 §4.1.9).
const (
	success            = 0
	protocolError      = 2
	sizeLimitExceeded  = 4
	compareFalse       = 5
	compareTrue        = 6
	noSuchAttribute    = 16
	inappropriateMatch = 18
	valueExists        = 20
	invalidSyntax      = 21
	noSuchObject       = 32
	invalidDN          = 34
	invalidCredentials = 49
	insufficientAccess = 50
	unwilling          = 53
	notAllowedOnParent = 66
	alreadyExists      = 68
	assertionFailed    = 122
	authzDenied        = 123
	noOperation        = 16654
)

// defaultSizeLimit is slapd's.
const defaultSizeLimit = 500

// Store is a directory. Its methods may be called from any goroutine.
type Store struct {
	options Options
	suffix  string // as a key
	rootKey string
	rules   []compiledRule

	mu       sync.RWMutex                   // guards the fields below
	entries  map[string]*entry              // by key
	children map[string]map[string]struct{} // keys by the key of the parent
	changes  int                            // to tell CSNs of one moment apart
}

// entry is an entry. It is immutable: a change puts another in its place.
type entry struct {
	key        string
	dn         string
	attributes []directory.Attribute
}

// New makes a store without entries.
func New(o Options) (*Store, error) {
	suffix, ok := normalize(o.Suffix)
	if !ok || suffix == "" {
		return nil, fmt.Errorf("memdir: Options.Suffix %q is no name of an entry", o.Suffix)
	}
	rootKey, ok := normalize(o.RootDN)
	if !ok {
		return nil, fmt.Errorf("memdir: Options.RootDN %q is no name", o.RootDN)
	}
	if o.Policy != (Policy{}) {
		return nil, errors.New("memdir: Options.Policy: there is no password policy yet; leave it empty")
	}
	rules, err := compileRules(o.Rules)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{
		options: o, suffix: suffix, rootKey: rootKey, rules: rules,
		entries: map[string]*entry{}, children: map[string]map[string]struct{}{},
	}, nil
}

// Suffix is the name at the top.
func (s *Store) Suffix() string { return s.options.Suffix }

// Subschema is the entry that publishes the schema. There is none yet, but for the
// attributes that the store makes by itself.
func (s *Store) Subschema() *directory.Entry {
	return &directory.Entry{DN: "cn=Subschema", Attributes: []directory.Attribute{
		{Name: "objectClass", Values: []string{"top", "subentry", "subschema", "extensibleObject"}},
		{Name: "cn", Values: []string{"Subschema"}},
		{Name: "attributeTypes", Values: []string{
			"( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 )",
			"( 1.3.6.1.1.16.4 NAME 'entryUUID' EQUALITY UUIDMatch ORDERING UUIDOrderingMatch SYNTAX 1.3.6.1.1.16.1 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
			"( 1.3.6.1.4.1.4203.666.1.7 NAME 'entryCSN' EQUALITY CSNMatch ORDERING CSNOrderingMatch SYNTAX 1.3.6.1.4.1.4203.666.11.2.1{64} SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
		}},
	}}
}

// values returns the values of an attribute, nil for none.
func (e *entry) values(name string) []string {
	for i := range e.attributes {
		if strings.EqualFold(e.attributes[i].Name, name) {
			return e.attributes[i].Values
		}
	}
	return nil
}

// with returns the entry with other values of an attribute; none takes it away.
func (e *entry) with(name string, values ...string) *entry {
	changed := &entry{e.key, e.dn, slices.Clone(e.attributes)}
	i := slices.IndexFunc(changed.attributes, func(a directory.Attribute) bool { return strings.EqualFold(a.Name, name) })
	switch {
	case i < 0 && len(values) > 0:
		changed.attributes = append(changed.attributes, directory.Attribute{Name: name, Values: values})
	case i >= 0 && len(values) > 0:
		changed.attributes[i] = directory.Attribute{Name: changed.attributes[i].Name, Values: values}
	case i >= 0:
		changed.attributes = slices.Delete(changed.attributes, i, i+1)
	}
	return changed
}

// put stores an entry. mu is held.
func (s *Store) put(e *entry) {
	s.entries[e.key] = e
	parent := parentKey(e.key)
	if s.children[parent] == nil {
		s.children[parent] = map[string]struct{}{}
	}
	s.children[parent][e.key] = struct{}{}
}

// remove forgets an entry. mu is held.
func (s *Store) remove(key string) {
	delete(s.entries, key)
	delete(s.children[parentKey(key)], key)
}

// stamp renews the operational attributes of a change. mu is held.
func (s *Store) stamp(e *entry, by string) *entry {
	now := s.options.Now().UTC()
	s.changes++
	e = e.with("entryCSN", fmt.Sprintf("%s#%06x#000#000000", now.Format("20060102150405.000000Z"), s.changes&0xffffff))
	e = e.with("modifiersName", by)
	return e.with("modifyTimestamp", now.Format("20060102150405Z"))
}
