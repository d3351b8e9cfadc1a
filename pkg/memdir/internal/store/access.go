package store

import (
	"fmt"
	"strings"
)

// Right is what may be done with an attribute, as a set.
type right int

const (
	disclose right = 1 << iota
	auth
	compare
	search
	read
	write
)

// Level is what a Grant gives, as in slapd.access(5).
type Level int

// The levels; each but LevelChange has those before it.
const (
	// LevelNone gives nothing: not even that the entry is there.
	LevelNone Level = iota
	// LevelDisclose lets it be known that the entry is there.
	LevelDisclose
	// LevelAuth lets a password be used for a bind, and authzTo for a proxy.
	LevelAuth
	// LevelCompare lets values be compared.
	LevelCompare
	// LevelSearch lets filters be applied.
	LevelSearch
	// LevelRead lets values be read.
	LevelRead
	// LevelWrite lets everything be done.
	LevelWrite
	// LevelChange lets values be used for a bind and be written, and not be read (=xw).
	LevelChange
)

func (l Level) rights() right {
	return [...]right{
		LevelNone: 0, LevelDisclose: disclose, LevelAuth: disclose | auth, LevelCompare: disclose | auth | compare, LevelSearch: disclose | auth | compare | search,
		LevelRead: disclose | auth | compare | search | read, LevelWrite: disclose | auth | compare | search | read | write, LevelChange: auth | write,
	}[l]
}

// Scope is which entries a Rule is about.
type Scope int

const (
	// Subtree is the base and everything below it.
	Subtree Scope = iota
	// Exact is the base alone.
	Exact
	// OneLevel is what is directly below the base.
	OneLevel
)

// Rule says who may do what with some attributes of some entries (slapd.access(5)). For
// each entry and attribute the first rule that is about them decides, and in it the first
// grant for the one who asks; without a grant nothing is allowed.
type Rule struct {
	// Base and Scope are the entries; without a Base all.
	Base  string
	Scope Scope
	// Attributes are the attributes, with "entry" for the entry itself and "children" for
	// the entries below it; none is all of them.
	Attributes []string
	By         []Grant
}

// Subject is to whom a Grant gives.
type Subject int

const (
	// Anyone is everybody.
	Anyone Subject = iota
	// Anonymous is who has not authenticated.
	Anonymous
	// Users is who has.
	Users
	// Self is the one whose entry it is.
	Self
	// DN is the one whose name is Grant.DN.
	DN
	// Group is whom the group Grant.DN names in Grant.Attribute.
	Group
)

// Grant gives a level to some.
type Grant struct {
	Subject       Subject
	DN, Attribute string
	Level         Level
	// Break goes on with the next rule.
	Break bool
}

// rule is a compiled Rule.
type rule struct {
	base   name
	scope  Scope
	types  map[*attributeType]bool // nil is all
	pseudo map[string]bool
	by     []grant
}

type grant struct {
	Grant

	key string // of the DN
}

func (s *Store) compileRules(rules []Rule) ([]rule, error) {
	var compiled []rule
	for i, r := range rules {
		c := rule{scope: r.Scope}
		var err error
		if c.base, err = s.schema.parseDN(r.Base); err != nil {
			return nil, fmt.Errorf("memdir: rule %d: base %q: %w", i+1, r.Base, err)
		}
		for _, name := range r.Attributes {
			if c.types == nil {
				c.types, c.pseudo = make(map[*attributeType]bool), make(map[string]bool)
			}
			switch t, _ := s.schema.attribute(name); {
			case name == "entry" || name == "children":
				c.pseudo[name] = true
			case t == nil:
				return nil, fmt.Errorf("memdir: rule %d: there is no attribute %q", i+1, name)
			default:
				c.types[t] = true
			}
		}
		for _, g := range r.By {
			n, err := s.schema.parseDN(g.DN)
			if err != nil {
				return nil, fmt.Errorf("memdir: rule %d: %q: %w", i+1, g.DN, err)
			}
			c.by = append(c.by, grant{g, n.key()})
		}
		compiled = append(compiled, c)
	}
	return compiled, nil
}

// target is what of an entry is asked about: an attribute, or the entry itself.
type target struct {
	typ    *attributeType
	pseudo string
}

// What is asked about that is no attribute.
var (
	entryAttribute    = target{pseudo: "entry"}    //nolint:gochecknoglobals // A constant.
	childrenAttribute = target{pseudo: "children"} //nolint:gochecknoglobals // A constant.
)

