package descriptor

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// schema is as much of JSON Schema as is used here: of draft 2020-12 for OpenAPI 3.1, and
// of draft 4 with the additions of the API descriptor for CREST.
type schema struct {
	// raw is a schema that stands in the mapping; then there is nothing else.
	raw jsontext.Value

	Ref           string           `json:"$ref,omitzero"`
	Title         string           `json:"title,omitzero"`
	Description   string           `json:"description,omitzero"`
	Type          any              `json:"type,omitempty"` // a name, or a list of names
	Format        string           `json:"format,omitzero"`
	Encoding      string           `json:"contentEncoding,omitzero"`
	Media         string           `json:"contentMediaType,omitzero"`
	Pattern       string           `json:"pattern,omitzero"`
	Const         jsontext.Value   `json:"const,omitzero"`
	Enum          []jsontext.Value `json:"enum,omitzero"`
	Default       jsontext.Value   `json:"default,omitzero"`
	Minimum       any              `json:"minimum,omitzero"`
	MinLength     int              `json:"minLength,omitzero"`
	MinItems      int              `json:"minItems,omitzero"`
	UniqueItems   bool             `json:"uniqueItems,omitzero"`
	ReadOnly      bool             `json:"readOnly,omitzero"`
	WriteOnly     bool             `json:"writeOnly,omitzero"`
	Items         *schema          `json:"items,omitzero"`
	PrefixItems   []*schema        `json:"prefixItems,omitempty"`
	Contains      *schema          `json:"contains,omitzero"`
	Discriminator any              `json:"discriminator,omitzero"`
	Required      []string         `json:"required,omitempty"`
	Properties    ordered[*schema] `json:"properties,omitzero"`
	// Additional is false where no other members are taken, or their schema.
	Additional any       `json:"additionalProperties,omitzero"`
	AllOf      []*schema `json:"allOf,omitempty"`
	AnyOf      []*schema `json:"anyOf,omitempty"`
	OneOf      []*schema `json:"oneOf,omitempty"`
	Not        *schema   `json:"not,omitzero"`
	If         *schema   `json:"if,omitzero"`
	Then       *schema   `json:"then,omitzero"`
	Else       *schema   `json:"else,omitzero"`

	// The additions for what can be written when a resource is created, and never again;
	// OpenAPI sees them as extensions.
	WritePolicy  string `json:"writePolicy,omitzero"`
	Refuses      any    `json:"errorOnWritePolicyFailure,omitzero"`
	OnDemand     bool   `json:"returnOnDemand,omitzero"`
	XWritePolicy string `json:"x-writePolicy,omitzero"`
	XRefuses     any    `json:"x-errorOnWritePolicyFailure,omitzero"`
}

// MarshalJSONTo writes the schema.
func (s *schema) MarshalJSONTo(e *jsontext.Encoder) error {
	if s.raw != nil {
		return e.WriteValue(s.raw)
	}
	type members schema
	return json.MarshalEncode(e, (*members)(s))
}

// discriminator tells which member of a resource names its type (OpenAPI 3.1).
type discriminator struct {
	PropertyName string          `json:"propertyName"`
	Mapping      ordered[string] `json:"mapping,omitzero"`
}

// form is a way in which resources travel.
type form int

const (
	// answer is what the gateway shows.
	answer form = iota
	// creation is the body of a new resource.
	creation
	// update is the body that replaces a resource, or creates it.
	update
	// definition is a resource as CREST defines it, for all of these.
	definition
)

// suffix makes the name of a schema of the name of its type.
func (f form) suffix() string { return [...]string{"", "-create", "-update", ""}[f] }

const (
	openAPISchemas = "#/components/schemas/"
	crestSchemas   = "#/definitions/"
)

func text(s string) jsontext.Value { return mapping.AppendJSON(nil, s) }

func stringSchema(format string) *schema { return &schema{Type: "string", Format: format} }

// ref refers to the schema of a type.
func (d *description) ref(t *mapping.ResourceType, f form) *schema {
	if f == definition {
		return &schema{Ref: crestSchemas + t.Name}
	}
	return &schema{Ref: openAPISchemas + d.names[t] + f.suffix()}
}

// anyRef refers to the schema of a type and all below it.
func (d *description) anyRef(t *mapping.ResourceType, f form) *schema {
	if f == definition || len(t.Subtypes) == 0 {
		return d.ref(t, f)
	}
	return &schema{Ref: openAPISchemas + d.anyName(t, f)}
}

// anyName is the name of that schema.
func (d *description) anyName(t *mapping.ResourceType, f form) string {
	return d.names[t] + "-any" + f.suffix()
}

