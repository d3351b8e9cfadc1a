package mapping

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// Order is how a result is sorted: by the fields of the request, and last by what tells
// entries apart, so that every entry has a place of its own. The lowest of an entry's
// values counts (RFC 2891 §2.2), and an entry without a value comes after all others; a
// reversed key turns both around. An Order is immutable.
type Order struct {
	matcher  *directory.Matcher
	keys     []orderKey
	identity string
	served   bool
}

// orderKey is one key of an Order.
type orderKey struct {
	attribute string
	// rule is the ordering rule that a server takes for the attribute; "" for none.
	rule string
	// own tells that rule is the attribute's own, so that >= and <= work.
	own bool
	// listed tells that the rule may stand in an extensible match.
	listed  bool
	single  bool
	reverse bool
	// json tells how a key looks into JSON values; nil for one that does not.
	json *jsonKey
}

// Position is a place in an Order: that of an entry.
type Position struct {
	// Values are those that count, one for each key; nil for an entry without a value.
	Values []*Octets `json:"v,omitempty"`
	// Identity is what tells the entry apart.
	Identity Octets `json:"i"`
	forms    []orderForm
}

// orderForm is a value in the form in which values of its key compare: one of the two.
type orderForm struct {
	plain directory.Ordered
	json  jsonOrder
}

func (f orderForm) compare(other orderForm) int {
	return cmp.Or(f.plain.Compare(other.plain), f.json.compare(other.json))
}

// Octets is a value of an entry, which need not be text: a photo is none. In JSON it is
// in base64.
type Octets string

