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
			dst = append(dst, '"')
			dst = t.AppendFormat(dst, time.RFC3339Nano)
			return append(dst, '"')
		}
	case Binary:
		return appendBase64(dst, value)
	case Auto, String:
	}
	return appendString(dst, value)
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
		return "", fmt.Errorf("an integer is expected, not %s", describe(value))
	case Boolean:
		if b, ok := value.(bool); ok {
			return strings.ToUpper(strconv.FormatBool(b)), nil
		}
		return "", fmt.Errorf("true or false is expected, not %s", describe(value))
	case GeneralizedTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		if !isText || err != nil {
			return "", fmt.Errorf(`a time such as "2026-01-31T12:00:00Z" (RFC 3339) is expected, not %s`, describe(value))
		}
		return directory.FormatGeneralizedTime(t), nil
	case Binary:
		octets, err := decodeBase64(text)
		if !isText || err != nil {
			return "", fmt.Errorf("a Base64 string is expected, not %s", describe(value))
		}
		return octets, nil
	case Auto, String:
	}
	return p.textValue(value)
}

// isText reports whether the values are text, in which a number would lose its zeros
// and a boolean its spelling: a resource has to hold them as strings. A filter, whose
// author may not know the type, need not.
func (p *boundProperty) isText() bool { return p.valueType == String || p.valueType == Auto }

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
		return "", fmt.Errorf("a string is expected, not %s", describe(value))
	}
	if p.schema != nil && p.schema.Syntax == directory.SyntaxDN {
		if _, err := directory.ParseDN(text); err != nil {
			return "", fmt.Errorf("a distinguished name is expected, not %s", describe(value))
		}
	}
	return text, nil
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

// describe names a JSON value in a message, without repeating long or secret text.
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
