package mapping

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// bindAuxiliaries adds the properties of the auxiliary types that a type allows.
func (b *Binding) bindAuxiliaries(t *boundType) {
	for _, auxiliary := range t.Auxiliaries {
		bound := b.bindType(auxiliary)
		t.auxiliaries = append(t.auxiliaries, bound)
		for _, p := range b.bindProperties(t.Mixin(auxiliary)) {
			if known := find(t.properties, p.Name); known == nil {
				t.properties = append(t.properties, p)
			} else if p = known; len(p.mixins) == 0 {
				continue // The type has it anyhow.
			}
			p.belongTo(bound)
		}
	}
}

// belongTo notes an auxiliary type that has the property and all inside it.
func (p *boundProperty) belongTo(auxiliary *boundType) {
	p.mixins = append(p.mixins, auxiliary)
	for _, inner := range p.properties {
		inner.belongTo(auxiliary)
	}
}

// isIn reports whether a resource that is of these auxiliary types has the property.
func (p *boundProperty) isIn(auxiliaries []*boundType) bool {
	return len(p.mixins) == 0 || slices.ContainsFunc(p.mixins, func(a *boundType) bool { return slices.Contains(auxiliaries, a) })
}

// entriesIn selects the entries of those auxiliary types that have the property.
func (p *boundProperty) entriesIn() directory.Filter {
	of := make([]directory.Filter, len(p.mixins))
	for i, auxiliary := range p.mixins {
		of[i] = auxiliary.hasClasses()
	}
	return anyOf(of)
}

// auxiliariesOf returns the auxiliary types that an entry of the type is of.
func (t *boundType) auxiliariesOf(entry *directory.Entry) []*boundType {
	if len(t.auxiliaries) == 0 {
		return nil
	}
	classes := entry.Values("objectClass")
	return slices.DeleteFunc(slices.Clone(t.auxiliaries), func(a *boundType) bool { return !hasAll(classes, a.ObjectClasses) })
}

// appendTypes appends the value of the property that shows the type: a name, and an array
// of names where the type allows auxiliary types, its own name first.
func (t *boundType) appendTypes(dst []byte, auxiliaries []*boundType) []byte {
	if len(t.auxiliaries) == 0 {
		return appendString(dst, t.Name)
	}
	dst = appendString(append(dst, '['), t.Name)
	for _, a := range auxiliaries {
		dst = appendString(append(dst, ','), a.Name)
	}
	return append(dst, ']')
}

// namedTypes reads what a client says of the type of a resource, as a name or an array of
// names. It is false for anything else.
func namedTypes(value any) (names []string, ok bool) {
	if name, isText := value.(string); isText {
		return []string{name}, true
	}
	list, isList := value.([]any)
	for _, item := range list {
		name, isText := item.(string)
		if !isText {
			return nil, false
		}
		names = append(names, name)
	}
	return names, isList && len(names) > 0
}

// auxiliary returns the auxiliary type of that name, nil when the type does not allow it.
func (t *boundType) auxiliary(name string) *boundType {
	for _, a := range t.auxiliaries {
		if strings.EqualFold(a.Name, name) {
			return a
		}
	}
	return nil
}

// chosenAuxiliaries returns the auxiliary types among names, of which the others have to be
// the type itself.
func (t *boundType) chosenAuxiliaries(names []string, at query.Pointer) ([]*boundType, error) {
	var chosen []*boundType
	for _, name := range names {
		a := t.auxiliary(name)
		switch {
		case a == nil && strings.EqualFold(name, t.Name):
		case a == nil && len(t.auxiliaries) == 0:
			return nil, invalid(at, "resourceType", "the resource is of type %q, and the type of a resource cannot change", t.Name)
		case a == nil:
			return nil, invalid(at, "resourceType", "%s is no auxiliary type of %q; it allows: %s", describe(name), t.Name, strings.Join(t.auxiliaryNames(), ", "))
		case !slices.Contains(chosen, a):
			chosen = append(chosen, a)
		}
	}
	return chosen, nil
}

func (t *boundType) auxiliaryNames() []string {
	names := make([]string, len(t.auxiliaries))
	for i, a := range t.auxiliaries {
		names[i] = a.Name
	}
	return names
}

