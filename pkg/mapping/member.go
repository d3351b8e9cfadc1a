package mapping

import (
	"math/big"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// The filter of a collection is its boundary: what it leaves out is not there, whatever is
// done to it, and no change takes a resource over the boundary, or makes one beyond it.

// MemberAttributes returns the attributes that decide whether an entry is a member of the
// target's collection, each once.
func (t *Target) MemberAttributes() []string {
	p := &projection{}
	eachLeaf(&t.sub.Filter, func(f *directory.Filter) { p.need(f.Attribute) })
	return p.attributes
}

func eachLeaf(f *directory.Filter, visit func(*directory.Filter)) {
	if len(f.Children) == 0 {
		visit(f)
	}
	for i := range f.Children {
		eachLeaf(&f.Children[i], visit)
	}
}

// DecidesMembership reports whether one of the changes may take an entry out of the
// target's collection.
func (t *Target) DecidesMembership(changes []directory.Change) bool {
	schema := t.binding.capabilities.Schema
	decides := false
	eachLeaf(&t.sub.Filter, func(f *directory.Filter) {
		decides = decides || slices.ContainsFunc(changes, func(c directory.Change) bool { return schema.Includes(f.Attribute, c.Attribute) })
	})
	return decides
}

// TakesRequired reports whether one of the changes deletes values of a field that is required:
// whether any are left hangs on what else the entry has.
func (t *Target) TakesRequired(changes []directory.Change) bool {
	takes := false
	t.typ.family(func(member *boundType) {
		takes = takes || slices.ContainsFunc(changes, func(c directory.Change) bool {
			return c.Op == directory.ChangeDelete && len(c.Values) > 0 && member.requires(c.Attribute, member.auxiliaries) != nil
		})
	})
	return takes
}

// requires returns a required property over an attribute, of the type or of auxiliary types, nil
// when there is none.
func (t *boundType) requires(attribute string, auxiliaries []*boundType) *boundProperty {
	var found *boundProperty
	walk(t.properties, func(p *boundProperty) {
		if found == nil && p.isIn(auxiliaries) && p.Required && strings.EqualFold(p.attribute, attribute) {
			found = p
		}
	})
	return found
}

// CheckNew refuses a new entry that would not be a member of the collection. What only the
// server writes counts as fitting.
func (t *Target) CheckNew(attributes []directory.Attribute) error {
	return t.checkMember(&directory.Entry{Attributes: attributes}, true)
}

// CheckChanged refuses changes after which the entry, which is a member of the collection,
// would not be one any more, or would lack a required field that it has. The entry has the
// MemberAttributes.
func (t *Target) CheckChanged(entry *directory.Entry, changes []directory.Change) error {
	changed := t.Changed(entry, changes)
	typ := t.typ.of(entry)
	auxiliaries := typ.auxiliariesOf(changed)
	for _, c := range changes {
		if p := typ.requires(c.Attribute, auxiliaries); p != nil && len(entry.Values(c.Attribute)) > 0 && len(changed.Values(c.Attribute)) == 0 {
			return invalid(p.Pointer, "missingField", "the field is required and cannot be removed")
		}
	}
	return t.checkMember(changed, false)
}

// Changed returns the entry as it is after the changes, as far as their values tell.
func (t *Target) Changed(entry *directory.Entry, changes []directory.Change) *directory.Entry {
	p := t.Progress(entry)
	for _, c := range changes {
		p.Apply(c)
	}
	return p.entry()
}

// sum adds two integers of any length; what is none stays as it is.
func sum(value, increment string) string {
	a, isNumber := new(big.Int).SetString(value, 10)
	b, isIncrement := new(big.Int).SetString(increment, 10)
	if !isNumber || !isIncrement {
		return value
	}
	return a.Add(a, b).String()
}

// checkMember evaluates the filter of the collection. Of an entry that is not there yet, the
// attributes that only the server writes are not known.
func (t *Target) checkMember(entry *directory.Entry, isNew bool) error {
	filter := t.sub.Filter
	if filter.IsTrue() {
		return nil
	}
	schema := t.binding.capabilities.Schema
	for i, a := range entry.Attributes {
		if strings.EqualFold(a.Name, "objectClass") {
			entry.Attributes = slices.Clone(entry.Attributes)
			entry.Attributes[i].Values = schema.WithSuperiors(a.Values)
		}
	}
	if isNew {
		filter = hopeful(schema, filter, true)
	}
	member, err := directory.NewMatcher(schema).Matches(filter, entry)
	switch {
	case err != nil:
		return fault.New(fault.Unsupported, "whether the resource would belong to its collection is for the directory to compare, so that what decides it cannot be written here").Named("outsideCollection")
	case !member:
		return fault.New(fault.Invalid, "the resource would not belong to the collection that the path names; its fields have to fit the collection").Named("outsideCollection")
	}
	return nil
}

// hopeful returns the filter with what cannot be known of an entry that is not there yet
// as it would have to be.
func hopeful(schema *directory.Schema, f directory.Filter, wanted bool) directory.Filter {
	if len(f.Children) > 0 {
		children := make([]directory.Filter, len(f.Children))
		for i, child := range f.Children {
			children[i] = hopeful(schema, child, wanted != (f.Op == directory.FilterNot))
		}
		f.Children = children
		return f
	}
	t := schema.Attribute(f.Attribute)
	if f.Attribute == "" || t == nil || !t.NoUserModification && t.Usage == directory.UserApplications || strings.EqualFold(f.Attribute, "objectClass") {
		return f
	}
	if wanted {
		return directory.And()
	}
	return directory.Or()
}

// Fence returns changes that change nothing, and fail where the entry, which has been read
// as a member of the collection, is none any more: for a directory that cannot be told what
// has to hold of an entry. The structural object class needs none, since it never changes.
// A filter that cannot be guarded so is an error, and a modification is the one change that
// can be: forDelete tells that there is none.
func (t *Target) Fence(entry *directory.Entry, forDelete bool) ([]directory.Change, error) {
	schema := t.binding.capabilities.Schema
	conditions := t.sub.Filter.Children
	if t.sub.Filter.Op != directory.FilterAnd {
		conditions = []directory.Filter{t.sub.Filter}
	}
	var fence []directory.Change
	for i := range conditions {
		f := &conditions[i]
		a := schema.Attribute(f.Attribute)
		switch {
		case f.Op == directory.FilterEqual && strings.EqualFold(f.Attribute, "objectClass") && schema.IsStructural(f.Value):
			continue
		case forDelete || f.Op != directory.FilterEqual || a == nil || a.NoUserModification || a.Equality == "":
			return nil, unfenced()
		}
		value, ok := matchingValue(schema, f, entry)
		if !ok {
			return nil, unfenced()
		}
		fence = append(fence,
			directory.Change{Op: directory.ChangeDelete, Attribute: f.Attribute, Values: []string{value}},
			directory.Change{Op: directory.ChangeAdd, Attribute: f.Attribute, Values: []string{value}})
	}
	return fence, nil
}

// matchingValue returns the value of the entry that an equality match finds.
func matchingValue(schema *directory.Schema, f *directory.Filter, entry *directory.Entry) (string, bool) {
	matcher := directory.NewMatcher(schema)
	for _, value := range entry.Values(f.Attribute) {
		one := &directory.Entry{Attributes: []directory.Attribute{{Name: f.Attribute, Values: []string{value}}}}
		if same, err := matcher.Matches(*f, one); err == nil && same {
			return value, true
		}
	}
	return "", false
}

func unfenced() error {
	return fault.New(fault.Unsupported, "this directory cannot compare in the moment of a change whether the resource belongs to its collection, and the filter of the collection can be guarded in no other way").Named("membership")
}
