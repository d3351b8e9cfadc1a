package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// allUserAttributes asks a directory for every attribute that is not operational
// (RFC 4511 §4.5.1.8).
const allUserAttributes = "*"

// bindDefaults adds a property for each user attribute of the schema to a type that has
// them all, but for those that the mapping excludes, or has a property of that name for, the
// object classes, and credentials. An attribute that the mapping shows under another name is
// there twice, and who may write it there may write it here.
func (b *Binding) bindDefaults(t *boundType) {
	if !t.AllUserAttributes {
		return
	}
	schema := b.capabilities.Schema
	if schema == nil {
		b.warnings = append(b.warnings, fmt.Sprintf("%s: resource type %q: the directory publishes no schema; \"includeAllUserAttributesByDefault\" has no effect",
			b.model.File, t.Name))
		return
	}
	skipped := map[*directory.AttributeType]bool{schema.Attribute("objectClass"): true}
	for _, name := range t.ExcludedAttributes {
		skipped[schema.Attribute(name)] = true
	}
	mapped := make(map[*directory.AttributeType]Writability)
	walk(t.properties, func(p *boundProperty) {
		if p.schema != nil {
			mapped[p.schema] = max(mapped[p.schema], p.writability)
		}
	})
	t.defaults = make(map[string]*boundProperty)
	for _, attribute := range schema.Attributes() {
		if skipped[attribute] || attribute.Usage != directory.UserApplications || len(attribute.Names) == 0 ||
			slices.ContainsFunc(attribute.Names, IsCredential) || find(t.properties, attribute.Names[0]) != nil {
			continue
		}
		p := b.defaultProperty(attribute, mapped[attribute])
		t.properties = append(t.properties, p)
		t.defaults[strings.ToLower(p.attribute)] = p
	}
}

// defaultKey tells the properties apart that show attributes under their own names.
type defaultKey struct {
	attribute   *directory.AttributeType
	writability Writability
}

// defaultProperty returns the property that shows an attribute under its own name, the same
// one for every type.
func (b *Binding) defaultProperty(attribute *directory.AttributeType, writability Writability) *boundProperty {
	key := defaultKey{attribute, writability}
	if p := b.defaults[key]; p != nil {
		return p
	}
	name := attribute.Names[0]
	p := b.bindProperty(&Property{Name: name, Pointer: query.Pointer{name}, Attribute: name, MultiValued: !attribute.SingleValue, Writability: writability})
	p.isDefault = true
	b.defaults[key] = p
	return p
}
