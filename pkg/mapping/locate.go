package mapping

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Target is the place a path leads to: a collection, one instance of it, or a
// singleton, with the names of the entries behind them.
type Target struct {
	binding *Binding
	// owner is the instance or singleton below which the sub-resource stands; nil at the root.
	owner *Target
	sub   *SubResource
	typ   *boundType
	// variables are those of the path so far.
	variables map[string]string
	// dn is the entry of the collection, or of the singleton.
	dn directory.DN
	// id is the id of the instance; "" for a collection or a singleton.
	id       string
	readOnly bool
	// key is the attribute by which a reference identifies its targets, where that is
	// another one than their id.
	key string
	// inline tells the target of an in-line reference, which is no place of its own, and
	// plain that its members stand in JSON as their keys alone.
	inline, plain bool
	// behind is how many references a field has led through to the target.
	behind int
	// located and seen are the name and the type of the instance's entry, where a search
	// has told them.
	located *directory.DN
	seen    *boundType
}

// Locate walks the decoded segments of a path. A path that no sub-resource takes
// is NotFound. What stands below an instance whose id does not tell its name costs a
// search for the instance, and so does what only some of its possible types have.
func (b *Binding) Locate(ctx context.Context, path []string, find Finder) (*Target, error) {
	var at *Target
	for rest := path; at == nil || len(rest) > 0; {
		next, remaining, err := b.step(ctx, at, rest, find)
		if err != nil {
			return nil, err
		}
		at, rest = next, remaining
	}
	return at, nil
}

// Inner returns the collection that stands at the path of the target itself, below an
// empty path; nil when there is none.
func (t *Target) Inner(ctx context.Context, find Finder) (*Target, error) {
	if sub, _, _ := t.binding.below(t, nil); sub == nil {
		return nil, nil //nolint:nilnil // There is none.
	}
	inner, _, err := t.binding.step(ctx, t, nil, find)
	return inner, err
}

// isInner tells the collection with an empty path.
func (s *SubResource) isInner() bool { return len(s.Template) == 0 }

// locate finds the name and the type of an instance by a search for its entry.
func (t *Target) locate(ctx context.Context, find Finder) error {
	attributes := []string{"1.1"}
	if len(t.typ.subtypes) > 0 {
		attributes = []string{"objectClass"}
	}
	entries, err := find(ctx, t.Lookup(attributes))
	switch {
	case err != nil:
		return err
	case len(entries) == 0:
		return fault.New(fault.NotFound, "the resource is not there")
	case len(entries) > 1:
		return AmbiguousID()
	}
	dn, err := directory.ParseDN(entries[0].DN)
	if err != nil {
		return fault.Wrap(fault.BadGateway, err, "the directory returned a name that is none").Named("malformedAnswer")
	}
	t.located, t.seen = &dn, t.typ.of(entries[0])
	return nil
}

// AmbiguousID is the error of an id that several entries have.
func AmbiguousID() error {
	return fault.New(fault.Internal, "several entries have this id, which has to be that of one; the directory's data or the mapping has to be mended").Named("ambiguousID")
}

func notMapped() error {
	return fault.New(fault.NotFound, "no resource is mapped at this path").Named("unknownPath")
}

// step takes the sub-resource that the next segments name below an owner, nil at the
// root, and the id of one of its instances when there is one.
func (b *Binding) step(ctx context.Context, owner *Target, rest []string, find Finder) (*Target, []string, error) {
	sub, variables, certain := b.below(owner, rest)
	if sub == nil {
		return nil, nil, notMapped()
	}
	if owner != nil && (!certain || !owner.hasKnownDN() && owner.located == nil) {
		if err := owner.locate(ctx, find); err != nil {
			return nil, nil, err
		}
		if sub, variables, _ = b.below(owner, rest); sub == nil {
			return nil, nil, notMapped()
		}
	}
	return b.take(owner, sub, variables, rest)
}

// below finds the sub-resource that segments enter below an owner, nil at the root. It
// is not certain where another type that the owner may be of has another one there.
func (b *Binding) below(owner *Target, segments []string) (sub *SubResource, variables map[string]string, certain bool) {
	switch {
	case owner == nil:
		sub, variables = match(b.model.Root.SubResources, segments)
		return sub, variables, true
	case owner.IsCollection():
		return nil, nil, true
	case owner.seen != nil:
		sub, variables = match(owner.seen.SubResources, segments)
		return sub, variables, true
	}
	sub, variables = match(owner.typ.SubResources, segments)
	certain = true
	owner.typ.family(func(member *boundType) {
		other, values := match(member.SubResources, segments)
		if other == nil || other == sub {
			return
		}
		if certain = false; sub == nil {
			sub, variables = other, values
		}
	})
	return sub, variables, certain
}

