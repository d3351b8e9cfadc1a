package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// defaultRevision is the attribute over which mapping files of the reference
// product show the revision. Where the schema lacks it, properties over it
// follow the revision attribute that the directory has.
const defaultRevision = "etag"

// Binding is a Model joined with the capabilities of a directory: every
// property knows its value type, and which attributes the directory lacks. It is
// immutable and safe for concurrent use.
type Binding struct {
	model        *Model
	capabilities *directory.Capabilities
	types        map[*ResourceType]*boundType
	// defaults are the properties that show attributes under their own names.
	defaults map[defaultKey]*boundProperty
	warnings []string
	// maxTargets is how many targets a filter through a reference may match.
	maxTargets int
	// hidesRevisions leaves out the properties that show the revision.
	hidesRevisions bool
}

// Bind joins the model with capabilities.
func (m *Model) Bind(capabilities *directory.Capabilities) *Binding {
	return m.bind(&Binding{capabilities: capabilities})
}

// BindWithoutRevisions is Bind for resources that have no revision, whatever the directory
// could offer as one: no property shows it.
func (m *Model) BindWithoutRevisions(capabilities *directory.Capabilities) *Binding {
	without := *capabilities
	without.Revision = ""
	return m.bind(&Binding{capabilities: &without, hidesRevisions: true})
}

func (m *Model) bind(b *Binding) *Binding {
	b.model, b.types = m, make(map[*ResourceType]*boundType, len(m.Types))
	b.defaults = make(map[defaultKey]*boundProperty)
	b.maxTargets = MaxReferenceTargets
	for _, t := range m.Types {
		b.bindType(t)
	}
	slices.Sort(b.warnings)
	b.warnings = slices.Compact(b.warnings)
	return b
}

// LimitReferences returns the binding with another limit of the targets that a filter
// through a reference may match, in place of MaxReferenceTargets.
func (b *Binding) LimitReferences(targets int) *Binding {
	limited := *b
	limited.maxTargets = targets
	return &limited
}

// Model returns the model that is bound.
func (b *Binding) Model() *Model { return b.model }

// Capabilities returns the capabilities that the model is bound to.
func (b *Binding) Capabilities() *directory.Capabilities { return b.capabilities }

// Warnings tells, a sentence each, what of the mapping the directory cannot serve.
func (b *Binding) Warnings() []string { return b.warnings }

// parseDN parses a name that the directory has returned, whatever names its attribute types
// have in it.
func (b *Binding) parseDN(name string) (directory.DN, error) {
	dn, err := directory.ParseDN(name)
	return b.capabilities.Schema.Canonical(dn), err
}

// nameOf returns the name that the directory has for an attribute.
func (b *Binding) nameOf(attribute string) string {
	if name := b.capabilities.Schema.NameOf(attribute); name != "" {
		return name
	}
	return attribute
}

// boundType is a ResourceType whose properties are bound.
type boundType struct {
	*ResourceType
	properties []*boundProperty
	// auxiliaries are the types that may be mixed in.
	auxiliaries []*boundType
	// defaults are those of the properties that show attributes under their own names, by
	// the attribute description in lower case.
	defaults map[string]*boundProperty
	subtypes []*boundType
	// hasID and hasRevision tell that properties show them.
	hasID, hasRevision bool
	// standard is the representation without chosen fields.
	standard *projection
}

// boundProperty is a Property that knows the directory.
type boundProperty struct {
	*Property
	// attribute is the description sent; it differs from Property.Attribute for a
	// property that follows the revision attribute.
	attribute string
	// schema is the attribute's type; nil when the directory publishes no schema.
	schema *directory.AttributeType
	// valueType is never Auto.
	valueType ValueType
	// Default is Property.Default in the value type.
	Default any
	// writability takes account of attributes that only the server writes.
	writability Writability
	properties  []*boundProperty
	// mixins are the auxiliary types of which an entry has to be one, beside its own type, to have
	// the property; none for a property of the type itself. They are several where they inherit it.
	mixins []*boundType
	// rendersText takes numbers and booleans for text, as the reference product does.
	rendersText bool
	// isDefault tells a property that shows an attribute under its own name.
	isDefault bool
	// mapper is the type that renders the target of an in-line reference.
	mapper *boundType
}

func (b *Binding) bindType(t *ResourceType) *boundType {
	if bound, ok := b.types[t]; ok {
		return bound
	}
	bound := &boundType{ResourceType: t}
	b.types[t] = bound
	bound.properties = b.bindProperties(t.Properties)
	b.bindAuxiliaries(bound)
	b.bindDefaults(bound)
	if b.hidesRevisions {
		bound.properties = slices.DeleteFunc(bound.properties, func(p *boundProperty) bool { return p.Name == revisionName })
	}
	bound.hasID = find(bound.properties, idName) != nil
	bound.hasRevision = find(bound.properties, revisionName) != nil
	for _, sub := range t.Subtypes {
		bound.subtypes = append(bound.subtypes, b.bindType(sub))
	}
	bound.standard = b.project(bound, nil, false)
	return bound
}

// bindProperties leaves out the properties whose attribute the schema lacks.
func (b *Binding) bindProperties(properties []*Property) []*boundProperty {
	var bound []*boundProperty
	for _, p := range properties {
		if bp := b.bindProperty(p); bp != nil {
			bound = append(bound, bp)
		}
	}
	return bound
}

