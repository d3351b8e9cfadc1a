package descriptor

import (
	"fmt"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// sharedParameters are the parameters and headers of requests that several operations have.
func (d *description) sharedParameters() ordered[*parameter] {
	list := func(name, what string) *parameter {
		return &parameter{Name: name, In: "query", Description: what, Style: "form", Explode: false, Schema: &schema{Type: "array", Items: stringSchema("")}}
	}
	plain := func(name, what string, s *schema) *parameter {
		return &parameter{Name: name, In: "query", Description: what, Schema: s}
	}
	header := func(name, what string) *parameter {
		return &parameter{Name: name, In: "header", Description: what, Schema: stringSchema("")}
	}
	flag, count := &schema{Type: "boolean"}, &schema{Type: "integer", Minimum: 0}
	all := []*parameter{
		list("_fields", "The fields wanted, as JSON pointers. _id and _rev always come."),
		list("_sortKeys", "The fields to sort by; - before one turns its order around."),
		plain("_pageSize", fmt.Sprintf("How many resources the answer has at most; 0 is all. A page has no more than %d.", d.MaxPage), count),
		plain("_pagedResultsCookie", "Where the page begins, from the page before.", stringSchema("")),
		plain("_pagedResultsOffset", "How many pages to pass over; not together with a cookie.", count),
		plain("_totalPagedResultsPolicy", "EXACT counts all that match; ESTIMATE tells about how many there are, where the directory keeps count.", enumSchema("NONE", "ESTIMATE", "EXACT")),
		plain("_countOnly", "Counts, and lists nothing. It needs version 2.2 of the protocol.", flag),
		plain("_mimeType", "The value of the one field in _fields as it is, instead of JSON.", enumSchema(d.MediaTypes...)),
		plain("_prettyPrint", "Indents the JSON.", flag),
		plain("dryRun", "Asks whether the change would be made, and makes none. Of the actions of a resource, accountUsability changes nothing that could be tried.", flag),
		plain(qualityAdvice, "Has the refusal of a password tell the criteria.", flag),
		plain("subtreeDelete", "Deletes what is below the resource, too.", flag),
		header("If-Match", "The revision that the resource must have."),
		header("If-None-Match", "Revisions that the client has already."),
		header("Accept-API-Version", "The versions of protocol and API that the client means."),
	}
	all[len(all)-1].Example = d.acceptVersion()
	var named ordered[*parameter]
	for _, p := range all {
		named.add(p.Name, p)
	}
	return named
}

// acceptVersion is the header by which a client asks for the API that is described.
func (d *description) acceptVersion() string {
	const protocol = "protocol=2.1"
	if d.Model.Version == "" || d.Model.Version == "*" {
		return protocol
	}
	return protocol + ",resource=" + d.Model.Version
}

// shared refers to shared parameters.
func shared(names ...string) []*parameter {
	refs := make([]*parameter, len(names))
	for i, name := range names {
		refs[i] = &parameter{Ref: "#/components/parameters/" + name}
	}
	return refs
}

// Headers of answers.
const (
	transactionHeader = "X-ForgeRock-TransactionId"
	versionHeader     = "Content-API-Version"
	policyHeader      = "Password-Policy"
	deletedHeader     = "X-Deleted-Below"
	placeHeader       = "Content-Location"
)

// sharedHeaders are the headers of answers.
func (d *description) sharedHeaders() ordered[*parameter] {
	number := &schema{Type: "integer", Minimum: 1}
	all := ordered[*parameter]{
		{"ETag", &parameter{Description: "The revision of the resource, as If-Match takes it.", Schema: stringSchema("")}},
		{"Location", &parameter{Description: "The path of the new resource.", Schema: stringSchema("uri-reference")}},
		{placeHeader, &parameter{Description: "The path of the resource as it is called now.", Schema: stringSchema("uri-reference")}},
		{deletedHeader, &parameter{Description: "How many entries below the resource were deleted one by one.", Schema: number}},
		{transactionHeader, &parameter{Description: "The id of the request in the events of the gateway.", Schema: stringSchema("")}},
		{"Allow", &parameter{Description: "With 405: the methods that the resource takes.", Schema: stringSchema("")}},
		{"Retry-After", &parameter{Description: "With 429 and 503: after how many seconds to ask again.", Schema: number}},
		{"WWW-Authenticate", &parameter{Description: "With 401: the ways to authenticate; with 400 and 403, what a token lacks.", Schema: stringSchema("")}},
	}
	if d.isNumbered() {
		all.add(versionHeader, &parameter{Description: "The versions of protocol and API that answer.", Schema: stringSchema("")})
	}
	if d.Basic {
		all.add(policyHeader, &parameter{
			Description: "What the password policy has to say of the caller's password, as a dictionary (RFC 9651): expires-in, in seconds, grace-logins, must-change.",
			Schema:      stringSchema(""),
		})
	}
	return all
}

// isNumbered reports whether the API has a version that answers tell.
func (d *description) isNumbered() bool {
	_, ok := mapping.ParseVersion(d.Model.Version)
	return ok
}

// headers refers to headers, and to those that all answers may have.
func (d *description) headers(names ...string) (refs ordered[*parameter]) {
	names = append(names, transactionHeader)
	if d.isNumbered() {
		names = append(names, versionHeader)
	}
	if d.Basic {
		names = append(names, policyHeader)
	}
	for _, name := range names {
		refs.add(name, &parameter{Ref: "#/components/headers/" + name})
	}
	return refs
}

const (
	errorResponse       = "error"
	notModifiedResponse = "notModified"
)

func (d *description) sharedResponses() ordered[*response] {
	return ordered[*response]{
		{errorResponse, &response{Description: "The request failed; nothing was changed, unless detail.kind is unknownOutcome, or detail.deleted is there.", Headers: d.headers("WWW-Authenticate", "Retry-After", "Allow"), Content: content(&schema{Ref: openAPISchemas + errorBody})}},
		{notModifiedResponse, &response{Description: "The client has this revision already.", Headers: d.headers("ETag")}},
	}
}

func responseRef(name string) *response { return &response{Ref: "#/components/responses/" + name} }
