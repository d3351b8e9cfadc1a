package query

// Op is the kind of a Filter node.
type Op int

const (
	// And holds when every child holds.
	And Op = iota
	// Or holds when a child holds.
	Or
	// Not holds when its one child does not.
	Not
	// True always holds.
	True
	// False never holds.
	False
	// Present holds when the field has a value.
	Present
	// Equal holds when the field has the value.
	Equal
	// Contains holds when the value is part of the field.
	Contains
	// StartsWith holds when the field begins with the value.
	StartsWith
	// Less holds when the field sorts before the value.
	Less
	// LessOrEqual holds when the field sorts before the value or equals it.
	LessOrEqual
	// Greater holds when the field sorts after the value.
	Greater
	// GreaterOrEqual holds when the field sorts after the value or equals it.
	GreaterOrEqual
	// Extended is an operator outside the grammar, named in Filter.Name.
	Extended
	// Element holds when its one child holds of an element of the field, an array, or of the
	// field itself where it is no array. The fields of the child begin at the element.
	Element
)

// Filter is a query filter as a tree.
type Filter struct {
	Op Op
	// Field is the pointer of a comparison, or of an Element.
	Field Pointer
	// Value is what is compared with: a string, a bool, or a Number.
	Value any
	// Name is the name of an Extended operator.
	Name string
	// Children are the operands of And, Or and Not, and the condition of Element.
	Children []Filter
	// Position is where the node begins in the text, in characters from 1.
	Position int
}

// Number is a number with all its digits, as the client wrote it (RFC 8259 §6).
type Number string
