package directory

import "context"

// Scope is how far below its base a search reaches (RFC 4511 §4.5.1.2).
type Scope int

// The values are those of the protocol.
const (
	// ScopeBase is the base entry alone.
	ScopeBase Scope = 0
	// ScopeOneLevel is the entries immediately below the base.
	ScopeOneLevel Scope = 1
	// ScopeSubtree is the base and everything below it.
	ScopeSubtree Scope = 2
)

// SearchRequest asks for entries.
type SearchRequest struct {
	Base   DN
	Scope  Scope
	Filter Filter
	// Attributes are the attribute descriptions to return; none means no attributes at all.
	Attributes []string
	// SizeLimit is the greatest number of entries the caller wants; 0 is no limit of ours.
	// When the search stops at exactly this limit, Search returns without error and
	// SearchResult.More is set. Any other limit that cuts the search short is an error.
	SizeLimit int
	// Sort has the server sort the result (RFC 2891, critical); none leaves the order to
	// it. A sorted search is answered in one piece, so it needs a SizeLimit where the
	// result may be large. It is for directories with Capabilities.Sort.
	Sort []SortKey
	// View has the server return a part of a sorted result (critical). It needs Sort, and is
	// for directories with Capabilities.Views.
	View *View
	// ReturnValues, when there are any, have the server leave out the values that none of
	// them matches (RFC 3876, critical); an attribute stays, be it without values. They are
	// single comparisons, and for directories with Capabilities.ReturnValues.
	ReturnValues []Filter
	// Original has only a server answer that holds the entries themselves, and not a copy
	// (RFC 6171, critical). It is for directories with Capabilities.Original.
	Original bool
	// Usability asks for Entry.Usability, as far as the directory knows how.
	Usability bool
	// Controls go with each request of the search, besides those that the fields above ask
	// for. A control of the gateway's own, such as proxied authorization, is refused.
	Controls []Control
}

// SortKey is one key of a sorted result (RFC 2891 §1.1). The lowest of an entry's
// values counts, and an entry without a value comes after all that have one; Reverse
// turns both around.
type SortKey struct {
	Attribute string
	// Rule is the ordering rule, by name; "" is that of the attribute.
	Rule    string
	Reverse bool
}

// SearchResult tells how a search ended.
type SearchResult struct {
	// More is set when SizeLimit stopped the search.
	More bool
	// References counts the continuation references (RFC 4511 §4.5.3) that were not followed.
	References int
	// View tells which part of the result came, when one was asked for.
	View *ViewResult
	// Answer is what came with the end of the search; with that of its last page, when it
	// came in pages.
	Answer Answer
}

// WriteOptions go with every change.
type WriteOptions struct {
	// Assert must hold for the entry at the moment of the change; otherwise nothing
	// changes and the fault is PreconditionFailed (RFC 4528, critical). Nil asserts nothing.
	Assert *Filter
	// Read names attributes of the entry to return with the result: after an add, a
	// modification or a rename, before a deletion (RFC 4527). It is critical where the server
	// lists the control, and not sent critical elsewhere. None reads nothing.
	Read []string
	// Trial has the server go through with the change up to its answer, and make none
	// (critical). Success tells that the change would have been made. It is for directories
	// with Capabilities.Trial; elsewhere it is Unsupported, and nothing is sent.
	Trial bool
	// Relax has the server take what only its own rules forbid, such as a change of an
	// operational attribute (draft-zeilenga-ldap-relax, critical), from whom it lets manage
	// entries. It is for directories with Capabilities.Relax; elsewhere it is Unsupported.
	Relax bool
	// Controls go with the request, besides those that other fields ask for. A control of
	// the gateway's own, such as proxied authorization, is refused.
	Controls []Control
	// Answer, when it is not nil, takes what came with the answer.
	Answer *Answer
}

// AddRequest adds an entry.
type AddRequest struct {
	DN         DN
	Attributes []Attribute
	WriteOptions
}

