package mapping

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// referenceBatch is how many names one search for the targets of references
// holds. It stays below the size limit that servers set for ordinary callers.
const referenceBatch = 200

// resolved holds the targets of the references of a page, by property. Types share
// the properties that they inherit, and so the look-up.
type resolved map[*Property]*resolution

// resolution is what was found of one reference property.
type resolution struct {
	target     *Target
	projection *projection
	// entries are the visible targets, by the key of their DN.
	entries map[string]*directory.Entry
	// referrers are the names of those who refer to an entry, by the key of its DN;
	// reverse references only.
	referrers map[string][]string
	nested    resolved
	// attribute holds the names of the targets; "" for a reverse reference.
	attribute string
	// within is how many resources a target shows inside of it, by the key of its DN; nil
	// where it shows none.
	within map[string]int
}

// Resolve looks up what the references of a page of entries point to: one batch
// for each property, however many entries there are. What the caller may not
// see, and what is not there, is left to Append.
func (e *Encoder) Resolve(ctx context.Context, find Finder, entries []*directory.Entry) error {
	e.resolved = nil
	if !e.projection.references {
		return nil
	}
	var err error
	if e.resolved, err = e.target.resolve(ctx, find, e.projection, entries); err != nil {
		return err
	}
	return e.resolved.checkNested(entries)
}

func (t *Target) resolve(ctx context.Context, find Finder, p *projection, entries []*directory.Entry) (resolved, error) {
	found := make(resolved)
	for _, view := range p.shown {
		resolution, err := t.resolveView(ctx, find, view, entries)
		if err != nil {
			return nil, err
		}
		found[view.Property] = resolution
	}
	return found, nil
}

// resolveView looks up what a property points to; nil where no entry has it.
func (t *Target) resolveView(ctx context.Context, find Finder, v view, entries []*directory.Entry) (*resolution, error) {
	if len(entries) == 0 {
		return nil, nil //nolint:nilnil // There is nothing to look up.
	}
	if v.Kind == ReverseKind {
		return t.resolveReverse(ctx, find, v, entries)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Values(v.attribute)...)
	}
	if len(names) == 0 {
		return nil, nil //nolint:nilnil // See above.
	}
	return t.resolveProperty(ctx, find, v, names)
}

// referenceViews works out projection.shown.
func (p *projection) referenceViews() []view {
	if !p.references {
		return nil
	}
	seen := make(map[*Property]bool)
	var views []view
	var collect func([]view)
	collect = func(members []view) {
		for _, v := range members {
			switch {
			case v.Kind == ObjectKind:
				collect(v.members)
			case (v.Kind == ReferenceKind || v.Kind == ReverseKind) && !seen[v.Property]:
				seen[v.Property] = true
				views = append(views, v)
			}
		}
	}
	for _, members := range p.views {
		collect(members)
	}
	return views
}

func (t *Target) resolveProperty(ctx context.Context, find Finder, v view, names []string) (*resolution, error) {
	target, err := t.referenceTarget(v.boundProperty)
	if err != nil {
		return nil, err
	}
	r := &resolution{target: target, projection: target.projectTarget(v.target), entries: make(map[string]*directory.Entry), attribute: v.attribute}
	var wanted []directory.DN
	asked := make(map[string]bool)
	for _, name := range names {
		dn, err := t.binding.parseDN(name)
		if err != nil || !target.couldHold(dn) || asked[dn.Key()] {
			continue
		}
		asked[dn.Key()] = true
		wanted = append(wanted, dn)
	}
	attributes := r.projection.attributes
	if id := target.keyAttribute(); !slices.ContainsFunc(attributes, func(a string) bool { return strings.EqualFold(a, id) }) {
		attributes = append(slices.Clone(attributes), id)
	}
	list, err := target.fetch(ctx, find, wanted, attributes)
	if err != nil {
		return nil, err
	}
	for _, entry := range list {
		if dn, err := t.binding.parseDN(entry.DN); err == nil && asked[dn.Key()] {
			r.entries[dn.Key()] = entry
		}
	}
	return r, r.resolveNested(ctx, find, list)
}

