package ldapwire

import "github.com/rest2ldap/rest2ldap/pkg/directory"

// The operations that a server gets to see (RFC 4511 §4).
const (
	BindRequest     Op = 0x60
	UnbindRequest   Op = tagUnbindRequest
	SearchRequest   Op = tagSearchRequest
	ModifyRequest   Op = tagModifyRequest
	AddRequest      Op = tagAddRequest
	DelRequest      Op = tagDelRequest
	ModifyDNRequest Op = 0x6c
	CompareRequest  Op = 0x6e
	AbandonRequest  Op = tagAbandonRequest
	ExtendedRequest Op = tagExtendedRequest
)

// Bind is a bind request (RFC 4511 §4.2).
type Bind struct {
	Version int
	DN      string
	// Mechanism is that of SASL, "" for a simple bind.
	Mechanism string
	// Unknown says that the bind is neither simple nor SASL.
	Unknown bool
	// Credentials are the password of a simple bind, or what the mechanism makes of them.
	Credentials string
}

// Search is a search request (RFC 4511 §4.5.1).
type Search struct {
	Base string
	// Scope is as in directory.Scope, or 3 for all entries below the base; other values
	// are decoded as they are.
	Scope int
	// Deref tells how aliases are to be followed, 0 for never.
	Deref int
	// SizeLimit is a number of entries, and TimeLimit one of seconds; 0 is none.
	SizeLimit, TimeLimit int
	TypesOnly            bool
	Filter               directory.Filter
	// Attributes are descriptions, "*", "+" and "1.1" as they came; none means "*".
	Attributes []string
}

// Modify is a modify request (RFC 4511 §4.6).
type Modify struct {
	DN      string
	Changes []directory.Change
}

// Add is an add request (RFC 4511 §4.7).
type Add struct {
	DN         string
	Attributes []directory.Attribute
}

// ModifyDN is a modify DN request (RFC 4511 §4.9).
type ModifyDN struct {
	DN, NewRDN   string
	DeleteOldRDN bool
	// NewSuperior is the entry below which the entry goes; without Moves it stays.
	NewSuperior string
	Moves       bool
}

// Compare is a compare request (RFC 4511 §4.10).
type Compare struct {
	DN, Attribute, Value string
}

// Extended is an extended request (RFC 4511 §4.12).
type Extended struct {
	OID string
	// Value is what the operation defines; HasValue tells an empty one from none.
	Value    string
	HasValue bool
}
