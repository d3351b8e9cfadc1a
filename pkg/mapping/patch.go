package mapping

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// PatchAttributes returns what Patch has to know of the stored entry; none where it need not
// know the entry. It has to know the type where some field of the operations means different
// things in the types of the family, or is one of an auxiliary type, what an auxiliary type
// requires where one may be added, and the values where values of JSON are removed, or added to
// others: whoever sends one may write it otherwise.
func (t *Target) PatchAttributes(ops []PatchOp) []string {
	p := &projection{}
	for _, op := range ops {
		for _, name := range topNames(op) {
			if t.typ.isAmbiguous(name) || t.typ.isMixedIn(name) {
				p.need("objectClass")
			}
			t.typ.family(func(member *boundType) { p.needRequired(member, name) })
			if op.Value != nil {
				t.typ.family(func(member *boundType) { p.needJSON(find(member.properties, name), op.Verb) })
			}
		}
	}
	if len(p.attributes) > 0 {
		p.need("objectClass")
	}
	return p.attributes
}

// needJSON adds the attributes of a property, or those inside it, whose JSON values an
// operation compares with its own.
func (p *projection) needJSON(property *boundProperty, verb PatchVerb) {
	if property == nil {
		return
	}
	walk([]*boundProperty{property}, func(inner *boundProperty) {
		if inner.valueType == JSON && inner.comparesJSON(verb) {
			p.need(inner.attribute)
		}
	})
}

// comparesJSON tells the operations whose values may be among the stored ones.
func (p *boundProperty) comparesJSON(verb PatchVerb) bool {
	return verb == PatchRemove || verb == PatchAdd && p.MultiValued
}

// topNames returns the top-level fields that an operation touches.
func topNames(op PatchOp) []string {
	if len(op.Field) > 0 {
		return op.Field[:1]
	}
	var names []string
	if object, ok := op.Value.(*Object); ok {
		for _, member := range object.Members {
			names = append(names, member.Name)
		}
	}
	return names
}

func (t *boundType) isAmbiguous(name string) bool {
	var first *Property
	ambiguous, started := false, false
	t.family(func(member *boundType) {
		var here *Property
		if p := find(member.properties, name); p != nil {
			here = p.Property
		}
		if !started {
			first, started = here, true
		}
		ambiguous = ambiguous || here != first || here != nil && len(member.auxiliaries) > 0 && showsType(here)
	})
	return ambiguous
}

// showsType reports whether a property shows the type, or one inside it does.
func showsType(p *Property) bool {
	return p.Kind == TypeName || slices.ContainsFunc(p.Properties, showsType)
}

// Patch plans the changes of the operations, in order; the directory applies all
// of them or none. The entry may be nil where there are no PatchAttributes.
func (t *Target) Patch(ctx context.Context, entry *directory.Entry, ops []PatchOp, find Finder) ([]directory.Change, error) {
	typ := t.typ
	if entry != nil {
		typ = t.typ.of(entry)
	}
	p := patcher{target: t, typ: typ, entry: entry, find: find}
	if entry != nil {
		p.auxiliaries = typ.auxiliariesOf(entry)
	}
	for _, op := range ops {
		if err := p.apply(ctx, typ.properties, query.Pointer{}, op); err != nil {
			return nil, err
		}
	}
	return p.changes, p.checkAuxiliaries()
}

// patcher collects the changes of patch operations.
type patcher struct {
	target *Target
	typ    *boundType
	// entry may be nil.
	entry *directory.Entry
	// auxiliaries are those of the entry, as the operations so far leave them.
	auxiliaries []*boundType
	find        Finder
	changes     []directory.Change
	// foreign are the properties that were changed while the entry was of another type.
	foreign []*boundProperty
}

// apply descends to the property of an operation. at is the path so far; op.Field
// is what remains.
func (p *patcher) apply(ctx context.Context, properties []*boundProperty, at query.Pointer, op PatchOp) error {
	if len(op.Field) == 0 {
		return p.applyMembers(ctx, properties, at, op)
	}
	name, rest := op.Field[0], op.Field[1:]
	place := at.Child(name)
	property := find(properties, name)
	if property == nil {
		return invalid(place, "unknownField", "the resource type %q has no such field", p.typ.Name)
	}
	p.noteForeign(property)
	op.Field = rest
	switch property.Kind {
	case ObjectKind:
		return p.apply(ctx, property.properties, place, op)
	case TypeName:
		return p.patchTypes(place, op)
	case Constant, ReverseKind:
		return invalid(place, "readOnly", "the field is fixed and cannot be changed")
	case Simple, ReferenceKind:
	}
	return p.applyLeaf(ctx, property, place, op)
}

// applyMembers applies an operation on an object, or the whole resource, to the
// members that its value names.
func (p *patcher) applyMembers(ctx context.Context, properties []*boundProperty, at query.Pointer, op PatchOp) error {
	if op.Verb == PatchRemove && op.Value == nil && len(at) > 0 {
		for _, property := range properties {
			if err := p.apply(ctx, properties, at, PatchOp{Verb: PatchRemove, Field: query.Pointer{property.Name}}); err != nil {
				return err
			}
		}
		return nil
	}
	if op.Verb == PatchIncrement {
		return invalid(at, "wrongType", "an object is not incremented; name the field of a number")
	}
	object, ok := op.Value.(*Object)
	if !ok {
		return invalid(at, "wrongType", "an object with the members to change is expected, not %s", typeOf(op.Value))
	}
	for _, member := range object.Members {
		inner := PatchOp{Verb: op.Verb, Field: query.Pointer{member.Name}, Value: member.Value, HasValue: true}
		if member.Value == nil && op.Verb == PatchReplace {
			inner.Verb = PatchRemove
		}
		if err := p.apply(ctx, properties, at, inner); err != nil {
			return err
		}
	}
	return nil
}

