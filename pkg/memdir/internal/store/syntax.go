package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Syntaxes (RFC 4517 §3.3), without their common beginning.
const syntaxes = "1.3.6.1.4.1.1466.115.121.1."

// isOfSyntax tells a value that the attribute may have.
func (s *schema) isOfSyntax(t *attributeType, value string) bool {
	short, found := strings.CutPrefix(t.syntax, syntaxes)
	if !found {
		if t.syntax == "1.3.6.1.1.16.1" {
			_, ok := normalUUID(value)
			return ok
		}
		return true
	}
	switch short {
	case "7":
		return value == "TRUE" || value == "FALSE"
	case "11":
		return len(value) == 2 && isPrintable(value)
	case "12":
		n, err := s.parseDN(value)
		return err == nil && (value == "" || !n.isZero())
	case "15":
		return value != "" && utf8.ValidString(value)
	case "22":
		number, _, _ := strings.Cut(value, "$")
		return isPrintable(number)
	case "24":
		_, ok := normalTime(value)
		return ok
	case "26":
		return isASCII(value)
	case "27":
		_, ok := normalInteger(value)
		return ok
	case "34":
		_, ok := s.normalNameAndUID(value)
		return ok
	case "36":
		return value != "" && strings.Trim(value, "0123456789 ") == ""
	case "38":
		return value != "" && strings.Trim(strings.ToLower(value), "abcdefghijklmnopqrstuvwxyz0123456789-.;_") == ""
	case "39":
		return value != "" && utf8.ValidString(value)
	case "41":
		return isPostal(value)
	case "44", "50":
		return isPrintable(value)
	}
	return true
}

// isPostal tells a postal address: a backslash begins "\24" or "\5C" (RFC 4517 §3.3.28).
func isPostal(value string) bool {
	rest := strings.NewReplacer(`\24`, "", `\5C`, "", `\5c`, "").Replace(value)
	return value != "" && utf8.ValidString(value) && !strings.Contains(rest, `\`)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isPrintable tells a printable string (RFC 4517 §3.3.29).
func isPrintable(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte(`'()+,-./:?= `, c) < 0 {
			return false
		}
	}
	return s != ""
}

// stored is the form in which OpenLDAP keeps values: names are tidied.
func (s *schema) stored(t *attributeType, values []string) []string {
	values = slices.Clone(values)
	if t.syntax == syntaxes+"12" {
		for i, value := range values {
			if n, err := s.parseDN(value); err == nil {
				values[i] = n.String()
			}
		}
	}
	return values
}

// normalize brings a value into the form in which values compare by a matching rule, as
// text in the order of the rule. It reports false for a value that is none of the rule's
// syntax.
func (s *schema) normalize(rule, value string) (string, bool) {
	switch rule {
	case "caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch":
		return directoryString(fold(value)), value != "" && utf8.ValidString(value)
	case "caseIgnoreListMatch", "caseIgnoreListSubstringsMatch":
		return directoryString(fold(value)), isPostal(value)
	case "caseExactMatch", "caseExactOrderingMatch", "caseExactSubstringsMatch":
		return directoryString(value), value != "" && utf8.ValidString(value)
	case "caseIgnoreIA5Match", "caseIgnoreIA5SubstringsMatch":
		return squash(strings.ToLower(value)), isASCII(value)
	case "caseExactIA5Match", "caseExactIA5SubstringsMatch":
		return squash(value), isASCII(value)
	case "integerMatch", "integerOrderingMatch", "integerFirstComponentMatch", "integerBitAndMatch", "integerBitOrMatch":
		return normalInteger(value)
	case "generalizedTimeMatch", "generalizedTimeOrderingMatch":
		return normalTime(value)
	case "booleanMatch":
		return value, value == "TRUE" || value == "FALSE"
	case "numericStringMatch", "numericStringOrderingMatch", "numericStringSubstringsMatch":
		return without(value, " "), value != "" && strings.Trim(value, "0123456789 ") == ""
	case "telephoneNumberMatch", "telephoneNumberSubstringsMatch":
		return without(value, " -"), isPrintable(value)
	case "distinguishedNameMatch", "rdnMatch":
		n, err := s.parseDN(value)
		return n.key(), err == nil && (value == "" || !n.isZero())
	case "uniqueMemberMatch":
		return s.normalNameAndUID(value)
	case "objectIdentifierMatch", "objectIdentifierFirstComponentMatch":
		return s.normalOID(value)
	case "UUIDMatch", "UUIDOrderingMatch":
		return normalUUID(value)
	case "CSNMatch", "CSNOrderingMatch":
		return value, len(value) > 20
	}
	return value, true
}

