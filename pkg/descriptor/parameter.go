package descriptor

import "fmt"

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
		plain("_totalPagedResultsPolicy", "EXACT counts all that match.", enumSchema("NONE", "ESTIMATE", "EXACT")),
		plain("_countOnly", "Counts, and lists nothing. It needs version 2.2 of the protocol.", flag),
		plain("_mimeType", "The value of the one field in _fields as it is, instead of JSON.", enumSchema(d.MediaTypes...)),
		plain("_prettyPrint", "Indents the JSON.", flag),
		plain("dryRun", "Asks whether the change would be made, and makes none.", flag),
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

func sharedHeaders() ordered[*parameter] {
	return ordered[*parameter]{
		{"ETag", &parameter{Description: "The revision of the resource, as If-Match takes it.", Schema: stringSchema("")}},
		{"Location", &parameter{Description: "The path of the new resource.", Schema: stringSchema("uri-reference")}},
	}
}

func headerRef(name string) member[*parameter] {
	return member[*parameter]{name, &parameter{Ref: "#/components/headers/" + name}}
}

const (
	errorResponse       = "error"
	notModifiedResponse = "notModified"
)

func sharedResponses() ordered[*response] {
	return ordered[*response]{
		{errorResponse, &response{Description: "The request failed; nothing was changed, unless detail.kind is unknownOutcome.", Content: content(&schema{Ref: openAPISchemas + errorBody})}},
		{notModifiedResponse, &response{Description: "The client has this revision already.", Headers: ordered[*parameter]{headerRef("ETag")}}},
	}
}

func responseRef(name string) *response { return &response{Ref: "#/components/responses/" + name} }
