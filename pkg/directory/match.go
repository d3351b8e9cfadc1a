package directory

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Matcher evaluates filters over entries as a directory does (RFC 4511 §4.5.1.7),
// comparing values by the syntaxes and matching rules of a schema (RFC 4517). It
// also orders values whose attribute has no ordering rule, by the order of their
// syntax: text by Unicode code points without regard to case. It is immutable and
// safe for concurrent use.
type Matcher struct {
	schema *Schema
	rules  map[string]func(value, assertion string) bool
}

// NewMatcher makes a matcher. What the schema does not know is compared as text
// without regard to case.
func NewMatcher(schema *Schema) *Matcher { return &Matcher{schema: schema} }

// WithRule returns a matcher that evaluates extensible matches by a rule of that name: true
// for an entry of which holds says so for one of the values.
func (m *Matcher) WithRule(rule string, holds func(value, assertion string) bool) *Matcher {
	rules := map[string]func(value, assertion string) bool{rule: holds}
	for name, other := range m.rules {
		rules[name] = other
	}
	return &Matcher{schema: m.schema, rules: rules}
}

// Matches reports whether the filter is true for the entry; Undefined is not true.
// An attribute that the entry does not show has no value. An approximate match, and
// an extensible one by a rule that is not an ordering rule, are errors, because only
// the directory knows these rules.
func (m *Matcher) Matches(filter Filter, entry *Entry) (bool, error) {
	result, err := m.evaluate(&filter, entry)
	return result == isTrue, err
}

// truth is a value of the three-valued logic of filters.
type truth int

const (
	isFalse truth = iota
	isUndefined
	isTrue
)

func truthOf(holds bool) truth {
	if holds {
		return isTrue
	}
	return isFalse
}

func (m *Matcher) evaluate(f *Filter, entry *Entry) (truth, error) {
	switch f.Op {
	case FilterAnd, FilterOr:
		// And is the least, Or the greatest of its operands.
		result := isTrue
		if f.Op == FilterOr {
			result = isFalse
		}
		for i := range f.Children {
			child, err := m.evaluate(&f.Children[i], entry)
			if err != nil {
				return isUndefined, err
			}
			if f.Op == FilterAnd {
				result = min(result, child)
			} else {
				result = max(result, child)
			}
		}
		return result, nil
	case FilterNot:
		child, err := m.evaluate(&f.Children[0], entry)
		return isTrue - child, err
	case FilterPresent:
		return truthOf(len(entry.Values(f.Attribute)) > 0), nil
	case FilterEqual, FilterGreaterOrEqual, FilterLessOrEqual:
		return m.compare(f, entry.Values(f.Attribute)), nil
	case FilterSubstrings:
		return m.substrings(f, entry.Values(f.Attribute)), nil
	case FilterExtensible:
		if holds := m.rules[f.Rule]; holds != nil {
			return truthOf(slices.ContainsFunc(entry.Values(f.Attribute), func(value string) bool { return holds(value, f.Value) })), nil
		}
		// The ordering rules mean "less than" in an extensible match (RFC 4517 §4.2.12).
		if strings.HasSuffix(f.Rule, "OrderingMatch") && f.Attribute != "" && !f.DNAttributes {
			return m.compare(f, entry.Values(f.Attribute)), nil
		}
	case FilterApprox:
	}
	return isUndefined, fmt.Errorf("directory: a filter of kind %d over %s is for the directory alone", f.Op, f.Attribute)
}

func (m *Matcher) compare(f *Filter, values []string) truth {
	normal := m.normalizer(f.Attribute)
	asserted, ok := normal(f.Value)
	if !ok {
		return isUndefined
	}
	result := isFalse
	for _, value := range values {
		held, ok := normal(value)
		if !ok {
			result = max(result, isUndefined)
			continue
		}
		order := held.Compare(asserted)
		switch {
		case order == 0 && f.Op != FilterExtensible,
			order > 0 && f.Op == FilterGreaterOrEqual,
			order < 0 && f.Op != FilterGreaterOrEqual && f.Op != FilterEqual:
			return isTrue
		}
	}
	return result
}