// without leaves characters out.
func without(value, characters string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(characters, r) {
			return -1
		}
		return r
	}, value)
}

// fold makes letters alike that differ in case only.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// squash makes runs of spaces one, and takes those at the ends away (RFC 4518 §2.6.1).
func squash(s string) string {
	if !strings.Contains(s, "  ") {
		return strings.Trim(s, " ")
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

// directoryString is squash, but for nothing but spaces, which OpenLDAP takes for one.
func directoryString(s string) string {
	if squashed := squash(s); squashed != "" || s == "" {
		return squashed
	}
	return " "
}

// normalInteger is a form of an integer whose text is in the order of numbers.
func normalInteger(value string) (string, bool) {
	digits, negative := strings.CutPrefix(value, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' && (len(digits) > 1 || negative) || len(digits) > 9999 {
		return "", false
	}
	if !negative {
		return fmt.Sprintf("1%04d%s", len(digits), digits), true
	}
	complement := []byte(fmt.Sprintf("0%04d%s", 9999-len(digits), digits))
	for i := 5; i < len(complement); i++ {
		complement[i] = '0' + '9' - complement[i]
	}
	return string(complement), true
}

// normalTime is a form of a generalized time (RFC 4517 §3.3.13) whose text is in the order
// of time: in UTC, without the Z, and without zeros at the end of the fraction.
func normalTime(value string) (string, bool) {
	end := strings.IndexAny(value, ".,Z+-")
	if end < 0 {
		return "", false
	}
	digits, rest := value[:end], value[end:]
	layouts := map[int]string{10: "2006010215", 12: "200601021504", 14: "20060102150405"}
	layout, known := layouts[len(digits)]
	if !known {
		return "", false
	}
	t, err := time.Parse(layout, digits)
	if err != nil {
		return "", false
	}
	fraction := ""
	if rest[0] == '.' || rest[0] == ',' {
		i := 1
		for i < len(rest) && '0' <= rest[i] && rest[i] <= '9' {
			i++
		}
		if i == 1 {
			return "", false
		}
		// That of an hour or a minute, too, is one of a second for OpenLDAP.
		fraction, rest = strings.TrimRight(rest[1:i], "0"), rest[i:]
	}
	if rest != "Z" {
		zone, err := time.Parse("-0700", rest)
		if err != nil {
			if zone, err = time.Parse("-07", rest); err != nil {
				return "", false
			}
		}
		_, offset := zone.Zone()
		t = t.Add(-time.Duration(offset) * time.Second)
	}
	text := t.UTC().Format("20060102150405")
	if fraction != "" {
		text += "." + fraction
	}
	return text, true
}

func normalUUID(value string) (string, bool) {
	if len(value) != 36 {
		return "", false
	}
	for i := range len(value) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (value[i] == '-') || !dash && strings.IndexByte("0123456789abcdefABCDEF", value[i]) < 0 {
			return "", false
		}
	}
	return strings.ToLower(value), true
}

// normalNameAndUID is for a name that a bit string may follow (RFC 4517 §3.3.21).
func (s *schema) normalNameAndUID(value string) (string, bool) {
	text, uid := value, ""
	if i := strings.LastIndexByte(value, '#'); i >= 0 && strings.HasSuffix(value, "'B") && strings.HasPrefix(value[i+1:], "'") {
		text, uid = value[:i], value[i:]
	}
	n, err := s.parseDN(text)
	return n.key() + uid, err == nil && (text == "" || !n.isZero())
}

// normalOID returns the OID of what has the name. A name that nothing has is none.
func (s *schema) normalOID(value string) (string, bool) {
	folded := strings.ToLower(value)
	if c := s.classes[folded]; c != nil {
		return c.oid, true
	}
	if t := s.attributes[folded]; t != nil {
		return t.oid, true
	}
	return "", false
}
