package mapping

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// Verb is what a request wants done.
type Verb int

const (
	// Read reads one resource.
	Read Verb = iota
	// Create makes a resource.
	Create
	// Update replaces the writable state of a resource.
	Update
	// Patch changes parts of a resource.
	Patch
	// Delete deletes a resource.
	Delete
	// Query lists the resources of a collection.
	Query
	// Action runs a named action.
	Action
)

// String returns the verb in lower case, as events and documents write it.
func (v Verb) String() string {
	return [...]string{"read", "create", "update", "patch", "delete", "query", "action"}[v]
}

// Request is what a client wants of a mapped API, free of the wire it came by.
type Request struct {
	Verb Verb
	// Version is the version of the API, as its model has it. "" will do where the API
	// has one version only.
	Version string
	// Path is the decoded segments below the base path.
	Path []string
	// Fields are the fields wanted; none is the default representation.
	Fields []query.Pointer
	// AsMapped shows the id and the revision like any other field: where the mapping has one
	// for them, and it is wanted. Otherwise every resource shows both.
	AsMapped bool
	// Filter is the filter of a Query.
	Filter query.Filter
	// Sort are the fields by which a Query sorts; none leaves the order to the directory.
	Sort []query.SortKey
	// PageSize is how many resources a Query returns at most; 0 is all.
	PageSize int
	// Cookie is where a Query with a PageSize goes on, as it was handed out with the page
	// before; "" is the beginning.
	Cookie string
	// Total tells that a Query counts all resources that match.
	Total bool
	// CountOnly tells that a Query counts what matches, and returns none of it.
	CountOnly bool
	// Skip is how many pages a Query passes over.
	Skip int
	// Named tells that the path of a Create holds the id of the new resource.
	Named bool
	// MustExist refuses to create: the resource has to be there (Update, Patch, Delete).
	MustExist bool
	// Revision is the revision that the resource must have; "" is any.
	Revision string
	// DryRun tells that nothing is to be changed: the directory is asked whether it would
	// (Create, Update, Patch, Delete, and the actions ModifyPassword, ResetPassword and Rename).
	DryRun bool
	// Subtree tells that a Delete takes all that is below the resource with it.
	Subtree bool
	// Estimate tells that a Query counts all resources that match where that costs next to
	// nothing.
	Estimate bool
	// Body is the resource of a Create or Update.
	Body *Object
	// Changes are the operations of a Patch, in order.
	Changes []PatchOp
	// Action is the name of an Action.
	Action string
	// QualityAdvice tells that who sets a password that is refused wants to know by which
	// criteria (Create, Update, Patch, and the actions ModifyPassword and ResetPassword).
	QualityAdvice bool
	// Password reads what the action ModifyPassword is to change. It is called once, when
	// the action has been found to be there. Its errors are faults.
	Password func() (PasswordChange, error)
	// Renaming reads what the action Rename is to do; called like Password.
	Renaming func() (Renaming, error)
	// Nothing makes sure that the request says nothing more to an action that takes nothing:
	// every other one. It is called as Password is.
	Nothing func() error
}

// PatchVerb is what a PatchOp does.
type PatchVerb int

const (
	// PatchAdd adds values, or sets a single-valued property.
	PatchAdd PatchVerb = iota
	// PatchRemove removes the property, or some of its values.
	PatchRemove
	// PatchReplace sets the property.
	PatchReplace
	// PatchIncrement adds a number to every value.
	PatchIncrement
)

// PatchOp is one operation of a Patch.
type PatchOp struct {
	Verb  PatchVerb
	Field query.Pointer
	// Value is a JSON value as DecodeJSON makes it; HasValue tells null from none.
	Value    any
	HasValue bool
}

// Finder runs a search as the caller of the request and returns all of its
// entries. A result that is not complete is an error.
type Finder func(ctx context.Context, req *directory.SearchRequest) ([]*directory.Entry, error)

// Revision is the revision of a resource; the zero Revision is none.
type Revision struct {
	Value string
	// Weak tells that two different states may have the same revision (RFC 9110 §8.8.1).
	Weak bool
}
