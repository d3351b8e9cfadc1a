package mapping

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// UpdateAttributes returns what has to be read of an entry before Update can plan.
func (t *Target) UpdateAttributes() []string {
	p := &projection{}
	p.need("objectClass")
	p.need(t.binding.capabilities.Revision)
	p.need(t.idAttribute())
	t.typ.family(func(member *boundType) {
		walk(member.properties, func(property *boundProperty) {
			if !property.isDefault && !property.WriteOnly {
				p.need(property.attribute)
			}
		})
		if len(member.defaults) > 0 {
			p.need(allUserAttributes)
		}
	})
	return p.attributes
}

// Update plans the changes that give an entry the writable state of a body: what
// the body leaves out is removed, what it repeats is left alone, and attributes
// that no property shows are not touched. No changes at all is a valid plan.
//
// A reference whose target the caller cannot see is kept, whatever the body
// says: it may be missing from the body only because it could not be shown.
func (t *Target) Update(ctx context.Context, entry *directory.Entry, object *Object, find Finder) ([]directory.Change, error) {
	typ := t.typ.of(entry)
	b, err := takeApart(typ, object)
	if err != nil {
		return nil, err
	}
	before := typ.auxiliariesOf(entry)
	b.auxiliaries = before
	if err := b.checkFixed(); err != nil {
		return nil, err
	}
	if err := t.checkBodyIdentity(entry, typ, object); err != nil {
		return nil, err
	}
	u := updater{target: t, entry: entry, body: b, before: before, find: find}
	list, err := u.wantedState(ctx)
	if err != nil {
		return nil, err
	}
	changes := typ.classChanges(before, b.auxiliaries)
	for _, w := range list {
		more, err := u.changes(ctx, w)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, nil
}

// checkBodyIdentity holds the id and the revision of a body against the entry, where
// the mapping has no properties for them.
func (t *Target) checkBodyIdentity(entry *directory.Entry, typ *boundType, object *Object) error {
	if id, ok := object.Lookup(idName); ok && id != nil && !typ.hasID && id != t.IDOf(entry) && id != t.id {
		return fault.New(fault.Invalid, "/%s: the id differs from the one in the path", idName).Named("idMismatch").At("/" + idName)
	}
	if revision, ok := object.Lookup(revisionName); ok && revision != nil && !typ.hasRevision && revision != t.RevisionOf(entry).Value {
		return fault.New(fault.Invalid, "/%s: the revision differs from the stored one", revisionName).Named("readOnly").At("/" + revisionName)
	}
	return nil
}

// updater compares a body with the stored entry.
type updater struct {
	target *Target
	entry  *directory.Entry
	body   *body
	// before are the auxiliary types that the entry is of.
	before []*boundType
	find   Finder
}

// wantedState works out, attribute by attribute, what the body wants of the
// writable properties, and refuses changes to the others.
func (u *updater) wantedState(ctx context.Context) (wantedList, error) {
	var list wantedList
	var failure error
	walk(u.body.typ.properties, func(p *boundProperty) {
		value, supplied := u.body.supplied[p]
		if failure != nil || p.Kind == Constant || p.Kind == TypeName || !supplied && u.leavesAlone(p) {
			return
		}
		if !u.body.has(p) {
			switch {
			case supplied:
				failure = p.isForeign(u.body.typ)
			case p.attribute != "" && p.writability == ReadWrite:
				failure = list.add(p, nil, false) // It goes with its type.
			}
			return
		}
		switch p.writability {
		case ReadWrite:
			var values []string
			if values, failure = u.wantedValues(ctx, p, value, supplied); failure == nil {
				failure = list.add(p, values, supplied && !u.repeats(p, values))
			}
		case CreateOnly, ReadOnly:
			if supplied {
				failure = u.checkUnchanged(ctx, p, value)
			}
		case CreateOnlyDiscard, ReadOnlyDiscard:
		}
	})
	if failure != nil {
		return nil, failure
	}
	return list, u.body.checkRequired(u.withStored(list))
}

// leavesAlone tells a property that a body need not have: of an auxiliary type that the entry
// neither is of nor will be, one that nobody could have read, and over an attribute shown
// under its own name that is not there, or names the entry.
func (u *updater) leavesAlone(p *boundProperty) bool {
	switch {
	case !u.body.has(p):
		return !p.isIn(u.before)
	case !p.isDefault:
		return p.WriteOnly
	}
	_, named := rdnValue(u.entry.DN, p.attribute)
	return named || len(u.entry.Values(p.attribute)) == 0
}

// repeats tells an attribute that is sent under its own name as it was read, and of which
// another property may say something else.
func (u *updater) repeats(p *boundProperty, values []string) bool {
	return p.isDefault && sameSet(values, u.entry.Values(p.attribute))
}

func (u *updater) wantedValues(ctx context.Context, p *boundProperty, value any, supplied bool) ([]string, error) {
	switch {
	case !supplied:
		return p.defaults()
	case p.Kind == ReferenceKind:
		return u.target.referenceValues(ctx, u.find, p, value, p.Pointer, u.entry.Values(p.attribute))
	}
	return p.valuesBeside(value, p.Pointer, u.entry.Values(p.attribute))
}

// withStored adds the stored values of attributes that this body does not write, so
// that a required property among them counts as present. What cannot be read counts so too.
func (u *updater) withStored(list wantedList) wantedList {
	all := slices.Clone(list)
	walk(u.body.typ.properties, func(p *boundProperty) {
		if p.attribute == "" || p.writability == ReadWrite && !p.WriteOnly || all.of(p.attribute) != nil {
			return
		}
		stored := u.entry.Values(p.attribute)
		if p.WriteOnly {
			stored = []string{""}
		}
		all = append(all, &wanted{attribute: p.attribute, values: stored, property: p})
	})
	return all
}

// checkUnchanged refuses a value that differs from what a read shows.
func (u *updater) checkUnchanged(ctx context.Context, p *boundProperty, value any) error {
	refused := invalid(p.Pointer, "readOnly", "the field cannot be changed; leave it out, or send it as it is read")
	if p.Kind == ReferenceKind || p.Kind == ReverseKind {
		same, err := u.sameReferences(ctx, p, value)
		if err == nil && !same {
			return refused
		}
		return err
	}
	stored := u.entry.Values(p.attribute)
	values, err := p.valuesBeside(value, p.Pointer, stored)
	if err != nil {
		return err
	}
	switch {
	case len(stored) == 0:
		if stored, err = p.defaults(); err != nil {
			return err
		}
	case !p.MultiValued:
		stored = []string{p.shown(u.entry.DN, stored)}
	}
	added, removed := p.difference(stored, values)
	if len(added)+len(removed) > 0 && !u.isPathID(p, values) {
		return refused
	}
	return nil
}

// isPathID tells the id in the spelling of the path, which led to the entry: who writes both
// alike does not want to change it.
func (u *updater) isPathID(p *boundProperty, values []string) bool {
	t := u.target
	return t.id != "" && strings.EqualFold(p.attribute, t.idAttribute()) && slices.Equal(values, []string{t.id})
}

// sameReferences reports whether a supplied value names just the targets that a
// read shows.
func (u *updater) sameReferences(ctx context.Context, p *boundProperty, value any) (bool, error) {
	items, err := p.items(value, p.Pointer)
	if err != nil {
		return false, err
	}
	v := view{boundProperty: p, target: &selector{}}
	r, err := u.target.resolveView(ctx, u.find, v, []*directory.Entry{u.entry})
	if err != nil || r == nil {
		return false, err
	}
	stored := u.entry.Values(p.attribute)
	if p.Kind == ReverseKind {
		stored = r.referrersOf(u.entry)
	}
	if !p.MultiValued && len(stored) > 1 {
		stored = []string{p.shown(u.entry.DN, stored)}
	}
	shown := r.shownIDs(stored)
	supplied := make(map[string]bool)
	for i, item := range items {
		id, err := r.target.idOfReference(item, p.itemPlace(p.Pointer, i))
		if err != nil {
			return false, err
		}
		supplied[directory.FoldValue(id)] = true
		if !shown[directory.FoldValue(id)] {
			return false, nil
		}
	}
	return len(supplied) == len(shown), nil
}

// shownIDs returns the folded ids under which a read shows the names.
func (r *resolution) shownIDs(names []string) map[string]bool {
	shown := make(map[string]bool)
	for _, name := range names {
		dn, err := r.target.binding.parseDN(name)
		if err != nil {
			continue
		}
		if entry := r.entries[dn.Key()]; entry != nil {
			shown[directory.FoldValue(r.target.keyOf(entry))] = true
		} else if id, ok := r.target.spelledID(dn); ok {
			shown[directory.FoldValue(id)] = true
		}
	}
	return shown
}

// changes plans the least that gives an attribute the wanted values.
func (u *updater) changes(ctx context.Context, w *wanted) ([]directory.Change, error) {
	p := w.property
	stored := u.entry.Values(w.attribute)
	switch {
	case p.Kind == ReferenceKind:
		return u.referenceChanges(ctx, w, stored)
	case p.WriteOnly:
		return []directory.Change{{Op: directory.ChangeReplace, Attribute: w.attribute, Values: w.values}}, nil
	}
	if p.valueType == FileTime {
		stored = shownTimes(stored) // A read shows nothing of those that stand for no time.
	}
	if !p.MultiValued && len(stored) > 1 && len(w.values) == 1 && p.same(p.shown(u.entry.DN, stored), w.values[0]) {
		return nil, nil
	}
	added, removed := p.difference(stored, w.values)
	return p.plan(w.attribute, stored, w.values, added, removed), nil
}

// plan picks the form of the change: the whole attribute where it appears,
// disappears, has a single value, or cannot be compared by the server; single
// values otherwise, the deletions first.
func (p *boundProperty) plan(attribute string, stored, values, added, removed []string) []directory.Change {
	whole := len(stored) == 0 || len(values) == 0 || !p.MultiValued || p.schema != nil && p.schema.Equality == ""
	switch {
	case len(added)+len(removed) == 0:
		return nil
	case whole:
		return []directory.Change{{Op: directory.ChangeReplace, Attribute: attribute, Values: values}}
	}
	var changes []directory.Change
	if len(removed) > 0 {
		changes = append(changes, directory.Change{Op: directory.ChangeDelete, Attribute: attribute, Values: removed})
	}
	if len(added) > 0 {
		changes = append(changes, directory.Change{Op: directory.ChangeAdd, Attribute: attribute, Values: added})
	}
	return changes
}

// difference compares value by value. Values that differ in nothing but case are
// different: a client that changes case wants it kept.
func (p *boundProperty) difference(stored, values []string) (added, removed []string) {
	return p.without(values, stored), p.without(stored, values)
}

// without returns the values that are not shown as one of the others is.
func (p *boundProperty) without(values, others []string) []string {
	known := make(map[string]bool, len(others))
	for _, other := range others {
		known[p.form(other)] = true
	}
	var rest []string
	for _, value := range values {
		if !known[p.form(value)] {
			rest = append(rest, value)
		}
	}
	return rest
}

// form is the same for attribute values that are shown alike, or that say the same in JSON.
func (p *boundProperty) form(value string) string {
	if p.valueType == JSON {
		return jsonForm(value)
	}
	return string(p.appendValue(nil, value))
}

// same reports whether two attribute values are shown alike.
func (p *boundProperty) same(a, b string) bool { return a == b || p.form(a) == p.form(b) }

// referenceChanges keeps the stored references whose targets the caller cannot see.
func (u *updater) referenceChanges(ctx context.Context, w *wanted, stored []string) ([]directory.Change, error) {
	p := w.property
	added, gone := u.target.binding.differenceOfNames(stored, w.values)
	removed, err := u.visible(ctx, p, gone)
	if err != nil {
		return nil, err
	}
	switch {
	case len(added)+len(removed) == 0:
		return nil, nil
	case !p.MultiValued && len(w.values) > 0:
		return []directory.Change{{Op: directory.ChangeReplace, Attribute: w.attribute, Values: w.values}}, nil
	case len(removed) == len(stored) || len(stored) == 0:
		return []directory.Change{{Op: directory.ChangeReplace, Attribute: w.attribute, Values: added}}, nil
	}
	var changes []directory.Change
	if len(removed) > 0 {
		changes = append(changes, directory.Change{Op: directory.ChangeDelete, Attribute: w.attribute, Values: removed})
	}
	if len(added) > 0 {
		changes = append(changes, directory.Change{Op: directory.ChangeAdd, Attribute: w.attribute, Values: added})
	}
	return changes, nil
}

// differenceOfNames compares DNs by their keys.
func (b *Binding) differenceOfNames(stored, wanted []string) (added, removed []string) {
	return b.namesWithout(wanted, stored), b.namesWithout(stored, wanted)
}

// namesWithout returns the names that are not among the others.
func (b *Binding) namesWithout(names, others []string) []string {
	known := make(map[string]bool, len(others))
	for _, key := range b.keysOf(others) {
		known[key] = true
	}
	var rest []string
	for i, key := range b.keysOf(names) {
		if !known[key] {
			rest = append(rest, names[i])
		}
	}
	return rest
}

// keysOf returns the keys by which names compare; one that is no name is its own.
func (b *Binding) keysOf(names []string) []string {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = strings.ToLower(name)
		if dn, err := b.parseDN(name); err == nil {
			keys[i] = dn.Key()
		}
	}
	return keys
}

// visible returns the names whose targets the caller can see as members of the collection.
func (u *updater) visible(ctx context.Context, p *boundProperty, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	r, err := u.target.resolveProperty(ctx, u.find, view{boundProperty: p, target: &selector{}}, names)
	if err != nil {
		return nil, err
	}
	var visible []string
	for i, key := range u.target.binding.keysOf(names) {
		if r.entries[key] != nil {
			visible = append(visible, names[i])
		}
	}
	return visible, nil
}