// ModifyRequest changes an entry, all changes or none.
type ModifyRequest struct {
	DN      DN
	Changes []Change
	// Permissive lets the addition of a present value and the deletion of an absent
	// one succeed, where the server knows how (1.2.840.113556.1.4.1413).
	Permissive bool
	// Revision is that of the entry before, which Assert demands too; "" when nobody knows
	// it. With it, a change whose answer was lost may be proved by reading the entry: it
	// is as the change makes it, in another revision, and changed last by the session's
	// identity. Who has to tell its own change from an equal one leaves it out.
	Revision string
	WriteOptions
}

// DeleteRequest deletes a leaf entry.
type DeleteRequest struct {
	DN DN
	// Subtree deletes everything below the entry too, all or nothing
	// (1.2.840.113556.1.4.805, critical). It is for directories with
	// Capabilities.SubtreeDelete; elsewhere it is Unsupported, and nothing is sent.
	Subtree bool
	WriteOptions
}

// ModifyDNRequest gives an entry another name, and with it all below (RFC 4511 §4.9).
type ModifyDNRequest struct {
	DN DN
	// RDN is the name to be among its siblings; it may be the present one.
	RDN RDN
	// KeepOld keeps the values of the old RDN in the entry as ordinary ones.
	KeepOld bool
	// Superior is the entry below which it goes; nil leaves it where it is.
	Superior *DN
	WriteOptions
}

// NewDN returns the name that the entry gets.
func (r *ModifyDNRequest) NewDN() DN {
	if r.Superior != nil {
		return r.Superior.Child(r.RDN)
	}
	return r.DN.Parent().Child(r.RDN)
}

// CompareRequest asks whether an attribute of an entry has a value (RFC 4511 §4.10).
type CompareRequest struct {
	DN               DN
	Attribute, Value string
	// Controls and Answer are as in WriteOptions.
	Controls []Control
	Answer   *Answer
}

// ExtendedRequest is an extended operation (RFC 4511 §4.12).
type ExtendedRequest struct {
	OID string
	// Value is encoded as the operation defines; HasValue tells an empty one from none.
	Value    string
	HasValue bool
	// Reads tells that the operation changes nothing, so that it may be sent again when its
	// connection is lost.
	Reads bool
	// Controls and Answer are as in WriteOptions.
	Controls []Control
	Answer   *Answer
}

// ExtendedResult is the answer to an extended operation.
type ExtendedResult struct {
	// OID is the name that the answer has, "" for most.
	OID      string
	Value    string
	HasValue bool
}

// PasswordRequest changes the password of an entry.
type PasswordRequest struct {
	DN DN
	// Old is the present password, which the directory verifies, "" for one who may do
	// without. New is the one to be; for "" the directory is to make one.
	Old, New string
	// Trial is as in WriteOptions. A directory that cannot try it is Unsupported.
	Trial bool
	// Controls and Answer are as in WriteOptions.
	Controls []Control
	Answer   *Answer
}

