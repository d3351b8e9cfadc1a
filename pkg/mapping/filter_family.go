package mapping

import (
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// meaning is what a field stands for in a type and in the types below that have it
// from there.
type meaning struct {
	typ      *boundType
	property *boundProperty // nil for an id or a revision without a property
	rest     query.Pointer
	// others are the highest types below typ in which the field is something else.
	others []*boundType
}

// meanings returns what a field stands for in the types of a family, each once.
func (t *boundType) meanings(field query.Pointer) []*meaning {
	var all []*meaning
	var visit func(member *boundType, above *meaning)
	visit = func(member *boundType, above *meaning) {
		property, rest, ok := member.lookUp(field)
		here := above
		if !ok || above == nil || !sameProperty(property, above.property) {
			if above != nil {
				above.others = append(above.others, member)
			}
			here = nil
		}
		if ok && here == nil {
			here = &meaning{typ: member, property: property, rest: rest}
			all = append(all, here)
		}
		for _, sub := range member.subtypes {
			visit(sub, here)
		}
	}
	visit(t, nil)
	return all
}

// sameProperty compares what is behind the bound properties: types share the
// properties that they inherit.
func sameProperty(a, b *boundProperty) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Property == b.Property
}

// entriesOf selects the entries for which a field has that meaning, by the object
// classes that tell the type of an entry. An entry that has the classes of two
// types side by side, and is shown as the first of them, is selected for both.
func (t *boundType) entriesOf(m *meaning) directory.Filter {
	var conditions []directory.Filter
	if m.typ != t {
		conditions = append(conditions, m.typ.selects())
	}
	for _, other := range m.others {
		conditions = append(conditions, not(other.selects()))
	}
	return allOf(conditions)
}

// selects returns the filter of the entries that are recognised as of the type or of one
// below it. No entry is of a type without object classes of its own.
func (t *boundType) selects() directory.Filter {
	if t.isRecognisable() {
		return t.hasClasses()
	}
	below := make([]directory.Filter, len(t.subtypes))
	for i, sub := range t.subtypes {
		below[i] = sub.selects()
	}
	return anyOf(below)
}

// hasClasses selects the entries that have all object classes of the type.
func (t *boundType) hasClasses() directory.Filter {
	classes := make([]directory.Filter, len(t.ObjectClasses))
	for i, class := range t.ObjectClasses {
		classes[i] = directory.Equal("objectClass", class)
	}
	return directory.And(classes...)
}
