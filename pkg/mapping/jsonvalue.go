package mapping

import (
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

// sameJSON reports whether two JSON texts say the same: the order of members does not count,
// nor the way in which a number is written.
func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	x, err := DecodeJSON([]byte(a), maxJSONDepth)
	if err != nil {
		return false
	}
	y, err := DecodeJSON([]byte(b), maxJSONDepth)
	return err == nil && equalJSON(x, y)
}

func equalJSON(a, b any) bool {
	switch x := a.(type) {
	case query.Number:
		y, ok := b.(query.Number)
		return ok && (x == y || plainNumber(string(x)) == plainNumber(string(y)))
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalJSON(x[i], y[i]) {
				return false
			}
		}
		return true
	case *Object:
		y, ok := b.(*Object)
		if !ok || len(x.Members) != len(y.Members) {
			return false
		}
		for _, member := range x.Members {
			other, found := y.named(member.Name)
			if !found || !equalJSON(member.Value, other) {
				return false
			}
		}
		return true
	}
	return a == b
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
