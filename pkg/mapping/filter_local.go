package mapping

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// A server answers a comparison for which the attribute has no matching rule as
// Undefined (RFC 4511 §4.5.1.7): an empty success, as if nothing matched. On
// OpenLDAP that is so for the order of mail, uid, cn, sn and telephoneNumber. Such
// a comparison never leaves as it is. "At most" is asked by the ordering rule of the
// syntax, as an extensible match, where the server lists the attribute for it; that
// rule means "less than" (RFC 4517 §4.2.12), and "at least" is not its negation where
// an attribute has several values. For everything else the directory is asked for a
// safe superset, and the gateway evaluates the rest.
//
// OpenLDAP looks for entries that have a memberOf before dynlist works it out, and
// finds none. Whether it is there is never asked, only whether it has a value.

// isComputed reports whether the server works the attribute out from other entries, as
// OpenLDAP does memberOf: names in an attribute of the server's own.
func isComputed(t *directory.AttributeType) bool {
	return t != nil && t.Usage == directory.DSAOperation && t.Syntax == directory.SyntaxDN
}

// orderingRule returns the rule that orders the attribute in an extensible match; ""
// when the server has none.
func orderingRule(schema *directory.Schema, t *directory.AttributeType) string {
	rule := map[string]string{
		"caseIgnoreMatch": "caseIgnoreOrderingMatch", "caseExactMatch": "caseExactOrderingMatch",
	}[t.Equality]
	if rule == "" || !schema.TakesRule(t.OID, rule) {
		return ""
	}
	return rule
}

// byRule returns the filter with every "at most" that needs it asked by a rule.
func byRule(schema *directory.Schema, f directory.Filter) directory.Filter {
	if len(f.Children) > 0 {
		children := make([]directory.Filter, len(f.Children))
		for i, child := range f.Children {
			children[i] = byRule(schema, child)
		}
		f.Children = children
		return f
	}
	t := schema.Attribute(f.Attribute)
	if f.Op != directory.FilterLessOrEqual || t == nil || t.Ordering != "" {
		return f
	}
	less := directory.Filter{Op: directory.FilterExtensible, Attribute: f.Attribute, Rule: orderingRule(schema, t), Value: f.Value}
	return directory.Or(less, directory.Equal(f.Attribute, f.Value))
}

// isLocal reports whether the gateway has to evaluate a leaf.
func isLocal(schema *directory.Schema, f *directory.Filter) bool {
	t := schema.Attribute(f.Attribute)
	switch {
	case isLocalJSON(f):
		return true
	case t == nil:
		return false
	}
	switch f.Op {
	case directory.FilterEqual:
		return t.Equality == ""
	case directory.FilterGreaterOrEqual:
		return t.Ordering == ""
	case directory.FilterLessOrEqual:
		return t.Ordering == "" && orderingRule(schema, t) == ""
	case directory.FilterSubstrings:
		return t.Substrings == ""
	case directory.FilterPresent:
		return isComputed(t)
	default:
		return false
	}
}

func hasLocal(schema *directory.Schema, f *directory.Filter) bool {
	return isLocal(schema, f) || slices.ContainsFunc(f.Children, func(c directory.Filter) bool { return hasLocal(schema, &c) })
}

// superset returns a filter without local leaves that selects at least what f does.
func superset(schema *directory.Schema, f directory.Filter) directory.Filter {
	switch {
	case !hasLocal(schema, &f):
		return byRule(schema, f)
	case f.Op == directory.FilterNot, isComputed(schema.Attribute(f.Attribute)):
		return directory.And()
	case f.Op != directory.FilterAnd && f.Op != directory.FilterOr:
		return directory.Present(f.Attribute)
	}
	children := make([]directory.Filter, len(f.Children))
	for i, child := range f.Children {
		children[i] = superset(schema, child)
	}
	if f.Op == directory.FilterOr {
		return anyOf(children)
	}
	return allOf(children)
}

// residualOf returns the part of f that the superset did not settle; absolute true
// is nothing.
func residualOf(schema *directory.Schema, f directory.Filter) directory.Filter {
	switch {
	case !hasLocal(schema, &f):
		return directory.And()
	case f.Op != directory.FilterAnd:
		return f
	}
	var children []directory.Filter
	for _, child := range f.Children {
		if residual := residualOf(schema, child); !residual.IsTrue() {
			children = append(children, residual)
		}
	}
	return directory.And(children...)
}

// attributesOf adds the attributes that a filter compares.
func attributesOf(f directory.Filter, names []string) []string {
	if f.Attribute != "" && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, f.Attribute) }) {
		names = append(names, f.Attribute)
	}
	for _, child := range f.Children {
		names = attributesOf(child, names)
	}
	return names
}
