package mapping

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// Model is one mapping file, compiled and checked. It is immutable.
type Model struct {
	// File is the name of the file, for messages.
	File string
	// BasePath is the folder of the file: the first path segment of the API.
	BasePath string
	// Version is the API version: "*", "1" or "1.0".
	Version string
	// Legacy tells that unmapped fields in a filter never match, and whatever else the
	// files and clients of the reference product rely on ("compat": "rest2ldap").
	Legacy bool
	// Root is the resource type named after the file; its sub-resources are the
	// first path elements, and their DN templates are absolute.
	Root *ResourceType
	// Types are all resource types by name.
	Types map[string]*ResourceType
}

// ResourceType describes the resources that share a shape. Everything inherited
// from Super is filled in.
type ResourceType struct {
	Name  string
	Super *ResourceType
	// Subtypes are the types whose Super is this one, in the order of the file.
	Subtypes []*ResourceType
	// Abstract types cannot be created.
	Abstract bool
	// ObjectClasses are those of a new entry, inherited ones first; a stored entry is of
	// this type when it has them all.
	ObjectClasses []string
	// Auxiliaries are the types that may be mixed in, resource by resource.
	Auxiliaries []*ResourceType
	// AllUserAttributes adds a property for each user attribute of the directory, under its
	// name, but for the ExcludedAttributes and those over which there is a property.
	AllUserAttributes  bool
	ExcludedAttributes []string
	// Properties are in the order of the files, inherited ones first; a property that
	// overrides an inherited one stands in its place.
	Properties []*Property
	// SubResources are the path elements below an instance.
	SubResources []*SubResource
	// Actions are the supported actions.
	Actions []string
}

// PropertyKind is what stands behind a property.
type PropertyKind int

const (
	// Simple is an attribute shown as JSON primitives.
	Simple PropertyKind = iota
	// ObjectKind groups properties; nothing in the directory corresponds to it.
	ObjectKind
	// Constant is a value that stands in the mapping.
	Constant
	// TypeName is the name of the resource's type.
	TypeName
	// ReferenceKind is an attribute of DNs shown as resources.
	ReferenceKind
	// ReverseKind is the resources whose reference points to this one.
	ReverseKind
)

// Writability tells who may write a property, and what becomes of a value that may
// not be written.
type Writability int

const (
	// ReadWrite takes writes at any time.
	ReadWrite Writability = iota
	// CreateOnly takes a value when the resource is created, and refuses a change.
	CreateOnly
	// CreateOnlyDiscard takes a value when the resource is created, and ignores a change.
	CreateOnlyDiscard
	// ReadOnly refuses writes.
	ReadOnly
	// ReadOnlyDiscard ignores writes.
	ReadOnlyDiscard
)

// Property is one member of a resource.
type Property struct {
	Name string
	// Pointer is the place of the property in its resource.
	Pointer query.Pointer
	Kind    PropertyKind

	// Attribute is the attribute description read and written; Simple and ReferenceKind only.
	Attribute   string
	Required    bool
	MultiValued bool
	Writability Writability
	// WriteOnly tells a property over an attribute that holds credentials: a client may set
	// it, and nobody is shown it, nor compares it, nor sorts by it. A replacement of the
	// resource that leaves it out keeps it.
	WriteOnly bool
	// Type is the declared value type; Auto unless the mapping names one or says isBinary.
	Type ValueType
	// Default is shown when the attribute is absent, and stored when a client leaves
	// the property out of a new or replaced resource: primitives or an array of them.
	// Nil is none.
	Default any

	// JSONRule is the matching rule by which filters look into JSON values; "" is
	// caseIgnoreJsonQueryMatch.
	JSONRule string
	// JSONOrder is the matching rule by which results are sorted inside of JSON values; "" is
	// by JSONRule.
	JSONOrder string
	// JSONSchema describes JSON values to clients; nil is any value.
	JSONSchema jsontext.Value

	// Value is the constant, compact JSON.
	Value jsontext.Value

	// Properties are the members of an object.
	Properties []*Property

	// Reference tells where the DNs of a reference point, and where a reverse one comes from.
	Reference *Reference
}

// Reference is the target of a reference property, in one of two forms, or where those are
// who refer to a resource.
type Reference struct {
	// Path leads from the instance that holds the property to the collection of its
	// targets: ".." is the own collection, "../../groups" a sibling of it. Empty in the
	// in-line form.
	Path []string
	// Property is the name of the property that refers to the resource, in the collection
	// of the path; reverse references only.
	Property string

	// Base is where candidates are searched, below, at any depth; in-line form only.
	Base directory.DNTemplate
	// Filter restricts the candidates; absolute true restricts nothing.
	Filter directory.Filter
	// Mapper renders a referenced entry; in-line form only.
	Mapper *ResourceType
	// Plain tells that the one property of the Mapper, which is over the primary key, stands
	// for a target by its value alone, without an object around it.
	Plain bool
	// PrimaryKey is the attribute that identifies a candidate. "" is the naming
	// attribute of the target collection.
	PrimaryKey string
}

// NamingStrategy is how an id in a path becomes an entry.
type NamingStrategy int

const (
	// ClientDNNaming takes the id as the value of the entry's RDN.
	ClientDNNaming NamingStrategy = iota
	// ClientNaming finds the entry by an attribute that the client chose, which is not its RDN.
	ClientNaming
	// ServerNaming finds the entry by an attribute that the server writes.
	ServerNaming
)

// Naming is the naming strategy of a collection.
type Naming struct {
	Strategy NamingStrategy
	// DNAttribute is the type of the RDN.
	DNAttribute string
	// IDAttribute holds the id; the DNAttribute for ClientDNNaming.
	IDAttribute string
}

// SubResource is a path element below a resource: a collection of resources, or a
// single one.
type SubResource struct {
	// Template is the path element, one or more segments; "{name}" is a variable.
	Template []string
	// Singleton tells that the path names one entry rather than many.
	Singleton bool
	Type      *ResourceType
	// DN is the entry's name relative to the owner's entry.
	DN directory.DNTemplate
	// ReadOnly refuses every change, here and below.
	ReadOnly bool
	// Naming, Filter, Flatten and GlueObjectClasses are for collections.
	Naming Naming
	// Filter restricts the members of the collection; absolute true restricts nothing.
	Filter directory.Filter
	// Flatten makes members of entries at any depth below the collection.
	Flatten bool
	// GlueObjectClasses make the collection's own entry when the first member is added.
	GlueObjectClasses []string
}
