package mapping

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// appendValue appends the JSON form of an attribute value. A value that is not
// of its type, as no server should hold, is shown as text; text that is not
// UTF-8 is shown as Base64, so that nothing is lost.
func (p *boundProperty) appendValue(dst []byte, value string) []byte {
	switch p.valueType {
	case Integer:
		if isInteger(value) {
			return append(dst, value...)
		}
	case Boolean:
		switch {
		case strings.EqualFold(value, "TRUE"):
			return append(dst, "true"...)
		case strings.EqualFold(value, "FALSE"):
			return append(dst, "false"...)
		}
	case GeneralizedTime:
		if t, err := directory.ParseGeneralizedTime(value); err == nil {
			return appendTime(dst, t)
		}
	case FileTime:
		if t, never, ok := parseFileTime(value); ok && !never {
			return appendTime(dst, t)
		}
	case Binary:
		return appendBase64(dst, value)
	case GUID:
		if text, ok := formatGUID(value); ok {
			return appendString(dst, text)
		}
		return appendBase64(dst, value)
	case SID:
		if text, ok := formatSID(value); ok {
			return appendString(dst, text)
		}
		return appendBase64(dst, value)
	case JSON:
		return appendJSONText(dst, value)
	case Auto, String, DN, NumericString, TelephoneNumber, UUID:
	}
	return appendString(dst, value)
}

func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

func appendBase64(dst []byte, value string) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, []byte(value))
	return append(dst, '"')
}

// appendString appends a JSON string, quickly where nothing needs an escape.
func appendString(dst []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	if !utf8.ValidString(s) {
		return appendBase64(dst, s)
	}
	quoted, err := jsontext.AppendQuote(dst, s)
	if err != nil { // only invalid UTF-8 is an error, and there is none
		return appendBase64(dst, s)
	}
	return quoted
}

// isInteger tells an integer that JSON and LDAP write alike (RFC 4517 §3.3.16).
func isInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' || s == "-0" {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// attributeValue returns the attribute value of a JSON primitive, or an error
// that says what is expected.
func (p *boundProperty) attributeValue(value any) (string, error) {
	text, isText := value.(string)
	number, isNumber := value.(query.Number)
	switch p.valueType {
	case Integer:
		if isNumber {
			text = integerText(string(number))
		}
		if (isText || isNumber) && isInteger(text) {
			return text, nil
		}
		return "", fmt.Errorf("an integer is expected, not %s", p.describe(value))
	case Boolean:
		if b, ok := value.(bool); ok {
			return strings.ToUpper(strconv.FormatBool(b)), nil
		}
		return "", fmt.Errorf("true or false is expected, not %s", p.describe(value))
	case GeneralizedTime, FileTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		switch {
		case !isText || err != nil:
			return "", fmt.Errorf(`a time such as "2026-01-31T12:00:00Z" (RFC 3339) is expected, not %s`, p.describe(value))
		case p.valueType == FileTime:
			return formatFileTime(t)
		}
		return directory.FormatGeneralizedTime(t), nil
	case Binary:
		octets, err := decodeBase64(text)
		if !isText || err != nil {
			return "", fmt.Errorf("a Base64 string is expected, not %s", p.describe(value))
		}
		return octets, nil
	case GUID:
		if octets, ok := parseGUID(text); ok {
			return octets, nil
		}
		return "", fmt.Errorf(`a GUID such as "6b29fc40-ca47-1067-b31d-00dd010662da" is expected, not %s`, p.describe(value))
	case SID:
		if octets, ok := parseSID(text); ok {
			return octets, nil
		}
		return "", fmt.Errorf(`a security identifier such as "S-1-5-32-544" is expected, not %s`, p.describe(value))
	case JSON:
		return string(AppendJSON(nil, value)), nil
	case Auto, String, DN, NumericString, TelephoneNumber, UUID:
	}
	return p.textValue(value)
}

func (p *boundProperty) textValue(value any) (string, error) {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case query.Number:
		text = string(v)
	case bool:
		text = strconv.FormatBool(v)
	default:
		return "", fmt.Errorf("a string is expected, not %s", p.describe(value))
	}
	if what := p.valueType.refuses(text); what != "" {
		return "", fmt.Errorf("%s is expected, not %s", what, p.describe(value))
	}
	return text, nil
}

// refuses tells what is expected of a text that is not of the type; "" when it is.
func (t ValueType) refuses(text string) string {
	switch t {
	case DN:
		if _, err := directory.ParseDN(text); err != nil {
			return "a distinguished name"
		}
	case NumericString:
		if strings.Trim(text, "0123456789 ") != "" || text == "" {
			return "a string of digits and spaces"
		}
	case TelephoneNumber:
		if strings.ContainsFunc(text, isNotPrintable) || text == "" {
			return "a telephone number of letters, digits, spaces and '()+,-./:?="
		}
	case UUID:
		if _, ok := parseUUID(text); !ok {
			return `a UUID such as "6b29fc40-ca47-1067-b31d-00dd010662da"`
		}
	case Auto, String, Integer, Boolean, GeneralizedTime, Binary, FileTime, GUID, SID, JSON:
	}
	return ""
}

// isNotPrintable tells what a PrintableString does not have (RFC 4517 §3.2).
func isNotPrintable(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(" '()+,-./:?=", r)
}

// integerText takes the forms of JSON that are whole numbers all the same, as "10.0".
func integerText(number string) string {
	whole, fraction, found := strings.Cut(number, ".")
	if found && strings.Trim(fraction, "0") == "" {
		return whole
	}
	return number
}

func decodeBase64(text string) (string, error) {
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if octets, err := encoding.Strict().DecodeString(text); err == nil {
			return string(octets), nil
		}
	}
	return "", fmt.Errorf("not Base64")
}

// describe names a value of the property in a message; of one that may be a password the type
// alone.
func (p *boundProperty) describe(value any) string {
	if IsCredential(p.Attribute) {
		return typeOf(value)
	}
	return describe(value)
}

// describe names a JSON value in a message, without repeating long text.
func describe(value any) string {
	switch v := value.(type) {
	case string:
		if len(v) <= 40 && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }) {
			return strconv.Quote(v)
		}
		return "this string"
	case query.Number:
		if len(v) <= 40 {
			return string(v)
		}
		return "this number"
	}
	return typeOf(value)
}