func (b *Binding) bindProperty(p *Property) *boundProperty {
	bound := &boundProperty{Property: p, attribute: p.Attribute, valueType: p.Type, writability: p.Writability, rendersText: b.model.Legacy}
	switch p.Kind {
	case ObjectKind:
		bound.properties = b.bindProperties(p.Properties)
		return bound
	case Constant, TypeName, ReverseKind:
		return bound
	case Simple, ReferenceKind:
	}
	if p.Reference != nil && p.Reference.Mapper != nil {
		bound.mapper = b.bindType(p.Reference.Mapper)
	}
	schema := b.capabilities.Schema
	bound.attribute = AttributeIn(b.capabilities, p.Attribute)
	bound.schema = schema.Attribute(bound.attribute)
	bound.attribute = withBinary(asReturned(bound.attribute, bound.schema), bound.schema)
	switch {
	case bound.attribute == "" || schema != nil && bound.schema == nil:
		b.warnings = append(b.warnings, fmt.Sprintf("%s: property %s: the directory's schema has no attribute %q; the property is always absent",
			b.model.File, p.Pointer, p.Attribute))
		return nil
	case strings.EqualFold(p.Attribute, defaultRevision) && !strings.EqualFold(bound.attribute, defaultRevision):
		bound.valueType = String
	case bound.valueType == Auto:
		bound.valueType = TypeFromSchema(bound.schema)
	}
	if bound.Default = p.Default; bound.valueType.IsText() {
		bound.Default = asText(p.Default)
	}
	if bound.schema != nil && bound.schema.NoUserModification {
		bound.writability = serverWritten(p.Writability)
	}
	return bound
}

// AttributeIn returns the attribute that a property over another one shows in a directory: that
// one itself, or where the schema lacks it what means the same there. In place of etag that is
// the revision, "" for none; in place of isMemberOf, which OpenDJ and PingDS have, it is the
// memberOf of OpenLDAP and Active Directory, and the other way.
func AttributeIn(c *directory.Capabilities, attribute string) string {
	if c.Schema == nil || c.Schema.Attribute(attribute) != nil {
		return attribute
	}
	other := ""
	switch strings.ToLower(attribute) {
	case defaultRevision:
		return c.Revision
	case "ismemberof":
		other = "memberOf"
	case "memberof":
		other = "isMemberOf"
	}
	if c.Schema.Attribute(other) == nil {
		return attribute
	}
	return other
}

// asReturned returns an attribute description as the directory writes it: by the first name
// of the type, not by its OID or another name (RFC 4512 §2.5).
func asReturned(description string, t *directory.AttributeType) string {
	name, options, hasOptions := strings.Cut(description, ";")
	if t == nil || len(t.Names) == 0 || strings.EqualFold(name, t.Names[0]) {
		return description
	}
	if hasOptions {
		return t.Names[0] + ";" + options
	}
	return t.Names[0]
}

// asText returns primitives as strings.
func asText(value any) any {
	switch v := value.(type) {
	case []any:
		texts := make([]any, len(v))
		for i, item := range v {
			texts[i] = asText(item)
		}
		return texts
	case query.Number:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return value
}

// serverWritten is the writability of an attribute that only the server writes.
func serverWritten(declared Writability) Writability {
	if declared == CreateOnlyDiscard || declared == ReadOnlyDiscard {
		return ReadOnlyDiscard
	}
	return ReadOnly
}

// walk calls visit for every leaf property, those inside objects too.
func walk(properties []*boundProperty, visit func(*boundProperty)) {
	for _, p := range properties {
		if p.Kind == ObjectKind {
			walk(p.properties, visit)
		} else {
			visit(p)
		}
	}
}

// find returns the property with that name, compared without regard to case.
func find(properties []*boundProperty, name string) *boundProperty {
	for _, p := range properties {
		if strings.EqualFold(p.Name, name) {
			return p
		}
	}
	return nil
}

// family calls visit for t and every type below it.
func (t *boundType) family(visit func(*boundType)) {
	visit(t)
	for _, sub := range t.subtypes {
		sub.family(visit)
	}
}

// of returns the deepest type in t's family whose object classes the entry has,
// t itself when not even its own are there.
func (t *boundType) of(entry *directory.Entry) *boundType {
	if len(t.subtypes) == 0 {
		return t
	}
	if deeper := t.deeper(entry.Values("objectClass")); deeper != nil {
		return deeper
	}
	return t
}

// deeper returns the deepest type below t that the object classes tell, nil when there is
// none. A type that adds no class to those of its super-type is passed through: nothing
// tells its entries from others.
func (t *boundType) deeper(classes []string) *boundType {
	for _, sub := range t.subtypes {
		recognised := sub.isRecognisable()
		if recognised && !hasAll(classes, sub.ObjectClasses) {
			continue
		}
		if deeper := sub.deeper(classes); deeper != nil {
			return deeper
		}
		if recognised {
			return sub
		}
	}
	return nil
}

// isRecognisable reports whether the type has object classes that its super-type lacks.
func (t *boundType) isRecognisable() bool {
	return t.Super == nil || len(t.ObjectClasses) > len(t.Super.ObjectClasses)
}

func hasAll(have, want []string) bool {
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, w) }) {
			return false
		}
	}
	return true
}
