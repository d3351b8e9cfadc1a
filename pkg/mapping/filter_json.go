package mapping

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// A filter looks into JSON values by a matching rule whose assertions are filters themselves,
// where the directory compares the attribute by such a rule. Everywhere else, and for what
// the rules do not know, the gateway evaluates it over the entries that have the attribute.

// Matching rules for JSON values, as directories name them.
const (
	caseIgnoreJSONRule = "caseIgnoreJsonQueryMatch"
	caseExactJSONRule  = "caseExactJsonQueryMatch"
)

// localJSONRule stands for the evaluation in the gateway, and is never sent. Strings compare
// without regard to case, and with regard to it by localExactJSONRule.
const (
	localJSONRule      = "gateway:" + caseIgnoreJSONRule
	localExactJSONRule = "gateway:" + caseExactJSONRule
)

// compareJSON translates a comparison of what a pointer finds in the values of a property.
func (t *Target) compareJSON(p *boundProperty, rest query.Pointer, f *query.Filter) (directory.Filter, error) {
	if extended := findExtended(f); extended != nil {
		return t.unknownOperator(extended)
	}
	if f.Op == query.Present && len(rest) == 0 {
		return directory.Present(p.attribute), nil
	}
	inner := *f
	inner.Field = rest
	assertion := directory.Filter{Op: directory.FilterExtensible, Attribute: p.attribute, Rule: localJSONRule, Value: inner.String()}
	rule := p.JSONRule
	if rule == "" {
		rule = caseIgnoreJSONRule
	}
	if strings.EqualFold(rule, caseExactJSONRule) {
		assertion.Rule = localExactJSONRule
	}
	switch {
	case p.schema == nil || hasElement(f):
	case strings.EqualFold(p.schema.Equality, rule):
		return directory.Equal(p.attribute, assertion.Value), nil
	case t.binding.capabilities.Schema.TakesRule(p.attribute, rule):
		assertion.Rule = rule
	}
	return assertion, nil
}

func findExtended(f *query.Filter) *query.Filter {
	if f.Op == query.Extended {
		return f
	}
	for i := range f.Children {
		if found := findExtended(&f.Children[i]); found != nil {
			return found
		}
	}
	return nil
}

func hasElement(f *query.Filter) bool {
	return f.Op == query.Element || slices.ContainsFunc(f.Children, func(c query.Filter) bool { return hasElement(&c) })
}

// isLocalJSON tells an assertion that the gateway evaluates.
func isLocalJSON(f *directory.Filter) bool {
	return f.Op == directory.FilterExtensible && (f.Rule == localJSONRule || f.Rule == localExactJSONRule)
}

// matcher returns a matcher that evaluates assertions over JSON values too.
func (t *Target) matcher() *directory.Matcher {
	parsed := make(map[string]query.Filter)
	holds := func(isExact bool) func(value, assertion string) bool {
		return func(value, assertion string) bool {
			f, ok := parsed[assertion]
			if !ok {
				var err error
				if f, err = (query.Limits{Length: len(assertion)}).ParseFilter(assertion); err != nil {
					f = query.Filter{Op: query.False} // It was printed from a filter, and is one.
				}
				parsed[assertion] = f
			}
			decoded, err := DecodeJSON([]byte(value), maxJSONDepth)
			return err == nil && jsonMatches(decoded, &f, isExact)
		}
	}
	return directory.NewMatcher(t.binding.capabilities.Schema).
		WithRule(localJSONRule, holds(false)).WithRule(localExactJSONRule, holds(true))
}

// jsonMatches evaluates a filter over a JSON value. Where a pointer comes to an array, one
// matching element is enough.
func jsonMatches(value any, f *query.Filter, isExact bool) bool {
	m := jsonMatcher{isExact: isExact, known: make(map[arrived]bool)}
	return m.matches(value, f)
}

// jsonMatcher evaluates a filter over one JSON value. In arrays inside of arrays the same
// place is come to in ever more ways the deeper they are, so that each is looked at once.
type jsonMatcher struct {
	isExact bool
	known   map[arrived]bool
}

// arrived is a comparison at an array, with so many segments of its pointer still to go.
type arrived struct {
	array      *any // the first element
	comparison *query.Filter
	rest       int
}

func (m *jsonMatcher) matches(value any, f *query.Filter) bool {
	switch f.Op {
	case query.And:
		for i := range f.Children {
			if !m.matches(value, &f.Children[i]) {
				return false
			}
		}
		return true
	case query.Or:
		for i := range f.Children {
			if m.matches(value, &f.Children[i]) {
				return true
			}
		}
		return false
	case query.Not:
		return !m.matches(value, &f.Children[0])
	case query.True:
		return true
	case query.False, query.Extended:
		return false
	default:
		return m.anyAt(value, f, f.Field)
	}
}

// anyAt reports whether the comparison holds of something to which the field leads.
func (m *jsonMatcher) anyAt(value any, f *query.Filter, field query.Pointer) bool {
	switch v := value.(type) {
	case []any:
		if len(v) == 0 {
			break
		}
		at := arrived{&v[0], f, len(field)}
		holds, known := m.known[at]
		if !known {
			holds = m.anyIn(v, f, field)
			m.known[at] = holds
		}
		return holds
	case *Object:
		if len(field) > 0 {
			member, ok := v.named(field[0])
			return ok && m.anyAt(member, f, field[1:])
		}
	}
	return len(field) == 0 && m.holds(value, f)
}

// anyIn is anyAt for an array: it is meant itself, or one of its elements.
func (m *jsonMatcher) anyIn(list []any, f *query.Filter, field query.Pointer) bool {
	if len(field) > 0 {
		if i, err := strconv.Atoi(field[0]); err == nil && i >= 0 && i < len(list) && m.anyAt(list[i], f, field[1:]) {
			return true
		}
	} else if m.holds(list, f) {
		return true
	}
	return slices.ContainsFunc(list, func(item any) bool { return m.anyAt(item, f, field) })
}

// holds evaluates a comparison, or the condition of an element, of what was found.
func (m *jsonMatcher) holds(found any, f *query.Filter) bool {
	list, isList := found.([]any)
	switch {
	case f.Op == query.Present:
		return found != nil
	case f.Op == query.Element && isList:
		return slices.ContainsFunc(list, func(item any) bool { return m.matches(item, &f.Children[0]) })
	case f.Op == query.Element:
		return m.matches(found, &f.Children[0])
	}
	text, isText := found.(string)
	if with, ok := f.Value.(string); ok && isText && m.isExact {
		return textMatches(text, with, f.Op)
	}
	return constantMatches(found, f)
}