// anyOf joins schemas, one of which at least holds.
func anyOf(schemas []*schema) *schema {
	if len(schemas) == 1 {
		return schemas[0]
	}
	return &schema{AnyOf: schemas}
}

// objectSchema is an object that has no members but those that are named. The definitions
// of CREST extend each other, and leave that open.
func objectSchema(f form) *schema {
	if f == definition {
		return &schema{Type: "object"}
	}
	return &schema{Type: "object", Additional: false}
}

// resource is the schema of the resources of a type.
func (d *description) resource(t *mapping.ResourceType, f form) *schema {
	s := &schema{Title: t.Name, Type: "object", Additional: false}
	if t.AllUserAttributes {
		s.Additional = nil // The attributes of the directory are members too, under their names.
	}
	s.Properties, s.Required = d.members(t, t.Properties, f)
	d.addMixins(t, f, s)
	d.addIdentity(t, f, s)
	if f == creation {
		d.requireNames(t, s)
	}
	return s
}

// addMixins adds what resources have that are of an auxiliary type too. A new resource has it
// where it names the type.
func (d *description) addMixins(t *mapping.ResourceType, f form, s *schema) {
	shows := d.typeProperty(t)
	for _, auxiliary := range t.Auxiliaries {
		members, required := d.members(t, t.Mixin(auxiliary), f)
		var foreign []*schema
		for _, m := range members {
			if _, ok := s.Properties.get(m.name); !ok {
				s.Properties.add(m.name, m.value)
				foreign = append(foreign, &schema{Required: []string{m.name}})
			}
		}
		if f == creation && len(shows.Pointer) == 1 && len(foreign) > 0 {
			named := &schema{Type: "array", Contains: &schema{Const: text(auxiliary.Name)}}
			s.AllOf = append(s.AllOf, &schema{
				If:   &schema{Required: []string{shows.Name}, Properties: ordered[*schema]{{shows.Name, named}}},
				Then: &schema{Required: required}, Else: &schema{Not: anyOf(foreign)},
			})
		}
	}
}

// requireNames requires of a new resource what names its entry, where all collections that take
// it need the same.
func (d *description) requireNames(t *mapping.ResourceType, s *schema) {
	var needed []string
	for i, p := range d.creators(t) {
		here := d.namesOf(p, t, s)
		if i == 0 {
			needed = here
		}
		needed = slices.DeleteFunc(needed, func(name string) bool { return !slices.Contains(here, name) })
	}
	for _, name := range needed {
		if !slices.Contains(s.Required, name) {
			s.Required = append(s.Required, name)
		}
	}
}

// creators returns the collections in which resources of the type can be made.
func (d *description) creators(t *mapping.ResourceType) []*place {
	return slices.DeleteFunc(slices.Clone(d.places), func(p *place) bool { return !slices.Contains(d.creatable(p), t) })
}

// namesOf returns the members that name a new entry in a collection: the id, unless the server
// makes it, and the value in the name of the entry.
func (d *description) namesOf(p *place, t *mapping.ResourceType, s *schema) []string {
	var attributes, names []string
	naming := p.sub.Naming
	if naming.Strategy != mapping.ServerNaming {
		attributes = append(attributes, naming.IDAttribute)
	}
	if naming.Strategy != mapping.ClientDNNaming {
		attributes = append(attributes, naming.DNAttribute)
	}
	for _, attribute := range attributes {
		name := d.nameOf(t.Properties, attribute)
		b := d.shown(t.Properties, attribute)
		if _, ok := s.Properties.get(name); ok && (b == nil || b.Default == nil) {
			names = append(names, name)
		}
	}
	return names
}

// addIdentity adds the id and the revision where the mapping has no properties for them.
func (d *description) addIdentity(t *mapping.ResourceType, f form, s *schema) {
	hasID := slices.ContainsFunc(d.places, func(p *place) bool {
		return !p.sub.Singleton && slices.Contains(family(p.sub.Type), t) && (f != creation || d.takesID(p, t))
	})
	if hasID && d.find(t.Properties, idName) == nil {
		id := stringSchema("")
		d.policy(id, &bound{Property: &mapping.Property{}, writability: mapping.CreateOnly}, f)
		s.Properties.add(idName, id)
	}
	if f != creation && d.Capabilities.Revision != "" && d.find(t.Properties, revisionName) == nil {
		s.Properties.add(revisionName, &schema{Type: "string", ReadOnly: true})
	}
}

