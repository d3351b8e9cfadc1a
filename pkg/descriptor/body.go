package descriptor

import "fmt"

const (
	formType  = "application/x-www-form-urlencoded"
	partsType = "multipart/form-data"

	filterName    = "_queryFilter"
	filterMeaning = "What the resources must match; true is all of them."
)

// queryParameters are the parameters of a query other than its filter.
func queryParameters() []string {
	return []string{"_fields", "_sortKeys", "_pageSize", "_pagedResultsCookie", "_pagedResultsOffset", "_totalPagedResultsPolicy", "_countOnly", "_prettyPrint"}
}

// querySchema is the body of a query that does not fit into a URL: its parameters.
func (d *description) querySchema() *schema {
	s := &schema{Type: "object", Required: []string{filterName}, Properties: ordered[*schema]{{filterName, &schema{Type: "string", Description: filterMeaning}}}}
	all := d.sharedParameters()
	for _, name := range queryParameters() {
		p, _ := all.get(name)
		value := *p.Schema
		value.Description = p.Description
		s.Properties.add(name, &value)
	}
	return s
}

// queryForm is that body, written as in a URL.
func (d *description) queryForm() *body {
	list := encoding{Style: "form", Explode: false}
	return &body{Required: true, Content: ordered[media]{{formType, media{
		Schema: &schema{Ref: openAPISchemas + queryBody}, Encoding: ordered[encoding]{{"_fields", list}, {"_sortKeys", list}},
	}}}}
}

// inParts is a body that is JSON, or comes in parts one of which is that JSON.
func inParts(json *schema) *body {
	parts := media{Schema: &schema{Ref: openAPISchemas + partsBody}, Encoding: ordered[encoding]{{"json", encoding{ContentType: jsonType}}}}
	return &body{Required: true, Content: append(content(json), member[media]{partsType, parts})}
}

// partsSchema is a body in parts. What stands in for a part is of no type that the JSON
// alone could have there, so that its schema is not that of the JSON.
func (d *description) partsSchema() *schema {
	const meaning = `The body as it is in JSON, where {"$ref": "cid:NAME#content"} stands for the part of that name, as Base64; "#filename" and "#mimetype" for what the part says of itself. The name of this part does not matter, its type does.`
	return &schema{
		Type: "object", Required: []string{"json"}, Properties: ordered[*schema]{{"json", &schema{Description: meaning}}},
		Description: fmt.Sprintf("Each part has at most %d bytes, and all have %d together.", d.MaxPart, d.MaxBody),
		Additional:  &schema{Description: "A part to which the JSON refers, as it is.", Media: "application/octet-stream"},
	}
}
