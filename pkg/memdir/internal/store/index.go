package store

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// indexed are the attributes whose values find entries without a look at all of them.
func indexed() []string {
	return []string{"uid", "mail", "entryUUID", "manager", "uniqueMember"}
}

// index finds entries by a value in normal form, for some attributes.
type index map[string]map[string][]*node

func newIndex() index {
	x := make(index)
	for _, name := range indexed() {
		x[name] = make(map[string][]*node)
	}
	return x
}

func (x index) each(s *schema, n *node, visit func(values map[string][]*node, norm string)) {
	for i := range n.attributes {
		a := &n.attributes[i]
		values := x[a.typ.name]
		if values == nil {
			continue
		}
		for _, value := range a.values {
			if norm, ok := s.normalize(a.typ.equality, value); ok {
				visit(values, indexKey(a.typ, norm))
			}
		}
	}
}

// indexKey leaves out the bit string of a name, which a filter may pass over.
func indexKey(t *attributeType, norm string) string {
	if t.name == "uniqueMember" {
		norm, _, _ = strings.Cut(norm, "#")
	}
	return norm
}

func (x index) add(s *schema, n *node) {
	x.each(s, n, func(values map[string][]*node, norm string) {
		values[norm] = append(values[norm], n)
	})
}

func (x index) remove(s *schema, n *node) {
	x.each(s, n, func(values map[string][]*node, norm string) {
		if i := slices.Index(values[norm], n); i >= 0 {
			values[norm] = slices.Delete(values[norm], i, i+1)
		}
		if len(values[norm]) == 0 {
			delete(values, norm)
		}
	})
}

// lookUp returns the entries that can match a filter, in the order of their creation. It
// reports false where it does not know.
func (x index) lookUp(s *schema, f *directory.Filter) ([]*node, bool) {
	found, ok := x.set(s, f)
	if !ok {
		return nil, false
	}
	found = slices.Clone(found)
	slices.SortFunc(found, func(a, b *node) int { return cmp.Compare(a.id, b.id) })
	return slices.Compact(found), true
}

func (x index) set(s *schema, f *directory.Filter) ([]*node, bool) {
	switch f.Op {
	case directory.FilterAnd:
		for i := range f.Children {
			if found, ok := x.set(s, &f.Children[i]); ok {
				return found, true
			}
		}
	case directory.FilterOr:
		if len(f.Children) == 0 {
			return nil, true
		}
		var all []*node
		for i := range f.Children {
			found, ok := x.set(s, &f.Children[i])
			if !ok {
				return nil, false
			}
			all = append(all, found...)
		}
		return all, true
	case directory.FilterEqual:
		t, options := s.attribute(f.Attribute)
		if t == nil || options != "" || x[t.name] == nil {
			return nil, false
		}
		norm, ok := s.normalize(t.equality, f.Value)
		return x[t.name][indexKey(t, norm)], ok
	default:
	}
	return nil, false
}
