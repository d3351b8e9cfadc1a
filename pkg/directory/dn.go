package directory

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// AVA is an attribute type and the value that names an entry among its siblings
// (RFC 4512 §2.3.1). The value is the plain value, not escaped.
type AVA struct {
	Type  string
	Value string
}

// RDN is a relative distinguished name: one AVA, seldom several.
type RDN []AVA

// DN is a parsed distinguished name, leaf first. The zero DN is the name of the
// root DSE. A DN is immutable.
type DN struct {
	rdns []RDN
}

// ParseDN parses the string form of RFC 4514. It takes spaces around the
// separators and ";" for ",", as readers of RFC 2253 §4 names do. A value in "#"
// form has to be a string. The error is a *SyntaxError.
func ParseDN(s string) (DN, error) {
	p := dnParser{s: s}
	return p.dn()
}

// MustParseDN is ParseDN for constants of tests; it panics on an error.
func MustParseDN(s string) DN {
	dn, err := ParseDN(s)
	if err != nil {
		panic(err) //nolint:forbidigo // for constants of tests only
	}
	return dn
}

// IsZero reports whether dn names the root DSE.
func (dn DN) IsZero() bool { return len(dn.rdns) == 0 }

// Depth returns the number of RDNs.
func (dn DN) Depth() int { return len(dn.rdns) }

// RDN returns a copy of the leaf's relative name, nil for the root DSE.
func (dn DN) RDN() RDN {
	if dn.IsZero() {
		return nil
	}
	return slices.Clone(dn.rdns[0])
}

// Parent returns the name of the superior entry; the root DSE is its own parent.
func (dn DN) Parent() DN {
	if dn.IsZero() {
		return dn
	}
	return DN{rdns: dn.rdns[1:]}
}

// Child returns the name of the subordinate entry with that relative name.
func (dn DN) Child(rdn RDN) DN {
	return DN{rdns: slices.Concat([]RDN{slices.Clone(rdn)}, dn.rdns)}
}

// Join returns the name that relative has below dn.
func (dn DN) Join(relative DN) DN {
	return DN{rdns: slices.Concat(relative.rdns, dn.rdns)}
}

// Equal reports whether both names are the same after folding; see Key.
func (dn DN) Equal(other DN) bool {
	return len(dn.rdns) == len(other.rdns) && dn.Key() == other.Key()
}

// IsBelow reports whether dn is a true subordinate of base, at any depth.
func (dn DN) IsBelow(base DN) bool {
	extra := len(dn.rdns) - len(base.rdns)
	return extra > 0 && DN{rdns: dn.rdns[extra:]}.Equal(base)
}

// String returns the RFC 4514 form, the inverse of ParseDN.
func (dn DN) String() string { return string(dn.Append(nil)) }

// Append appends the form of String.
func (dn DN) Append(dst []byte) []byte {
	for i, rdn := range dn.rdns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = rdn.append(dst)
	}
	return dst
}

// String returns the RFC 4514 form of the relative name.
func (r RDN) String() string { return string(r.append(nil)) }

func (r RDN) append(dst []byte) []byte {
	for i, ava := range r {
		if i > 0 {
			dst = append(dst, '+')
		}
		dst = append(append(dst, ava.Type...), '=')
		dst = appendEscaped(dst, ava.Value)
	}
	return dst
}

// appendEscaped escapes as RFC 4514 §2.4 demands, and control characters and octets that
// are not UTF-8 as hexadecimal pairs.
func appendEscaped(dst []byte, value string) []byte {
	for i, r := range value {
		c := value[i]
		switch {
		case isControl(c), isBadOctet(value, i, r):
			dst = fmt.Appendf(dst, `\%02x`, c)
		case strings.IndexByte(`"+,;<>\`, c) >= 0,
			i == 0 && (c == ' ' || c == '#'),
			i == len(value)-1 && c == ' ':
			dst = append(dst, '\\', c)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// isBadOctet reports whether r, decoded at offset i, is an octet that is not UTF-8.
func isBadOctet(s string, i int, r rune) bool {
	return r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError))
}

func isControl(c byte) bool { return c < ' ' || c == 0x7f }

// Key returns a normal form for comparison and for maps: types in lower case
// without "OID.", the AVAs of an RDN sorted, values case-folded with runs of
// spaces as one and none at the ends. That is the caseIgnore comparison, the one
// of every usual naming attribute; names that differ in nothing but case in an
// attribute that compares exactly have the same Key.
func (dn DN) Key() string {
	var b strings.Builder
	for i, rdn := range dn.rdns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(rdn.Key())
	}
	return b.String()
}

// Key returns the normal form of a relative name; see DN.Key.
func (r RDN) Key() string {
	parts := make([]string, len(r))
	for i, ava := range r {
		parts[i] = string(appendEscaped([]byte(foldType(ava.Type)+"="), FoldValue(ava.Value)))
	}
	slices.Sort(parts)
	return strings.Join(parts, "+")
}

// foldType returns the attribute type in lower case without "OID.".
func foldType(t string) string {
	return strings.TrimPrefix(strings.ToLower(t), "oid.")
}

// FoldValue prepares a value for caseIgnore comparison, in the spirit of RFC 4518:
// folded case, runs of spaces as one, none at the ends. Octets that are not UTF-8
// stay as they are.
func FoldValue(value string) string {
	if !utf8.ValidString(value) {
		return value
	}
	return squash(foldCase(value))
}

// foldCase folds by way of the capital, so that letters that share one are alike.
func foldCase(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// squash makes runs of spaces one and removes those at the ends.
func squash(s string) string {
	if !strings.Contains(s, "  ") {
		return strings.Trim(s, " ")
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}