// take enters a sub-resource, and takes the id of an instance when there is one.
func (b *Binding) take(owner *Target, sub *SubResource, variables map[string]string, rest []string) (*Target, []string, error) {
	target, err := b.enter(owner, sub, variables)
	if err != nil {
		return nil, nil, err
	}
	rest = rest[len(sub.Template):]
	if !sub.Singleton && len(rest) > 0 {
		target.id = rest[0]
		rest = rest[1:]
	}
	return target, rest, nil
}

// match finds the sub-resource whose template the segments begin with.
func match(subs []*SubResource, segments []string) (*SubResource, map[string]string) {
	var best *SubResource
	var bestVariables map[string]string
	for _, sub := range subs {
		variables, ok := bindTemplate(sub.Template, segments)
		if ok && (best == nil || winsOver(sub.Template, best.Template)) {
			best, bestVariables = sub, variables
		}
	}
	return best, bestVariables
}

// winsOver tells which of two templates that the same segments begin with is meant: the
// one that has a literal where the other first has a variable, else the longer one.
func winsOver(a, b []string) bool {
	for i := range min(len(a), len(b)) {
		_, aVaries := templateVariable(a[i])
		if _, bVaries := templateVariable(b[i]); aVaries != bVaries {
			return bVaries
		}
	}
	return len(a) > len(b)
}

func bindTemplate(template, segments []string) (map[string]string, bool) {
	if len(segments) < len(template) {
		return nil, false
	}
	var variables map[string]string
	for i, part := range template {
		name, isVariable := strings.CutPrefix(part, "{")
		switch {
		case isVariable:
			if variables == nil {
				variables = make(map[string]string)
			}
			variables[strings.TrimSuffix(name, "}")] = segments[i]
		case part != segments[i]:
			return nil, false
		}
	}
	return variables, true
}

// enter makes the target of a sub-resource below an owner.
func (b *Binding) enter(owner *Target, sub *SubResource, variables map[string]string) (*Target, error) {
	target := &Target{binding: b, owner: owner, sub: sub, typ: b.types[sub.Type], variables: variables, readOnly: sub.ReadOnly}
	var base directory.DN
	if owner != nil {
		var err error
		if base, err = owner.entryDN(); err != nil {
			return nil, err
		}
		target.readOnly = sub.ReadOnly || owner.readOnly
		target.variables = merged(owner.variables, variables)
	}
	dn, err := sub.DN.Resolve(base, target.variables)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "no entry can have this name").Named("unknownPath")
	}
	target.dn = b.capabilities.Schema.Canonical(dn)
	return target, nil
}

func merged(outer, inner map[string]string) map[string]string {
	if len(outer) == 0 {
		return inner
	}
	all := make(map[string]string, len(outer)+len(inner))
	for _, m := range []map[string]string{outer, inner} {
		for name, value := range m {
			all[name] = value
		}
	}
	return all
}

// IsCollection reports whether the target is a collection rather than one resource.
func (t *Target) IsCollection() bool { return !t.sub.Singleton && t.id == "" }

// IsSingleton reports whether the target is a single resource without siblings.
func (t *Target) IsSingleton() bool { return t.sub.Singleton }

// IsReadOnly reports whether nothing may be changed at or below the target.
func (t *Target) IsReadOnly() bool { return t.readOnly }

// ID returns the id of the instance, "" for a collection or a singleton.
func (t *Target) ID() string { return t.id }

// TypeName returns the name of the declared resource type.
func (t *Target) TypeName() string { return t.typ.Name }

// hasKnownDN reports whether the entry's name follows from the path alone.
func (t *Target) hasKnownDN() bool {
	return t.sub.Singleton || t.sub.Naming.Strategy == ClientDNNaming && !t.sub.Flatten
}

// LeadsTo reports whether the path of the entry's id leads to the entry. It does not where the
// entry has a second value in its name, as one has that a replication conflict has
// renamed: the name that the id spells is another one's.
func (t *Target) LeadsTo(entry *directory.Entry) bool {
	if !t.hasKnownDN() {
		return true
	}
	for i := 0; i < len(entry.DN) && entry.DN[i] != ','; i++ {
		switch entry.DN[i] {
		case '\\':
			i++
		case '+':
			return false
		}
	}
	return true
}

// Encloses reports whether the entry is that of the collection itself. A search of the
// whole subtree returns it, and it is no member of its own.
func (t *Target) Encloses(entry *directory.Entry) bool {
	if !t.sub.Flatten {
		return false
	}
	dn, err := t.binding.parseDN(entry.DN)
	return err == nil && dn.Key() == t.dn.Key()
}

