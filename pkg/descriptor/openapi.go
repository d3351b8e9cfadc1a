package descriptor

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// openAPI is as much of an OpenAPI 3.1 document as is used here.
type openAPI struct {
	OpenAPI    string              `json:"openapi"`
	Info       info                `json:"info"`
	Servers    []server            `json:"servers,omitempty"`
	Security   []ordered[[]string] `json:"security,omitempty"`
	Paths      ordered[*pathItem]  `json:"paths"`
	Components components          `json:"components"`
}

type info struct {
	Title       string `json:"title"`
	Description string `json:"description,omitzero"`
	Version     string `json:"version"`
}

type server struct {
	URL string `json:"url"`
}

type components struct {
	Schemas    ordered[*schema]        `json:"schemas"`
	Responses  ordered[*response]      `json:"responses"`
	Parameters ordered[*parameter]     `json:"parameters"`
	Headers    ordered[*parameter]     `json:"headers"`
	Security   ordered[securityScheme] `json:"securitySchemes,omitzero"`
}

type securityScheme struct {
	Type         string `json:"type"`
	Scheme       string `json:"scheme"`
	BearerFormat string `json:"bearerFormat,omitzero"`
}

// pathItem is what can be done at a path.
type pathItem struct {
	Parameters []*parameter `json:"parameters,omitempty"`
	Get        *operation   `json:"get,omitzero"`
	Put        *operation   `json:"put,omitzero"`
	Post       *operation   `json:"post,omitzero"`
	Delete     *operation   `json:"delete,omitzero"`
	Patch      *operation   `json:"patch,omitzero"`
}

type operation struct {
	Tags        []string           `json:"tags"`
	Summary     string             `json:"summary"`
	OperationID string             `json:"operationId"`
	Parameters  []*parameter       `json:"parameters,omitempty"`
	RequestBody *body              `json:"requestBody,omitzero"`
	Responses   ordered[*response] `json:"responses"`
}

// parameter is a parameter, or a header of an answer, or refers to one.
type parameter struct {
	Ref         string  `json:"$ref,omitzero"`
	Name        string  `json:"name,omitzero"`
	In          string  `json:"in,omitzero"`
	Description string  `json:"description,omitzero"`
	Required    bool    `json:"required,omitzero"`
	Style       string  `json:"style,omitzero"`
	Explode     any     `json:"explode,omitzero"`
	Schema      *schema `json:"schema,omitzero"`
	Example     string  `json:"example,omitzero"`
}

type body struct {
	Required bool           `json:"required"`
	Content  ordered[media] `json:"content"`
}

type response struct {
	Ref         string              `json:"$ref,omitzero"`
	Description string              `json:"description,omitzero"`
	Headers     ordered[*parameter] `json:"headers,omitzero"`
	Content     ordered[media]      `json:"content,omitzero"`
}

type media struct {
	Schema   *schema           `json:"schema,omitzero"`
	Encoding ordered[encoding] `json:"encoding,omitzero"`
}

// encoding tells how a member stands in a body that is not JSON.
type encoding struct {
	ContentType string `json:"contentType,omitzero"`
	Style       string `json:"style,omitzero"`
	Explode     any    `json:"explode,omitzero"`
}

const jsonType = "application/json"

func content(s *schema) ordered[media] { return ordered[media]{{jsonType, media{Schema: s}}} }

// OpenAPI returns the API as an OpenAPI 3.1 document, JSON. Paths stand in the order of the
// mapping file.
func (a *API) OpenAPI() ([]byte, error) {
	d := a.describe()
	doc := &openAPI{
		OpenAPI: "3.1.0",
		Info:    info{Title: strings.TrimPrefix(a.Path, "/"), Version: a.Model.Version},
		Components: components{
			Schemas: d.schemas(), Responses: d.sharedResponses(), Parameters: d.sharedParameters(), Headers: d.sharedHeaders(),
		},
	}
	doc.paths(d)
	if a.Basic {
		doc.secure("basic", securityScheme{Type: "http", Scheme: "basic"})
	}
	if a.Bearer {
		doc.secure("bearer", securityScheme{Type: "http", Scheme: "bearer", BearerFormat: "JWT"})
	}
	return json.Marshal(doc)
}

// secure adds a way to authenticate; one of all that there are is needed.
func (doc *openAPI) secure(name string, scheme securityScheme) {
	doc.Components.Security.add(name, scheme)
	doc.Security = append(doc.Security, ordered[[]string]{{name, []string{}}})
}

// paths adds all paths. They are relative to the API; where a collection stands at the
// path of the API itself they are not, because a relative path is never empty.
func (doc *openAPI) paths(d *description) {
	prefix := ""
	for _, p := range d.places {
		if p.path == "" {
			prefix = d.Path
		}
	}
	if prefix == "" {
		doc.Servers = []server{{d.Path}}
	}
	at := func(path string, names []string) *pathItem {
		item, ok := doc.Paths.get(prefix + path)
		if !ok {
			item = &pathItem{}
			for _, name := range names {
				item.Parameters = append(item.Parameters, pathParameter(name))
			}
			doc.Paths.add(prefix+path, item)
		}
		return item
	}
	for _, p := range d.places {
		o := operations{description: d, place: p}
		if !p.sub.Singleton {
			o.collection(at(p.path, p.parameters))
		}
		o.instance(at(p.instancePath(), p.instanceParameters()))
	}
}

