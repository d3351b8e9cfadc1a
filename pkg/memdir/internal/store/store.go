// Package store is a directory in memory: entries, schema, matching, access rules and
// the operations on them, without a wire. It behaves as OpenLDAP 2.5 does, its traps
// included; where the two differ, OpenLDAP is right.
//
// It is for demos and tests. It shares no code with the gateway that parses, compares or
// evaluates anything, so that each can be checked by the other.
package store

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Result is the outcome of an operation (RFC 4511 §4.1.9).
type Result struct {
	Code               int
	MatchedDN, Message string
	// Reason is why the password policy refused, by its number in
	// draft-behera-ldap-password-policy §6.2; 0 is that it did not. With code 0 it is what the
	// one who binds has to be told.
	Reason int
	// Expired tells that the password is too old, which is the reason of the number 0.
	Expired bool
	// Expires is in how many seconds it will be, where HasExpiry is set because that is soon.
	Expires   int32
	HasExpiry bool
	// Grace is how many more times one that is too old is good, where HasGrace is set.
	Grace    int32
	HasGrace bool
}

// The reasons of a Result.
const (
	AccountLocked         = 1
	ChangeAfterReset      = 2
	PasswordModNotAllowed = 3
	MustSupplyOldPassword = 4
	PasswordTooShort      = 6
	PasswordTooYoung      = 7
	PasswordInHistory     = 8
)

// Who is as whom an operation runs. The zero Who is anonymous.
type Who struct {
	DN string
	// Root passes over access rules and limits.
	Root bool
}

