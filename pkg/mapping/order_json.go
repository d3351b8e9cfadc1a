package mapping

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// jsonKey is what of JSON values a result is sorted by: the numbers, strings and booleans to
// which a pointer leads, in arrays too. Numbers come before strings, and those before
// booleans. No directory sorts by them: the gateway does.
type jsonKey struct {
	path query.Pointer
	// isExact tells that strings compare with regard to case.
	isExact bool
}

// jsonOrder is a number, string or boolean of JSON in the form in which they compare.
type jsonOrder struct {
	kind   int
	number float64
	text   string
}

func (o jsonOrder) compare(other jsonOrder) int {
	return cmp.Or(cmp.Compare(o.kind, other.kind), cmp.Compare(o.number, other.number), strings.Compare(o.text, other.text))
}

// jsonKey returns the key of what a pointer finds in the values of the property. Of a rule
// counts whether it is one of those that compare with regard to case, as
// caseExactOrderingMatch or caseExactJsonQueryMatch.
func (p *boundProperty) jsonKey(path query.Pointer) *jsonKey {
	rule := strings.ToLower(cmp.Or(p.JSONOrder, p.JSONRule))
	return &jsonKey{path: path, isExact: strings.HasPrefix(rule, "caseexact")}
}

// is reports whether two keys look for the same; nil is none.
func (k *jsonKey) is(other *jsonKey) bool {
	if k == nil || other == nil {
		return k == other
	}
	return k.isExact == other.isExact && slices.Equal(k.path, other.path)
}

// leastOf returns the JSON text of the least that the key finds in stored values; none when
// it finds nothing.
func (k *jsonKey) leastOf(values []string) []string {
	var least []string
	for _, value := range values {
		decoded, err := DecodeJSON([]byte(value), maxJSONDepth)
		if err != nil {
			continue
		}
		k.visit(decoded, k.path, func(found any) {
			text := string(AppendJSON(nil, found))
			if least == nil || k.order(text).compare(k.order(least[0])) < 0 {
				least = []string{text}
			}
		})
	}
	return least
}

// visit calls found for each number, string and boolean to which a path leads from a value.
func (k *jsonKey) visit(value any, path query.Pointer, found func(any)) {
	switch v := value.(type) {
	case []any:
		if len(path) > 0 {
			if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(v) {
				k.visit(v[i], path[1:], found)
				return
			}
		}
		for _, item := range v {
			k.visit(item, path, found)
		}
	case *Object:
		if len(path) == 0 {
			return
		}
		if member, ok := v.named(path[0]); ok {
			k.visit(member, path[1:], found)
		}
	case nil:
	default:
		if len(path) == 0 {
			found(value)
		}
	}
}

// order returns the form in which the JSON text of a number, a string or a boolean compares.
func (k *jsonKey) order(text string) jsonOrder {
	value, err := DecodeJSON([]byte(text), maxJSONDepth)
	if err != nil {
		return jsonOrder{}
	}
	switch v := value.(type) {
	case query.Number:
		number, _ := strconv.ParseFloat(string(v), 64) // Beyond its range it is infinite.
		return jsonOrder{kind: 1, number: number}
	case string:
		if !k.isExact {
			v = strings.ToLower(v)
		}
		return jsonOrder{kind: 2, text: v}
	case bool:
		return jsonOrder{kind: 3, text: strconv.FormatBool(v)}
	}
	return jsonOrder{}
}
