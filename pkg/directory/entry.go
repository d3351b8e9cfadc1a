package directory

import "strings"

// Entry is an entry as a directory returned it: the name as the server spelt
// it, and the attributes that were asked for, present, and visible to the
// caller. An Entry is immutable once a Session has handed it out.
type Entry struct {
	// DN is the name in the server's own spelling (RFC 4514). Use ParseDN to compare it.
	DN string
	// Attributes are in the order in which the server sent them.
	Attributes []Attribute
	// Controls came with the entry, in the order in which they came; seldom any do.
	Controls []Control
	// Usability is what the directory says of the account that the entry is, when it was
	// asked and does; else nil.
	Usability *Usability
}

// Attribute is an attribute description (RFC 4512 §2.5: type and options, as
// in "userCertificate;binary") with its values.
type Attribute struct {
	Name   string
	Values []string
}

// Values returns the values of the attribute with that description, compared
// without regard to case, or nil.
func (e *Entry) Values(name string) []string {
	for i := range e.Attributes {
		if strings.EqualFold(e.Attributes[i].Name, name) {
			return e.Attributes[i].Values
		}
	}
	return nil
}

// Value returns the first value of the attribute, or "".
func (e *Entry) Value(name string) string {
	if values := e.Values(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// ChangeOp is what a Change does to an attribute (RFC 4511 §4.6, RFC 4525).
type ChangeOp int

// The values are those of the protocol.
const (
	// ChangeAdd adds values.
	ChangeAdd ChangeOp = 0
	// ChangeDelete deletes values, or the whole attribute when there are none.
	ChangeDelete ChangeOp = 1
	// ChangeReplace replaces all values; none removes the attribute.
	ChangeReplace ChangeOp = 2
	// ChangeIncrement adds its one integer value to every value (RFC 4525).
	ChangeIncrement ChangeOp = 3
)

// Change is one modification of an entry.
type Change struct {
	Op        ChangeOp
	Attribute string
	Values    []string
}