func (p *patcher) applyLeaf(ctx context.Context, property *boundProperty, at query.Pointer, op PatchOp) error {
	if property.valueType == JSON && len(op.Field) > 0 && (len(op.Field) > 1 || op.Field[0] != "-" && !isIndex(op.Field[0]) || !property.MultiValued) {
		place := slices.Concat(at, op.Field)
		return fault.New(fault.Unsupported, "%s: a JSON value is changed as a whole", place).Named("insideJSON").At(place.String())
	}
	toEnd, err := position(at, op.Field)
	if err != nil {
		return err
	}
	switch property.writability {
	case ReadWrite:
	case CreateOnlyDiscard, ReadOnlyDiscard:
		return nil
	case CreateOnly, ReadOnly:
		return invalid(at, "readOnly", "the field cannot be changed")
	}
	if toEnd && (!property.MultiValued || op.Verb != PatchAdd) {
		return invalid(at, "wrongPosition", `"-" stands for a new value at the end of a multi-valued field, and goes with "add"`)
	}
	if op.Verb == PatchIncrement {
		return p.increment(property, at, op)
	}
	if op.Value == nil && op.Verb != PatchRemove {
		return invalid(at, "missingValue", "a value is expected")
	}
	values, err := p.leafValues(ctx, property, at, op, toEnd)
	if err != nil {
		return err
	}
	if op.Verb == PatchRemove && op.Value != nil && len(values) == 0 {
		return nil // to remove no values is not to remove them all
	}
	return p.change(property, at, op.Verb, values)
}

// position reads what stands behind a property in a path: nothing, or "-" for the
// end of a multi-valued one.
func position(at query.Pointer, rest query.Pointer) (toEnd bool, err error) {
	switch {
	case len(rest) == 0:
		return false, nil
	case len(rest) == 1 && rest[0] == "-":
		return true, nil
	case len(rest) == 1 && isIndex(rest[0]):
		return false, fault.New(fault.Unsupported, "%s: values have no order in a directory, so that a position cannot be addressed; use the values themselves",
			at.Child(rest[0])).Named("valuePosition").At(at.Child(rest[0]).String())
	}
	return false, invalid(append(at[:len(at):len(at)], rest...), "unknownField", "%s has no members", at)
}

// isIndex tells a position in a list, however far.
func isIndex(token string) bool { return token != "" && strings.Trim(token, "0123456789") == "" }

func (p *patcher) increment(property *boundProperty, at query.Pointer, op PatchOp) error {
	number, ok := op.Value.(query.Number)
	text := integerText(string(number))
	if !ok || !isInteger(text) {
		return invalid(at, "wrongType", "a whole number is expected, not %s", property.describe(op.Value))
	}
	if property.Kind != Simple || property.valueType != Integer && property.schema != nil {
		return invalid(at, "wrongType", "the field is not a number and cannot be incremented")
	}
	p.changes = append(p.changes, directory.Change{Op: directory.ChangeIncrement, Attribute: property.attribute, Values: []string{text}})
	return nil
}

// leafValues returns the attribute values of an operation; none for the removal of
// the whole property.
func (p *patcher) leafValues(ctx context.Context, property *boundProperty, at query.Pointer, op PatchOp, toEnd bool) ([]string, error) {
	value := op.Value
	if toEnd {
		if _, isList := value.([]any); isList && property.valueType != JSON {
			return nil, invalid(at, "wrongType", "a single value is expected, not an array")
		}
		value = []any{value}
	}
	switch {
	case property.Kind != ReferenceKind:
		values, err := property.values(value, at)
		if property.valueType == JSON && property.comparesJSON(op.Verb) && p.entry != nil {
			values = asStored(values, p.entry.Values(property.attribute))
		}
		return values, err
	case op.Verb == PatchRemove:
		return p.target.namesToRemove(ctx, p.find, property, value, at)
	}
	return p.target.referenceValues(ctx, p.find, property, value, at, nil)
}

// asStored returns JSON texts, each once, in the words of the stored ones that say the same.
func asStored(values, stored []string) []string {
	known := make(map[string]string, len(stored))
	for _, value := range stored {
		known[jsonForm(value)] = value
	}
	var all distinct
	for _, value := range values {
		form := jsonForm(value)
		if _, ok := known[form]; !ok {
			known[form] = value
		}
		all.add(known[form])
	}
	return all.list
}

func (p *patcher) change(property *boundProperty, at query.Pointer, verb PatchVerb, values []string) error {
	change := directory.Change{Attribute: property.attribute, Values: values}
	switch {
	case verb == PatchAdd && len(values) == 0:
		return invalid(at, "missingValue", "at least one value is expected")
	case verb == PatchAdd && property.MultiValued:
		change.Op = directory.ChangeAdd
	case verb == PatchRemove && len(values) > 0:
		change.Op = directory.ChangeDelete
	case len(values) == 0 && property.Required:
		return invalid(at, "missingField", "the field is required and cannot be removed")
	default:
		change.Op = directory.ChangeReplace // with no values it removes, and does not mind an absent attribute
	}
	p.changes = append(p.changes, change)
	return nil
}
