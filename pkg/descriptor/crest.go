package descriptor

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// apiDescription is an API descriptor of CREST, version 1.0.0 of its format.
type apiDescription struct {
	ID          string                     `json:"id"`
	Version     string                     `json:"version"`
	Definitions ordered[*schema]           `json:"definitions"`
	Services    ordered[*resource]         `json:"services"`
	Errors      ordered[apiError]          `json:"errors"`
	Paths       ordered[ordered[crestRef]] `json:"paths"`
}

type crestRef struct {
	Ref string `json:"$ref"`
}

type apiError struct {
	Code        int    `json:"code"`
	Description string `json:"description"`
}

// resource is a service: a collection with its items, or one resource.
type resource struct {
	Title  string       `json:"title"`
	Schema crestRef     `json:"resourceSchema"`
	MVCC   bool         `json:"mvccSupported"`
	Create *crestAction `json:"create,omitzero"`
	Query  []crestQuery `json:"queries,omitzero"`
	Items  *items       `json:"items,omitzero"`

	crestOperations
}

// items are the resources of a collection.
type items struct {
	Parameter crestParameter `json:"pathParameter"`
	Create    *crestAction   `json:"create,omitzero"`

	crestOperations
}

// crestOperations are what can be done with one resource.
type crestOperations struct {
	Read    *crestAction  `json:"read,omitzero"`
	Update  *crestAction  `json:"update,omitzero"`
	Delete  *crestAction  `json:"delete,omitzero"`
	Patch   *crestAction  `json:"patch,omitzero"`
	Actions []crestAction `json:"actions,omitzero"`
}

// crestAction is an operation with what is special about some kinds of them.
type crestAction struct {
	Description string   `json:"description,omitzero"`
	Name        string   `json:"name,omitzero"`
	Mode        string   `json:"mode,omitzero"`
	Operations  []string `json:"operations,omitzero"`
	Request     *schema  `json:"request,omitzero"`
	Response    *schema  `json:"response,omitzero"`
	// Parameters are those that are not of the protocol itself.
	Parameters []crestParameter `json:"parameters,omitzero"`
	Errors     []crestRef       `json:"errors"`
}

type crestQuery struct {
	Type          string     `json:"type"`
	Queryable     []string   `json:"queryableFields"`
	SortKeys      []string   `json:"supportedSortKeys,omitzero"`
	PagingModes   []string   `json:"pagingModes"`
	CountPolicies []string   `json:"countPolicies"`
	Errors        []crestRef `json:"errors"`
}

type crestParameter struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Description string   `json:"description,omitzero"`
	Source      string   `json:"source"`
	Required    bool     `json:"required"`
	Values      []string `json:"enumValues,omitzero"`
}

// CREST returns the API as an API descriptor of CREST, JSON, as the reference product makes
// it: a definition for each type, a service for each way in which a type can be used, and
// the paths of the services.
func (a *API) CREST() ([]byte, error) {
	d := a.describe()
	doc := &apiDescription{
		ID:       "frapi:rest2ldap" + strings.ReplaceAll(a.Path, "/", ":"),
		Version:  d.crestVersion(),
		Services: ordered[*resource]{},
		Paths:    ordered[ordered[crestRef]]{},
		Errors:   crestErrors(),
	}
	for _, t := range d.types() {
		d.define(&doc.Definitions, t)
	}
	for _, p := range d.places {
		name := doc.serve(p, d.service(p))
		path := p.path
		if path == "" {
			path = "/"
		}
		doc.Paths.set(path, ordered[crestRef]{{doc.Version, crestRef{"#/services/" + name}}})
	}
	return json.Marshal(doc)
}

// crestVersion is the version, in the form of API descriptors.
func (d *description) crestVersion() string {
	if version, ok := mapping.ParseVersion(d.Model.Version); ok {
		return version.String()
	}
	return "0.0" // "Unversioned".
}

// define adds a type, after the one that it extends.
func (d *description) define(all *ordered[*schema], t *mapping.ResourceType) {
	if _, ok := all.get(t.Name); ok {
		return
	}
	own := t.Properties
	if t.Super != nil {
		d.define(all, t.Super)
		own = slices.DeleteFunc(slices.Clone(own), func(p *mapping.Property) bool { return slices.Contains(t.Super.Properties, p) })
	}
	s := &schema{Type: "object"}
	for _, p := range own {
		if p.Kind == mapping.TypeName {
			s.Discriminator = p.Name
		}
	}
	s.Properties, s.Required = d.members(t, own, definition)
	d.addMixins(t, definition, s)
	if t.Super != nil {
		s = &schema{AllOf: []*schema{d.ref(t.Super, definition), s}}
	}
	all.add(t.Name, s)
}

