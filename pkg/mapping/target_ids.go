package mapping

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// referenceValues returns the DNs of the targets that a supplied value names. A
// target that is among the stored DNs already is not looked up again; any other
// has to be there and visible to the caller.
func (t *Target) referenceValues(ctx context.Context, find Finder, p *boundProperty, value any, at query.Pointer, stored []string) ([]string, error) {
	target, err := t.referenceTarget(p)
	if err != nil {
		return nil, err
	}
	items, err := p.items(value, at)
	if err != nil {
		return nil, err
	}
	known := target.storedByID(stored)
	ids := make([]string, len(items))
	var unknown []string
	asked := make(map[string]bool, len(items))
	for i, item := range items {
		if ids[i], err = target.idOfReference(item, p.itemPlace(at, i)); err != nil {
			return nil, err
		}
		key := directory.FoldValue(ids[i])
		if _, ok := known[key]; !ok && !asked[key] {
			unknown = append(unknown, ids[i])
			asked[key] = true
		}
	}
	found, err := target.lookUp(ctx, find, unknown)
	if err != nil {
		return nil, err
	}
	var names distinct
	for i, id := range ids {
		name, ok := known[directory.FoldValue(id)]
		if !ok {
			if name, err = single(found[directory.FoldValue(id)], p.itemPlace(at, i)); err != nil {
				return nil, err
			}
		}
		names.add(name)
	}
	return names.list, nil
}

func single(found []string, at query.Pointer) (string, error) {
	switch len(found) {
	case 0:
		return "", invalid(at, "referenceNotFound", "the referenced resource is not there, or you may not see it")
	case 1:
		return found[0], nil
	}
	return "", invalid(at, "referenceAmbiguous", "several resources have this id")
}

// storedByID maps the folded ids that stored DNs spell to those DNs.
func (t *Target) storedByID(stored []string) map[string]string {
	known := make(map[string]string, len(stored))
	for _, name := range stored {
		dn, err := t.binding.parseDN(name)
		if err != nil || !t.couldHold(dn) {
			continue
		}
		if rdn := dn.RDN(); len(rdn) == 1 && strings.EqualFold(rdn[0].Type, t.keyAttribute()) {
			known[directory.FoldValue(rdn[0].Value)] = name
		}
	}
	return known
}

// idOfReference reads {"_id": …}, or the key alone where the mapping shows it so; the other
// members of a target may be repeated as they were read, and are not written.
func (t *Target) idOfReference(item any, at query.Pointer) (string, error) {
	if t.plain {
		return t.idOf(item, at)
	}
	idField := t.idField()
	object, ok := item.(*Object)
	if !ok {
		return "", invalid(at, "wrongType", "an object with the field %q is expected, not %s", idField, typeOf(item))
	}
	for _, member := range object.Members {
		if !t.typ.knows(member.Name) {
			return "", invalid(at.Child(member.Name), "unknownField", "the referenced resource type has no such field")
		}
	}
	value, _ := object.Lookup(idField)
	return t.idOf(value, at.Child(idField))
}

// idOf reads an id: a string, or a number where it is shown as one.
func (t *Target) idOf(value any, at query.Pointer) (string, error) {
	what := "a string"
	if t.keyShown().valueType == Integer {
		what = "a number"
		if number, ok := value.(query.Number); ok {
			value = integerText(string(number))
		}
	}
	if id, ok := value.(string); ok && id != "" {
		return id, nil
	}
	return "", invalid(at, "missingID", "the id of the referenced resource is expected, %s", what)
}

// knows reports whether any type of the family has a member of that name.
func (t *boundType) knows(name string) bool {
	known := strings.EqualFold(name, idName) || strings.EqualFold(name, revisionName)
	t.family(func(member *boundType) {
		known = known || find(member.properties, name) != nil
	})
	return known
}

// lookUp searches the collection for ids, in batches, and returns the DNs found by
// folded id.
func (t *Target) lookUp(ctx context.Context, find Finder, ids []string) (map[string][]string, error) {
	found := make(map[string][]string, len(ids))
	attribute := t.keyAttribute()
	for batch := range slices.Chunk(ids, referenceBatch) {
		named := make([]directory.Filter, len(batch))
		for i, id := range batch {
			named[i] = t.hasID(id)
		}
		entries, err := find(ctx, &directory.SearchRequest{
			Base: t.dn, Scope: t.scope(), Filter: both(t.sub.Filter, directory.Or(named...)), Attributes: []string{attribute},
		})
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			for _, value := range entry.Values(attribute) {
				key := directory.FoldValue(t.idText(value))
				if t.isNamed(entry, value) && !slices.Contains(found[key], entry.DN) {
					found[key] = append(found[key], entry.DN)
				}
			}
		}
	}
	return found, nil
}

// isNamed reports whether a value of the attribute of ids is the id of its entry: where
// the path of an id leads to the entry of that name, another value is none.
func (t *Target) isNamed(entry *directory.Entry, value string) bool {
	if !t.hasKnownDN() || !t.namedByID() {
		return true
	}
	dn, err := t.binding.parseDN(entry.DN)
	return err == nil && dn.Key() == t.binding.capabilities.Schema.Canonical(t.memberDN(value)).Key()
}

// namedByID reports whether the id of a member is the value of its RDN.
func (t *Target) namedByID() bool {
	return strings.EqualFold(t.sub.Naming.DNAttribute, t.keyAttribute())
}

// namesToRemove returns the DNs that ids stand for, whether or not their targets
// are still there: a reference to an entry that is gone can be removed by the id
// that a read shows. An id of an entry that is not named by it, and cannot be found,
// stands for nothing.
func (t *Target) namesToRemove(ctx context.Context, find Finder, p *boundProperty, value any, at query.Pointer) ([]string, error) {
	target, err := t.referenceTarget(p)
	if err != nil {
		return nil, err
	}
	items, err := p.items(value, at)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(items))
	for i, item := range items {
		if ids[i], err = target.idOfReference(item, p.itemPlace(at, i)); err != nil {
			return nil, err
		}
	}
	var found map[string][]string
	if !target.hasKnownDN() || !target.namedByID() {
		if found, err = target.lookUp(ctx, find, ids); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, id := range ids {
		switch known := found[directory.FoldValue(id)]; {
		case len(known) > 0:
			names = append(names, known[0])
		case target.namedByID():
			names = append(names, target.memberDN(id).String())
		}
	}
	return names, nil
}
