package mapping

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// A reverse reference shows who refers to a resource: the members of a collection whose
// reference property points to it. Nothing in the resource's own entry corresponds to it.

// resolveReverse finds who refers to the entries, in batches.
func (t *Target) resolveReverse(ctx context.Context, find Finder, v view, entries []*directory.Entry) (*resolution, error) {
	target, err := t.referenceTarget(v.boundProperty)
	if err != nil {
		return nil, err
	}
	r := &resolution{
		target: target, projection: target.projectTarget(v.target),
		entries: make(map[string]*directory.Entry), referrers: make(map[string][]string),
	}
	attribute := target.referring(v.Reference.Property)
	if attribute == "" {
		return r, nil // The directory's schema lacks it.
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.DN
	}
	var list []*directory.Entry
	attributes := append(slices.Clone(r.projection.attributes), target.idAttribute(), attribute)
	for batch := range slices.Chunk(names, referenceBatch) {
		found, err := find(ctx, target.referrers(v.Reference, attribute, batch, attributes))
		if err != nil && !isUnseen(err) {
			return nil, err
		}
		list = append(list, found...)
	}
	slices.SortStableFunc(list, func(a, b *directory.Entry) int {
		return strings.Compare(directory.FoldValue(target.IDOf(a)), directory.FoldValue(target.IDOf(b)))
	})
	for _, entry := range list {
		r.refers(entry, attribute)
	}
	return r, r.resolveNested(ctx, find, list)
}

// referrers is the search for the members that refer to one of the names.
func (t *Target) referrers(reference *Reference, attribute string, names, attributes []string) *directory.SearchRequest {
	pointing := make([]directory.Filter, len(names))
	for i, name := range names {
		pointing[i] = directory.Equal(attribute, name)
	}
	filter := both(t.sub.Filter, both(reference.Filter, anyOf(pointing)))
	return &directory.SearchRequest{Base: t.dn, Scope: t.scope(), Filter: filter, Attributes: attributes}
}

// refers notes whom an entry refers to. An entry that two batches have found is noted once.
func (r *resolution) refers(entry *directory.Entry, attribute string) {
	dn, err := r.target.binding.parseDN(entry.DN)
	if err != nil || r.entries[dn.Key()] != nil {
		return
	}
	r.entries[dn.Key()] = entry
	for _, key := range r.target.binding.keysOf(entry.Values(attribute)) {
		r.referrers[key] = append(r.referrers[key], entry.DN)
	}
}

// referrersOf returns the names of those who refer to an entry.
func (r *resolution) referrersOf(entry *directory.Entry) []string {
	return r.referrers[r.target.binding.keysOf([]string{entry.DN})[0]]
}

// referring returns the attribute of the reference property that a reverse reference
// follows backwards; "" when the directory has none.
func (t *Target) referring(property string) string {
	attribute := ""
	t.typ.family(func(member *boundType) {
		walk(member.properties, func(p *boundProperty) {
			if attribute == "" && p.Kind == ReferenceKind && p.Name == property {
				attribute = p.attribute
			}
		})
	})
	return attribute
}

// compareReverse selects the resources to which a member of the other collection refers
// that matches: first those who refer, then the names to which they do.
func (t *Target) compareReverse(ctx context.Context, p *boundProperty, rest query.Pointer, f *query.Filter, find Finder) (directory.Filter, error) {
	if t.sub == nil || t.sub.Singleton || t.sub.Flatten {
		return t.unmapped(f, "the field %q cannot be compared here", p.Pointer.String())
	}
	if t.behind == maxBehind {
		return directory.Filter{}, filterFault(f, "tooDeep", throughReferences, maxBehind)
	}
	target, err := t.referenceTarget(p)
	if err != nil {
		return directory.Filter{}, err
	}
	attribute := target.referring(p.Reference.Property)
	inner := query.Filter{Op: query.And}
	switch {
	case attribute == "":
		return directory.Or(), nil
	case len(rest) > 0 || f.Op == query.Element:
		inner = memberFilter(f, rest)
	case f.Op != query.Present:
		return t.unmapped(f, "the field %q is a reference; compare a member of it, such as its id", p.Pointer.String())
	}
	selection, err := target.Select(ctx, inner, find)
	if err != nil || selection.Nothing {
		return directory.Or(), err
	}
	referring := directory.Present(attribute)
	if isComputed(t.binding.capabilities.Schema.Attribute(attribute)) {
		referring = directory.And()
	}
	selection.Filter = searchable(both(selection.Filter, both(p.Reference.Filter, referring)))
	selection.Attributes = append(slices.Clone(selection.Attributes), attribute)
	entries, err := t.matching(ctx, selection, find)
	if err != nil {
		return directory.Filter{}, err
	}
	named := make(map[string]directory.Filter)
	for _, entry := range entries {
		for _, name := range entry.Values(attribute) {
			if dn, err := t.binding.parseDN(name); err == nil && t.couldHold(dn) {
				named[dn.Key()] = rdnFilter(dn)
			}
		}
	}
	if len(named) > t.binding.maxTargets {
		return directory.Filter{}, t.tooManyTargets()
	}
	var filters []directory.Filter
	for _, key := range slices.Sorted(maps.Keys(named)) {
		filters = append(filters, named[key])
	}
	return anyOf(filters), nil
}