// classChanges plans the change of the object classes between two sets of auxiliary types.
// What an entry has beyond them stays.
func (t *boundType) classChanges(before, after []*boundType) []directory.Change {
	classes := func(auxiliaries []*boundType) []string {
		all := t.ObjectClasses
		for _, a := range auxiliaries {
			all = joinFold(all, a.ObjectClasses)
		}
		return all
	}
	without := func(list, others []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(class string) bool { return containsFold(others, class) })
	}
	had, wanted := classes(before), classes(after)
	var changes []directory.Change
	if removed := without(had, wanted); len(removed) > 0 {
		changes = append(changes, directory.Change{Op: directory.ChangeDelete, Attribute: "objectClass", Values: removed})
	}
	if added := without(wanted, had); len(added) > 0 {
		changes = append(changes, directory.Change{Op: directory.ChangeAdd, Attribute: "objectClass", Values: added})
	}
	return changes
}

// patchTypes plans an operation on the property that shows the type: auxiliary types are
// added and removed, and what is removed takes its fields with it.
func (p *patcher) patchTypes(at query.Pointer, op PatchOp) error {
	fixed := invalid(at, "readOnly", "the field is fixed and cannot be changed")
	value := op.Value
	if toEnd := len(op.Field) == 1 && op.Field[0] == "-" && op.Verb == PatchAdd; toEnd {
		value = []any{value}
	} else if len(op.Field) > 0 {
		return fixed
	}
	names, ok := namedTypes(value)
	if len(p.typ.auxiliaries) == 0 || !ok || op.Verb == PatchIncrement {
		return fixed
	}
	chosen, err := p.typ.chosenAuxiliaries(names, at)
	if err != nil {
		return err
	}
	var after []*boundType
	switch {
	case op.Verb == PatchAdd:
		after = p.auxiliaries
	case op.Verb == PatchReplace && !strings.EqualFold(names[0], p.typ.Name):
		return invalid(at, "resourceType", "the type of the resource, %q, has to come first", p.typ.Name)
	case op.Verb == PatchRemove:
		after = slices.DeleteFunc(slices.Clone(p.auxiliaries), func(a *boundType) bool { return slices.Contains(chosen, a) })
		if chosen = nil; slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, p.typ.Name) }) {
			return fixed
		}
	}
	for _, a := range chosen {
		if !slices.Contains(after, a) {
			after = append(slices.Clip(after), a)
		}
	}
	p.changes = append(p.changes, p.typ.classChanges(p.auxiliaries, after)...)
	walk(p.typ.properties, func(property *boundProperty) {
		if property.attribute != "" && property.writability == ReadWrite && property.isIn(p.auxiliaries) && !property.isIn(after) {
			p.changes = append(p.changes, directory.Change{Op: directory.ChangeReplace, Attribute: property.attribute})
		}
	})
	p.auxiliaries = after
	return nil
}

// isMixedIn reports whether some type of the family has the field from an auxiliary type alone.
func (t *boundType) isMixedIn(name string) bool {
	mixed := false
	t.family(func(member *boundType) {
		p := find(member.properties, name)
		mixed = mixed || p != nil && len(p.mixins) > 0
	})
	return mixed
}

// needRequired adds what the auxiliary types of a type require, where the field of that name shows
// which of them a resource is of.
func (p *projection) needRequired(t *boundType, name string) {
	shown := find(t.properties, name)
	if len(t.auxiliaries) == 0 || shown == nil || !showsType(shown.Property) {
		return
	}
	walk(t.properties, func(property *boundProperty) {
		if len(property.mixins) > 0 && property.Required && !property.WriteOnly {
			p.need(property.attribute)
		}
	})
}

// noteForeign notes a property that the entry does not have as the operations so far leave it.
func (p *patcher) noteForeign(property *boundProperty) {
	if !property.isIn(p.auxiliaries) {
		p.foreign = append(p.foreign, property)
	}
}

// checkAuxiliaries refuses changes of fields that the resource neither had nor has, and an
// auxiliary type without what it requires.
func (p *patcher) checkAuxiliaries() error {
	for _, property := range p.foreign {
		if !property.isIn(p.auxiliaries) {
			return property.isForeign(p.typ)
		}
	}
	if len(p.auxiliaries) == 0 {
		return nil
	}
	before := p.typ.auxiliariesOf(p.entry)
	progress := p.target.Progress(p.entry)
	for _, change := range p.changes {
		progress.Apply(change)
	}
	var failure error
	walk(p.typ.properties, func(property *boundProperty) {
		added := property.isIn(p.auxiliaries) && !property.isIn(before)
		if failure == nil && added && property.Required && !property.WriteOnly && property.attribute != "" && progress.of(property.attribute).isEmpty() {
			failure = invalid(property.Pointer, "missingField", "the field is required")
		}
	})
	return failure
}