// takesID reports whether a new resource brings its id along, and not as the value of a
// property.
func (d *description) takesID(p *place, t *mapping.ResourceType) bool {
	return p.sub.Naming.Strategy != mapping.ServerNaming && slices.Contains(d.creatable(p), t) && d.nameOf(t.Properties, p.sub.Naming.IDAttribute) == idName
}

// members are the schemas of properties, and the names of those that are required.
func (d *description) members(t *mapping.ResourceType, properties []*mapping.Property, f form) (members ordered[*schema], required []string) {
	for _, p := range properties {
		b, ok := d.bind(p)
		unwritten := f == creation && (b.writability == mapping.ReadOnly || b.Kind == mapping.ReverseKind) && b.Kind != mapping.ObjectKind
		if !ok || unwritten || f == answer && b.WriteOnly {
			continue
		}
		s, needed := d.property(t, &b, f)
		if f == creation && b.Kind == mapping.ObjectKind && len(s.Properties) == 0 {
			continue
		}
		members.add(p.Name, s)
		if needed {
			required = append(required, p.Name)
		}
	}
	return members, required
}

// property is the schema of one property, and whether it is required in this form.
func (d *description) property(t *mapping.ResourceType, b *bound, f form) (s *schema, required bool) {
	switch b.Kind {
	case mapping.ObjectKind:
		s = objectSchema(f)
		s.Properties, s.Required = d.members(t, b.Properties, f)
		return s, len(s.Required) > 0
	case mapping.Constant:
		if f == definition {
			return &schema{Enum: []jsontext.Value{b.Value}, ReadOnly: true}, false
		}
		return &schema{Const: b.Value}, false
	case mapping.TypeName:
		if len(t.Auxiliaries) > 0 {
			return typesSchema(t, f), f == creation && d.mustNameType(t)
		}
		if f == definition {
			return stringSchema(""), false
		}
		return &schema{Const: text(t.Name)}, f == creation && d.mustNameType(t)
	case mapping.ReferenceKind, mapping.ReverseKind:
		s = d.reference(b, f)
	case mapping.Simple:
		s = d.simple(b, f)
	}
	required = d.isRequired(b, f)
	if b.MultiValued {
		s = &schema{Type: "array", Items: s, UniqueItems: b.Kind == mapping.Simple}
		if required {
			s.MinItems = 1
		}
	}
	if d.ShowAbsent && !b.MultiValued && !required && (f == answer || f == update) {
		s = &schema{AnyOf: []*schema{s, {Type: "null"}}}
	}
	s.Default, s.WriteOnly = b.standard(), b.WriteOnly
	d.policy(s, b, f)
	return s, required
}

// typesSchema is the schema of the property that shows the type where others may be mixed
// in: an array, the type itself first. A body may have its name alone.
func typesSchema(t *mapping.ResourceType, f form) *schema {
	var names []jsontext.Value
	for _, auxiliary := range t.Auxiliaries {
		names = append(names, text(auxiliary.Name))
	}
	list := &schema{Type: "array", MinItems: 1, UniqueItems: true}
	if f == definition {
		list.Items = &schema{Type: "string", Enum: append(names, text(t.Name))}
		return list
	}
	list.PrefixItems, list.Items = []*schema{{Const: text(t.Name)}}, &schema{Enum: names}
	if f == answer {
		return list
	}
	return &schema{AnyOf: []*schema{{Const: text(t.Name)}, list}}
}

// isRequired reports whether a body of this form without the property is refused.
func (d *description) isRequired(b *bound, f form) bool {
	switch {
	case !b.Required || b.isReadOnly() || b.Default != nil:
		return false
	case f == update:
		return !b.isCreateOnly() && !b.WriteOnly // What was set once, or is not shown, is still there.
	}
	return f == creation || f == definition
}

// mustNameType reports whether a type is one of several that a collection takes.
func (d *description) mustNameType(t *mapping.ResourceType) bool {
	return slices.ContainsFunc(d.places, func(p *place) bool {
		return len(p.sub.Type.Subtypes) > 0 && slices.Contains(d.creatable(p), t)
	})
}

// policy says whether, and when, a property can be written.
func (d *description) policy(s *schema, b *bound, f form) {
	const onCreate = "WRITE_ON_CREATE"
	refuses := !b.discards()
	switch {
	case f == definition && b.isReadOnly():
		s.ReadOnly, s.Refuses, s.OnDemand = true, refuses, b.Kind == mapping.ReverseKind
	case f == definition && b.isCreateOnly():
		s.WritePolicy, s.Refuses = onCreate, refuses
	case b.isReadOnly():
		s.ReadOnly = s.Ref == "" // A reference is read-only itself, and not its target.
	case b.isCreateOnly() && f != creation:
		s.XWritePolicy, s.XRefuses = onCreate, refuses
	}
}