func pathParameter(name string) *parameter {
	return &parameter{Name: name, In: "path", Required: true, Schema: &schema{Type: "string", MinLength: 1}}
}

// Schemas that are shared. No type has a name with a hyphen.
const (
	patchBody    = "patch-body"
	passwordBody = "password-body"
	partsBody    = "parts-body"
	queryBody    = "query-body"
	errorBody    = "error-body"
)

// schemas returns those of all types, and the others that are shared.
func (d *description) schemas() ordered[*schema] {
	var all ordered[*schema]
	for _, t := range d.types() {
		created, replaced := d.isWritten(t)
		all.add(d.names[t], d.resource(t, answer))
		if created {
			all.add(d.names[t]+creation.suffix(), d.resource(t, creation))
		}
		if replaced {
			all.add(d.names[t]+update.suffix(), d.resource(t, update))
		}
	}
	for _, p := range d.places {
		d.addShared(&all, p)
	}
	all.add(patchBody, patchSchema())
	all.add(passwordBody, passwordSchema())
	all.add(partsBody, d.partsSchema())
	all.add(queryBody, d.querySchema())
	all.add(errorBody, errorSchema())
	return all
}

// isWritten reports whether resources of the type are created, and replaced, anywhere.
func (d *description) isWritten(t *mapping.ResourceType) (created, replaced bool) {
	for _, p := range d.places {
		created = created || slices.Contains(d.creatable(p), t)
		replaced = replaced || !p.readOnly && slices.Contains(family(p.sub.Type), t)
	}
	return created, replaced
}

// addShared adds what the operations of a place share.
func (d *description) addShared(all *ordered[*schema], p *place) {
	t := p.sub.Type
	forms := []form{answer}
	if !p.readOnly {
		forms = append(forms, update)
	}
	for _, f := range forms {
		if len(t.Subtypes) == 0 {
			break
		}
		var refs []*schema
		for _, member := range family(t) {
			refs = append(refs, d.ref(member, f))
		}
		all.set(d.anyName(t, f), anyOf(refs))
	}
	if !p.sub.Singleton {
		all.set(d.listName(t), listSchema(d.anyRef(t, answer)))
	}
}

// listName is the name of the schema of the result of a query.
func (d *description) listName(t *mapping.ResourceType) string { return d.names[t] + "-list" }

func patchSchema() *schema {
	operation := &schema{Type: "object", Additional: false, Required: []string{"operation", "field"}, Properties: ordered[*schema]{
		{"operation", enumSchema("add", "remove", "replace", "increment")},
		{"field", &schema{Type: "string", Description: "A JSON pointer. /name/- is one more value of a field that has several."}},
		{"value", &schema{Description: "What is added, removed or set, or the number to add."}},
	}}
	return &schema{Type: "array", Items: operation}
}

func enumSchema(names ...string) *schema {
	s := stringSchema("")
	for _, name := range names {
		s.Enum = append(s.Enum, text(name))
	}
	return s
}

// errorSchema is the one error body.
func errorSchema() *schema {
	integer := &schema{Type: "integer"}
	detail := &schema{Type: "object", Required: []string{"kind"}, Properties: ordered[*schema]{
		{"kind", &schema{Type: "string", Description: "What is wrong, for programs."}},
		{"field", &schema{Type: "string", Description: "The JSON pointer of the member of the body at fault."}},
		{"parameter", &schema{Type: "string", Description: "The parameter or header at fault."}},
		{"position", &schema{Type: "integer", Description: "The place in it, in characters from 1."}},
		{"limit", &schema{Type: "integer", Description: "The limit that was reached."}},
		{"attribute", stringSchema("")},
		{"deleted", &schema{Type: "integer", Description: "How many entries a deletion that failed had deleted."}},
		{"passwordPolicy", enumSchema(directory.PasswordReasons()...)},
		{"passwordQualityAdvice", qualitySchema()},
	}}
	return &schema{Type: "object", Required: []string{"code", "reason", "message", "detail"}, Properties: ordered[*schema]{
		{"code", integer}, {"reason", stringSchema("")}, {"message", stringSchema("")}, {"detail", detail},
	}}
}

// listSchema is the result of a query.
func listSchema(resource *schema) *schema {
	count := func(what string) *schema { return &schema{Type: "integer", Minimum: -1, Description: what} }
	s := &schema{Type: "object", Additional: false, Properties: ordered[*schema]{
		{"result", &schema{Type: "array", Items: resource}},
		{"resultCount", &schema{Type: "integer", Minimum: 0}},
		{"pagedResultsCookie", &schema{Type: []string{"string", "null"}, Description: "Where the next page begins; null on the last."}},
		{"totalPagedResultsPolicy", enumSchema("NONE", "ESTIMATE", "EXACT")},
		{"totalPagedResults", count("How many resources match in all; -1 where nobody counted.")},
		{"remainingPagedResults", count("Always -1.")},
	}}
	for _, m := range s.Properties {
		s.Required = append(s.Required, m.name)
	}
	return s
}
