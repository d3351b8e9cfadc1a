package mapping

import (
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// propertyScope is what the place of a property allows.
type propertyScope struct {
	// inline tells a property inside the mapper of an in-line reference: its resource
	// is mounted nowhere, so no path leads on from it.
	inline bool
}

// property compiles one property. It returns nil for a property that is left out,
// and for one that is wrong.
func (c *compiler) property(m fileMember, parent query.Pointer, scope propertyScope) *Property {
	if m.name == "" {
		c.problem(m.filePlace, "a property needs a name")
		return nil
	}
	f := c.fields(m.value, "a property")
	p := &Property{Name: m.name, Pointer: parent.Child(m.name)}
	c.propertySource[p] = m.value
	types := []string{"simple", "object", "constant", "resourceType", "reference", "json", "reverseReference"}
	chosen := f.kind(types...)
	if chosen < 0 {
		return nil
	}
	f.what = "a property of type \"" + types[chosen] + "\""
	kept := true
	switch types[chosen] {
	case "simple":
		if c.simple(f, p); p.WriteOnly && c.lenient {
			c.warning(m.value.filePlace, "property %q can be written and is never shown: %s", m.name, holdsCredentials(p))
		}
	case "object":
		p.Kind = ObjectKind
		p.Properties = c.properties(f, p.Pointer, scope)
	case "constant":
		c.constant(f, p)
	case "resourceType":
		p.Kind = TypeName
	case "reference":
		kept = c.reference(f, p, scope)
	case "reverseReference":
		c.reverseReference(f, p, scope)
	case "json":
		kept = c.json(f, p)
	}
	f.done()
	if !kept {
		c.leaveOut(m, "attribute \""+p.Attribute+"\" holds credentials, which only a property of type \"simple\" may be over")
		return nil
	}
	return p
}

// holdsCredentials says why a property is write-only.
func holdsCredentials(p *Property) string {
	return "attribute \"" + p.Attribute + "\" holds credentials, and such attributes are never returned" +
		" unless the property says \"exposeCredential\": true and the file \"exposeCredentials\": true"
}

// leaveOut reports a property that cannot be served: the files of the reference
// product do without it, ours must not name it.
func (c *compiler) leaveOut(m fileMember, why string) {
	if c.lenient {
		c.warning(m.value.filePlace, "property %q is left out: %s", m.name, why)
	} else {
		c.problem(m.value.filePlace, "property %q cannot be served: %s", m.name, why)
	}
}

// properties compiles the members of an object.
func (c *compiler) properties(f *fileFields, parent query.Pointer, scope propertyScope) []*Property {
	f.required("properties")
	var properties []*Property
	for _, m := range f.object("properties") {
		if p := c.property(m, parent, scope); p != nil {
			properties = append(properties, p)
		}
	}
	return properties
}

// constant compiles a value that stands in the mapping.
func (c *compiler) constant(f *fileFields, p *Property) {
	p.Kind = Constant
	value := f.required("value")
	switch {
	case value == nil:
	case value.kind == fileNull:
		c.problem(value.filePlace, "\"value\" must not be null: a constant that is not there is no property")
	default:
		p.Value = value.appendJSON(nil)
	}
}

// attributeProperty compiles what all properties over an attribute have in common.
func (c *compiler) attributeProperty(f *fileFields, p *Property) {
	p.Attribute = f.attribute("ldapAttribute", p.Name)
	p.Required = f.boolean("isRequired")
	p.MultiValued = f.boolean("isMultiValued")
	chosen := f.choice("writability", "readWrite", "createOnly", "createOnlyDiscardWrites", "readOnly", "readOnlyDiscardWrites")
	p.Writability = Writability(max(chosen, 0))
}

// simple compiles a property over an attribute.
func (c *compiler) simple(f *fileFields, p *Property) {
	c.attributeProperty(f, p)
	declared := f.choice("valueType", valueTypeNames()[:JSON-String]...) // JSON is a type of properties.
	p.Type = Auto + ValueType(declared+1)
	if f.boolean("isBinary") {
		if p.Type != Auto && p.Type != Binary {
			c.problem(f.value("valueType").filePlace, "\"valueType\" must be \"binary\" where \"isBinary\" is true")
		}
		p.Type = Binary
	}
	p.Default = c.defaultValue(f, p)
	exposed := f.boolean("exposeCredential") && c.exposeCredentials
	p.WriteOnly = IsCredential(p.Attribute) && !exposed
}

// json compiles a property over an attribute that holds JSON text.
func (c *compiler) json(f *fileFields, p *Property) bool {
	c.attributeProperty(f, p)
	p.Type = JSON
	p.Default = c.defaultJSON(f, p)
	if node := f.typed("schema", fileObject); node != nil {
		p.JSONSchema = node.appendJSON(nil)
	}
	if node := f.text("jsonQueryEqualityMatchingRule"); node != nil {
		p.JSONRule = node.text
	}
	if node := f.text("extensibleJsonOrderingMatchingRule"); node != nil {
		p.JSONOrder = node.text
	}
	return !IsCredential(p.Attribute)
}

func (c *compiler) defaultJSON(f *fileFields, p *Property) any {
	node := f.value("defaultJsonValue")
	if node == nil || node.kind == fileNull {
		return nil
	}
	value, err := DecodeJSON(node.appendJSON(nil), maxJSONDepth)
	list, isList := value.([]any)
	switch {
	case err != nil:
		c.problem(node.filePlace, "\"defaultJsonValue\": %s", err)
	case p.MultiValued && !isList:
		c.problem(node.filePlace, "\"defaultJsonValue\" of a multi-valued property must be an array, not %s", node.describe())
	case p.MultiValued && len(list) == 0:
		return nil
	}
	return value
}

// defaultValue reads defaultJsonValue. The reference product takes one value for a
// multi-valued property too.
func (c *compiler) defaultValue(f *fileFields, p *Property) any {
	node := f.value("defaultJsonValue")
	switch {
	case node == nil:
		return nil
	case p.MultiValued && node.kind == fileArray:
		var values []any
		for _, item := range node.items {
			values = append(values, c.defaultPrimitive(item, p.Type))
		}
		if len(values) == 0 {
			return nil
		}
		return values
	case p.MultiValued && c.lenient:
		return []any{c.defaultPrimitive(node, p.Type)}
	case p.MultiValued:
		c.problem(node.filePlace, "\"defaultJsonValue\" of a multi-valued property must be an array, not %s", node.describe())
		return nil
	}
	return c.defaultPrimitive(node, p.Type)
}

func (c *compiler) defaultPrimitive(node *fileNode, t ValueType) any {
	value, ok := node.primitive()
	if !ok {
		c.problem(node.filePlace, "\"defaultJsonValue\" takes strings, numbers and booleans, not %s", node.describe())
		return value
	}
	if t != Auto && t != String {
		typed := boundProperty{Property: &Property{}, valueType: t}
		if _, err := typed.attributeValue(value); err != nil {
			c.problem(node.filePlace, "\"defaultJsonValue\" does not fit \"valueType\": %s", err)
		}
	}
	return value
}
