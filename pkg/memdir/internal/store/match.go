package store

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// truth is a value of the logic of filters, which has three (RFC 4511 §4.5.1.7).
type truth int

const (
	isFalse truth = iota
	isUndefined
	isTrue
)

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

// evaluate applies a filter to an entry as the viewer: what the viewer may not search
// for is Undefined.
func (v *view) evaluate(f *directory.Filter, c candidate) truth {
	switch f.Op {
	case directory.FilterAnd:
		result := isTrue
		for i := range f.Children {
			if result = min(result, v.evaluate(&f.Children[i], c)); result == isFalse {
				break
			}
		}
		return result
	case directory.FilterOr:
		result := isFalse
		for i := range f.Children {
			if result = max(result, v.evaluate(&f.Children[i], c)); result == isTrue {
				break
			}
		}
		return result
	case directory.FilterNot:
		if below := &f.Children[0]; below.Op == directory.FilterNot {
			return v.evaluate(&below.Children[0], c) // As slapd reads it.
		}
		return isTrue - v.evaluate(&f.Children[0], c)
	case directory.FilterExtensible:
		return v.extensible(f, c)
	case directory.FilterPresent:
		if c.stored && asksForMemberOf(f) {
			return isFalse
		}
	default:
	}
	t, options := v.store.schema.attribute(f.Attribute)
	if t == nil || !v.may(c.entry, target{typ: t}, search) {
		return isUndefined
	}
	test := v.store.schema.tester(t, f)
	if test == nil {
		return isUndefined
	}
	return truthOf(v.anyValue(c, t, options, test))
}

// asksForMemberOf reports whether a filter asks if there is a memberOf: OpenLDAP looks for
// the entries before dynlist works it out, and then once more at those it found.
func asksForMemberOf(f *directory.Filter) bool {
	return f.Op == directory.FilterPresent && strings.EqualFold(f.Attribute, "memberOf") || slices.ContainsFunc(f.Children, func(child directory.Filter) bool { return asksForMemberOf(&child) })
}

// anyValue reports whether a value of the attribute, or of a subtype of it, passes a test.
func (v *view) anyValue(c candidate, t *attributeType, options string, test func(string) bool) bool {
	for i := range c.attributes {
		a := &c.attributes[i]
		if a.typ.isBelow(t) && hasOptions(a.options, options) && (a.typ == t || v.may(c.entry, target{typ: a.typ}, search)) && slices.ContainsFunc(a.values, test) {
			return true
		}
	}
	return slices.ContainsFunc(v.computed(c, t), test)
}

// tester returns the test of a value that a filter makes; nil where the attribute has no
// such comparison, or the value is not of its syntax.
func (s *schema) tester(t *attributeType, f *directory.Filter) func(string) bool {
	switch f.Op {
	case directory.FilterPresent:
		return func(string) bool { return true }
	case directory.FilterEqual, directory.FilterApprox:
		if t.name == "objectClass" || t.name == "structuralObjectClass" {
			return s.subclasses(f.Value)
		}
		return s.comparison(t.equality, f.Value, func(order int) bool { return order == 0 })
	case directory.FilterGreaterOrEqual:
		return s.comparison(t.ordering, f.Value, func(order int) bool { return order >= 0 })
	case directory.FilterLessOrEqual:
		return s.comparison(t.ordering, f.Value, func(order int) bool { return order <= 0 })
	case directory.FilterSubstrings:
		return s.substrings(t.substr, f)
	default:
	}
	return nil
}

// subclasses is the test for a class and those below it.
func (s *schema) subclasses(name string) func(string) bool {
	asserted := s.classes[strings.ToLower(name)]
	if asserted == nil {
		return nil
	}
	return func(value string) bool {
		c := s.classes[strings.ToLower(value)]
		return c != nil && c.isBelow(asserted)
	}
}

func (s *schema) comparison(rule, asserted string, holds func(order int) bool) func(string) bool {
	if rule == "" {
		return nil
	}
	wanted, ok := s.normalize(rule, asserted)
	if !ok {
		return nil
	}
	bare := rule == "uniqueMemberMatch" && !strings.Contains(wanted, "#")
	return func(value string) bool {
		have, ok := s.normalize(rule, value)
		if bare {
			have, _, _ = strings.Cut(have, "#")
		}
		return ok && holds(strings.Compare(have, wanted))
	}
}

