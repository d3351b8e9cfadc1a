package store

import (
	"slices"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// SearchRequest asks for entries (RFC 4511 §4.5.1).
type SearchRequest struct {
	Base string
	// Scope is 0 for the base, 1 for one level, 2 for the subtree, 3 for the subordinates.
	Scope  int
	Filter directory.Filter
	// Attributes are names, "*", "+", "1.1" and "@class"; none is "*".
	Attributes []string
	TypesOnly  bool
	// SizeLimit and TimeLimit (in seconds) are those of the client; 0 is none.
	SizeLimit, TimeLimit int
	Sort                 []SortKey
}

// SortKey is a key of a sorted result (RFC 2891 §1.1). Rule may be "", for that of the
// attribute.
type SortKey struct {
	Attribute, Rule string
	Reverse         bool
}

// candidate is an entry that a search looks at, as it was when the search began.
type candidate struct {
	*entry

	parent bool // it has entries below it
	stored bool // a filter sees what is stored, and not the memberOf that is worked out
}

func (n *node) candidate() candidate { return candidate{entry: n.entry, parent: len(n.children) > 0} }

// Cursor is the result of a search, entry by entry. One goroutine uses it at a time.
type Cursor struct {
	view       *view
	request    *SearchRequest
	selection  selection
	candidates []candidate
	limit      int // -1 is none
	until      time.Time
	count      int
	matched    bool // the candidates are known to match
	twice      bool // the filter is for what is stored, too
	result     Result
}

// Search begins a search, on the entries as they are now.
func (s *Store) Search(who Who, q *SearchRequest) (*Cursor, Result) {
	base, err := s.schema.parseDN(q.Base)
	if err != nil {
		return nil, refuse(invalidDNSyntax, "invalid DN")
	}
	keys, result := s.sortKeys(q.Sort)
	if result.Code != success {
		return nil, result
	}
	c := &Cursor{request: q, selection: s.schema.selection(q.Attributes, q.TypesOnly), limit: -1, twice: asksForMemberOf(&q.Filter)}
	// In OpenLDAP a sorted result has passed dynlist by.
	c.selection.sorted = len(keys) > 0
	if result := s.begin(who, q, base, c); result.Code != success {
		return nil, result
	}
	c.bound(s)
	if len(keys) > 0 {
		c.sort(s, keys)
	}
	return c, Result{}
}

// begin collects what a search looks at.
func (s *Store) begin(who Who, q *SearchRequest, base name, c *Cursor) Result {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c.view = s.viewOf(who)
	n, above := s.find(base)
	if n == nil {
		return s.missing(c.view, above)
	}
	if !c.view.may(n.entry, entryAttribute, search) {
		return c.view.hidden(n.entry)
	}
	c.candidates = s.candidates(n, q)
	return Result{}
}

// candidates returns at least the entries in scope that match. s.mu is held.
func (s *Store) candidates(base *node, q *SearchRequest) []candidate {
	var found []candidate
	if nodes, ok := s.index.lookUp(s.schema, &q.Filter); ok && q.Scope != 0 {
		for _, n := range nodes {
			if inScope(n, base, q.Scope) {
				found = append(found, n.candidate())
			}
		}
		return found
	}
	if q.Scope == 0 || q.Scope == 2 {
		found = append(found, base.candidate())
	}
	if q.Scope == 1 {
		for _, child := range base.children {
			found = append(found, child.candidate())
		}
	}
	if q.Scope >= 2 {
		found = base.descend(found)
	}
	return found
}

func (n *node) descend(found []candidate) []candidate {
	for _, child := range n.children {
		found = append(found, child.candidate())
		found = child.descend(found)
	}
	return found
}

func inScope(n, base *node, scope int) bool {
	switch scope {
	case 1:
		return n.parent == base
	case 2:
		if n == base {
			return true
		}
	}
	for n = n.parent; n != nil; n = n.parent {
		if n == base {
			return true
		}
	}
	return false
}

// bound sets the limits.
func (c *Cursor) bound(s *Store) {
	seconds := c.request.TimeLimit
	if c.request.SizeLimit > 0 {
		c.limit = c.request.SizeLimit
	}
	if !c.view.who.Root {
		if most := s.options.Limits.SizeLimit; most > 0 && (c.limit < 0 || c.limit > most) {
			c.limit = most
		}
		if most := s.options.Limits.TimeLimit; most > 0 && (seconds == 0 || seconds > most) {
			seconds = most
		}
	}
	if seconds > 0 {
		c.until = time.Now().Add(time.Duration(seconds) * time.Second)
	}
}

// next returns the next candidate that matches.
func (c *Cursor) next() (candidate, bool) {
	for looked := 0; len(c.candidates) > 0; looked++ {
		candidate := c.candidates[0]
		c.candidates = c.candidates[1:]
		if looked%1024 == 1023 && !c.until.IsZero() && time.Now().After(c.until) {
			c.result = Result{Code: timeLimitExceeded}
			c.candidates = nil
			break
		}
		if (c.matched || c.matches(candidate)) && c.view.may(candidate.entry, entryAttribute, read) {
			return candidate, true
		}
	}
	return candidate{}, false
}

func (c *Cursor) matches(found candidate) bool {
	if c.twice {
		found.stored = true
		if c.view.evaluate(&c.request.Filter, found) != isTrue {
			return false
		}
		found.stored = false
	}
	return c.view.evaluate(&c.request.Filter, found) == isTrue
}

// Next returns the next entry, as far as who searches may read it.
func (c *Cursor) Next() (*directory.Entry, bool) {
	found, ok := c.next()
	if !ok {
		return nil, false
	}
	if c.limit >= 0 && c.count >= c.limit {
		c.result = Result{Code: sizeLimitExceeded}
		c.candidates = nil
		return nil, false
	}
	c.count++
	return c.view.show(found, &c.selection), true
}

// Result is how the search ended, once Next has returned false.
func (c *Cursor) Result() Result { return c.result }

// order is a compiled SortKey.
type order struct {
	typ     *attributeType
	rule    string
	reverse bool
}

// sortKeys compiles sort keys; the refusals are those of OpenLDAP's sssvlv.
func (s *Store) sortKeys(keys []SortKey) ([]order, Result) {
	var orders []order
	for _, k := range keys {
		t, _ := s.schema.attribute(k.Attribute)
		if t == nil {
			return nil, refuse(noSuchAttribute, "serverSort control: Unrecognized attribute type in sort key")
		}
		rule := t.ordering
		if k.Rule != "" {
			if rule = s.schema.rules[strings.ToLower(k.Rule)]; strings.EqualFold(k.Rule, t.ordering) {
				rule = t.ordering // It need not be published.
			}
			if rule == "" {
				return nil, refuse(inappropriateMatching, "serverSort control: No ordering rule")
			}
		}
		if rule == "" {
			return nil, refuse(inappropriateMatching, "serverSort control: No ordering rule")
		}
		orders = append(orders, order{t, rule, k.Reverse})
	}
	return orders, Result{}
}

// sort puts what matches in order. The lowest value of an entry counts, whether or not
// who searches may read it; entries without a value come last, in a reversed order first.
func (c *Cursor) sort(s *Store, orders []order) {
	type keyed struct {
		candidate

		keys []*string
	}
	var all []keyed
	for {
		found, ok := c.next()
		if !ok {
			break
		}
		k := keyed{found, make([]*string, len(orders))}
		for i, o := range orders {
			c.view.anyOf(found, o.typ, func(value string) {
				if norm, ok := s.schema.normalize(o.rule, value); ok && (k.keys[i] == nil || norm < *k.keys[i]) {
					k.keys[i] = &norm
				}
			})
		}
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		for i, o := range orders {
			order := compareKeys(a.keys[i], b.keys[i])
			if o.reverse {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	c.matched, c.candidates = true, make([]candidate, len(all))
	for i, k := range all {
		c.candidates[i] = k.candidate
	}
}

func compareKeys(a, b *string) int {
	switch {
	case a != nil && b != nil:
		return strings.Compare(*a, *b)
	case a != nil:
		return -1
	case b != nil:
		return 1
	}
	return 0
}

// anyOf visits the values of an attribute and of its subtypes.
func (v *view) anyOf(c candidate, t *attributeType, visit func(string)) {
	for i := range c.attributes {
		if c.attributes[i].typ.isBelow(t) {
			for _, value := range c.attributes[i].values {
				visit(value)
			}
		}
	}
	for _, value := range v.computed(c, t) {
		visit(value)
	}
}

// Compare compares a value (RFC 4511 §4.10).
func (s *Store) Compare(who Who, dn, description, value string, assert *directory.Filter) Result {
	n, err := s.schema.parseDN(dn)
	if err != nil {
		return refuse(invalidDNSyntax, "invalid DN")
	}
	t, options := s.schema.attribute(description)
	if t == nil {
		return refuse(undefinedAttributeType, "%s: attribute type undefined", description)
	}
	test := s.schema.tester(t, &directory.Filter{Op: directory.FilterEqual, Value: value})
	if t.equality != "" && test == nil {
		return refuse(invalidAttributeSyntax, "value does not conform to assertion syntax")
	}
	if n.isBelow(s.suffix) && (t.name == "entryDN" || t.name == "subschemaSubentry") {
		return refuse(unwillingToPerform, "%s: attribute not supported for compare", t.name)
	}
	s.mu.RLock()
	v := s.viewOf(who)
	found, above := s.find(n)
	if found == nil {
		defer s.mu.RUnlock()
		return s.missing(v, above)
	}
	c := found.candidate()
	s.mu.RUnlock()
	if assert != nil && v.evaluate(assert, c) != isTrue {
		return Result{Code: assertionFailed}
	}
	if !v.may(c.entry, target{typ: t}, compare) {
		if t.name == "hasSubordinates" {
			return refuse(insufficientAccess, "")
		}
		return v.hidden(c.entry)
	}
	if t.equality == "" {
		return refuse(inappropriateMatching, "")
	}
	present, matched := len(v.computed(c, t)) > 0, false
	for i := range c.attributes {
		if a := &c.attributes[i]; a.typ.isBelow(t) && hasOptions(a.options, options) {
			present, matched = true, matched || slices.ContainsFunc(a.values, test)
		}
	}
	switch {
	case matched || slices.ContainsFunc(v.computed(c, t), test):
		return Result{Code: compareTrue}
	case !present:
		return Result{Code: noSuchAttribute}
	}
	return Result{Code: compareFalse}
}
