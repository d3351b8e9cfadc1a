package mapping

import (
	"slices"
	"strings"
)

// FieldOf returns the JSON pointer (RFC 6901) of the property that shows an attribute in
// resources at the target, "" when none does. A property of the target's own type comes first,
// then those of the types that may be mixed in, and of its subtypes.
func (t *Target) FieldOf(attribute string) string {
	return t.binding.fieldOf(t.typ, t.binding.nameOf(attribute))
}

func (b *Binding) fieldOf(t *boundType, attribute string) string {
	if field := b.fieldAmong(t.properties, attribute); field != "" {
		return field
	}
	for _, other := range slices.Concat(t.auxiliaries, t.subtypes) {
		if field := b.fieldOf(other, attribute); field != "" {
			return field
		}
	}
	return ""
}

func (b *Binding) fieldAmong(properties []*boundProperty, attribute string) string {
	for _, p := range properties {
		if p.Kind == ObjectKind {
			if field := b.fieldAmong(p.properties, attribute); field != "" {
				return field
			}
		} else if p.attribute != "" && strings.EqualFold(b.nameOf(p.attribute), attribute) {
			return p.Pointer.String()
		}
	}
	return ""
}