// serve adds a service, unless there is the same already, and returns its name. Services
// that differ in their places alone are numbered.
func (doc *apiDescription) serve(p *place, service *resource) string {
	title := p.sub.Type.Name + ":read-write"
	if p.readOnly {
		title = p.sub.Type.Name + ":read-only"
	}
	service.Title = title
	name := title
	for i := 2; ; i++ {
		same, ok := doc.Services.get(name)
		if !ok {
			doc.Services.add(name, service)
			return name
		}
		if reflect.DeepEqual(same, service) {
			return name
		}
		name = title + ":" + strconv.Itoa(i)
	}
}

// service is what can be done at a place.
func (d *description) service(p *place) *resource {
	r := &resource{
		Schema: crestRef{crestSchemas + p.sub.Type.Name},
		MVCC:   d.Capabilities.StrongRevision() && d.Capabilities.Assertion,
	}
	if p.sub.Singleton {
		r.crestOperations = d.crestOperations(p)
		return r
	}
	r.Items = &items{Parameter: crestParameter{Name: p.id, Type: "string", Source: "PATH", Required: true}, crestOperations: d.crestOperations(p)}
	r.Query = []crestQuery{{
		Type: "FILTER", Queryable: []string{"*"}, SortKeys: d.sortKeys(p.sub.Type.Properties),
		PagingModes: []string{"COOKIE", "OFFSET"}, CountPolicies: []string{"NONE", "ESTIMATE", "EXACT"},
		Errors: errorRefs("notFound", "requestEntityTooLarge"),
	}}
	if len(d.creatable(p)) > 0 {
		r.Create = &crestAction{Mode: "ID_FROM_SERVER", Parameters: d.crestParameters("dryRun", qualityAdvice), Errors: errorRefs("notFound", "preconditionFailed", "requestEntityTooLarge")}
		if p.sub.Naming.Strategy != mapping.ServerNaming {
			r.Create.Description = "The id is the member of the resource that names it."
			r.Items.Create = &crestAction{Mode: "ID_FROM_CLIENT", Parameters: r.Create.Parameters, Errors: r.Create.Errors}
		}
	}
	return r
}

func (d *description) crestOperations(p *place) (o crestOperations) {
	changed := errorRefs("notFound", "preconditionFailed", "requestEntityTooLarge")
	o.Read = &crestAction{Errors: errorRefs("notFound")}
	if p.readOnly {
		return o
	}
	writes := d.crestParameters("dryRun", qualityAdvice)
	o.Update = &crestAction{Parameters: writes, Errors: changed}
	if !p.sub.Singleton {
		o.Delete = &crestAction{Parameters: d.crestParameters("dryRun", "subtreeDelete"), Errors: changed}
	}
	o.Patch = &crestAction{Operations: []string{"ADD", "REMOVE", "REPLACE", "INCREMENT"}, Parameters: writes, Errors: changed}
	for _, a := range p.actions() {
		does := crestAction{Name: a.name, Description: a.summary + ".", Request: a.request, Response: a.response, Errors: changed}
		if a.response == nil {
			does.Response, does.Parameters = d.ref(p.sub.Type, definition), d.crestParameters("dryRun")
		}
		if isAboutPassword(a.name) {
			does.Parameters = writes
		}
		o.Actions = append(o.Actions, does)
	}
	return o
}

// crestParameters are parameters of an operation that are not of the protocol itself.
func (d *description) crestParameters(names ...string) []crestParameter {
	var parameters []crestParameter
	all := d.sharedParameters()
	for _, name := range names {
		p, _ := all.get(name)
		parameter := crestParameter{Name: name, Type: "boolean", Description: p.Description, Source: "ADDITIONAL"}
		for _, value := range p.Schema.Enum {
			parameter.Values = append(parameter.Values, string(value))
		}
		parameters = append(parameters, parameter)
	}
	return parameters
}

func crestErrors() ordered[apiError] {
	return ordered[apiError]{
		{"badRequest", apiError{400, "The request is malformed, or holds what the resource cannot have."}},
		{"unauthorized", apiError{401, "Valid credentials are required."}},
		{"forbidden", apiError{403, "The caller may not do this."}},
		{"notFound", apiError{404, "The resource is not there, or the caller may not see it."}},
		{"preconditionFailed", apiError{412, "The resource has another revision, or is there already."}},
		{"requestEntityTooLarge", apiError{413, "The body is too long, or the result has more resources than the directory returns."}},
		{"internalServerError", apiError{500, "The gateway failed."}},
		{"serviceUnavailable", apiError{503, "The directory cannot be reached, or is busy."}},
	}
}

// errorRefs refers to the errors of all operations, and to further ones.
func errorRefs(further ...string) []crestRef {
	var refs []crestRef
	for _, name := range slices.Concat([]string{"badRequest", "unauthorized", "forbidden"}, further, []string{"internalServerError", "serviceUnavailable"}) {
		refs = append(refs, crestRef{"#/errors/" + name})
	}
	return refs
}
