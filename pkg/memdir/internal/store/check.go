package store

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// checkAttribute checks a description and its values before anything is looked up. own
// tells that the server makes the change itself, and may write what users may not.
func (s *schema) checkAttribute(name string, values []string, op directory.ChangeOp, own bool) (description, Result) {
	t, options := s.attribute(name)
	switch {
	case t == nil:
		return description{}, refuse(undefinedAttributeType, "%s: attribute type undefined", name)
	case t.noUserMod && !own:
		return description{}, refuse(constraintViolation, "%s: no user modification allowed", t.name)
	case op == directory.ChangeIncrement && t.syntax != syntaxes+"27":
		return description{}, refuse(constraintViolation, "modify/increment: %s: not an integer", t.name)
	}
	for i, value := range values {
		if !s.isValue(t, value) {
			return description{}, refuse(invalidAttributeSyntax, "%s: value #%d invalid per syntax", t.name, i)
		}
	}
	if op == directory.ChangeDelete {
		return description{t, options}, Result{}
	}
	if t.single && len(values) > 1 {
		return description{}, refuse(constraintViolation, "%s: multiple values provided", t.name)
	}
	for i, value := range values {
		if s.position(t, values[:i], value) >= 0 {
			return description{}, refuse(attributeOrValueExists, "%s: value #%d provided more than once", t.name, i)
		}
	}
	return description{t, options}, Result{}
}

// isValue tells a value that the attribute may have and that compares.
func (s *schema) isValue(t *attributeType, value string) bool {
	if !s.isOfSyntax(t, value) || t.name == "objectClass" && s.classes[strings.ToLower(value)] == nil {
		return false
	}
	if t.equality == "" {
		return true
	}
	_, ok := s.normalize(t.equality, value)
	return ok
}

// checkEntry checks an entry against the schema (RFC 4512 §2.4, §2.5), and sets its
// structural class. before is the class that it had, "" for a new one.
func (s *Store) checkEntry(e *entry, before string) Result {
	for i := range e.attributes {
		if a := &e.attributes[i]; a.typ.single && len(a.values) > 1 {
			return refuse(constraintViolation, "attribute '%s' cannot have multiple values", a.name())
		}
	}
	var classes []*objectClass
	var lowest *objectClass
	for _, name := range e.attribute("objectClass") {
		classes = append(classes, s.schema.classes[strings.ToLower(name)])
	}
	if len(classes) == 0 {
		return refuse(objectClassViolation, "no objectClass attribute")
	}
	for _, c := range classes {
		switch {
		case c.kind != structural:
		case lowest == nil || c.isBelow(lowest):
			lowest = c
		case !lowest.isBelow(c):
			return refuse(objectClassViolation, "invalid structural object class chain (%s/%s)", lowest.name, c.name)
		}
	}
	switch {
	case lowest == nil:
		return refuse(objectClassViolation, "no structural object class provided")
	case before != "" && !strings.EqualFold(before, lowest.name):
		return refuse(classModsProhibited, "structural object class modification from '%s' to '%s' not allowed", before, lowest.name)
	}
	s.setOperational(e, "structuralObjectClass", lowest.name)
	if result := s.checkNaming(e); result.Code != success {
		return result
	}
	for _, c := range classes {
		for t := range c.must {
			if !slices.ContainsFunc(e.attributes, func(a attribute) bool { return a.typ.isBelow(t) }) {
				return refuse(objectClassViolation, "object class '%s' requires attribute '%s'", c.name, t.name)
			}
		}
	}
	extensible := slices.ContainsFunc(classes, func(c *objectClass) bool { return c.name == "extensibleObject" })
	for i := range e.attributes {
		a := &e.attributes[i]
		allowed := a.typ.operational || extensible || a.typ.name == "objectClass" || slices.ContainsFunc(classes, func(c *objectClass) bool { return c.must[a.typ] || c.may[a.typ] })
		if !allowed {
			return refuse(objectClassViolation, "attribute '%s' not allowed", a.name())
		}
	}
	return Result{}
}

// checkNaming checks that the entry has the values of its own name.
func (s *Store) checkNaming(e *entry) Result {
	for _, p := range e.name.rdns[0].pairs {
		i := e.at(p.typ, "")
		switch {
		case p.typ.operational:
			return refuse(namingViolation, "naming attribute '%s' is operational", p.typ.name)
		case p.typ.equality == "":
			return refuse(namingViolation, "naming attribute '%s' has no equality matching rule", p.typ.name)
		case i < 0:
			return refuse(namingViolation, "naming attribute '%s' is not present in entry", p.typ.name)
		case s.schema.position(p.typ, e.attributes[i].values, p.value) < 0:
			return refuse(namingViolation, "value of naming attribute '%s' is not present in entry", p.typ.name)
		}
	}
	return Result{}
}

// Write are the controls of a change.
type Write struct {
	// Assert has to hold for the entry (RFC 4528).
	Assert *directory.Filter
	// NoOp tries the change and does not make it; the result is 0x410e where it would succeed.
	NoOp bool
	// PreRead and PostRead are attributes to return (RFC 4527); nil is no such control.
	PreRead, PostRead []string
	// Permissive lets the addition of a value that is there and the deletion of one that is
	// not succeed.
	Permissive bool
}

// Outcome is the outcome of a change, with the states that were asked for.
type Outcome struct {
	Result

	Before, After *directory.Entry
}

// done makes the outcome of a change. s.mu is held.
func (v *view) done(w *Write, before, after *candidate) Outcome {
	if w.NoOp {
		return Outcome{Result: Result{Code: noOperation}}
	}
	var o Outcome
	showAs := func(c *candidate, names []string) *directory.Entry {
		if c == nil || names == nil {
			return nil
		}
		// memberOf is worked out for searches only.
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.EqualFold(name, "memberOf") })
		if len(names) == 0 {
			names = []string{"1.1"}
		}
		sel := v.store.schema.selection(names, false)
		return v.show(*c, &sel)
	}
	o.Before, o.After = showAs(before, w.PreRead), showAs(after, w.PostRead)
	return o
}