// Options are the settings of a Store.
type Options struct {
	// Suffix is the name at the top of the data; required.
	Suffix string
	// Schema are definitions besides OpenLDAP's, one a line, each behind "attributeTypes: "
	// or "objectClasses: ".
	Schema string
	// RootDN passes over rules and limits, and binds with RootPassword; "" is nobody.
	RootDN, RootPassword string
	// Rules are the access rules. Without any, nobody but the root may do anything.
	Rules []Rule
	// Limits bound searches of everybody but the root.
	Limits Limits
	// Policy is the password policy, unless PolicyDN names one that is among the entries.
	Policy   Policy
	PolicyDN string
	// PlainBase is the name right below which those are who bind by SASL PLAIN; see Plain.
	PlainBase string
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Limits bound a search.
type Limits struct {
	// SizeLimit is the greatest number of entries: 0 is 500, a negative one is none.
	SizeLimit int
	// TimeLimit is the longest time in seconds: 0 is 3600, a negative one is none.
	TimeLimit int
}

// Store is a directory. It is safe for concurrent use.
type Store struct {
	options Options
	schema  *schema
	rules   []rule
	suffix  name
	root    name

	mu      sync.RWMutex // guards the fields below
	entries map[string]*node
	// groups are the keys of the groups that name an entry as a member, by its key.
	groups map[string]map[string]bool
	index  index
	lastID uint64
	clock  clock
}

// node is an entry in its place. Its entry is replaced, never changed.
type node struct {
	*entry

	id       uint64 // in the order of creation
	parent   *node
	children []*node // in the order of their ids
}

// New makes an empty store.
func New(o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Limits.SizeLimit = cmp.Or(o.Limits.SizeLimit, 500)
	o.Limits.TimeLimit = cmp.Or(o.Limits.TimeLimit, 3600)
	known := openLDAP()
	if o.Schema != "" {
		var err error
		if known, err = extend(o.Schema); err != nil {
			return nil, fmt.Errorf("memdir: the schema: %w", err)
		}
	}
	s := &Store{options: o, schema: known, entries: make(map[string]*node), groups: make(map[string]map[string]bool), index: newIndex()}
	var err error
	if s.suffix, err = s.schema.parseDN(o.Suffix); err == nil && s.suffix.isZero() {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("memdir: the suffix %q: %w", o.Suffix, err)
	}
	if s.root, err = s.schema.parseDN(o.RootDN); err != nil {
		return nil, fmt.Errorf("memdir: the root %q: %w", o.RootDN, err)
	}
	if _, err = s.schema.parseDN(o.PlainBase); err != nil {
		return nil, fmt.Errorf("memdir: the place of those who bind by PLAIN %q: %w", o.PlainBase, err)
	}
	if s.rules, err = s.compileRules(o.Rules); err != nil {
		return nil, err
	}
	return s, nil
}

// Suffix returns the name at the top of the data.
func (s *Store) Suffix() string { return s.options.Suffix }

// Subschema returns the entry of the schema (RFC 4512 §4.2), with all of its attributes.
func (s *Store) Subschema() *directory.Entry { return s.schema.published }

// Result codes (RFC 4511 §4.1.9, RFC 4528, RFC 4370, and OpenLDAP's no-op).
const (
	success                = 0
	operationsError        = 1
	sizeLimitExceeded      = 4
	timeLimitExceeded      = 3
	compareFalse           = 5
	compareTrue            = 6
	strongerAuthRequired   = 8
	noSuchAttribute        = 16
	undefinedAttributeType = 17
	inappropriateMatching  = 18
	constraintViolation    = 19
	attributeOrValueExists = 20
	invalidAttributeSyntax = 21
	noSuchObject           = 32
	invalidDNSyntax        = 34
	invalidCredentials     = 49
	insufficientAccess     = 50
	unwillingToPerform     = 53
	namingViolation        = 64
	objectClassViolation   = 65
	notAllowedOnNonLeaf    = 66
	notAllowedOnRDN        = 67
	alreadyExists          = 68
	classModsProhibited    = 69
	affectsMultipleDSAs    = 71
	other                  = 80
	assertionFailed        = 122
	authorizationDenied    = 123
	noOperation            = 0x410e
)

func refuse(code int, format string, args ...any) Result {
	return Result{Code: code, Message: fmt.Sprintf(format, args...)}
}

// find returns the node with that key, or the lowest one above it. s.mu is held.
func (s *Store) find(n name) (exact, above *node) {
	if found := s.entries[n.key()]; found != nil {
		return found, found.parent
	}
	for !n.isZero() {
		n = n.parent()
		if above = s.entries[n.key()]; above != nil {
			return nil, above
		}
	}
	return nil, nil
}

// missing is the result for an entry that is not there. s.mu is held.
func (s *Store) missing(v *view, above *node) Result {
	r := Result{Code: noSuchObject}
	if above != nil && v.may(above.entry, entryAttribute, disclose) {
		r.MatchedDN = above.dn
	}
	return r
}

// put adds a node below its parent. s.mu is held.
func (s *Store) put(e *entry, parent *node) *node {
	s.lastID++
	n := &node{entry: e, id: s.lastID, parent: parent}
	s.link(n)
	return n
}

// link makes a node known. s.mu is held.
func (s *Store) link(n *node) {
	s.entries[n.key] = n
	if n.parent != nil {
		n.parent.children = append(n.parent.children, n)
	}
	s.index.add(s.schema, n)
	s.join(n.entry, true)
}

// unlink makes a node unknown. s.mu is held.
func (s *Store) unlink(n *node) {
	delete(s.entries, n.key)
	if n.parent != nil {
		for i, child := range n.parent.children {
			if child == n {
				n.parent.children = append(n.parent.children[:i:i], n.parent.children[i+1:]...)
				break
			}
		}
	}
	s.index.remove(s.schema, n)
	s.join(n.entry, false)
}

// replace gives a node another state. s.mu is held.
func (s *Store) replace(n *node, e *entry) {
	s.index.remove(s.schema, n)
	s.join(n.entry, false)
	n.entry = e
	s.index.add(s.schema, n)
	s.join(n.entry, true)
}

// join keeps Store.groups. s.mu is held.
func (s *Store) join(e *entry, in bool) {
	for _, member := range e.attribute("uniqueMember") {
		n, err := s.schema.parseDN(member)
		if err != nil || !e.hasClass("groupOfUniqueNames") {
			continue
		}
		key := n.key()
		if !in {
			delete(s.groups[key], e.key)
			if len(s.groups[key]) == 0 {
				delete(s.groups, key)
			}
			continue
		}
		if s.groups[key] == nil {
			s.groups[key] = make(map[string]bool, 1)
		}
		s.groups[key][e.key] = true
	}
}

// memberOf returns the groups of an entry, spelt as dynlist does: in normal form.
func (v *view) memberOf(key string) []string {
	if !v.locked {
		v.store.mu.RLock()
		defer v.store.mu.RUnlock()
	}
	return slices.Sorted(maps.Keys(v.store.groups[key]))
}
