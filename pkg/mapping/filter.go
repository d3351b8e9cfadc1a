package mapping

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// MaxReferenceTargets is how many targets a filter through a reference may match, unless
// the binding says otherwise; more is TooLarge, never an incomplete answer.
const MaxReferenceTargets = 1000

// Selection is a query filter as the directory can serve it. One goroutine uses it at a time.
type Selection struct {
	// Nothing tells that no resource can match, so that no search is needed.
	Nothing bool
	// Base and Scope are where the members of the collection are.
	Base  directory.DN
	Scope directory.Scope
	// Filter is what the directory evaluates. It selects at least every match.
	Filter directory.Filter
	// Residual is what the directory could not evaluate rightly and the gateway has to
	// hold against each entry; nil is nothing.
	Residual *directory.Filter
	// Attributes are what Residual needs of an entry.
	Attributes []string
	// Unsortable tells that a sorted result lacks some of Attributes.
	Unsortable bool
	// matcher evaluates Residual.
	matcher *directory.Matcher
}

// Select translates a query filter for the members of a collection. A field that
// no type of the collection has is Invalid; under Model.Legacy it never matches.
func (t *Target) Select(ctx context.Context, filter query.Filter, find Finder) (*Selection, error) {
	translated, err := t.translate(ctx, &filter, find)
	if err != nil {
		return nil, err
	}
	if translated.IsFalse() {
		return &Selection{Nothing: true}, nil
	}
	schema := t.binding.capabilities.Schema
	selection := &Selection{Base: t.dn, Scope: t.scope(), Filter: searchable(both(t.sub.Filter, superset(schema, translated)))}
	if residual := residualOf(schema, translated); !residual.IsTrue() {
		selection.Residual = &residual
		selection.matcher = t.matcher()
		selection.Attributes = attributesOf(residual, nil)
		selection.Unsortable = !areStored(schema, selection.Attributes)
	}
	return selection, nil
}

// translate turns a query filter into a directory filter without absolute parts,
// unless it is absolute as a whole.
func (t *Target) translate(ctx context.Context, f *query.Filter, find Finder) (directory.Filter, error) {
	switch f.Op {
	case query.And, query.Or:
		asked := f.Children
		if f.Op == query.Or {
			asked = t.together(asked)
		}
		children := make([]directory.Filter, 0, len(asked))
		for i := range asked {
			child, err := t.translate(ctx, &asked[i], find)
			if err != nil {
				return directory.Filter{}, err
			}
			children = append(children, child)
		}
		if f.Op == query.And {
			return allOf(children), nil
		}
		return anyOf(children), nil
	case query.Not:
		child, err := t.translate(ctx, &f.Children[0], find)
		return not(child), err
	case query.True:
		return directory.And(), nil
	case query.False:
		return directory.Or(), nil
	default:
		return t.compare(ctx, f, find)
	}
}

// allOf folds absolute parts away.
func allOf(children []directory.Filter) directory.Filter {
	children = slices.DeleteFunc(children, func(c directory.Filter) bool { return c.IsTrue() })
	if slices.ContainsFunc(children, func(c directory.Filter) bool { return c.IsFalse() }) {
		return directory.Or()
	}
	return directory.And(children...)
}

func anyOf(children []directory.Filter) directory.Filter {
	children = slices.DeleteFunc(children, func(c directory.Filter) bool { return c.IsFalse() })
	if slices.ContainsFunc(children, func(c directory.Filter) bool { return c.IsTrue() }) {
		return directory.And()
	}
	return directory.Or(children...)
}

func not(child directory.Filter) directory.Filter {
	switch {
	case child.IsTrue():
		return directory.Or()
	case child.IsFalse():
		return directory.And()
	}
	return directory.Not(child)
}

// compare translates a comparison over every type of the family: a field means,
// for each entry, what the entry's own type says.
func (t *Target) compare(ctx context.Context, f *query.Filter, find Finder) (directory.Filter, error) {
	meanings := t.typ.meanings(f.Field)
	if len(meanings) == 0 {
		return t.unmapped(f, "no resource type of this collection has the field %q", f.Field.String())
	}
	alternatives := make([]directory.Filter, len(meanings))
	for i, m := range meanings {
		one, err := t.compareProperty(ctx, m.property, m.rest, f, find)
		if err != nil {
			return directory.Filter{}, err
		}
		if m.property != nil && len(m.property.mixins) > 0 {
			one = allOf([]directory.Filter{one, m.property.entriesIn()})
		}
		if len(meanings) > 1 {
			one = allOf([]directory.Filter{one, t.typ.entriesOf(m)})
		}
		alternatives[i] = one
	}
	return anyOf(alternatives), nil
}

// unmapped answers a comparison that can never match.
func (t *Target) unmapped(f *query.Filter, format string, args ...any) (directory.Filter, error) {
	if t.binding.model.Legacy {
		return directory.Or(), nil
	}
	return directory.Filter{}, filterFault(f, "unknownField", format, args...)
}

func filterFault(f *query.Filter, kind, format string, args ...any) error {
	e := fault.New(fault.Invalid, format, args...).Named(kind).At(f.Field.String())
	e.Detail.Position = f.Position
	return e
}

