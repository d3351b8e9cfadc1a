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
	// inline tells the target of an in-line reference, which is no place of its own.
	inline bool
	// located is the name of the instance's entry, where a search has told it.
	located *directory.DN
}

// Locate walks the decoded segments of a path. A path that no sub-resource takes
// is NotFound. What stands below an instance whose id does not tell its name costs a
// search for the instance.
func (b *Binding) Locate(ctx context.Context, path []string, find Finder) (*Target, error) {
	if len(path) == 0 {
		return b.inner(nil)
	}
	var at *Target
	for rest := path; len(rest) > 0; {
		if at != nil {
			if err := at.locate(ctx, find); err != nil {
				return nil, err
			}
		}
		next, remaining, err := b.step(at, rest)
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
	if !slices.ContainsFunc(t.typ.SubResources, (*SubResource).isInner) {
		return nil, nil //nolint:nilnil // There is none.
	}
	if err := t.locate(ctx, find); err != nil {
		return nil, err
	}
	return t.binding.inner(t)
}

func (b *Binding) inner(owner *Target) (*Target, error) {
	typ := b.types[b.model.Root]
	if owner != nil {
		typ = owner.typ
	}
	i := slices.IndexFunc(typ.SubResources, (*SubResource).isInner)
	if i < 0 {
		return nil, notMapped()
	}
	return b.enter(owner, typ.SubResources[i], nil)
}

// isInner tells the collection with an empty path.
func (s *SubResource) isInner() bool { return len(s.Template) == 0 }

// locate finds the entry of an instance whose id does not tell its name.
func (t *Target) locate(ctx context.Context, find Finder) error {
	if t.IsCollection() || t.hasKnownDN() {
		return nil
	}
	entries, err := find(ctx, t.Lookup([]string{"1.1"}))
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
	t.located = &dn
	return nil
}

// AmbiguousID is the error of an id that several entries have.
func AmbiguousID() error {
	return fault.New(fault.Internal, "several entries have this id").Named("ambiguousID")
}

func notMapped() error {
	return fault.New(fault.NotFound, "no resource is mapped at this path").Named("unknownPath")
}

// step takes the sub-resource that the next segments name, and the id of one of
// its instances when there is one.
func (b *Binding) step(owner *Target, rest []string) (*Target, []string, error) {
	typ := b.types[b.model.Root]
	if owner != nil {
		if owner.IsCollection() {
			return nil, nil, notMapped()
		}
		typ = owner.typ
	}
	sub, variables := match(typ.SubResources, rest)
	if sub == nil {
		return nil, nil, notMapped()
	}
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

// match finds the sub-resource whose template the segments begin with; literal
// segments win over variables, and the empty template loses.
func match(subs []*SubResource, segments []string) (*SubResource, map[string]string) {
	var best *SubResource
	var bestVariables map[string]string
	for _, sub := range subs {
		variables, ok := bindTemplate(sub.Template, segments)
		if ok && (best == nil || best.isInner() || !sub.isInner() && len(variables) < len(bestVariables)) {
			best, bestVariables = sub, variables
		}
	}
	return best, bestVariables
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
	target.dn = dn
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
	dn, err := directory.ParseDN(entry.DN)
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
// collection: ".." is the collection itself, each further ".." the level above,
// and a last element names a sub-resource there.
func (t *Target) follow(path []string) (*Target, error) {
	collection := *t
	collection.id = ""
	at := &collection
	climbed := 0
	for _, element := range path {
		if element != ".." {
			continue
		}
		climbed++
		if climbed > 1 && at != nil {
			at = at.owner
		}
	}
	names := slices.DeleteFunc(slices.Clone(path), func(s string) bool { return s == ".." })
	if len(names) == 0 {
		return at, nil
	}
	target, rest, err := t.binding.step(at, names)
	if err != nil || len(rest) > 0 || !target.IsCollection() {
		return nil, fault.New(fault.Internal, "a reference of the mapping leads to no collection")
	}
	return target, nil
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
		Base: t.dn, Scope: t.scope(), Filter: both(t.sub.Filter, directory.Equal(t.idAttribute(), t.id)), Attributes: attributes, SizeLimit: 2,
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