// Session performs operations as one identity. It is cheap to make and holds
// no connection between operations; each operation borrows one, and no
// operation can run as anyone but the session's identity.
//
// Every method returns a *fault.Error: NotFound when the entry is not there or
// not visible, Forbidden when access was refused, Unavailable when nothing was
// sent or the server was busy, Timeout when the deadline of ctx passed (for a
// change: the outcome is unknown), BadGateway when the server's answer made no
// sense. OutcomeOf tells what became of the request. Sessions may be used by several
// goroutines at once.
type Session interface {
	// Search calls yield for each entry, in the server's order, and returns nil only
	// after the server itself said that the result is complete. A search that a limit
	// of the directory, the network or the deadline cut short is an error, however
	// many entries came before. An error of yield stops the search and is returned.
	// The server is never kept waiting for yield: entries are taken in pages, between
	// which nothing is outstanding.
	Search(ctx context.Context, req *SearchRequest, yield func(*Entry) error) (SearchResult, error)
	// Walk begins a search whose result is taken in steps, with pauses of any length in
	// between. Nothing is sent before the first step. SizeLimit and Sort have to be zero.
	Walk(req *SearchRequest) Walk
	// Add adds an entry; the entry is returned when it was asked for and the server did
	// read it back, else nil. An entry that is there already is PreconditionFailed.
	Add(ctx context.Context, req *AddRequest) (*Entry, error)
	// Modify changes an entry; result as for Add.
	Modify(ctx context.Context, req *ModifyRequest) (*Entry, error)
	// Delete deletes an entry; the entry as it was before is returned as for Add.
	Delete(ctx context.Context, req *DeleteRequest) (*Entry, error)
	// ModifyDN renames or moves an entry; result as for Add. A name that is taken is
	// PreconditionFailed.
	ModifyDN(ctx context.Context, req *ModifyDNRequest) (*Entry, error)
	// Compare tells whether the entry has the value, by the attribute's own equality rule.
	Compare(ctx context.Context, req *CompareRequest) (bool, error)
	// Extended runs an extended operation. One that is about the connection and not about
	// the directory, such as StartTLS, is Unsupported, and so is one that the directory does
	// not have.
	Extended(ctx context.Context, req *ExtendedRequest) (*ExtendedResult, error)
	// ModifyPassword changes the password of an entry (RFC 3062), and returns the one that
	// the directory made, if it did. A refusal is Invalid with
	// detail.kind wrongPassword when the old password is not right, as far as the directory
	// says so, and has detail.kind passwordPolicy and detail.passwordPolicy when a password
	// policy refused. A directory without the operation is Unsupported.
	ModifyPassword(ctx context.Context, req *PasswordRequest) (Password, error)
	// WhoAmI returns the authorization identity that the directory sees (RFC 4532). The
	// answer, when it is not nil, takes what came with it.
	WhoAmI(ctx context.Context, answer *Answer) (string, error)
}

// Walk is a search that is taken in steps (RFC 2696). From the first step to its end it
// holds a connection that carries nothing else. One goroutine uses it at a time.
type Walk interface {
	// Next returns the next entries in the server's order, at most n. It reports false
	// with the last ones, after the server itself said that there are no more. After an
	// error the walk has ended; TooLarge of the kind "sizeLimit" tells that the
	// directory does not let the caller see more in this way.
	Next(ctx context.Context, n int) (entries []*Entry, more bool, err error)
	// Server names the server that the walk is on, "" before the first step. The order of
	// entries is that of one server.
	Server() string
	// References counts the continuation references of all steps so far, as
	// SearchResult.References does.
	References() int
	// Answer returns what came with the end of the last step that was answered, be it a
	// success or a refusal.
	Answer() Answer
	// Close ends the walk and gives its connection back.
	Close()
}

// Directory is one directory service: its servers, what they can do, and the
// sessions on them. Implementations are safe for concurrent use.
type Directory interface {
	// As returns a session that acts as the identity.
	As(identity Identity) Session
	// Service returns a session that acts as the gateway's own account, to look up
	// callers and their accounts. It never serves a caller's request.
	Service() Session
	// Authenticate verifies a password by a simple bind on a connection that carries
	// nothing else. A wrong password, an unknown DN and an empty password are all
	// Unauthenticated with invalidCredentials; an empty password is never sent (RFC 4513
	// §5.1.2). The state of the account is what the directory tells with the bind, be it
	// refused or not. One whose password was right, and who is refused because of it, gets a
	// fault that is named after the state: Forbidden for PasswordMustChange, else
	// Unauthenticated. The answer, when it is not nil, takes what came with that of the bind.
	Authenticate(ctx context.Context, dn DN, password string, answer *Answer) (AccountState, error)
	// Capabilities returns what is known of the servers at the moment. It asks the
	// server when nothing is known yet.
	Capabilities(ctx context.Context) (*Capabilities, error)
}
