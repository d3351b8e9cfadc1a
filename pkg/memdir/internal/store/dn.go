package store

import (
	"encoding/hex"
	"slices"
	"strings"
)

// ava is a part of a name: type and value, unescaped.
type ava struct{ attribute, value string }

// rdn is one level of a name.
type rdn []ava

// parseDN parses a name (RFC 4514), the lowest level first.
func parseDN(s string) (name []rdn, ok bool) {
	if strings.TrimSpace(s) == "" {
		return nil, true
	}
	level := rdn{}
	for {
		var part ava
		var end byte
		part, end, s, ok = parseAVA(s)
		if !ok {
			return nil, false
		}
		level = append(level, part)
		if end != '+' {
			name, level = append(name, level), rdn{}
		}
		if end == 0 {
			return name, true
		}
	}
}

// parseAVA takes a part off the front, and returns the separator after it, 0 at the end.
func parseAVA(s string) (part ava, end byte, rest string, ok bool) {
	attribute, s, ok := strings.Cut(s, "=")
	attribute = strings.TrimSpace(attribute)
	if !ok || attribute == "" || strings.ContainsAny(attribute, `,+;"\<> `) {
		return ava{}, 0, "", false
	}
	part.attribute = attribute
	s = strings.TrimLeft(s, " ")
	if strings.HasPrefix(s, "#") {
		n := strings.IndexAny(s, ",+;")
		if n < 0 {
			n = len(s)
		}
		octets, err := hex.DecodeString(strings.TrimRight(s[1:n], " "))
		if err != nil || len(octets) < 2 {
			return ava{}, 0, "", false
		}
		part.value = string(octets[2:]) // After tag and length of a short string.
		s = s[n:]
	} else {
		var n int
		if part.value, n, ok = unescape(s); !ok {
			return ava{}, 0, "", false
		}
		s = s[n:]
	}
	if s == "" {
		return part, 0, "", true
	}
	return part, s[0], s[1:], true
}

// unescape decodes a value up to the separator, and returns where that is. Spaces at the
// end count only when they are escaped.
func unescape(s string) (value string, end int, ok bool) {
	var b strings.Builder
	keep := 0
	i := 0
loop:
	for i < len(s) {
		switch c := s[i]; c {
		case ',', '+', ';':
			break loop
		case '"', '<', '>', 0:
			return "", 0, false
		case '\\':
			if i+1 == len(s) {
				return "", 0, false
			}
			if strings.IndexByte(` ,+;"\<>=#`, s[i+1]) >= 0 {
				b.WriteByte(s[i+1])
				i += 2
			} else if octet, err := hex.DecodeString(s[i+1 : min(i+3, len(s))]); err == nil && len(octet) == 1 {
				b.WriteByte(octet[0])
				i += 3
			} else {
				return "", 0, false
			}
			keep = b.Len()
		default:
			b.WriteByte(c)
			if i++; c != ' ' {
				keep = b.Len()
			}
		}
	}
	return b.String()[:keep], i, true
}

// fold is the form of a value in which it compares.
func fold(value string) string { return strings.ToLower(strings.Join(strings.Fields(value), " ")) }

// key is the form of a level in which it compares.
func (r rdn) key() string {
	parts := make([]string, len(r))
	for i, part := range r {
		parts[i] = strings.ToLower(part.attribute) + "=" + escape(fold(part.value))
	}
	slices.Sort(parts)
	return strings.Join(parts, "+")
}

// keyOf is the form of a name in which it compares.
func keyOf(name []rdn) string {
	keys := make([]string, len(name))
	for i, level := range name {
		keys[i] = level.key()
	}
	return strings.Join(keys, ",")
}

// normalize returns the key of a name.
func normalize(dn string) (key string, ok bool) {
	name, ok := parseDN(dn)
	return keyOf(name), ok
}

// parentKey is the key of the entry above, "" at the top.
func parentKey(key string) string {
	for i := 0; i < len(key); i++ {
		switch key[i] {
		case '\\':
			i++
		case ',':
			return key[i+1:]
		}
	}
	return ""
}

// escape writes a value as it stands in a name.
func escape(value string) string {
	var b strings.Builder
	for i := range len(value) {
		switch c := value[i]; {
		case c == 0:
			b.WriteString(`\00`)
			continue
		case strings.IndexByte(`,+;"\<>`, c) >= 0, c == '#' && i == 0, c == ' ' && (i == 0 || i == len(value)-1):
			b.WriteByte('\\')
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// isBelow tells whether the entry is below the base, at any depth.
func isBelow(key, base string) bool {
	return base == "" && key != "" || strings.HasSuffix(key, ","+base)
}
