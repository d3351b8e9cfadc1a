package gateway

import "github.com/rest2ldap/rest2ldap/pkg/mapping"

// Answer is the outcome of a request for one resource.
type Answer struct {
	// JSON is the resource, compact.
	JSON []byte
	// ID is the id of the resource in its collection, "" for a singleton.
	ID string
	// Revision is the revision of the resource.
	Revision mapping.Revision
	// References tells that JSON shows other resources too, so that it may change while
	// Revision stays.
	References bool
	// Path is where the resource is now, below the base path, after it was renamed.
	Path []string
	// Deleted is how many entries below the resource were deleted one by one with it.
	Deleted int
	// Created tells that the resource is new.
	Created bool
}
