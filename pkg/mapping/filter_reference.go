package mapping

import (
	"context"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// compareReference finds the targets that match and compares with their names.
func (t *Target) compareReference(ctx context.Context, p *boundProperty, rest query.Pointer, f *query.Filter, find Finder) (directory.Filter, error) {
	inner := query.Filter{Op: query.And}
	switch {
	case len(rest) > 0 || f.Op == query.Element:
		inner = memberFilter(f, rest)
	case f.Op != query.Present && p.Reference.Plain:
		inner = memberFilter(f, query.Pointer{p.Reference.PrimaryKey})
	case f.Op != query.Present:
		return t.unmapped(f, "the field %q is a reference; compare a member of it, such as its id", p.Pointer.String())
	case !isComputed(p.schema):
		return directory.Present(p.attribute), nil
	}
	if t.behind == maxBehind {
		return directory.Filter{}, filterFault(f, "tooDeep", throughReferences, maxBehind)
	}
	target, err := t.referenceTarget(p)
	if err != nil {
		return directory.Filter{}, err
	}
	if id, ok := f.Value.(string); ok && f.Op == query.Equal && target.namesByID(rest) {
		return directory.Equal(p.attribute, target.memberDN(id).String()), nil
	}
	selection, err := target.Select(ctx, inner, find)
	if err != nil || selection.Nothing {
		return directory.Or(), err
	}
	return target.namesOf(ctx, p.attribute, selection, find)
}

// memberFilter is what a comparison through a reference says of a target: of one of its
// fields, or all that stands in brackets.
func memberFilter(f *query.Filter, rest query.Pointer) query.Filter {
	if f.Op == query.Element && len(rest) == 0 {
		return f.Children[0]
	}
	inner := *f
	inner.Field = rest
	return query.Filter{Op: query.And, Children: []query.Filter{inner}}
}

// together puts alternatives that look through one reference into one pair of brackets, so
// that all of them cost one search: some target fulfils one of them or some target another
// one exactly when some target fulfils one or the other.
func (t *Target) together(alternatives []query.Filter) []query.Filter {
	type group struct{ first, members int }
	groups := make(map[string]*group)
	var all []query.Filter
	for _, f := range flat(query.Or, alternatives) {
		depth := t.throughReference(&f)
		if depth == 0 {
			all = append(all, f)
			continue
		}
		reference := f.Field[:depth].String()
		inner := f
		inner.Field = f.Field[depth:]
		g := groups[reference]
		if g == nil {
			groups[reference] = &group{first: len(all), members: 1}
			all = append(all, f)
			continue
		}
		if g.members++; g.members == 2 {
			first := all[g.first]
			bracket := first
			first.Field = first.Field[depth:]
			bracket.Op, bracket.Field, bracket.Value = query.Element, bracket.Field[:depth], nil
			bracket.Children = []query.Filter{{Op: query.Or, Children: []query.Filter{first}}}
			all[g.first] = bracket
		}
		or := &all[g.first].Children[0]
		or.Children = append(or.Children, inner)
	}
	return all
}

// flat returns the children of an operation without the same operation among them.
func flat(op query.Op, children []query.Filter) []query.Filter {
	var all []query.Filter
	for i := range children {
		if children[i].Op == op {
			all = append(all, flat(op, children[i].Children)...)
		} else {
			all = append(all, children[i])
		}
	}
	return all
}

// throughReference returns how many elements of a comparison's field lead to a reference
// behind which a search has to look; 0 where none has.
func (t *Target) throughReference(f *query.Filter) int {
	if len(f.Children) > 0 || len(f.Field) == 0 || f.Op == query.Extended {
		return 0
	}
	depth := 0
	for _, m := range t.typ.meanings(f.Field) {
		if m.property == nil || m.property.Kind != ReferenceKind && m.property.Kind != ReverseKind || len(m.rest) == 0 {
			return 0
		}
		here := len(f.Field) - len(m.rest)
		target, err := t.referenceTarget(m.property)
		if err != nil || depth != 0 && depth != here || f.Op == query.Equal && m.property.Kind == ReferenceKind && target.namesByID(m.rest) {
			return 0
		}
		depth = here
	}
	return depth
}

// namesByID reports whether the field is the id of a collection whose ids alone
// tell the names of its members.
func (t *Target) namesByID(field query.Pointer) bool {
	return !t.inline && t.hasKnownDN() && t.namedByID() && t.sub.Filter.IsTrue() && len(field) == 1 &&
		strings.EqualFold(field[0], t.idField())
}

func (t *Target) namesOf(ctx context.Context, attribute string, selection *Selection, find Finder) (directory.Filter, error) {
	entries, err := t.matching(ctx, selection, find)
	if err != nil {
		return directory.Filter{}, err
	}
	if len(entries) > t.binding.maxTargets {
		return directory.Filter{}, t.tooManyTargets()
	}
	var names []directory.Filter
	for _, entry := range entries {
		names = append(names, directory.Equal(attribute, entry.DN))
	}
	return anyOf(names), nil
}

func (t *Target) tooManyTargets() error {
	most := t.binding.maxTargets
	e := fault.New(fault.TooLarge, "the filter matches more than %d referenced resources; make it narrower", most)
	e.Detail.Kind, e.Detail.Limit = "referenceLimit", int64(most)
	return e
}

// matching returns the entries of a selection.
func (t *Target) matching(ctx context.Context, selection *Selection, find Finder) ([]*directory.Entry, error) {
	attributes := selection.Attributes
	if len(attributes) == 0 {
		attributes = []string{"1.1"}
	}
	entries, err := find(ctx, &directory.SearchRequest{Base: selection.Base, Scope: selection.Scope, Filter: selection.Filter, Attributes: attributes})
	if err != nil {
		return nil, err
	}
	var matching []*directory.Entry
	for _, entry := range entries {
		matches, err := t.Holds(selection, entry)
		if err != nil {
			return nil, err
		}
		if matches {
			matching = append(matching, entry)
		}
	}
	return matching, nil
}