func (m *Matcher) substrings(f *Filter, values []string) truth {
	fold := m.folder(f.Attribute)
	part := func(s string) string {
		folded := fold(s)
		// A space at the edge of a part is a part of it.
		if s != "" && s[0] == ' ' {
			folded = " " + folded
		}
		if len(s) > 1 && s[len(s)-1] == ' ' && folded != " " {
			folded += " "
		}
		return folded
	}
	return truthOf(slices.ContainsFunc(values, func(value string) bool {
		rest, ok := strings.CutPrefix(fold(value), part(f.Initial))
		if !ok {
			return false
		}
		for _, middle := range f.Any {
			_, after, ok := strings.Cut(rest, part(middle))
			if !ok {
				return false
			}
			rest = after
		}
		return strings.HasSuffix(rest, part(f.Final))
	}))
}

// Ordered is a value in the form in which values of its attribute compare: a number, or
// text.
type Ordered struct {
	number *big.Int
	text   string
}

// Compare returns a negative number when o comes before other, a positive one when after.
func (o Ordered) Compare(other Ordered) int {
	if o.number != nil && other.number != nil {
		return o.number.Cmp(other.number)
	}
	return strings.Compare(o.text, other.text)
}

// Least returns the value of the attribute that comes before the others, and its form
// that compares; none for no values. A value that is not of the attribute's syntax
// compares as text.
func (m *Matcher) Least(attribute string, values []string) (least string, form Ordered) {
	normal := m.normalizer(attribute)
	for i, value := range values {
		candidate, ok := normal(value)
		if !ok {
			candidate = Ordered{text: FoldValue(value)}
		}
		if i == 0 || candidate.Compare(form) < 0 {
			least, form = value, candidate
		}
	}
	return least, form
}

// Key returns the function that brings values of the attribute into a form that is the same for
// those that compare as equal. It reports whether the value is of the attribute's syntax; one
// that is not equals none.
func (m *Matcher) Key(attribute string) func(value string) (key string, ok bool) {
	normal := m.normalizer(attribute)
	return func(value string) (string, bool) {
		form, ok := normal(value)
		if !ok {
			return "", false
		}
		return form.key(), true
	}
}

// key is the same for values that compare as equal.
func (o Ordered) key() string {
	if o.number != nil {
		return o.number.String()
	}
	return o.text
}

// normalizer returns the function that brings values of the attribute into the
// form in which they compare; it reports whether the value is one of the syntax.
func (m *Matcher) normalizer(attribute string) func(string) (Ordered, bool) {
	switch m.syntaxOf(attribute) {
	case SyntaxInteger:
		return func(s string) (Ordered, bool) {
			n, ok := new(big.Int).SetString(s, 10)
			return Ordered{number: n}, ok
		}
	case SyntaxGeneralizedTime:
		return func(s string) (Ordered, bool) {
			t, err := ParseGeneralizedTime(s)
			return Ordered{text: t.Format(timeOrder)}, err == nil
		}
	case SyntaxDN, SyntaxNameAndUID:
		return func(s string) (Ordered, bool) {
			dn, err := ParseDN(s)
			return Ordered{text: dn.Key()}, err == nil
		}
	}
	fold := m.folder(attribute)
	return func(s string) (Ordered, bool) { return Ordered{text: fold(s)}, true }
}

// timeOrder is a form of a time whose text is in the order of time.
const timeOrder = "20060102150405.000000000"

// folder returns the preparation of text for the attribute (RFC 4518).
func (m *Matcher) folder(attribute string) func(string) string {
	t := m.schema.Attribute(attribute)
	if t == nil {
		return FoldValue
	}
	rule := t.Equality + t.Ordering + t.Substrings
	switch {
	case t.Syntax == SyntaxTelephoneNumber:
		return strings.NewReplacer(" ", "", "-", "").Replace
	case t.Syntax == SyntaxNumericString:
		return func(s string) string { return strings.ReplaceAll(s, " ", "") }
	case strings.HasPrefix(rule, "caseExact"):
		return squash
	case t.Syntax == SyntaxOctetString || t.Syntax == SyntaxJPEG || strings.HasPrefix(rule, "octetString"):
		return func(s string) string { return s }
	}
	return FoldValue
}

func (m *Matcher) syntaxOf(attribute string) string {
	if t := m.schema.Attribute(attribute); t != nil {
		return t.Syntax
	}
	return ""
}