// referenceTarget returns the collection that a reference points into. The
// in-line form makes one of its own.
func (t *Target) referenceTarget(p *boundProperty) (*Target, error) {
	if t.behind == maxBehind {
		e := fault.New(fault.Invalid, throughReferences, maxBehind).Named("tooDeep")
		e.Detail.Parameter = "_fields"
		return nil, e
	}
	target, err := t.referred(p)
	if err == nil {
		target.behind = t.behind + 1
	}
	return target, err
}

func (t *Target) referred(p *boundProperty) (*Target, error) {
	reference := p.Reference
	if p.mapper == nil {
		target, err := t.follow(reference.Path)
		if err != nil || reference.PrimaryKey == "" || strings.EqualFold(reference.PrimaryKey, target.idAttribute()) {
			return target, err
		}
		keyed := *target
		keyed.key = reference.PrimaryKey
		return &keyed, nil
	}
	var context directory.DN
	if reference.Base.Climbs() > 0 {
		context = t.dn
		if !t.sub.Singleton {
			context = t.memberDN("x")
		}
	}
	base, err := reference.Base.Resolve(context, t.variables)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "no entry can have this name").Named("unknownPath")
	}
	sub := &SubResource{
		Type: reference.Mapper, Flatten: true, Filter: reference.Filter,
		Naming: Naming{DNAttribute: reference.PrimaryKey, IDAttribute: reference.PrimaryKey},
	}
	return &Target{binding: t.binding, sub: sub, typ: p.mapper, dn: base, inline: true, plain: reference.Plain}, nil
}

// projectTarget works out what is shown of a reference's target: its id, its key and its
// revision where nothing more was asked for, all its members but further
// references where it was named as a whole. The in-line form always shows all.
func (t *Target) projectTarget(chosen *selector) *projection {
	switch {
	case chosen == nil && t.inline:
		chosen = &selector{all: true}
	case chosen == nil && t.key != "":
		chosen = &selector{members: map[string]*selector{t.idField(): {all: true}}}
	case chosen == nil:
		chosen = &selector{}
	}
	return t.binding.projectReferenced(t.typ, chosen)
}

// couldHold reports whether an entry with that name could be a member.
func (t *Target) couldHold(dn directory.DN) bool {
	if t.sub.Flatten {
		return dn.IsBelow(t.dn)
	}
	return dn.Depth() == t.dn.Depth()+1 && dn.IsBelow(t.dn)
}

// scope is how far below the collection its members stand.
func (t *Target) scope() directory.Scope {
	if t.sub.Flatten {
		return directory.ScopeSubtree
	}
	return directory.ScopeOneLevel
}