// entryDN returns the name of the target's entry where the path alone tells it.
func (t *Target) entryDN() (directory.DN, error) {
	switch {
	case t.sub.Singleton:
		return t.dn, nil
	case t.hasKnownDN():
		return t.memberDN(t.id), nil
	case t.located != nil:
		return *t.located, nil
	}
	return directory.DN{}, fault.New(fault.Internal, "the name of the entry is not known")
}

// memberDN returns the name of the collection's member with that id.
func (t *Target) memberDN(id string) directory.DN {
	return t.dn.Child(directory.RDN{{Type: t.sub.Naming.DNAttribute, Value: id}})
}

// follow walks a reference path, beginning at an instance of the target's
// collection. Each ".." leaves one element of the instance's path, its id first, as a
// path in a browser does; the other elements lead on from there to a collection.
func (t *Target) follow(path []string) (*Target, error) {
	climbs := 0
	for climbs < len(path) && path[climbs] == ".." {
		climbs++
	}
	if climbs == 1 && len(path) == 1 && !t.sub.Singleton {
		collection := *t
		collection.id = ""
		return &collection, nil
	}
	at, rest, ok := t.climb(climbs)
	rest = append(rest, path[climbs:]...)
	for ok && (len(rest) > 0 || at == nil || !at.IsCollection()) {
		sub, variables, _ := t.binding.below(at, rest)
		if ok = sub != nil; !ok {
			break
		}
		var err error
		if at, rest, err = t.binding.take(at, sub, variables, rest); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, fault.New(fault.Internal, "a reference of the mapping leads to no collection")
	}
	return at, nil
}

// climb leaves elements of the path of an instance: what remains is an owner, nil for the
// root, and the segments below it.
func (t *Target) climb(elements int) (owner *Target, segments []string, ok bool) {
	for segments = t.segments(); elements > len(segments); segments = t.segments() {
		elements -= len(segments)
		if t = t.owner; t == nil {
			return nil, nil, false
		}
	}
	return t.owner, segments[:len(segments)-elements], true
}

// segments returns the path of an instance below its owner. They share nothing with t.
func (t *Target) segments() []string {
	segments := slices.Clone(t.sub.Template)
	for i, segment := range segments {
		if name, isVariable := templateVariable(segment); isVariable {
			segments[i] = t.variables[name]
		}
	}
	if !t.sub.Singleton {
		segments = append(segments, t.id)
	}
	return segments
}

// DN returns the name of the target's entry where the path alone tells it.
func (t *Target) DN() (directory.DN, bool) {
	if t.IsCollection() || !t.hasKnownDN() {
		return directory.DN{}, false
	}
	dn, err := t.entryDN()
	return dn, err == nil
}

// Glue returns the entry of the collection itself, which is made when the first member
// is; nil when the mapping does not want that.
func (t *Target) Glue() *directory.AddRequest {
	if len(t.sub.GlueObjectClasses) == 0 {
		return nil
	}
	req := &directory.AddRequest{DN: t.dn, Attributes: []directory.Attribute{{Name: "objectClass", Values: t.sub.GlueObjectClasses}}}
	for _, ava := range t.dn.RDN() {
		req.Attributes = append(req.Attributes, directory.Attribute{Name: ava.Type, Values: []string{ava.Value}})
	}
	return req
}

// Instance returns the member of the target's collection with that id.
func (t *Target) Instance(id string) *Target {
	instance := *t
	instance.id = id
	return &instance
}

// Lookup returns the search for the target's entry. It finds several entries only
// where an id is not unique.
func (t *Target) Lookup(attributes []string) *directory.SearchRequest {
	if dn, ok := t.DN(); ok {
		return &directory.SearchRequest{Base: dn, Scope: directory.ScopeBase, Filter: t.Members(), Attributes: attributes, SizeLimit: 1}
	}
	return &directory.SearchRequest{
		Base: t.dn, Scope: t.scope(), Filter: both(t.sub.Filter, t.hasID(t.id)), Attributes: attributes, SizeLimit: 2,
	}
}

// Membership returns what makes an entry a member of the target's collection,
// absolute true when every entry below it is one.
func (t *Target) Membership() directory.Filter { return t.sub.Filter }

// Members returns Membership as a filter that every server can evaluate.
func (t *Target) Members() directory.Filter { return searchable(t.sub.Filter) }

// Stub returns the resource of which nothing but the id can be shown.
func (t *Target) Stub() []byte {
	if t.id == "" {
		return []byte("{}")
	}
	return append(appendString([]byte(`{"`+idName+`":`), t.id), '}')
}
