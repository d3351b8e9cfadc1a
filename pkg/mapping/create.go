package mapping

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

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
			failure = p.isForeign(b.typ)
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
