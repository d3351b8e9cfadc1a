package store

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// entry is one state of an entry. It is immutable: a change makes another one.
type entry struct {
	name       name
	dn, key    string
	attributes []attribute
}

// attribute is an attribute description with its values.
type attribute struct {
	typ     *attributeType
	options string // in lower case, each behind a semicolon
	values  []string
}

// name is the attribute's description. The names of types are the schema's, however a
// client wrote them.
func (a *attribute) name() string { return a.typ.name + a.options }

// newEntry makes an entry without attributes.
func newEntry(n name) *entry { return &entry{name: n, dn: n.String(), key: n.key()} }

// clone returns a state that may be changed until it is stored.
func (e *entry) clone() *entry {
	c := *e
	c.attributes = slices.Clone(e.attributes)
	return &c
}

// attribute returns the values of an attribute without options, by its name.
func (e *entry) attribute(name string) []string {
	for i := range e.attributes {
		if a := &e.attributes[i]; a.options == "" && strings.EqualFold(a.typ.name, name) {
			return a.values
		}
	}
	return nil
}

func (e *entry) hasClass(name string) bool {
	return slices.ContainsFunc(e.attribute("objectClass"), func(class string) bool { return strings.EqualFold(class, name) })
}

// at returns the place of the attribute with exactly that description, -1 for none.
func (e *entry) at(t *attributeType, options string) int {
	return slices.IndexFunc(e.attributes, func(a attribute) bool { return a.typ == t && a.options == options })
}

// set replaces the values of an attribute; none removes it.
func (e *entry) set(a attribute) {
	i := e.at(a.typ, a.options)
	switch {
	case i < 0 && len(a.values) > 0:
		e.attributes = append(e.attributes, a)
	case i >= 0 && len(a.values) == 0:
		e.attributes = slices.Delete(e.attributes, i, i+1)
	case i >= 0:
		e.attributes[i] = a
	}
}

// setOperational sets an attribute of the server's own.
func (s *Store) setOperational(e *entry, name string, values ...string) {
	t, _ := s.schema.attribute(name)
	e.set(attribute{typ: t, values: values})
}

// equal tells values that are the same by the attribute's equality rule, or octet by
// octet where it has none.
func (s *schema) equal(t *attributeType, a, b string) bool {
	if a == b {
		return true
	}
	if t.equality == "" {
		return false
	}
	x, ok := s.normalize(t.equality, a)
	y, also := s.normalize(t.equality, b)
	return ok && also && x == y
}

// position returns where a value is among others, -1 when it is not there.
func (s *schema) position(t *attributeType, values []string, value string) int {
	return slices.IndexFunc(values, func(v string) bool { return s.equal(t, v, value) })
}

// selection is which attributes of an entry a client wants (RFC 4511 §4.5.1.8).
type selection struct {
	user, operational, memberOf bool
	// sorted leaves memberOf out.
	sorted    bool
	named     []description
	typesOnly bool
}

type description struct {
	typ     *attributeType
	options string
}

func (s *schema) selection(names []string, typesOnly bool) selection {
	sel := selection{user: len(names) == 0, typesOnly: typesOnly}
	for _, name := range names {
		class := s.classes[strings.ToLower(strings.TrimPrefix(name, "@"))]
		t, options := s.attribute(name)
		switch {
		case name == "*":
			sel.user = true
		case name == "+":
			sel.operational = true
		case strings.HasPrefix(name, "@") && class != nil:
			for _, set := range []map[*attributeType]bool{class.must, class.may} {
				for t := range set {
					sel.named = append(sel.named, description{t, ""})
				}
			}
		case t != nil:
			sel.named = append(sel.named, description{t, options})
			sel.memberOf = sel.memberOf || t.name == "memberOf"
		}
	}
	return sel
}

func (sel *selection) wants(t *attributeType, options string) bool {
	if t.operational && sel.operational || !t.operational && sel.user {
		return true
	}
	return slices.ContainsFunc(sel.named, func(d description) bool { return t.isBelow(d.typ) && hasOptions(options, d.options) })
}

// hasOptions tells whether all wanted options are among those of an attribute.
func hasOptions(have, want string) bool {
	for option := range strings.SplitSeq(strings.TrimPrefix(want, ";"), ";") {
		if option != "" && !strings.Contains(have+";", ";"+option+";") {
			return false
		}
	}
	return true
}

// show returns what of an entry the viewer may read and wants.
func (v *view) show(c candidate, sel *selection) *directory.Entry {
	shown := &directory.Entry{DN: c.dn}
	add := func(t *attributeType, options string, values []string) {
		if len(values) == 0 || !sel.wants(t, options) || !v.may(c.entry, target{typ: t}, read) {
			return
		}
		if sel.typesOnly {
			values = nil
		}
		shown.Attributes = append(shown.Attributes, directory.Attribute{Name: t.name + options, Values: values})
	}
	for i := range c.attributes {
		a := &c.attributes[i]
		add(a.typ, a.options, a.values)
	}
	for _, name := range []string{"entryDN", "subschemaSubentry", "hasSubordinates"} {
		t, _ := v.store.schema.attribute(name)
		add(t, "", v.computed(c, t))
	}
	if (sel.memberOf || sel.operational) && !sel.sorted {
		t, _ := v.store.schema.attribute("memberOf")
		add(t, "", v.computed(c, t))
	}
	return shown
}

// computed returns the values of an attribute that is worked out when somebody asks.
func (v *view) computed(c candidate, t *attributeType) []string {
	switch t.name {
	case "entryDN":
		return []string{c.dn}
	case "subschemaSubentry":
		return []string{"cn=Subschema"}
	case "hasSubordinates":
		return []string{strings.ToUpper(map[bool]string{true: "true", false: "false"}[c.parent])}
	case "memberOf":
		return v.memberOf(c.key)
	}
	return nil
}
