package mapping

import (
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// An id is text in a path, and a value of an attribute in the directory. The two differ
// where the values are octets, such as those of objectGUID in Active Directory.

// keyShown returns the property over the attribute that identifies a member.
func (t *Target) keyShown() *boundProperty {
	attribute := t.keyAttribute()
	var found *boundProperty
	walk(t.typ.properties, func(p *boundProperty) {
		if p.Kind == Simple && found == nil && strings.EqualFold(p.attribute, attribute) {
			found = p
		}
	})
	if found == nil {
		found = t.implied(attribute)
	}
	return found
}

// keyProperty is keyShown for an attribute of octets; nil where the text of an id is the
// value.
func (t *Target) keyProperty() *boundProperty {
	if p := t.keyShown(); p.valueType.isOctets() {
		return p
	}
	return nil
}

// implied is a property over an attribute that no property of the mapping shows.
func (t *Target) implied(attribute string) *boundProperty {
	schema := t.binding.capabilities.Schema.Attribute(attribute)
	return &boundProperty{
		Property: &Property{Name: attribute}, attribute: attribute, schema: schema, valueType: TypeFromSchema(schema),
	}
}

// hasID selects the entries that have an id; none for text that no id can be.
func (t *Target) hasID(id string) directory.Filter {
	if p := t.keyProperty(); p != nil {
		value, err := p.attributeValue(id)
		if err != nil {
			return directory.Not(directory.Present("objectClass"))
		}
		id = value
	}
	return directory.Equal(t.keyAttribute(), id)
}

// idText returns the text of an id.
func (t *Target) idText(value string) string {
	if p := t.keyProperty(); p != nil && value != "" {
		quoted := string(p.appendValue(nil, value))
		return strings.Trim(quoted, `"`) // Text of octets needs no escapes.
	}
	return value
}
