package directory

// Capabilities are what a directory can do. They are immutable; a refresh makes
// new ones.
type Capabilities struct {
	// Dialect is the kind of the servers, "" where it is not one that is known.
	Dialect string
	// Schema is the published schema (RFC 4512 §4.2).
	Schema *Schema
	// Assertion tells whether the assertion control is there (RFC 4528).
	Assertion bool
	// ReadEntry tells whether the pre-read and post-read controls are there (RFC 4527).
	ReadEntry bool
	// Sort tells whether the server sorts results (RFC 2891), Views whether it returns parts
	// of them (draft-ietf-ldapext-ldapv3-vlv).
	Sort, Views bool
	// SubtreeDelete tells whether an entry can be deleted with everything below it in one
	// request.
	SubtreeDelete bool
	// Trial tells whether a change can be tried without being made.
	Trial bool
	// Relax, ReturnValues, Original and Usability tell whether the options of requests that
	// are named so can be had.
	Relax, ReturnValues, Original, Usability bool
	// Increment tells whether a modification can add to a number (RFC 4525).
	Increment bool
	// Revision is the attribute whose value changes with every change of an entry:
	// "etag", "entryCSN" or "modifyTimestamp"; "" when there is none.
	Revision string
}

// StrongRevision reports whether two different states of an entry always have
// different revisions. modifyTimestamp counts seconds, so it is weak.
func (c *Capabilities) StrongRevision() bool {
	return c.Revision != "" && c.Revision != "modifyTimestamp"
}
