// Package descriptor describes an API to programs: as OpenAPI 3.1, and as an API
// descriptor of CREST. What it says comes from the mapping alone, and from the schema of
// the directory where the mapping leaves types to it; it reads no entry.
//
//	api := &descriptor.API{Model: model, Capabilities: capabilities, Path: "/api"}
//	document, err := api.OpenAPI()
//
// # Answers and requests
//
// A resource type has a schema for each way that its resources travel. That of answers
// holds for whatever the gateway shows: no member is required but the id, because _fields
// and the access rules of the directory leave members out, and sub-types stand in an
// anyOf, because a resource of which one field was chosen looks the same in all of them.
// It does not hold where an attribute has a value that is not of its syntax, which is
// shown as text. The schemas of requests tell what a client may send and be understood: a
// new resource is one of the types that the collection takes, and names it.
//
// # Paths
//
// A type that contains itself makes paths without end. Each sub-resource stands once on a
// path; what is below it again looks the same.
package descriptor