// lookUp finds the property that a pointer leads to, and what of the pointer lies
// below it. The id and the revision are there without properties for them, as nil.
func (t *boundType) lookUp(field query.Pointer) (*boundProperty, query.Pointer, bool) {
	properties := t.properties
	for i, name := range field {
		p := find(properties, name)
		switch {
		case p == nil && i == 0 && len(field) == 1 && t.knowsAbsent(strings.ToLower(name)):
			return nil, field, true
		case p == nil:
			return nil, nil, false
		case p.Kind != ObjectKind:
			return p, field[i+1:], true
		case i == len(field)-1:
			return p, nil, true
		}
		properties = p.properties
	}
	return nil, nil, false
}

func (t *Target) compareProperty(ctx context.Context, p *boundProperty, rest query.Pointer, f *query.Filter, find Finder) (directory.Filter, error) {
	switch {
	case f.Op == query.Extended:
		return t.unknownOperator(f)
	case f.Op == query.Element && (p == nil || p.Kind != ReferenceKind && p.Kind != ReverseKind && p.valueType != JSON):
		return t.unmapped(f, "brackets are for references and for fields of JSON; %q is neither", f.Field.String())
	case p == nil:
		return t.compareImplied(f)
	case p.Kind == Simple && p.valueType == JSON:
		return t.compareJSON(p, rest, f)
	}
	switch p.Kind {
	case ObjectKind:
		return t.compareObject(ctx, p, f, find)
	case Constant:
		return t.compareConstant(p, rest, f)
	case TypeName:
		return t.compareType(rest, f)
	case ReferenceKind:
		return t.compareReference(ctx, p, rest, f, find)
	case ReverseKind:
		return t.compareReverse(ctx, p, rest, f, find)
	case Simple:
	}
	if p.WriteOnly {
		return t.unmapped(f, "the field %q holds credentials, and cannot be compared", p.Pointer.String())
	}
	if len(rest) > 0 {
		return t.unmapped(f, "the field %q has no members", p.Pointer.String())
	}
	return p.compare(f)
}

// unknownOperator answers an operator that is not in the grammar.
func (t *Target) unknownOperator(f *query.Filter) (directory.Filter, error) {
	if t.binding.model.Legacy {
		return directory.Or(), nil
	}
	return directory.Filter{}, filterFault(f, "unknownOperator", "the operator %q is not known; use eq, co, sw, lt, le, gt, ge or pr", f.Name)
}

// compareImplied compares the id or the revision of a mapping without properties for them.
func (t *Target) compareImplied(f *query.Filter) (directory.Filter, error) {
	attribute := t.idAttribute()
	if strings.EqualFold(f.Field[0], revisionName) {
		attribute = t.binding.capabilities.Revision
	}
	if attribute == "" {
		return directory.Or(), nil
	}
	implied := &boundProperty{
		Property: &Property{Name: f.Field[0], Pointer: f.Field}, attribute: attribute,
		schema: t.binding.capabilities.Schema.Attribute(attribute), valueType: String,
	}
	return implied.compare(f)
}

// compareObject: an object is present when one of its members is. In the reference product
// no comparison of an object ever matches.
func (t *Target) compareObject(ctx context.Context, p *boundProperty, f *query.Filter, find Finder) (directory.Filter, error) {
	if f.Op != query.Present || t.binding.model.Legacy {
		return t.unmapped(f, "the field %q is an object; compare one of its members", p.Pointer.String())
	}
	var members []directory.Filter
	var failure error
	walk(p.properties, func(member *boundProperty) {
		present := directory.And() // a constant, or the type
		switch {
		case member.Kind == ReverseKind || member.WriteOnly || failure != nil:
			return
		case member.Kind == ReferenceKind:
			present, failure = t.compareReference(ctx, member, nil, f, find)
		case member.attribute != "":
			present = directory.Present(member.attribute)
		}
		members = append(members, present)
	})
	return anyOf(members), failure
}

// compareType: only equality says something of a type.
func (t *Target) compareType(rest query.Pointer, f *query.Filter) (directory.Filter, error) {
	name, isText := f.Value.(string)
	switch {
	case len(rest) > 0:
		return t.unmapped(f, "the type has no members")
	case f.Op == query.Present:
		return directory.And(), nil
	case f.Op != query.Equal:
		return t.unmapped(f, "the type can only be compared with eq")
	case !isText:
		return directory.Filter{}, filterFault(f, "wrongType", "a resource type's name is expected, a string")
	}
	filter := directory.Or()
	t.typ.family(func(member *boundType) {
		if a := member.auxiliary(name); a != nil {
			filter = a.hasClasses()
		}
		if !strings.EqualFold(member.Name, name) {
			return
		}
		if filter = member.selects(); member == t.typ {
			filter = member.hasClasses()
		}
	})
	return filter, nil
}

// Holds evaluates what the directory could not.
func (t *Target) Holds(selection *Selection, entry *directory.Entry) (bool, error) {
	if selection.Residual == nil {
		return true, nil
	}
	return selection.matcher.Matches(*selection.Residual, entry)
}
