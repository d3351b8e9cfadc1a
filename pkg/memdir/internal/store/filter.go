package store

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// truth is the outcome of a filter (RFC 4511 §4.5.1.7).
type truth int

const (
	isFalse truth = iota
	isUndefined
	isTrue
)

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

// matches evaluates a filter as somebody: an attribute that may not be searched is
// undefined. mu is held.
func (s *Store) matches(who Who, e *entry, f *directory.Filter) truth {
	switch f.Op {
	case directory.FilterAnd:
		least := isTrue
		for i := range f.Children {
			least = min(least, s.matches(who, e, &f.Children[i]))
		}
		return least
	case directory.FilterOr:
		greatest := isFalse
		for i := range f.Children {
			greatest = max(greatest, s.matches(who, e, &f.Children[i]))
		}
		return greatest
	case directory.FilterNot:
		return isTrue - s.matches(who, e, &f.Children[0])
	case directory.FilterExtensible, directory.FilterGreaterOrEqual, directory.FilterLessOrEqual:
		return isUndefined // It takes a schema.
	case directory.FilterPresent, directory.FilterEqual, directory.FilterApprox, directory.FilterSubstrings:
	}
	if !s.level(who, e, f.Attribute).may(LevelSearch) {
		return isUndefined
	}
	values := e.values(f.Attribute)
	switch f.Op { //nolint:exhaustive // See above.
	case directory.FilterPresent:
		return truthOf(len(values) > 0)
	case directory.FilterSubstrings:
		return truthOf(slices.ContainsFunc(values, func(value string) bool { return hasParts(value, f) }))
	}
	return truthOf(slices.ContainsFunc(values, func(value string) bool { return equal(f.Attribute, value, f.Value) }))
}

// equal compares two values of an attribute.
func equal(attribute, a, b string) bool {
	if strings.EqualFold(attribute, "userPassword") {
		return a == b
	}
	if a == b || fold(a) == fold(b) {
		return true
	}
	if !strings.Contains(a, "=") || !strings.Contains(b, "=") {
		return false
	}
	x, ok := normalize(a)
	y, also := normalize(b)
	return ok && also && x == y
}

// hasParts tells whether a value has the parts of a substrings match, in their order.
func hasParts(value string, f *directory.Filter) bool {
	value = fold(value)
	rest, ok := strings.CutPrefix(value, fold(f.Initial))
	if !ok {
		return false
	}
	for _, part := range f.Any {
		var found bool
		if _, rest, found = strings.Cut(rest, fold(part)); !found {
			return false
		}
	}
	return strings.HasSuffix(rest, fold(f.Final))
}