// MarshalText implements encoding.TextMarshaler.
func (o Octets) MarshalText() ([]byte, error) {
	return base64.RawStdEncoding.AppendEncode(nil, []byte(o)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Octets) UnmarshalText(text []byte) error {
	octets, err := base64.RawStdEncoding.AppendDecode(nil, text)
	*o = Octets(octets)
	return err
}

// Order returns how the members of the collection are sorted by fields; without fields,
// by what tells them apart alone. A field that is not one plain attribute is Invalid.
func (t *Target) Order(keys []query.SortKey) (*Order, error) {
	capabilities := t.binding.capabilities
	o := &Order{matcher: directory.NewMatcher(capabilities.Schema), identity: identityOf(capabilities.Schema)}
	o.served = capabilities.Sort && o.identity != ""
	for _, key := range keys {
		attribute, inJSON, err := t.sortAttribute(key)
		if err != nil {
			return nil, err
		}
		k := newOrderKey(capabilities.Schema, attribute)
		if inJSON != nil {
			k = orderKey{attribute: attribute, json: inJSON}
		}
		k.reverse = key.Reverse
		o.served = o.served && k.isServed()
		o.keys = append(o.keys, k)
	}
	return o, nil
}

// sortAttribute returns the attribute behind a field, and where in its JSON values the field
// is, which has to be the same in every type that has the field.
func (t *Target) sortAttribute(key query.SortKey) (attribute string, inJSON *jsonKey, err error) {
	for _, m := range t.typ.meanings(key.Field) {
		var here string
		var hereInJSON *jsonKey
		switch {
		case m.property == nil && strings.EqualFold(key.Field[0], revisionName):
			here = t.binding.capabilities.Revision
		case m.property == nil:
			here = t.idAttribute()
		case m.property.Kind == Simple && m.property.valueType == JSON:
			here, hereInJSON = m.property.attribute, m.property.jsonKey(m.rest)
		case m.property.Kind == Simple && !m.property.WriteOnly && len(m.rest) == 0:
			here = m.property.attribute
		}
		if here == "" || attribute != "" && (!strings.EqualFold(here, attribute) || !hereInJSON.is(inJSON)) {
			return "", nil, sortFault(key, "unsortable", "the field %q has no order: a result is sorted by fields that are one plain attribute, or stand in one of JSON", key.Field.String())
		}
		attribute, inJSON = here, hereInJSON
	}
	if attribute == "" {
		return "", nil, sortFault(key, "unknownField", "no resource type of this collection has the field %q", key.Field.String())
	}
	return attribute, inJSON, nil
}

func sortFault(key query.SortKey, kind, format string, args ...any) error {
	e := fault.New(fault.Invalid, format, args...).Named(kind)
	e.Detail.Parameter, e.Detail.Position = "_sortKeys", key.Position
	return e
}

// identityOf returns the attribute that tells entries apart for ever and has an order in
// the directory (RFC 4530); "" when there is none.
func identityOf(schema *directory.Schema) string {
	if t := schema.Attribute("entryUUID"); t != nil && t.Ordering != "" {
		return "entryUUID"
	}
	return ""
}

func newOrderKey(schema *directory.Schema, attribute string) orderKey {
	k := orderKey{attribute: attribute}
	t := schema.Attribute(attribute)
	if t == nil {
		return k
	}
	k.single, k.own = t.SingleValue, t.Ordering != ""
	if k.rule = t.Ordering; !k.own {
		k.rule = orderingRule(schema, t)
	}
	k.listed = k.rule != "" && schema.TakesRule(t.OID, k.rule)
	return k
}

// isServed reports whether a server can sort by the key, and go on after any place.
func (k *orderKey) isServed() bool { return k.listed || k.own && k.single }

// IsServed reports whether the directory can sort the result and go on after any place
// in it. Otherwise the gateway sorts.
func (o *Order) IsServed() bool { return o.served }

// Attributes returns what has to be read of an entry to know its position.
func (o *Order) Attributes() []string {
	var names []string
	for i := range o.keys {
		names = append(names, o.keys[i].attribute)
	}
	if o.identity != "" {
		names = append(names, o.identity)
	}
	return names
}

// Keys returns the order in the words of the directory.
func (o *Order) Keys() []directory.SortKey {
	var keys []directory.SortKey
	for _, k := range o.keys {
		keys = append(keys, directory.SortKey{Attribute: k.attribute, Rule: k.rule, Reverse: k.reverse})
	}
	return append(keys, directory.SortKey{Attribute: o.identity})
}

// Start returns the position before all entries.
func (o *Order) Start() *Position { return &Position{} }

// IsStart reports whether the position is before all entries.
func (p *Position) IsStart() bool { return p.Identity == "" }

// Sort sorts entries.
func (o *Order) Sort(entries []*directory.Entry) {
	positions := make(map[*directory.Entry]Position, len(entries))
	for _, entry := range entries {
		positions[entry] = o.PositionOf(entry)
	}
	slices.SortFunc(entries, func(a, b *directory.Entry) int { return o.Compare(positions[a], positions[b]) })
}

// PositionOf returns the place of an entry.
func (o *Order) PositionOf(entry *directory.Entry) Position {
	p := Position{Identity: Octets(entry.DN), Values: make([]*Octets, len(o.keys))}
	if value := entry.Value(o.identity); value != "" {
		p.Identity = Octets(value)
	}
	for i, k := range o.keys {
		values := entry.Values(k.attribute)
		if k.json != nil {
			values = k.json.leastOf(values)
		}
		if len(values) > 0 {
			least, _ := o.matcher.Least(k.attribute, values)
			p.Values[i] = (*Octets)(&least)
		}
	}
	return o.Restore(p)
}

// Restore completes a position that was stored as JSON.
func (o *Order) Restore(p Position) Position {
	p.forms = make([]orderForm, len(o.keys))
	for i, k := range o.keys {
		switch {
		case i >= len(p.Values) || p.Values[i] == nil:
		case k.json != nil:
			p.forms[i].json = k.json.order(string(*p.Values[i]))
		default:
			_, p.forms[i].plain = o.matcher.Least(k.attribute, []string{string(*p.Values[i])})
		}
	}
	return p
}

// Compare returns a negative number when a comes before b, a positive one when after.
func (o *Order) Compare(a, b Position) int {
	for i, k := range o.keys {
		order := 0
		switch {
		case a.Values[i] != nil && b.Values[i] != nil:
			order = a.forms[i].compare(b.forms[i])
		case a.Values[i] != nil:
			order = -1
		case b.Values[i] != nil:
			order = 1
		}
		if k.reverse {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(a.Identity, b.Identity)
}

// After selects the entries after a position. It is for an order that IsServed.
func (o *Order) After(p Position) directory.Filter {
	after := directory.And(
		directory.Filter{Op: directory.FilterGreaterOrEqual, Attribute: o.identity, Value: string(p.Identity)},
		directory.Not(directory.Equal(o.identity, string(p.Identity))))
	for i, k := range slices.Backward(o.keys) {
		after = anyOf([]directory.Filter{k.beyond(p.Values[i]), allOf([]directory.Filter{k.at(p.Values[i]), after})})
	}
	return after
}

// At selects the entry at a position, in the words in which After does. It is for an
// order that IsServed.
func (o *Order) At(p Position) directory.Filter {
	conditions := []directory.Filter{directory.Equal(o.identity, string(p.Identity))}
	for i := range o.keys {
		conditions = append(conditions, o.keys[i].at(p.Values[i]))
	}
	return directory.And(conditions...)
}

// at selects the entries whose lowest value is that one; nil is none.
func (k *orderKey) at(value *Octets) directory.Filter {
	if value == nil {
		return directory.Not(directory.Present(k.attribute))
	}
	return directory.And(directory.Equal(k.attribute, string(*value)), directory.Not(k.below(*value)))
}

// beyond selects the entries whose lowest value, or the lack of one, comes later.
func (k *orderKey) beyond(value *Octets) directory.Filter {
	absent := directory.Not(directory.Present(k.attribute))
	switch {
	case value == nil && k.reverse:
		return directory.Present(k.attribute)
	case value == nil:
		return directory.Or()
	case k.reverse:
		return k.below(*value)
	}
	return directory.Or(absent, directory.Not(directory.Or(k.below(*value), directory.Equal(k.attribute, string(*value)))))
}

// below selects the entries that have a lower value.
func (k *orderKey) below(value Octets) directory.Filter {
	if k.listed {
		// The ordering rules mean "less than" in an extensible match (RFC 4517 §4.2).
		return directory.Filter{Op: directory.FilterExtensible, Attribute: k.attribute, Rule: k.rule, Value: string(value)}
	}
	return directory.And(
		directory.Filter{Op: directory.FilterLessOrEqual, Attribute: k.attribute, Value: string(value)},
		directory.Not(directory.Equal(k.attribute, string(value))))
}
