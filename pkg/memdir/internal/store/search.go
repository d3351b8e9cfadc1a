package store

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Cursor is the result of a search, as it was when the search began. One goroutine uses
// it at a time.
type Cursor struct {
	store   *Store
	who     Who
	request SearchRequest
	left    []*entry
	limit   int // -1 for none
	result  Result
}

// Search begins a search. A result other than success means that nothing can be searched.
func (s *Store) Search(who Who, req *SearchRequest) (*Cursor, Result) {
	base, ok := normalize(req.Base)
	if !ok {
		return nil, Result{Code: invalidDN, Message: "invalid DN"}
	}
	for _, key := range req.Sort {
		if ordering(key.Rule) == nil {
			return nil, Result{Code: inappropriateMatch, Message: "serverSort control: No ordering rule"}
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	top := s.entries[base]
	if top == nil {
		return nil, s.missing(who, base)
	}
	if !s.level(who, top, "entry").may(LevelSearch) {
		return nil, s.refusal(who, top)
	}
	c := &Cursor{store: s, who: who, request: *req, limit: s.sizeLimit(who, req.SizeLimit)}
	s.candidates(c, base)
	return c, Result{}
}

// candidates takes down the entries in the scope that match. mu is held.
func (s *Store) candidates(c *Cursor, base string) {
	add := func(key string) {
		if e := s.entries[key]; s.matches(c.who, e, &c.request.Filter) == isTrue && s.level(c.who, e, "entry").may(LevelRead) {
			c.left = append(c.left, e)
		}
	}
	if c.request.Scope == 0 || c.request.Scope == 2 {
		add(base)
	}
	if c.request.Scope == 0 {
		return
	}
	var below func(parent string)
	below = func(parent string) {
		for key := range s.children[parent] {
			add(key)
			if c.request.Scope != 1 {
				below(key)
			}
		}
	}
	below(base)
	slices.SortFunc(c.left, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	sortEntries(c.left, c.request.Sort)
}

// sizeLimit is the lower of the caller's own limit and that of the directory, -1 for none.
func (s *Store) sizeLimit(who Who, asked int) int {
	most := s.options.Limits.SizeLimit
	switch {
	case who.Root || most < 0:
		most = -1
	case most == 0:
		most = defaultSizeLimit
	}
	if asked > 0 && (most < 0 || asked < most) {
		return asked
	}
	return most
}

// Next returns the next entry, with what was asked for and may be read; false at the end.
func (c *Cursor) Next() (*directory.Entry, bool) {
	switch {
	case len(c.left) == 0:
		return nil, false
	case c.limit == 0:
		c.left, c.result = nil, Result{Code: sizeLimitExceeded}
		return nil, false
	}
	e := c.left[0]
	c.left = c.left[1:]
	c.limit--
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	return c.store.project(c.who, e, c.request.Attributes, c.request.TypesOnly), true
}

// Result tells how the search ended, after the end.
func (c *Cursor) Result() Result { return c.result }

// project makes the entry that somebody asked for. mu is held.
func (s *Store) project(who Who, e *entry, asked []string, typesOnly bool) *directory.Entry {
	found := &directory.Entry{DN: e.dn}
	for _, a := range e.attributes {
		if !wanted(a.Name, asked) || !s.level(who, e, a.Name).may(LevelRead) {
			continue
		}
		if typesOnly {
			a.Values = nil
		}
		found.Attributes = append(found.Attributes, a)
	}
	return found
}

func wanted(name string, asked []string) bool {
	operational := isOperational(name)
	if len(asked) == 0 {
		return !operational
	}
	return slices.ContainsFunc(asked, func(ask string) bool {
		return ask == "*" && !operational || ask == "+" && operational || strings.EqualFold(ask, name)
	})
}

// isOperational tells whether an attribute comes only to those who ask for it.
func isOperational(name string) bool {
	switch strings.ToLower(name) {
	case "entryuuid", "entrycsn", "creatorsname", "createtimestamp", "modifiersname", "modifytimestamp", "authzto", "authzfrom":
		return true
	}
	return strings.HasPrefix(strings.ToLower(name), "pwd")
}

// Compare compares a value with those of an attribute.
func (s *Store) Compare(who Who, dn, attribute, value string, assert *directory.Filter) Result {
	key, ok := normalize(dn)
	if !ok {
		return Result{Code: invalidDN, Message: "invalid DN"}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.entries[key]
	switch {
	case e == nil:
		return s.missing(who, key)
	case !s.level(who, e, attribute).may(LevelCompare):
		return s.refusal(who, e)
	case assert != nil && s.matches(who, e, assert) != isTrue:
		return Result{Code: assertionFailed}
	}
	values := e.values(attribute)
	if values == nil {
		return Result{Code: noSuchAttribute}
	}
	for _, other := range values {
		if equal(attribute, other, value) {
			return Result{Code: compareTrue}
		}
	}
	return Result{Code: compareFalse}
}
