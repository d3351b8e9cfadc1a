package directory

// Control goes with a request, or came with an answer (RFC 4511 §4.1.11).
type Control struct {
	OID      string
	Critical bool
	// Value is encoded as the control defines.
	Value string
	// HasValue tells an empty value from none.
	HasValue bool
}

// Answer is what came with the answer of a server besides its result, be that a success or
// a refusal.
type Answer struct {
	// Controls are in the order in which they came.
	Controls []Control
}
