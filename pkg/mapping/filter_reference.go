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
	case f.Op != query.Present:
		return t.unmapped(f, "the field %q is a reference; compare a member of it, such as its id", p.Pointer.String())
	case !isComputed(p.schema):
		return directory.Present(p.attribute), nil
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
