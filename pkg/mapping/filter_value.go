package mapping

import (
	"math/big"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// A server answers a comparison with a value that the attribute's syntax does not have as
// Undefined (RFC 4511 §4.5.1.7): an empty success, and the same for its negation. Such a
// comparison is refused where the syntax has a form of its own, as that of a number has.
// Of text that the syntax cannot hold it is known that nothing equals it.

// compare translates a comparison of an attribute.
func (p *boundProperty) compare(f *query.Filter) (directory.Filter, error) {
	if f.Op == query.Present {
		if p.valueType == FileTime {
			return isShown(p.attribute), nil
		}
		return directory.Present(p.attribute), nil
	}
	if f.Op == query.Contains || f.Op == query.StartsWith {
		text, ok := f.Value.(string)
		switch {
		case !ok || !p.valueType.IsText():
			return directory.Filter{}, filterFault(f, "wrongType", "co and sw compare text, and %q is not text, or the value is no string", p.Pointer.String())
		case text == "":
			return directory.Present(p.attribute), nil
		case !canHold(p.schema, text):
			return directory.Or(), nil
		case f.Op == query.Contains:
			return directory.Filter{Op: directory.FilterSubstrings, Attribute: p.attribute, Any: []string{text}}, nil
		}
		return directory.Filter{Op: directory.FilterSubstrings, Attribute: p.attribute, Initial: text}, nil
	}
	value, err := p.attributeValue(f.Value)
	if err != nil {
		return directory.Filter{}, filterFault(f, "wrongType", "%s: %s", p.Pointer, err)
	}
	if what := expected(p.schema, value); what != "" {
		return directory.Filter{}, filterFault(f, "wrongType", "%s: %s is expected, not %s", p.Pointer, what, p.describe(f.Value))
	}
	switch {
	case p.valueType == FileTime && f.Op != query.Equal:
		return directory.And(p.order(f.Op, value), isTime(p.attribute)), nil
	case p.valueType == FileTime && standsForNever(value):
		return directory.Or(), nil
	}
	return p.order(f.Op, value), nil
}

func (p *boundProperty) order(op query.Op, value string) directory.Filter {
	equal := directory.Equal(p.attribute, value)
	if !canHold(p.schema, value) {
		equal = directory.Or()
	}
	atLeast := directory.Filter{Op: directory.FilterGreaterOrEqual, Attribute: p.attribute, Value: value}
	atMost := directory.Filter{Op: directory.FilterLessOrEqual, Attribute: p.attribute, Value: value}
	if value == "" && equal.IsFalse() { // It comes before all others.
		atLeast, atMost = directory.Present(p.attribute), directory.Or()
	}
	switch op {
	case query.GreaterOrEqual:
		return atLeast
	case query.LessOrEqual:
		return atMost
	case query.Greater:
		if next, ok := p.neighbour(value, 1); ok {
			atLeast.Value = next
			return atLeast
		}
		return allOf([]directory.Filter{atLeast, not(equal)})
	case query.Less:
		if next, ok := p.neighbour(value, -1); ok {
			atMost.Value = next
			return atMost
		}
		return allOf([]directory.Filter{atMost, not(equal)})
	default:
		return equal
	}
}

// neighbour returns the integer next to a value, so that "less than" stays right
// for an attribute that has the value itself beside a lesser one.
func (p *boundProperty) neighbour(value string, step int64) (string, bool) {
	n, ok := new(big.Int).SetString(value, 10)
	if !ok || p.valueType != Integer && p.valueType != FileTime {
		return "", false
	}
	return n.Add(n, big.NewInt(step)).String(), true
}

const (
	syntaxIA5String = "1.3.6.1.4.1.1466.115.121.1.26"
	syntaxCSN       = "1.3.6.1.4.1.4203.666.11.2.1" // OpenLDAP's, of entryCSN
)

// isCSN tells the revisions of OpenLDAP: time, count, server and modification.
var isCSN = regexp.MustCompile(`^[0-9]{14}(\.[0-9]{6})?Z#[0-9A-Fa-f]{6}#[0-9A-Fa-f]{2,3}#[0-9A-Fa-f]{6}$`)

// expected tells what the attribute's syntax takes instead of the value; "" when it takes
// the value, or when nobody knows.
func expected(t *directory.AttributeType, value string) string {
	if t == nil {
		return ""
	}
	switch t.Syntax {
	case syntaxCSN:
		if !isCSN.MatchString(value) {
			return `a revision such as "20260131120000.000000Z#000000#000#000000"`
		}
	case directory.SyntaxInteger:
		if !isInteger(value) {
			return "an integer"
		}
	case directory.SyntaxBoolean:
		if value != "TRUE" && value != "FALSE" {
			return `"TRUE" or "FALSE"`
		}
	case directory.SyntaxGeneralizedTime:
		if _, err := directory.ParseGeneralizedTime(value); err != nil {
			return `a time such as "20260131120000Z"`
		}
	case directory.SyntaxDN:
		return DN.refuses(value)
	case directory.SyntaxNumericString:
		return NumericString.refuses(value)
	case directory.SyntaxUUID:
		return UUID.refuses(value)
	}
	return ""
}

// canHold reports whether an attribute may have a text for its value.
func canHold(t *directory.AttributeType, text string) bool {
	switch {
	case t == nil:
		return true
	case t.Syntax == directory.SyntaxDirectoryString:
		return text != ""
	case t.Syntax == syntaxIA5String:
		return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
	}
	return true
}