// fetch reads the members with those names, in batches.
func (t *Target) fetch(ctx context.Context, find Finder, names []directory.DN, attributes []string) ([]*directory.Entry, error) {
	var all []*directory.Entry
	for batch := range slices.Chunk(names, referenceBatch) {
		list, err := find(ctx, t.batchSearch(batch, attributes))
		if err != nil && !isUnseen(err) {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// isUnseen tells the errors of a search by which a directory says that the caller does not
// see what is there: nobody else's resources fail for that.
func isUnseen(err error) bool {
	return errors.Is(err, fault.NotFound) || errors.Is(err, fault.Forbidden)
}

// batchSearch finds entries by their names: a base search for one, otherwise a
// search for their RDNs, which servers have indexes for.
func (t *Target) batchSearch(names []directory.DN, attributes []string) *directory.SearchRequest {
	if len(names) == 1 {
		return &directory.SearchRequest{Base: names[0], Scope: directory.ScopeBase, Filter: searchable(t.sub.Filter), Attributes: attributes, SizeLimit: 1}
	}
	named := make([]directory.Filter, len(names))
	for i, name := range names {
		named[i] = rdnFilter(name)
	}
	return &directory.SearchRequest{Base: t.dn, Scope: t.scope(), Filter: both(t.sub.Filter, directory.Or(named...)), Attributes: attributes}
}

// rdnFilter selects the entries that have the attribute values of a name's RDN.
func rdnFilter(name directory.DN) directory.Filter {
	var avas []directory.Filter
	for _, ava := range name.RDN() {
		avas = append(avas, directory.Equal(ava.Type, ava.Value))
	}
	return allOf(avas)
}

// both joins two filters, leaving out one that restricts nothing.
func both(a, b directory.Filter) directory.Filter {
	switch {
	case a.IsTrue():
		return b
	case b.IsTrue():
		return a
	}
	return directory.And(a, b)
}

// searchable replaces absolute true, which not every server knows.
func searchable(f directory.Filter) directory.Filter {
	if f.IsTrue() {
		return directory.Present("objectClass")
	}
	return f
}

// reference appends the value of a reference property. A target that was not
// found is shown by the id that its DN spells, where the DN alone tells it:
// a reference never vanishes from a resource because its target did. One that
// lies outside the collection is not a member of it and is left out.
func (w *resourceWriter) reference(dst []byte, v *view) []byte {
	r := w.resolved[v.Property]
	if r == nil {
		return dst
	}
	names := w.entry.Values(v.attribute)
	if v.Kind == ReverseKind {
		names = r.referrersOf(w.entry)
	}
	if len(names) == 0 {
		return dst
	}
	if !v.MultiValued {
		return r.append(dst, v.shown(w.entry.DN, names), w.showAbsent)
	}
	mark := len(dst)
	dst = append(dst, '[')
	start := len(dst)
	for _, name := range names {
		before := len(dst)
		if dst = r.append(dst, name, w.showAbsent); len(dst) > before {
			dst = append(dst, ',')
		}
	}
	if len(dst) == start {
		return dst[:mark]
	}
	dst[len(dst)-1] = ']'
	return dst
}

func (r *resolution) append(dst []byte, name string, showAbsent bool) []byte {
	dn, err := r.target.binding.parseDN(name)
	if err != nil {
		return dst
	}
	if entry := r.entries[dn.Key()]; entry != nil {
		typ := r.target.typ.of(entry)
		w := resourceWriter{target: r.target, entry: entry, typ: typ, auxiliaries: typ.auxiliariesOf(entry), resolved: r.nested, showAbsent: showAbsent, implied: !r.target.inline}
		if r.target.plain && len(typ.properties) > 0 {
			return w.simple(dst, &view{boundProperty: typ.properties[0]})
		}
		return w.resource(dst, r.projection.views[typ])
	}
	id, ok := r.target.spelledID(dn)
	if !ok {
		return dst
	}
	if r.target.plain {
		return appendString(dst, id)
	}
	dst = append(dst, '{')
	dst = append(appendString(dst, r.target.idField()), ':')
	return append(appendString(dst, id), '}')
}

// spelledID returns the id that a member's DN spells, when the DN alone makes it one.
func (t *Target) spelledID(dn directory.DN) (string, bool) {
	rdn := dn.RDN()
	if !t.couldHold(dn) || !t.sub.Filter.IsTrue() || len(rdn) != 1 || !strings.EqualFold(rdn[0].Type, t.keyAttribute()) {
		return "", false
	}
	return rdn[0].Value, true
}

// idField returns the name of the member that identifies a resource.
func (t *Target) idField() string {
	if !t.inline && !t.typ.hasID && t.key == "" {
		return idName
	}
	return t.typ.nameOf(t.keyAttribute())
}

// nameOf returns the name of the top-level property over an attribute, idName when
// there is none.
func (t *boundType) nameOf(attribute string) string {
	for _, p := range t.properties {
		if p.Kind == Simple && strings.EqualFold(p.attribute, attribute) {
			return p.Name
		}
	}
	return idName
}
