package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the class of a fault. It is itself an error, so that
// errors.Is(err, fault.NotFound) asks for the class of any wrapped fault.
// The set is closed.
type Kind int

const (
	// Internal is a defect of the gateway, or an error it does not know.
	Internal Kind = iota
	// Invalid is a request that can never succeed as it stands.
	Invalid
	// Unauthenticated is a caller that is not who it has to be, or nobody.
	Unauthenticated
	// Forbidden is a caller that is known and may not.
	Forbidden
	// NotFound is a resource that is not there, or that the caller may not see.
	NotFound
	// MethodNotAllowed is a method that no resource at the path ever takes.
	MethodNotAllowed
	// Conflict is a request at odds with the present state of the resource.
	Conflict
	// PreconditionFailed is a revision, or an existence, other than the caller required.
	PreconditionFailed
	// TooLarge is a request or a result beyond a limit.
	TooLarge
	// UnsupportedMediaType is a body of a type that is not taken.
	UnsupportedMediaType
	// TooManyRequests is a caller beyond its rate.
	TooManyRequests
	// Unsupported is a feature that the gateway or the directory does not have.
	Unsupported
	// BadGateway is a directory whose certificate, credential demand or answer is wrong.
	BadGateway
	// Unavailable is a dependency that cannot serve at the moment; RetryAfter may say when.
	Unavailable
	// Timeout is a deadline that passed; for a change the outcome is unknown.
	Timeout
	// Canceled is a caller that went away.
	Canceled
)

var kindNames = [...]string{ //nolint:gochecknoglobals // constant table, an array cannot be const
	Internal: "internal", Invalid: "invalid", Unauthenticated: "unauthenticated", Forbidden: "forbidden",
	NotFound: "notFound", MethodNotAllowed: "methodNotAllowed", Conflict: "conflict",
	PreconditionFailed: "preconditionFailed", TooLarge: "tooLarge", UnsupportedMediaType: "unsupportedMediaType",
	TooManyRequests: "tooManyRequests", Unsupported: "unsupported", BadGateway: "badGateway",
	Unavailable: "unavailable", Timeout: "timeout", Canceled: "canceled",
}

// Kinds returns every kind, for tables and documents.
func Kinds() []Kind {
	kinds := make([]Kind, len(kindNames))
	for i := range kinds {
		kinds[i] = Kind(i)
	}
	return kinds
}

// String returns the kind's name as it stands in documents and in detail.kind.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// Error makes a Kind usable as the target of errors.Is.
func (k Kind) Error() string { return k.String() }

// Detail names the place of a fault and its finer kind. Zero fields are left out.
type Detail struct {
	// Kind is finer than the fault's Kind, in lowerCamelCase: "unknownField", "sizeLimit".
	Kind string
	// Field is the JSON pointer (RFC 6901) of the member of the body at fault.
	Field string
	// Parameter is the request parameter or header at fault.
	Parameter string
	// Position is the place in a parsed text, counted in characters from 1; 0 is none.
	Position int
	// Limit is the limit that was reached; 0 is none.
	Limit int64
	// Attribute is the directory attribute at fault.
	Attribute string
	// Deleted is how many entries a deletion that failed had deleted before; 0 is none.
	Deleted int64
	// PasswordPolicy is what a password policy refused, with the names of
	// draft-behera-ldap-password-policy §6.2: "passwordTooShort".
	PasswordPolicy string
	// Quality is what a new password was measured by, for who asked; nil is nothing.
	Quality *PasswordQuality
}

// PasswordQuality is how a new password did by the criteria of its policy.
type PasswordQuality struct {
	// Attribute is the attribute of the password.
	Attribute string
	// Failing criteria are those by which it was refused, Passing those that it met.
	Failing, Passing []Criterion
}

// Criterion is something that a policy demands of passwords.
type Criterion struct {
	// Type is its name: "length-based".
	Type string
	// Parameters are its numbers, as far as they are known.
	Parameters []Parameter
}

// Parameter is a number of a Criterion.
type Parameter struct {
	Name  string
	Value int64
}

// Error is a fault.
type Error struct {
	// Kind is the class.
	Kind Kind
	// Message is one sentence for the client: what is wrong and what to do about it.
	// It holds no diagnostic text of the directory and nobody else's DN.
	Message string
	// Detail names the place.
	Detail Detail
	// RetryAfter is how long a caller should wait before it tries again; 0 is unknown.
	RetryAfter time.Duration
	// Challenges are the authentication schemes a caller may use, for Unauthenticated
	// and Forbidden: values of WWW-Authenticate (RFC 9110 §11.6.1).
	Challenges []string
	// Allow lists the methods of the path, for MethodNotAllowed.
	Allow []string
	// Err is the private cause, for the log.
	Err error
}

// New makes a fault with a message.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes a fault with a message and a private cause.
func Wrap(kind Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Err: cause}
}

// Named sets the finer kind, detail.kind, and returns e.
func (e *Error) Named(kind string) *Error { e.Detail.Kind = kind; return e }

// At sets the JSON pointer of the member at fault and returns e.
func (e *Error) At(pointer string) *Error { e.Detail.Field = pointer; return e }

// Error returns the message with the private cause, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Kind.String() + ": " + e.Message + ": " + e.Err.Error()
	}
	return e.Kind.String() + ": " + e.Message
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the fault's kind.
func (e *Error) Is(target error) bool {
	kind, ok := target.(Kind)
	return ok && kind == e.Kind
}

// KindOf returns the kind of the first fault in err's chain, Internal when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
