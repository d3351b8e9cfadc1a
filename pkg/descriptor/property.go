package descriptor

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// Members that every resource has, and the attribute over which mapping files of the
// reference product show the revision.
const (
	idName            = "_id"
	revisionName      = "_rev"
	revisionAttribute = "etag"
)

// bound is a property as the directory serves it. The rules are those by which a mapping
// is bound to a directory.
type bound struct {
	*mapping.Property

	valueType   mapping.ValueType // never Auto
	writability mapping.Writability
}

// bind returns the property as the directory serves it, and false for one over an
// attribute that the directory does not have.
func (d *description) bind(p *mapping.Property) (bound, bool) {
	b := bound{Property: p, valueType: p.Type, writability: p.Writability}
	if p.Kind != mapping.Simple && p.Kind != mapping.ReferenceKind {
		return b, true
	}
	schema, attribute := d.Capabilities.Schema, mapping.AttributeIn(d.Capabilities, p.Attribute)
	known := schema.Attribute(attribute)
	if attribute == "" || schema != nil && known == nil {
		return b, false
	}
	switch {
	case strings.EqualFold(p.Attribute, revisionAttribute) && !strings.EqualFold(attribute, revisionAttribute):
		b.valueType = mapping.String
	case b.valueType == mapping.Auto:
		b.valueType = mapping.TypeFromSchema(known)
	}
	if known != nil && known.NoUserModification {
		b.writability = serverWritten(p.Writability)
	}
	return b, true
}

// serverWritten is the writability of an attribute that only the server writes.
func serverWritten(declared mapping.Writability) mapping.Writability {
	if declared == mapping.CreateOnlyDiscard || declared == mapping.ReadOnlyDiscard {
		return mapping.ReadOnlyDiscard
	}
	return mapping.ReadOnly
}

func (b *bound) isReadOnly() bool {
	return b.Kind == mapping.ReverseKind || b.writability == mapping.ReadOnly || b.writability == mapping.ReadOnlyDiscard
}

func (b *bound) isCreateOnly() bool {
	return b.writability == mapping.CreateOnly || b.writability == mapping.CreateOnlyDiscard
}

// discards reports whether a value that may not be written is ignored, not refused.
func (b *bound) discards() bool {
	return b.writability == mapping.CreateOnlyDiscard || b.writability == mapping.ReadOnlyDiscard
}

// standard returns the value that stands in for one that is left out; nil is none.
func (b *bound) standard() jsontext.Value {
	value := b.Default
	if b.valueType.IsText() {
		value = asText(value)
	}
	if value == nil {
		return nil
	}
	return mapping.AppendJSON(nil, value)
}

// asText returns primitives as strings, as text has them.
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

// find returns the property of that name, nil where the directory does not have it.
func (d *description) find(properties []*mapping.Property, name string) *mapping.Property {
	for _, p := range properties {
		if strings.EqualFold(p.Name, name) {
			if _, ok := d.bind(p); ok {
				return p
			}
		}
	}
	return nil
}

// shown returns the first plain property over an attribute; nil when there is none.
func (d *description) shown(properties []*mapping.Property, attribute string) *bound {
	for _, p := range properties {
		if b, ok := d.bind(p); ok && p.Kind == mapping.Simple && strings.EqualFold(p.Attribute, attribute) {
			return &b
		}
	}
	return nil
}

// nameOf returns the name of the first plain property over an attribute.
func (d *description) nameOf(properties []*mapping.Property, attribute string) string {
	if p := d.shown(properties, attribute); p != nil {
		return p.Name
	}
	return idName
}

// typeProperty returns the property that shows the type, or nil.
func (d *description) typeProperty(t *mapping.ResourceType) *mapping.Property {
	return typePropertyOf(t.Properties)
}

func typePropertyOf(properties []*mapping.Property) *mapping.Property {
	for _, p := range properties {
		if p.Kind == mapping.TypeName {
			return p
		}
		if inner := typePropertyOf(p.Properties); inner != nil {
			return inner
		}
	}
	return nil
}

// sortKeys returns the fields by which resources of a type can be sorted, as _sortKeys
// names them.
func (d *description) sortKeys(properties []*mapping.Property) []string {
	var keys []string
	for _, p := range properties {
		if _, ok := d.bind(p); ok && p.Kind == mapping.Simple && !p.WriteOnly {
			keys = append(keys, strings.TrimPrefix(p.Pointer.String(), "/"))
		}
		keys = append(keys, d.sortKeys(p.Properties)...)
	}
	return keys
}
