package store

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// name is a distinguished name, from the leaf up, in the spelling of who wrote it and in
// normal form.
type name struct{ rdns []rdn }

// rdn is a relative name.
type rdn struct {
	pairs []pair // sorted by type
	text  string // as it was written, tidied
	key   string // in normal form
}

// pair is a type and a value of a relative name.
type pair struct {
	typ   *attributeType
	value string
}

func (n name) isZero() bool { return len(n.rdns) == 0 }

// parent is the name of the superior entry; that of the root is itself.
func (n name) parent() name {
	if n.isZero() {
		return n
	}
	return name{n.rdns[1:]}
}

// key is the normal form, for comparison: types by their first name, values by their
// equality rules (RFC 4517 §4.2.15).
func (n name) key() string { return n.join(func(r rdn) string { return r.key }) }

func (n name) String() string { return n.join(func(r rdn) string { return r.text }) }

func (n name) join(text func(rdn) string) string {
	switch len(n.rdns) {
	case 0:
		return ""
	case 1:
		return text(n.rdns[0])
	}
	var b strings.Builder
	for i, r := range n.rdns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(text(r))
	}
	return b.String()
}

// isBelow tells a name that is below another one, at any depth, or is it.
func (n name) isBelow(base name) bool {
	extra := len(n.rdns) - len(base.rdns)
	return extra >= 0 && slices.EqualFunc(n.rdns[extra:], base.rdns, func(a, b rdn) bool { return a.key == b.key })
}

var errDN = errors.New("invalid DN")

// parseDN parses a name (RFC 4514). Attribute types have to be known, and values of
// their syntax.
func (s *schema) parseDN(text string) (name, error) {
	var n name
	rest := strings.TrimLeft(text, " ") // At the end a space may be escaped.
	for more := rest != ""; more; {
		var r rdn
		for plus := true; plus; {
			var p pair
			var err error
			var end byte
			if p, rest, end, err = s.parsePair(rest); err != nil {
				return name{}, err
			}
			r.pairs = append(r.pairs, p)
			plus, more = end == '+', end != 0
		}
		slices.SortStableFunc(r.pairs, func(a, b pair) int { return strings.Compare(a.typ.name, b.typ.name) })
		for i, p := range r.pairs {
			if i > 0 {
				if r.pairs[i-1].typ == p.typ {
					return name{}, errDN
				}
				r.text, r.key = r.text+"+", r.key+"+"
			}
			norm, ok := s.normalize(p.typ.equality, p.value)
			if !ok || !s.isOfSyntax(p.typ, p.value) {
				return name{}, errDN
			}
			r.text += p.typ.name + "=" + escapeDN(p.value)
			r.key += strings.ToLower(p.typ.name) + "=" + escapeDN(norm)
		}
		n.rdns = append(n.rdns, r)
		if len(n.rdns) > 1000 {
			return name{}, errDN
		}
	}
	return n, nil
}

// parsePair parses a type and its value, and what ends it: ',', '+' or, at the end, 0.
func (s *schema) parsePair(text string) (p pair, rest string, end byte, err error) {
	typ, rest, found := strings.Cut(text, "=")
	typ = strings.Trim(typ, " ")
	base := strings.ToLower(typ)
	base = strings.TrimPrefix(base, "oid.")
	if p.typ = s.attributes[base]; !found || p.typ == nil {
		return p, "", 0, errDN
	}
	rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(rest, "#") {
		i := strings.IndexAny(rest, ",;+")
		if i < 0 {
			i = len(rest)
		}
		octets, err := hex.DecodeString(strings.TrimRight(rest[1:i], " "))
		if err != nil || len(octets) < 2 || int(octets[1]) != len(octets)-2 {
			return p, "", 0, errDN
		}
		p.value, rest = string(octets[2:]), rest[i:]
	} else if p.value, rest, err = unescapeDN(rest); err != nil {
		return p, "", 0, err
	}
	if rest == "" {
		return p, "", 0, nil
	}
	end = rest[0]
	if end == ';' {
		end = ','
	}
	return p, strings.TrimLeft(rest[1:], " "), end, nil
}

// unescapeDN reads a value up to what ends it.
func unescapeDN(text string) (value, rest string, err error) {
	var b strings.Builder
	kept := 0 // what of b may not be trimmed
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == ',' || c == ';' || c == '+':
			return trimTo(b.String(), kept), text[i:], nil
		case c == '"' || c == '<' || c == '>' || c == 0:
			return "", "", errDN
		case c != '\\':
			b.WriteByte(c)
			continue
		case i+1 == len(text):
			return "", "", errDN
		}
		if i+2 < len(text) {
			if octet, err := hex.DecodeString(text[i+1 : i+3]); err == nil {
				b.WriteByte(octet[0])
				i += 2
				kept = b.Len()
				continue
			}
		}
		if !strings.ContainsRune(` "#+,;<=>\`, rune(text[i+1])) {
			return "", "", errDN
		}
		b.WriteByte(text[i+1])
		i++
		kept = b.Len()
	}
	return trimTo(b.String(), kept), "", nil
}

// trimTo cuts spaces off the end, behind the first n octets.
func trimTo(s string, n int) string {
	for len(s) > n && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// escapeDN escapes a value as OpenLDAP does: special characters as two hexadecimal digits.
func escapeDN(value string) string {
	special := func(i int) bool {
		c := value[i]
		return strings.IndexByte(`,+"\<>;=`, c) >= 0 || c == 0 || i == 0 && (c == ' ' || c == '#') || i == len(value)-1 && c == ' '
	}
	i := 0
	for i < len(value) && !special(i) {
		i++
	}
	if i == len(value) {
		return value
	}
	var b strings.Builder
	for i := range len(value) {
		if special(i) {
			b.WriteByte('\\')
			b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{value[i]})))
		} else {
			b.WriteByte(value[i])
		}
	}
	return b.String()
}
