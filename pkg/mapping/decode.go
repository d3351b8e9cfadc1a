package mapping

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// invalid is a fault at a place of the body.
func invalid(at query.Pointer, kind, format string, args ...any) *fault.Error {
	pointer := at.String()
	place := pointer
	if place == "" {
		place = "the resource"
	}
	e := fault.New(fault.Invalid, "%s: "+format, append([]any{place}, args...)...)
	return e.Named(kind).At(pointer)
}

// body is a resource that a client sent, taken apart into the values of its leaf
// properties. A member that is null or [] supplies nothing.
type body struct {
	typ *boundType
	// auxiliaries are the types that the resource is to be of beside typ.
	auxiliaries []*boundType
	supplied    map[*boundProperty]any
}

// takeApart checks the members of a body against a type.
func takeApart(typ *boundType, object *Object) (*body, error) {
	b := &body{typ: typ, supplied: make(map[*boundProperty]any)}
	return b, b.members(query.Pointer{}, typ, typ.properties, object)
}

func (b *body) members(at query.Pointer, typ *boundType, properties []*boundProperty, object *Object) error {
	for _, member := range object.Members {
		place := at.Child(member.Name)
		p := find(properties, member.Name)
		if p == nil {
			if len(at) == 0 && typ.knowsAbsent(member.Name) {
				continue
			}
			return invalid(place, "unknownField", "the resource type %q has no such field", typ.Name)
		}
		if p.isLeftOut(member.Value) {
			continue
		}
		if p.Kind != ObjectKind {
			b.supplied[p] = member.Value
			continue
		}
		inner, ok := member.Value.(*Object)
		if !ok {
			return invalid(place, "wrongType", "an object is expected, not %s", typeOf(member.Value))
		}
		if err := b.members(place, typ, p.properties, inner); err != nil {
			return err
		}
	}
	return nil
}

// knowsAbsent reports whether a member that no bound property has is one that every
// resource shows: the id and the revision of a mapping without properties for them.
func (t *boundType) knowsAbsent(name string) bool {
	return name == idName && !t.hasID || name == revisionName && !t.hasRevision
}

// isLeftOut tells the two ways of a client to say "no value": null, and [] where that is no
// value itself, as it is one of JSON, and one that differs from a constant or an object.
func (p *boundProperty) isLeftOut(value any) bool {
	list, isList := value.([]any)
	switch {
	case value == nil:
		return true
	case !isList || len(list) > 0 || p.Kind == ObjectKind || p.Kind == Constant || p.Kind == TypeName:
		return false
	}
	return p.MultiValued || p.valueType != JSON
}

// values returns the attribute values that a supplied JSON value stands for, each once.
func (p *boundProperty) values(value any, at query.Pointer) ([]string, error) {
	return p.valuesBeside(value, at, nil)
}

// valuesBeside is values for an attribute that has values: what is sent as it was read
// stands for the value that was read, whatever that is.
func (p *boundProperty) valuesBeside(value any, at query.Pointer, stored []string) ([]string, error) {
	items, err := p.items(value, at)
	if err != nil {
		return nil, err
	}
	read := p.asRead(stored)
	var values distinct
	for i, item := range items {
		if len(read) > 0 {
			if v, ok := read[string(AppendJSON(nil, item))]; ok {
				values.add(v)
				continue
			}
		}
		if _, isText := item.(string); !isText && p.valueType.IsText() && !p.rendersText {
			return nil, invalid(p.itemPlace(at, i), "wrongType", "a string is expected, not %s", p.describe(item))
		}
		v, err := p.attributeValue(item)
		switch {
		case err != nil:
			return nil, invalid(p.itemPlace(at, i), "wrongType", "%s", err)
		case v == "" && IsCredential(p.Attribute):
			return nil, invalid(p.itemPlace(at, i), "emptyPassword", "a password is not empty")
		case p.valueType == FileTime && standsForNever(v):
			return nil, invalid(p.itemPlace(at, i), "wrongType", "a time after 1601-01-01T00:00:00Z is expected, which stands for no time; leave the field out to say that")
		case p.valueType.IsText() && hasNUL(v):
			return nil, invalid(p.itemPlace(at, i), "wrongType", "text without the character U+0000 is expected, which other programs take for the end of a text")
		}
		values.add(v)
	}
	if p.valueType == JSON {
		return asStored(values.list, nil), nil
	}
	return values.list, nil
}

// asRead returns the stored values by what a read shows for them, where that does not tell
// them anyhow.
func (p *boundProperty) asRead(stored []string) map[string]string {
	var read map[string]string
	for _, value := range stored {
		if p.valueType.IsText() && utf8.ValidString(value) && !hasNUL(value) && p.valueType.refuses(value) == "" {
			continue
		}
		if read == nil {
			read = make(map[string]string, len(stored))
		}
		read[string(p.appendValue(nil, value))] = value
	}
	return read
}

func hasNUL(text string) bool { return strings.IndexByte(text, 0) >= 0 }

