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
		kept = c.simple(f, p)
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
	default:
		c.leaveOut(m, "properties of type \""+types[chosen]+"\" are not supported yet")
		return nil
	}
	f.done()
	if !kept {
		c.leaveOut(m, "attribute \""+p.Attribute+"\" holds credentials, and such attributes are never returned"+
			" unless the property says \"exposeCredential\": true and the file \"exposeCredentials\": true")
		return nil
	}
	return p
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

// simple compiles a property over an attribute, and reports whether it may be served.
func (c *compiler) simple(f *fileFields, p *Property) bool {
	c.attributeProperty(f, p)
	declared := f.choice("valueType", valueTypeNames()...)
	p.Type = Auto + ValueType(declared+1)
	if f.boolean("isBinary") {
		if p.Type != Auto && p.Type != Binary {
			c.problem(f.value("valueType").filePlace, "\"valueType\" must be \"binary\" where \"isBinary\" is true")
		}
		p.Type = Binary
	}
	p.Default = c.defaultValue(f, p)
	exposed := f.boolean("exposeCredential") && c.exposeCredentials
	return exposed || !IsCredential(p.Attribute)
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
		typed := boundProperty{valueType: t}
		if _, err := typed.attributeValue(value); err != nil {
			c.problem(node.filePlace, "\"defaultJsonValue\" does not fit \"valueType\": %s", err)
		}
	}
	return value
}