// simple is the schema of one value of an attribute.
func (d *description) simple(b *bound, f form) *schema {
	switch b.valueType {
	case mapping.Integer:
		return &schema{Type: "integer"}
	case mapping.Boolean:
		return &schema{Type: "boolean"}
	case mapping.GeneralizedTime, mapping.FileTime:
		return stringSchema("date-time")
	case mapping.Binary:
		if f == definition {
			return stringSchema("byte")
		}
		return &schema{Type: "string", Encoding: "base64"}
	case mapping.UUID, mapping.GUID:
		return stringSchema("uuid")
	case mapping.JSON:
		if b.JSONSchema == nil {
			return &schema{}
		}
		return &schema{AllOf: []*schema{{raw: b.JSONSchema}}}
	case mapping.NumericString:
		return patterned("^[0-9 ]+$", f)
	case mapping.TelephoneNumber:
		return patterned("^[A-Za-z0-9 '()+,./:?=-]+$", f)
	case mapping.SID:
		return patterned("^[Ss]-1-([0-9]{1,10}|0[xX][0-9A-Fa-f]{12})(-[0-9]{1,10}){0,15}$", f)
	case mapping.Auto, mapping.String, mapping.DN:
	}
	switch name := strings.ToLower(b.Attribute); {
	case name == "mail" || name == "rfc822mailbox":
		return stringSchema("email")
	case mapping.IsCredential(name):
		return stringSchema("password")
	}
	return stringSchema("")
}

// patterned is a string of a form that the gateway holds new values to. What the directory
// has is shown whatever form it has, and may be sent back so.
func patterned(pattern string, f form) *schema {
	if f != creation {
		pattern = ""
	}
	return &schema{Type: "string", Pattern: pattern}
}

// reference is the schema of one target of a reference.
func (d *description) reference(b *bound, f form) *schema {
	if b.Reference.Mapper != nil {
		return d.inline(b.Reference, f)
	}
	targets := d.targets[b.Property]
	if f == creation || f == update {
		return d.pointer(b.Property)
	}
	var schemas []*schema
	for _, target := range targets {
		s := d.anyRef(target.sub.Type, f)
		if !slices.ContainsFunc(schemas, func(other *schema) bool { return other.Ref == s.Ref }) {
			schemas = append(schemas, s)
		}
	}
	if len(schemas) == 0 || f == definition && len(schemas) > 1 {
		return &schema{Type: "object"}
	}
	return anyOf(schemas)
}

// inline is the schema of the target of an in-line reference.
func (d *description) inline(r *mapping.Reference, f form) *schema {
	s := objectSchema(f)
	switch {
	case r.Plain:
		if members, _ := d.members(r.Mapper, r.Mapper.Properties, definition); len(members) > 0 {
			return members[0].value
		}
		return &schema{}
	case f == creation || f == update:
		return d.identified(r.Mapper.Properties, r.PrimaryKey)
	}
	s.Properties, _ = d.members(r.Mapper, r.Mapper.Properties, f)
	return s
}

// pointer is the schema of what a body says of the target of a reference.
func (d *description) pointer(p *mapping.Property) *schema {
	var schemas []*schema
	for _, target := range d.targets[p] {
		s := d.identified(target.sub.Type.Properties, d.keyOf(p, target))
		if !slices.ContainsFunc(schemas, func(other *schema) bool { return other.Required[0] == s.Required[0] }) {
			schemas = append(schemas, s)
		}
	}
	if len(schemas) == 0 {
		return &schema{Type: "object"}
	}
	return anyOf(schemas)
}

// keyOf returns the attribute by which a reference tells the members of a collection apart;
// "" where that is an id which no property shows.
func (d *description) keyOf(p *mapping.Property, target *place) string {
	switch key := p.Reference.PrimaryKey; {
	case key != "" && !strings.EqualFold(key, target.sub.Naming.IDAttribute):
		return key
	case d.find(target.sub.Type.Properties, idName) == nil:
		return ""
	}
	return target.sub.Naming.IDAttribute
}

// identified is an object that the value of an attribute tells apart, in the property that
// shows it. The other members of a target may be repeated as they were read.
func (d *description) identified(properties []*mapping.Property, attribute string) *schema {
	name, key := idName, &schema{Type: "string", MinLength: 1}
	if p := d.shown(properties, attribute); p != nil {
		if name = p.Name; p.valueType == mapping.Integer {
			key = &schema{Type: "integer"}
		}
	}
	return &schema{Type: "object", Required: []string{name}, Properties: ordered[*schema]{{name, key}}}
}
