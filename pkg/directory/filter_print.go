package directory

import (
	"fmt"
	"strings"
)

// String returns the string form of RFC 4515, the inverse of ParseFilter. It is
// for people: a filter travels to a server as a tree.
func (f Filter) String() string {
	var b strings.Builder
	f.write(&b)
	return b.String()
}

func (f *Filter) write(b *strings.Builder) {
	b.WriteByte('(')
	switch f.Op {
	case FilterAnd, FilterOr, FilterNot:
		b.WriteByte("&|!"[f.Op])
		for i := range f.Children {
			f.Children[i].write(b)
		}
	case FilterPresent:
		b.WriteString(f.Attribute + "=*")
	case FilterSubstrings:
		f.writeSubstrings(b)
	default:
		b.WriteString(f.Attribute + f.operator())
		writeAssertion(b, f.Value)
	}
	b.WriteByte(')')
}

// operator returns what stands between the attribute and the one value.
func (f *Filter) operator() string {
	switch f.Op {
	case FilterGreaterOrEqual:
		return ">="
	case FilterLessOrEqual:
		return "<="
	case FilterApprox:
		return "~="
	case FilterExtensible:
		var operator string
		if f.DNAttributes {
			operator = ":dn"
		}
		if f.Rule != "" {
			operator += ":" + f.Rule
		}
		return operator + ":="
	default:
		return "="
	}
}

func (f *Filter) writeSubstrings(b *strings.Builder) {
	b.WriteString(f.Attribute + "=")
	writeAssertion(b, f.Initial)
	b.WriteByte('*')
	for _, part := range f.Any {
		writeAssertion(b, part)
		b.WriteByte('*')
	}
	writeAssertion(b, f.Final)
}

// writeAssertion escapes as RFC 4515 §3 demands, and control characters and octets
// that are not UTF-8 as well.
func writeAssertion(b *strings.Builder, value string) {
	for i, r := range value {
		c := value[i]
		if strings.IndexByte(`*()\`, c) >= 0 || isControl(c) || isBadOctet(value, i, r) {
			fmt.Fprintf(b, `\%02x`, c)
		} else {
			b.WriteRune(r)
		}
	}
}
