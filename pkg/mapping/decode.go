package mapping

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
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
			return nil, invalid(p.itemPlace(at, i), "wrongType", "a string is expected, not %s", describe(item))
		}
		v, err := p.attributeValue(item)
		switch {
		case err != nil:
			return nil, invalid(p.itemPlace(at, i), "wrongType", "%s", err)
		case p.valueType == FileTime && standsForNever(v):
			return nil, invalid(p.itemPlace(at, i), "wrongType", "a time after 1601-01-01T00:00:00Z is expected, which stands for no time; leave the field out to say that")
		case p.valueType.IsText() && hasNUL(v):
			return nil, invalid(p.itemPlace(at, i), "wrongType", "text without the character U+0000 is expected, which other programs take for the end of a text")
		}
		values.add(v)
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
	return p.auxiliary == nil || slices.Contains(b.auxiliaries, p.auxiliary)
}

// foreign refuses a value for a property that the resource does not have.
func (b *body) foreign(p *boundProperty) error {
	return invalid(p.Pointer, "unknownField", "only resources that are of type %q too have the field; name it beside %q in %s",
		p.auxiliary.Name, b.typ.Name, b.typ.typeProperty().Pointer)
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

// Creation is a plan to make a resource.
type Creation struct {
	// Entry is the entry to add, without its read-back options.
	Entry directory.AddRequest
	// ID is the id of the new resource; "" when the server will choose it.
	ID string
}

// Create plans a new resource below a collection. The id is that of the target or,
// where the target is the collection, the one in the body.
func (t *Target) Create(ctx context.Context, object *Object, find Finder) (*Creation, error) {
	typ, err := t.typeToCreate(object)
	if err != nil {
		return nil, err
	}
	givenID, err := t.givenID(typ, object)
	if err != nil {
		return nil, err
	}
	b, err := takeApart(typ, object)
	if err != nil {
		return nil, err
	}
	if err := b.checkFixed(); err != nil {
		return nil, err
	}
	attributes, err := t.newAttributes(ctx, b, find)
	if err != nil {
		return nil, err
	}
	id, rdn, err := t.nameNew(&attributes, givenID)
	if err == nil {
		err = t.checkNewID(id)
	}
	if err != nil {
		return nil, err
	}
	if err := b.checkRequired(attributes); err != nil {
		return nil, err
	}
	creation := &Creation{ID: id, Entry: directory.AddRequest{DN: t.dn.Child(rdn)}}
	classes := typ.ObjectClasses
	for _, a := range b.auxiliaries {
		classes = joinFold(classes, a.ObjectClasses)
	}
	creation.Entry.Attributes = []directory.Attribute{{Name: "objectClass", Values: classes}}
	for _, w := range attributes {
		if len(w.values) > 0 {
			creation.Entry.Attributes = append(creation.Entry.Attributes, directory.Attribute{Name: w.attribute, Values: w.values})
		}
	}
	return creation, nil
}

// typeToCreate finds the type that a body names. Without sub-types there is
// nothing to choose.
func (t *Target) typeToCreate(object *Object) (*boundType, error) {
	naming := t.typ.typeProperty()
	var allowed []string
	var chosen *boundType
	var name any
	var main string
	if naming != nil {
		name = object.at(naming.Pointer)
	}
	if names, ok := namedTypes(name); ok {
		main = names[0]
	}
	t.typ.family(func(member *boundType) {
		if member.Abstract {
			return
		}
		allowed = append(allowed, member.Name)
		if main != "" && strings.EqualFold(main, member.Name) || name == nil && len(t.typ.subtypes) == 0 {
			chosen = member
		}
	})
	if _, isText := name.(string); chosen != nil && name != nil && !isText && len(chosen.auxiliaries) == 0 {
		chosen, main = nil, "" // An array is for a type beside which there may be others.
	}
	switch {
	case chosen != nil:
		return chosen, nil
	case naming == nil && !t.typ.Abstract:
		return t.typ, nil
	case naming == nil:
		return nil, fault.New(fault.Invalid, "resources of the abstract type %q cannot be created", t.typ.Name).Named("abstractType")
	}
	problem := "the type has to be named"
	switch {
	case main != "":
		problem = describe(main) + " cannot be created here"
	case name != nil:
		problem = describe(name) + " cannot be created here"
	}
	return nil, invalid(naming.Pointer, "resourceType", "%s; send one of: %s", problem, strings.Join(allowed, ", "))
}

// typeProperty returns the property that shows the type, or nil.
func (t *boundType) typeProperty() *boundProperty {
	var found *boundProperty
	walk(t.properties, func(p *boundProperty) {
		if p.Kind == TypeName {
			found = p
		}
	})
	return found
}

// newAttributes collects the attributes of a new entry.
func (t *Target) newAttributes(ctx context.Context, b *body, find Finder) (wantedList, error) {
	var list wantedList
	var failure error
	walk(b.typ.properties, func(p *boundProperty) {
		value, supplied := b.supplied[p]
		if failure != nil || p.Kind == Constant || p.Kind == TypeName || p.writability == ReadOnlyDiscard || !supplied && (p.isDefault || !b.has(p)) {
			return
		}
		if !b.has(p) {
			failure = b.foreign(p)
			return
		}
		if p.writability == ReadOnly {
			if supplied {
				failure = invalid(p.Pointer, "readOnly", "the field is read-only; leave it out")
			}
			return
		}
		var values []string
		switch {
		case !supplied:
			values, failure = p.defaults()
		case p.Kind == ReferenceKind:
			values, failure = t.referenceValues(ctx, find, p, value, p.Pointer, nil)
		default:
			values, failure = p.values(value, p.Pointer)
		}
		if failure == nil {
			failure = list.add(p, values, supplied)
		}
	})
	return list, failure
}

// givenID returns the id that the path gives or, where the mapping has no property
// for it, the body; "" when neither does.
func (t *Target) givenID(typ *boundType, object *Object) (string, error) {
	value, _ := object.Lookup(idName)
	if value == nil || typ.hasID {
		return t.id, nil
	}
	id, ok := value.(string)
	switch {
	case !ok || id == "":
		return "", invalid(query.Pointer{idName}, "wrongType", "a string is expected, not %s", describe(value))
	case t.id != "" && directory.FoldValue(id) != directory.FoldValue(t.id):
		return "", invalid(query.Pointer{idName}, "idMismatch", "the value differs from the id in the path")
	case t.id != "":
		return t.id, nil
	}
	return id, nil
}

// nameNew finds the id and the relative name of a new entry.
func (t *Target) nameNew(list *wantedList, pathID string) (string, directory.RDN, error) {
	naming := t.sub.Naming
	if naming.Strategy == ServerNaming && pathID != "" {
		return "", nil, fault.New(fault.Invalid, "the server chooses the ids of this collection; create the resource without one").Named("serverNaming")
	}
	id, err := t.namingValue(list, naming.IDAttribute, pathID, naming.Strategy != ServerNaming)
	if err != nil || naming.Strategy == ClientDNNaming {
		return id, directory.RDN{{Type: naming.DNAttribute, Value: id}}, err
	}
	rdn, err := t.namingValue(list, naming.DNAttribute, "", true)
	return id, directory.RDN{{Type: naming.DNAttribute, Value: rdn}}, err
}

// checkNewID refuses an id that no path can lead to.
func (t *Target) checkNewID(id string) error {
	switch {
	case t.sub.Naming.Strategy == ServerNaming:
		return nil
	case id == "":
		return t.missingName(t.idAttribute())
	case id == "." || id == "..":
		return invalid(query.Pointer{t.idField()}, "malformedID", "%s stands in no path, so that it is no id", describe(id))
	}
	return nil
}

// namingValue returns the value of a naming attribute, from the path or the body,
// and sees to it that the entry has it.
func (t *Target) namingValue(list *wantedList, attribute, fromPath string, required bool) (string, error) {
	w := list.of(attribute)
	switch {
	case !required:
		return "", nil
	case w == nil || len(w.values) == 0:
		if fromPath == "" {
			return "", t.missingName(attribute)
		}
		*list = append(slices.DeleteFunc(*list, func(x *wanted) bool { return x == w }), &wanted{attribute: attribute, values: []string{fromPath}})
		return fromPath, nil
	case fromPath == "" && len(w.values) == 1:
		return w.values[0], nil
	case fromPath == "":
		return "", invalid(w.property.Pointer, "missingID", "one of these values has to be the id: put the id in the path")
	case !slices.ContainsFunc(w.values, func(v string) bool { return directory.FoldValue(v) == directory.FoldValue(fromPath) }):
		return "", invalid(w.property.Pointer, "idMismatch", "the value differs from the id in the path")
	}
	return fromPath, nil
}

// missingName refuses a resource of which the naming attribute is not known.
func (t *Target) missingName(attribute string) error {
	if !strings.EqualFold(attribute, t.idAttribute()) {
		return invalid(query.Pointer{t.typ.nameOf(attribute)}, "missingField", "the field is required, because it names the entry")
	}
	return fault.New(fault.Invalid, "the new resource needs an id: send the field %q, or put the id in the path", t.idField()).
		Named("missingID").At(query.Pointer{t.idField()}.String())
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
