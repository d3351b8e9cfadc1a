package memdir

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Operation is what a client asks for, and what the server is going to do about it.
// Options.Intercept looks at it and may set Action; it may also wait, which delays the
// operation. A Bind and an Abandon delay all that the connection asks for after them,
// since nothing is read meanwhile; other operations run side by side, 16 of a connection
// at most. An Unbind is not intercepted.
type Operation struct {
	// Name is "bind", "search", "modify", "add", "delete", "modifyDN", "compare",
	// "extended" or "abandon".
	Name string
	// ID is the message id, and Conn counts the connections of the server from 1.
	ID   int32
	Conn int
	// Target is the name of the entry as the client spelt it: the base of a search. It
	// is the OID of an extended operation, and "" for an Abandon.
	Target string
	// Filter is that of a search, nil for others.
	Filter *directory.Filter
	// Context ends when the operation is abandoned or its connection is closed.
	Context context.Context //nolint:containedctx // It is that of the operation which this describes.

	// Action is what to do; the zero value is Proceed. The fields below belong to it.
	Action Action
	// Code and Message are the result of Refuse.
	Code    int
	Message string
	// Entries is how many entries of a search still go out under Lose.
	Entries int
	// Bytes are what Garble sends.
	Bytes []byte
}

// Action is what the server does about an operation.
type Action int

// The actions.
const (
	// Proceed does what was asked for.
	Proceed Action = iota
	// Refuse does nothing, and answers with a result code. An Abandon has no answer.
	Refuse
	// Drop does nothing, and closes the connection.
	Drop
	// Lose does what was asked for, and closes the connection instead of the answer.
	Lose
	// Swallow does nothing, and never answers.
	Swallow
	// Garble does nothing, and sends bytes that need not be LDAP.
	Garble
)
