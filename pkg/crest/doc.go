// Package crest is the REST protocol of the mapped APIs: it reads a request of HTTP
// as a [mapping.Request], has the gateway run it, and writes the outcome. It knows
// nothing of entries.
//
// # Paths
//
// A path is split as it was received, and each segment is decoded once, so that "%2F"
// is a part of an id. Segments that are empty, ".", "..", not UTF-8, or hold NUL are
// refused; so is a trailing slash, which is an empty segment.
//
// # Methods
//
//	GET, HEAD                   read; query with _queryFilter
//	PUT                         update, or create where there is nothing
//	PUT, If-Match               update
//	PUT, If-None-Match: *       create
//	POST [?_action=create]      create in a collection
//	POST ?_action=…             action
//	PATCH                       patch
//	DELETE                      delete
//	OPTIONS                     the methods
//
// A body goes with PUT, POST and PATCH, and with no other method: it is refused there,
// because two readers could differ about whether it is part of the request.
//
// # Versions
//
// Accept-API-Version says which version of the protocol and of the API a client means.
// Without it the protocol is 2.1, and the API the newest there is. An API in several
// versions is served by the newest with the same major version, when that is not older
// than what was asked for.
//
//	1.x    PUT never creates, POST needs its action
//	2.0    POST needs its action
//	2.1    as above
//	2.2    as 2.1
//
// # Parameters
//
// Names are taken in any case, and a name stands once. A name that begins with "_" and
// is not known is refused, a known one that is not available answers 501 unless its
// value asks for nothing, and other names are ignored.
//
// # Revisions
//
// If-Match and If-None-Match take "*" or a list of revisions, whose quotes may be left out.
// A weak one never matches in If-Match. A read answers 304 only when the resource shows
// nothing but itself and its revision is strong; the client may have it as a weak one.
// If-Modified-Since and If-Unmodified-Since are ignored (RFC 9110 §13.1: they may be).
//
// # Lists
//
// The first 64 KiB of a list are held back: a fault until then is an ordinary error,
// and a list that is shorter is sent in one piece. A later fault breaks the answer
// off (httpserver.Abort); a list that ends well-formed is complete.
package crest
