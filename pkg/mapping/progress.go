package mapping

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Progress is an entry on its way through changes, as far as their values tell. What a change
// costs hangs on its own values, not on those that are there: a client may send many. It is not
// for several goroutines at once.
type Progress struct {
	dn         string
	schema     *directory.Schema
	attributes []*valueSet
	byName     map[string]*valueSet // in lower case
}

// Progress begins with an entry, which stays as it is.
func (t *Target) Progress(entry *directory.Entry) *Progress {
	p := &Progress{dn: entry.DN, schema: t.binding.capabilities.Schema, byName: make(map[string]*valueSet, len(entry.Attributes))}
	for _, a := range entry.Attributes {
		p.of(a.Name).list = a.Values
	}
	return p
}

// Values returns the values of an attribute as the changes so far leave them.
func (p *Progress) Values(attribute string) []string { return p.of(attribute).values() }

// Apply makes a change.
func (p *Progress) Apply(c directory.Change) {
	set := p.of(c.Attribute)
	switch {
	case c.Op == directory.ChangeAdd:
		set.index(p.schema)
		for _, value := range c.Values {
			set.add(value)
		}
	case c.Op == directory.ChangeIncrement:
		values := set.values()
		for i, value := range values {
			values[i] = sum(value, c.Values[0])
		}
		set.replace(values)
	case c.Op == directory.ChangeReplace, c.Op == directory.ChangeDelete && len(c.Values) == 0:
		set.replace(c.Values)
	case c.Op == directory.ChangeDelete:
		set.index(p.schema)
		for _, value := range c.Values {
			set.remove(value)
		}
	}
}

// present returns those of the values that the attribute has, and absent the others.
func (p *Progress) present(attribute string, values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return !p.has(attribute, value) })
}

func (p *Progress) absent(attribute string, values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return p.has(attribute, value) })
}

// has reports whether the attribute has a value that equals another.
func (p *Progress) has(attribute, value string) bool {
	set := p.of(attribute)
	set.index(p.schema)
	key, ok := set.key(value)
	return ok && len(set.equal[key]) > 0
}

// of returns the values of an attribute.
func (p *Progress) of(attribute string) *valueSet {
	name := strings.ToLower(attribute)
	set := p.byName[name]
	if set == nil {
		set = &valueSet{name: attribute}
		p.byName[name] = set
		p.attributes = append(p.attributes, set)
	}
	return set
}

func (p *Progress) entry() *directory.Entry {
	entry := &directory.Entry{DN: p.dn}
	for _, set := range p.attributes {
		entry.Attributes = append(entry.Attributes, directory.Attribute{Name: set.name, Values: set.values()})
	}
	return entry
}

// valueSet is the values of an attribute, in order.
type valueSet struct {
	name string
	list []string // It is somebody else's until there is an index, and is not changed before.
	// What follows is made when it is needed first: the values of the list that were removed, and
	// where those are that are the same octet for octet, and those that compare as equal.
	removed map[int]bool
	same    map[string]int
	equal   map[string][]int
	key     func(string) (string, bool)
}

// index finds out where values are. Those that the directory cannot compare are the same octet for
// octet.
func (s *valueSet) index(schema *directory.Schema) {
	if s.same != nil {
		return
	}
	list := s.list
	s.list, s.key = nil, directory.NewMatcher(schema).Key(s.name)
	if isUncompared(schema.Attribute(s.name)) {
		s.key = func(value string) (string, bool) { return value, true }
	}
	s.removed, s.same, s.equal = make(map[int]bool), make(map[string]int, len(list)), make(map[string][]int, len(list))
	for _, value := range list {
		s.add(value)
	}
}

// add adds a value that is not there yet.
func (s *valueSet) add(value string) {
	if _, known := s.same[value]; known {
		return
	}
	at := len(s.list)
	s.list = append(s.list, value)
	s.same[value] = at
	if key, ok := s.key(value); ok {
		s.equal[key] = append(s.equal[key], at)
	}
}

// remove removes what equals a value.
func (s *valueSet) remove(value string) {
	key, ok := s.key(value)
	if !ok {
		return
	}
	for _, at := range s.equal[key] {
		s.removed[at] = true
		delete(s.same, s.list[at])
	}
	delete(s.equal, key)
}

// replace puts values in the place of those that are there.
func (s *valueSet) replace(values []string) { *s = valueSet{name: s.name, list: values} }

// isEmpty reports whether there are no values.
func (s *valueSet) isEmpty() bool { return len(s.list) == len(s.removed) }

// values returns the values, in a list of its own.
func (s *valueSet) values() []string {
	values := make([]string, 0, len(s.list)-len(s.removed))
	for i, value := range s.list {
		if !s.removed[i] {
			values = append(values, value)
		}
	}
	return values
}
