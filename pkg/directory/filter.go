package directory

// FilterOp is the kind of a Filter node (RFC 4511 §4.5.1.7).
type FilterOp int

const (
	// FilterAnd holds when every child holds; without children it is absolute true (RFC 4526).
	FilterAnd FilterOp = iota
	// FilterOr holds when a child holds; without children it is absolute false (RFC 4526).
	FilterOr
	// FilterNot holds when its one child does not.
	FilterNot
	// FilterEqual compares by the attribute's equality rule.
	FilterEqual
	// FilterSubstrings matches Initial, Any and Final in order.
	FilterSubstrings
	// FilterGreaterOrEqual compares by the attribute's ordering rule.
	FilterGreaterOrEqual
	// FilterLessOrEqual compares by the attribute's ordering rule.
	FilterLessOrEqual
	// FilterPresent holds when the attribute has a value.
	FilterPresent
	// FilterApprox compares by the server's approximate rule.
	FilterApprox
	// FilterExtensible compares by the matching rule named in Rule.
	FilterExtensible
)

// Filter is an LDAP search filter as a tree of values. The zero Filter is
// absolute true: an And without children.
type Filter struct {
	Op FilterOp
	// Attribute is the attribute description of a leaf.
	Attribute string
	// Value is the assertion value of an equality, ordering, approximate or extensible match.
	Value string
	// Initial, Any and Final are the parts of a substrings match; "" is no part.
	Initial string
	Any     []string
	Final   string
	// Rule is the matching rule of an extensible match, by name or OID.
	Rule string
	// DNAttributes extends an extensible match to the attributes of the entry's name.
	DNAttributes bool
	// Children are the operands of And, Or and Not.
	Children []Filter
}

// And returns the conjunction, without a level of its own for a single operand.
func And(children ...Filter) Filter { return join(FilterAnd, children) }

// Or returns the disjunction, without a level of its own for a single operand.
func Or(children ...Filter) Filter { return join(FilterOr, children) }

func join(op FilterOp, children []Filter) Filter {
	if len(children) == 1 {
		return children[0]
	}
	return Filter{Op: op, Children: children}
}

// Not returns the negation.
func Not(child Filter) Filter { return Filter{Op: FilterNot, Children: []Filter{child}} }

// Equal returns an equality match.
func Equal(attribute, value string) Filter {
	return Filter{Op: FilterEqual, Attribute: attribute, Value: value}
}

// Present returns a presence match.
func Present(attribute string) Filter { return Filter{Op: FilterPresent, Attribute: attribute} }

// IsTrue reports whether f is absolute true.
func (f Filter) IsTrue() bool { return f.Op == FilterAnd && len(f.Children) == 0 }

// IsFalse reports whether f is absolute false.
func (f Filter) IsFalse() bool { return f.Op == FilterOr && len(f.Children) == 0 }
