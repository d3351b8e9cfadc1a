package mapping

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// A value of the type JSON is JSON text in the directory. It is shown as it is stored, but
// for spaces: its members keep their order, and its numbers their digits.

// maxJSONDepth is how deep a JSON value in the directory may nest for a filter to look
// into it, and a default value in a mapping.
const maxJSONDepth = 64

// appendJSONText appends a stored JSON text; what is none is shown as a string.
func appendJSONText(dst []byte, text string) []byte {
	value := jsontext.Value(text)
	if err := value.Compact(jsontext.PreserveRawStrings(false)); err != nil {
		return appendString(dst, text)
	}
	return append(dst, value...)
}

// jsonForm is the same for JSON texts that say the same: the order of members does not count,
// nor the way in which a number is written. What is no JSON is its own form.
func jsonForm(text string) string {
	value, err := DecodeJSON([]byte(text), maxJSONDepth)
	if err != nil {
		return "!" + text
	}
	return string(AppendJSON(nil, plain(value)))
}

// plain returns a value with its members in the order of their names, and its numbers in one
// form.
func plain(value any) any {
	switch v := value.(type) {
	case query.Number:
		return query.Number(plainNumber(string(v)))
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case *Object:
		object := &Object{Members: slices.Clone(v.Members)}
		for i := range object.Members {
			object.Members[i].Value = plain(object.Members[i].Value)
		}
		slices.SortFunc(object.Members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
		return object
	}
	return value
}

// named returns the value of the member of just that name.
func (o *Object) named(name string) (any, bool) {
	for i := range o.Members {
		if o.Members[i].Name == name {
			return o.Members[i].Value, true
		}
	}
	return nil, false
}

// plainNumber returns the one form of a number of JSON: its digits without zeros at either
// end, and the power of ten by which they count.
func plainNumber(number string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	digits, isNegative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	power := 0
	if exponent != "" {
		var err error
		if power, err = strconv.Atoi(exponent); err != nil {
			return number // Nobody means a power that great.
		}
	}
	power -= len(fraction)
	digits = strings.TrimLeft(whole+fraction, "0")
	short := strings.TrimRight(digits, "0")
	power += len(digits) - len(short)
	switch {
	case short == "":
		return "0"
	case isNegative:
		short = "-" + short
	}
	return short + "e" + strconv.Itoa(power)
}