func (r *rule) isAbout(e *entry, t target) bool {
	if r.types != nil {
		if t.typ == nil && !r.pseudo[t.pseudo] {
			return false
		}
		if t.typ != nil {
			found := false
			for typ := t.typ; typ != nil && !found; typ = typ.sup {
				found = r.types[typ]
			}
			if !found {
				return false
			}
		}
	}
	if r.base.isZero() {
		return true
	}
	extra := len(e.name.rdns) - len(r.base.rdns)
	switch {
	case extra < 0, r.scope == Exact && extra != 0, r.scope == OneLevel && extra != 1:
		return false
	}
	return e.name.isBelow(r.base)
}

// view is the store as somebody sees it.
type view struct {
	store *Store
	who   Who
	key   string // of who
	// locked tells that Store.mu is held for writing while the view is used.
	locked bool
	// member are the keys of groups, with an attribute, that name who.
	member map[string]bool
}

// viewOf makes a view. s.mu is held.
func (s *Store) viewOf(who Who) *view {
	v := &view{store: s, who: who}
	if n, err := s.schema.parseDN(who.DN); err == nil {
		v.key = n.key()
	}
	if v.key == "" || who.Root {
		return v
	}
	for _, r := range s.rules {
		for _, g := range r.by {
			if g.Subject == Group && v.isMember(g) {
				if v.member == nil {
					v.member = make(map[string]bool)
				}
				v.member[g.key+"\x00"+g.Attribute] = true
			}
		}
	}
	return v
}

func (v *view) isMember(g grant) bool {
	group := v.store.entries[g.key]
	if group == nil {
		return false
	}
	for _, value := range group.attribute(g.Attribute) {
		if n, err := v.store.schema.parseDN(value); err == nil && n.key() == v.key {
			return true
		}
	}
	return false
}

// may tells whether the viewer has a right.
func (v *view) may(e *entry, t target, wanted right) bool {
	if v.who.Root {
		return true
	}
	if t.typ != nil && t.typ.noUserMod && wanted == write {
		return true // Whoever may not write it is refused elsewhere.
	}
	for i := range v.store.rules {
		r := &v.store.rules[i]
		if !r.isAbout(e, t) {
			continue
		}
		g := v.grant(r, e)
		if g == nil {
			return false
		}
		if !g.Break {
			return g.Level.rights()&wanted != 0
		}
	}
	return false
}

// grant returns the first grant of a rule for the viewer.
func (v *view) grant(r *rule, e *entry) *grant {
	for i := range r.by {
		g := &r.by[i]
		ok := false
		switch g.Subject {
		case Anyone:
			ok = true
		case Anonymous:
			ok = v.key == ""
		case Users:
			ok = v.key != ""
		case Self:
			ok = v.key != "" && v.key == e.key
		case DN:
			ok = v.key != "" && v.key == g.key
		case Group:
			ok = v.member[g.key+"\x00"+g.Attribute]
		}
		if ok {
			return g
		}
	}
	return nil
}

// hidden is the result for an entry on which a right is missing.
func (v *view) hidden(e *entry) Result {
	if v.may(e, entryAttribute, disclose) {
		return Result{Code: insufficientAccess}
	}
	return Result{Code: noSuchObject}
}

// Proxy returns as whom a request runs that carries proxied authorization (RFC 4370): the
// one whom authzID names, if the entry of by says so in authzTo. As in OpenLDAP nobody
// looks whether that one is there.
func (s *Store) Proxy(by Who, authzID string) (Who, Result) {
	if authzID == "" || authzID == "dn:" {
		return Who{}, Result{}
	}
	denied := refuse(authorizationDenied, "not authorized to assume identity")
	text, found := strings.CutPrefix(authzID, "dn:")
	n, err := s.schema.parseDN(text)
	if !found || err != nil {
		return Who{}, refuse(authorizationDenied, "authzId mapping failed")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	v := s.viewOf(by)
	who := Who{DN: n.key(), Root: !s.root.isZero() && n.key() == s.root.key()}
	if by.Root || v.key == n.key() {
		return who, Result{}
	}
	account := s.entries[v.key]
	authzTo, _ := s.schema.attribute("authzTo")
	if account == nil || who.Root {
		return Who{}, denied
	}
	if !v.may(account.entry, target{typ: authzTo}, auth) {
		return Who{}, denied
	}
	for _, value := range account.attribute("authzTo") {
		if s.covers(value, n) {
			return who, Result{}
		}
	}
	return Who{}, denied
}