// substrings is the test of a substring match (RFC 4517 §4.2): the parts in their order,
// none over another.
func (s *schema) substrings(rule string, f *directory.Filter) func(string) bool {
	if rule == "" {
		return nil
	}
	var failed bool
	part := func(text string) string {
		norm, ok := s.normalizePart(rule, text)
		failed = failed || !ok
		return norm
	}
	// The spaces at the ends of a value do not count, unless there is nothing else.
	initial, final := part(f.Initial), strings.TrimRight(part(f.Final), " ")
	if bare := strings.TrimLeft(initial, " "); bare != "" {
		initial = bare
	}
	var middle []string
	for _, text := range f.Any {
		middle = append(middle, part(text))
	}
	if failed {
		return nil
	}
	return func(value string) bool {
		rest, ok := s.normalize(rule, value)
		if !ok {
			return false
		}
		if rest, ok = strings.CutPrefix(rest, initial); !ok || len(rest) < len(final) {
			return false
		}
		for _, text := range middle {
			if _, rest, ok = strings.Cut(rest, text); !ok {
				return false
			}
		}
		return strings.HasSuffix(rest, final)
	}
}

// normalizePart is normalize for a part of a value: a space at its end counts, once, in
// directory strings.
func (s *schema) normalizePart(rule, text string) (string, bool) {
	if text == "" {
		return "", true
	}
	norm, ok := s.normalize(rule, text)
	if !ok || !strings.HasPrefix(rule, "caseIgnoreSub") && !strings.HasPrefix(rule, "caseExactSub") && !strings.HasPrefix(rule, "caseIgnoreList") {
		if norm == "" && strings.HasPrefix(rule, "telephone") {
			norm = "\x00" // No value has one.
		}
		return norm, ok // OpenLDAP takes the spaces off, those of IA5 strings, too.
	}
	if norm == " " {
		return norm, true
	}
	if text[0] == ' ' {
		norm = " " + norm
	}
	if text[len(text)-1] == ' ' {
		norm += " "
	}
	return norm, true
}

// extensible applies a filter with a matching rule (RFC 4511 §4.5.1.7.7). The ordering
// rules mean "less than".
func (v *view) extensible(f *directory.Filter, c candidate) truth {
	s := v.store.schema
	rule := f.Rule
	if rule != "" {
		// OpenLDAP compares no value of an attribute by objectIdentifierMatch.
		if rule = s.rules[strings.ToLower(f.Rule)]; rule == "" || rule == "objectIdentifierMatch" {
			return isUndefined
		}
	}
	fits := func(t *attributeType) bool {
		return rule == "" || s.uses[rule][t] || rule == t.equality || rule == t.ordering
	}
	holds := func(order int) bool { return order == 0 }
	if strings.HasSuffix(rule, "OrderingMatch") {
		holds = func(order int) bool { return order < 0 }
	}
	testOf := func(t *attributeType) func(string) bool {
		if rule == "" {
			return s.comparison(t.equality, f.Value, holds)
		}
		return s.comparison(rule, f.Value, holds)
	}
	if f.Attribute != "" {
		t, options := s.attribute(f.Attribute)
		if t == nil || !fits(t) || !v.may(c.entry, target{typ: t}, search) {
			return isUndefined
		}
		test := testOf(t)
		if test == nil {
			return isUndefined
		}
		// What a name is made of has no options.
		return truthOf(v.anyValue(c, t, options, test) ||
			f.DNAttributes && options == "" && c.name.anyPair(func(p pair) bool { return p.typ.isBelow(t) && test(p.value) }))
	}
	if rule == "" {
		return isUndefined
	}
	test := s.comparison(rule, f.Value, holds)
	if test == nil {
		return isUndefined
	}
	for i := range c.attributes {
		if a := &c.attributes[i]; fits(a.typ) && v.may(c.entry, target{typ: a.typ}, search) && slices.ContainsFunc(a.values, test) {
			return isTrue
		}
	}
	return truthOf(f.DNAttributes && c.name.anyPair(func(p pair) bool { return fits(p.typ) && test(p.value) }))
}

// anyPair reports whether a type and value of the name pass a test.
func (n name) anyPair(test func(pair) bool) bool {
	return slices.ContainsFunc(n.rdns, func(r rdn) bool { return slices.ContainsFunc(r.pairs, test) })
}
