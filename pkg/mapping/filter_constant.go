package mapping

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// compareConstant evaluates a comparison with a constant: strings without regard
// to case, numbers by value, and false before true; values of different types never match. Of an array,
// one matching element is enough.
func (t *Target) compareConstant(p *boundProperty, rest query.Pointer, f *query.Filter) (directory.Filter, error) {
	value, err := DecodeJSON(p.Value, maxConstantDepth)
	if err != nil {
		return directory.Or(), nil //nolint:nilerr // the compiler has decoded the constant before; one that it could not has no value
	}
	value, ok := descend(value, rest)
	if !ok {
		return t.unmapped(f, "the constant %q has no such member", p.Pointer.String())
	}
	if f.Op == query.Present {
		return truth(value != nil), nil
	}
	if list, isList := value.([]any); isList {
		for _, item := range list {
			if constantMatches(item, f) {
				return directory.And(), nil
			}
		}
		return directory.Or(), nil
	}
	return truth(constantMatches(value, f)), nil
}

// maxConstantDepth is how deep a constant of a mapping may nest.
const maxConstantDepth = 64

func truth(holds bool) directory.Filter {
	if holds {
		return directory.And()
	}
	return directory.Or()
}

func descend(value any, path query.Pointer) (any, bool) {
	for _, token := range path {
		switch v := value.(type) {
		case *Object:
			member, ok := v.Lookup(token)
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

func constantMatches(value any, f *query.Filter) bool {
	switch v := value.(type) {
	case string:
		text, ok := f.Value.(string)
		return ok && textMatches(strings.ToLower(v), strings.ToLower(text), f.Op)
	case query.Number:
		given, ok := f.Value.(query.Number)
		a, aErr := strconv.ParseFloat(string(v), 64)
		b, bErr := strconv.ParseFloat(string(given), 64)
		return ok && aErr == nil && bErr == nil && orderMatches(cmp.Compare(a, b), f.Op)
	case bool:
		given, ok := f.Value.(bool)
		return ok && orderMatches(cmp.Compare(rank(v), rank(given)), f.Op)
	}
	return false
}

// rank puts false before true.
func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func textMatches(value, with string, op query.Op) bool {
	switch op {
	case query.Contains:
		return strings.Contains(value, with)
	case query.StartsWith:
		return strings.HasPrefix(value, with)
	default:
		return orderMatches(strings.Compare(value, with), op)
	}
}

func orderMatches(order int, op query.Op) bool {
	switch op {
	case query.Equal:
		return order == 0
	case query.Less:
		return order < 0
	case query.LessOrEqual:
		return order <= 0
	case query.Greater:
		return order > 0
	case query.GreaterOrEqual:
		return order >= 0
	default:
		return false
	}
}