// items returns the array of a multi-valued property, or the one value of another.
func (p *boundProperty) items(value any, at query.Pointer) ([]any, error) {
	list, isList := value.([]any)
	switch {
	case value == nil:
		return nil, nil
	case p.MultiValued && !isList:
		return nil, invalid(at, "wrongType", "an array is expected, not %s", typeOf(value))
	case !p.MultiValued && isList && p.valueType != JSON:
		return nil, invalid(at, "wrongType", "a single value is expected, not an array")
	case p.MultiValued:
		return list, nil
	}
	return []any{value}, nil
}

func (p *boundProperty) itemPlace(at query.Pointer, i int) query.Pointer {
	if !p.MultiValued {
		return at
	}
	return at.Child(strconv.Itoa(i))
}

// defaults returns the values that stand in for a property that is left out.
func (p *boundProperty) defaults() ([]string, error) {
	if p.Default == nil {
		return nil, nil
	}
	return p.values(p.Default, p.Pointer)
}

// sameConstant reports whether a supplied value repeats a constant.
func sameConstant(constant jsontext.Value, supplied any) bool {
	given := jsontext.Value(AppendJSON(nil, supplied))
	want := constant.Clone()
	return given.Canonicalize() == nil && want.Canonicalize() == nil && bytes.Equal(given, want)
}

// has reports whether the resource is to have a property: one of the type itself, or of an
// auxiliary type that it is to be of.
func (b *body) has(p *boundProperty) bool {
	return p.isIn(b.auxiliaries)
}

// isForeign refuses a property that the resource does not have, for it is not of the auxiliary type.
func (p *boundProperty) isForeign(typ *boundType) error {
	return invalid(p.Pointer, "unknownField", "only resources that are of type %q too have the field; name it beside %q in %s",
		p.mixins[0].Name, typ.Name, typ.typeProperty().Pointer)
}

// checkFixed refuses a supplied value that differs from what the resource has by
// its nature: its type, and the constants of the mapping. It notes the auxiliary types that
// the body names.
func (b *body) checkFixed() error {
	var failure error
	walk(b.typ.properties, func(p *boundProperty) {
		value, supplied := b.supplied[p]
		if failure != nil || !supplied {
			return
		}
		switch p.Kind {
		case Constant:
			if !sameConstant(p.Value, value) {
				failure = invalid(p.Pointer, "constant", "the value is fixed by the mapping; leave it out, or send it as it is read")
			}
		case TypeName:
			names, ok := namedTypes(value)
			if _, isText := value.(string); !isText && len(b.typ.auxiliaries) == 0 {
				failure = invalid(p.Pointer, "wrongType", "a string is expected, not %s", typeOf(value))
				return
			}
			if !ok || !strings.EqualFold(names[0], b.typ.Name) {
				failure = invalid(p.Pointer, "resourceType", "the resource is of type %q, and the type of a resource cannot change", b.typ.Name)
				return
			}
			if chosen, err := b.typ.chosenAuxiliaries(names, p.Pointer); err != nil {
				failure = err
			} else if _, isList := value.([]any); isList {
				b.auxiliaries = chosen
			}
		case Simple, ObjectKind, ReferenceKind, ReverseKind:
		}
	})
	return failure
}

// wanted is what a body says of one attribute.
type wanted struct {
	attribute string
	values    []string
	// supplied tells that a property over the attribute was in the body.
	supplied bool
	property *boundProperty
}

// wantedList keeps wanted values in the order of the properties.
type wantedList []*wanted

func (l *wantedList) of(attribute string) *wanted {
	for _, w := range *l {
		if strings.EqualFold(w.attribute, attribute) {
			return w
		}
	}
	return nil
}

// add notes the values of a property. Two properties over one attribute that were
// both supplied have to agree; one that was left out has no opinion.
func (l *wantedList) add(p *boundProperty, values []string, supplied bool) error {
	w := l.of(p.attribute)
	switch {
	case w == nil:
		*l = append(*l, &wanted{attribute: p.attribute, values: values, supplied: supplied, property: p})
	case supplied && !w.supplied:
		w.values, w.supplied, w.property = values, true, p
	case supplied && !sameSet(w.values, values):
		return invalid(p.Pointer, "conflict",
			"the field and %s stand for the same attribute and have different values; send one of them, or the same value in both", w.property.Pointer)
	case !w.supplied && len(w.values) == 0:
		w.values, w.property = values, p
	}
	return nil
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	set := setOf(a)
	for _, v := range b {
		if !set[v] {
			return false
		}
	}
	return true
}

// checkRequired refuses a resource that leaves out what it must have.
func (b *body) checkRequired(list wantedList) error {
	var failure error
	walk(b.typ.properties, func(p *boundProperty) {
		if failure != nil || !p.Required || !b.has(p) || p.Kind != Simple && p.Kind != ReferenceKind || p.writability == ReadOnly || p.writability == ReadOnlyDiscard {
			return
		}
		if w := list.of(p.attribute); w == nil || len(w.values) == 0 {
			failure = invalid(p.Pointer, "missingField", "the field is required")
		}
	})
	return failure
}
