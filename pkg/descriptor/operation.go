package descriptor

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// operations makes what can be done at a place.
type operations struct {
	*description

	place *place
}

// operation makes an operation that answers with a resource, or a list.
func (o *operations) operation(verb, path, summary, status string, result *response, parameters ...*parameter) *operation {
	id := verb + strings.NewReplacer("{", "", "}", "", "/", "_").Replace(path)
	for o.description.operations[id] {
		id += "_"
	}
	o.description.operations[id] = true
	return &operation{
		Tags:        []string{cmp.Or(o.place.path, "/")},
		Summary:     summary,
		OperationID: id,
		Parameters:  append(parameters, shared("Accept-API-Version")...),
		Responses:   ordered[*response]{{status, result}, {"default", responseRef(errorResponse)}},
	}
}

// collection adds what can be done with the collection of the place.
func (o *operations) collection(item *pathItem) {
	p := o.place
	matches := &response{Description: "The resources that match.", Headers: o.headers(), Content: content(&schema{Ref: openAPISchemas + o.listName(p.sub.Type)})}
	query := o.operation("query", p.path, "Lists the resources that match a filter", "200", matches,
		append([]*parameter{{Name: filterName, In: "query", Required: true, Schema: stringSchema(""), Example: "true", Description: filterMeaning}}, shared(queryParameters()...)...)...)
	item.Get = join(item.Get, query)
	long := o.operation("long_query", p.path, "Lists the resources that match a filter that stands in the body", "200", matches, action(true, "query"))
	long.RequestBody = o.queryForm()
	item.Post = join(item.Post, long)
	types := o.creatable(p)
	if len(types) == 0 {
		return
	}
	create := o.operation("create", p.path, "Creates a resource", "201", o.answers("The new resource.", "ETag", "Location"),
		slices.Concat([]*parameter{action(false, "create")}, shared("_fields", "_prettyPrint", "dryRun", qualityAdvice))...)
	create.Responses = slices.Insert(create.Responses, 0, member[*response]{"200", o.answers("With dryRun, the resource as it would be.", "ETag")})
	create.RequestBody = inParts(o.created(types))
	item.Post = join(item.Post, create)
}

// instance adds what can be done with a resource of the place.
func (o *operations) instance(item *pathItem) {
	p, path := o.place, o.place.instancePath()
	read := o.operation("read", path, "Reads the resource", "200", o.answers("The resource.", "ETag"), shared("_fields", "_mimeType", "_prettyPrint", "If-None-Match")...)
	for _, name := range o.MediaTypes {
		read.Responses[0].value.Content.add(name, media{})
	}
	read.Responses = slices.Insert(read.Responses, 1, member[*response]{"304", responseRef(notModifiedResponse)})
	item.Get = join(item.Get, read)
	if p.readOnly {
		return
	}
	item.Put = o.update(path)
	item.Patch = o.operation("patch", path, "Changes parts of the resource, all or none", "200", o.answers("The resource as it is now.", "ETag"),
		shared("_fields", "_prettyPrint", "dryRun", qualityAdvice, "If-Match")...)
	item.Patch.RequestBody = inParts(&schema{Ref: openAPISchemas + patchBody})
	if !p.sub.Singleton {
		item.Delete = o.operation("delete", path, "Deletes the resource", "200", o.answers("The resource as it was.", "ETag", deletedHeader),
			shared("_fields", "_prettyPrint", "dryRun", "subtreeDelete", "If-Match")...)
	}
	if acts := p.actions(); len(acts) > 0 {
		item.Post = join(item.Post, o.act(path, acts))
	}
}

// act is the operation that runs one of the actions.
func (o *operations) act(path string, acts []act) *operation {
	var names, summaries, answers, headers []string
	var takes, returns []*schema
	parameters := []string{"_fields", "_prettyPrint"}
	for _, a := range acts {
		names, summaries, answers = append(names, a.name), append(summaries, a.summary), append(answers, a.answer)
		request := a.request
		if a.name == mapping.ModifyPassword {
			request = &schema{Ref: openAPISchemas + passwordBody}
		}
		result := a.response
		if result == nil {
			result, headers = o.anyRef(o.place.sub.Type, answer), []string{"ETag", placeHeader}
			parameters = append(parameters, "If-Match") // Nothing else has a revision.
		}
		if a.name != mapping.AccountUsability && !slices.Contains(parameters, "dryRun") {
			parameters = append(parameters, "dryRun")
		}
		if isAboutPassword(a.name) && !slices.Contains(parameters, qualityAdvice) {
			parameters = append(parameters, qualityAdvice)
		}
		takes, returns = append(takes, request), append(returns, result)
	}
	do := o.operation("act", path, strings.Join(summaries, ". "), "200",
		&response{Description: strings.Join(answers, " "), Headers: o.headers(headers...), Content: content(either(returns))},
		append([]*parameter{action(true, names...)}, shared(parameters...)...)...)
	do.RequestBody = &body{Required: true, Content: content(either(takes))}
	return do
}

// qualityAdvice is the parameter of requests that may set a password.
const qualityAdvice = "passwordQualityAdvice"

func isAboutPassword(action string) bool {
	return action == mapping.ModifyPassword || action == mapping.ResetPassword
}

// either is the schema of what any of several describes; of those that are alike it names one.
func either(schemas []*schema) *schema {
	var different []*schema
	for _, s := range schemas {
		if !slices.ContainsFunc(different, func(other *schema) bool { return reflect.DeepEqual(s, other) }) {
			different = append(different, s)
		}
	}
	if len(different) == 1 {
		return different[0]
	}
	return &schema{AnyOf: different}
}

func (o *operations) update(path string) *operation {
	summary := "Replaces what can be written of the resource"
	canCreate := len(o.creatable(o.place)) > 0 && o.place.sub.Naming.Strategy != mapping.ServerNaming
	if canCreate {
		summary += ", or creates it"
	}
	put := o.operation("update", path, summary, "200", o.answers("The resource as it is now.", "ETag"), shared("_fields", "_prettyPrint", "dryRun", qualityAdvice, "If-Match", "If-None-Match")...)
	if canCreate {
		put.Responses = slices.Insert(put.Responses, 1, member[*response]{"201", o.answers("The new resource.", "ETag", "Location")})
	}
	put.RequestBody = inParts(o.anyRef(o.place.sub.Type, update))
	return put
}

const actionName = "_action"

// action is the parameter that names what a POST does.
func action(required bool, names ...string) *parameter {
	return &parameter{Name: actionName, In: "query", Required: required, Schema: enumSchema(names...)}
}

// answers is an answer with a resource.
func (o *operations) answers(what string, headers ...string) *response {
	return &response{Description: what, Headers: o.headers(headers...), Content: content(o.anyRef(o.place.sub.Type, answer))}
}

// created is the schema of a new resource, which is of one of the types.
func (o *operations) created(types []*mapping.ResourceType) *schema {
	if len(types) == 1 {
		return o.ref(types[0], creation)
	}
	name := o.typeProperty(o.place.sub.Type)
	tells := discriminator{PropertyName: name.Name}
	s := &schema{}
	for _, t := range types {
		ref := o.ref(t, creation)
		tells.Mapping.add(t.Name, ref.Ref)
		s.OneOf = append(s.OneOf, ref)
	}
	mixes := slices.ContainsFunc(types, func(t *mapping.ResourceType) bool { return len(t.Auxiliaries) > 0 })
	if len(name.Pointer) == 1 && !mixes { // Only a member that is one name tells.
		s.Discriminator = tells
	}
	return s
}

// join makes one operation of what an instance and the collection at the same path take.
// What only one of them has is not required of both.
func join(a, b *operation) *operation {
	if a == nil {
		return b
	}
	joined := *a
	joined.Summary += ". " + b.Summary
	joined.Parameters = joinParameters(a.Parameters, b.Parameters)
	joined.Responses = slices.Clone(a.Responses)
	for _, r := range b.Responses {
		if same, ok := joined.Responses.get(r.name); ok && same.Ref == "" {
			both := *same
			both.Description += " " + r.value.Description
			both.Headers = slices.Clone(same.Headers)
			for _, h := range r.value.Headers {
				both.Headers.set(h.name, h.value)
			}
			both.Content = joinContent(same.Content, r.value.Content)
			joined.Responses.set(r.name, &both)
		} else if !ok {
			joined.Responses.add(r.name, r.value)
		}
	}
	if b.RequestBody != nil && a.RequestBody != nil {
		joined.RequestBody = &body{Required: true, Content: joinContent(a.RequestBody.Content, b.RequestBody.Content)}
	}
	return &joined
}

// joinParameters adds the parameters of b to those of a. Of what is required, _action names
// what either takes, and _queryFilter tells a query from a read.
func joinParameters(a, b []*parameter) []*parameter {
	all := slices.Clone(a)
	for _, p := range b {
		i := slices.IndexFunc(all, func(other *parameter) bool { return other.Name == p.Name && other.Ref == p.Ref })
		either := *p
		either.Required = false
		switch {
		case i < 0:
			all = append(all, &either)
		case p.Name == actionName:
			either.Schema = &schema{Type: "string", Enum: slices.Concat(all[i].Schema.Enum, p.Schema.Enum)}
			all[i] = &either
		}
	}
	return all
}

func joinContent(a, b ordered[media]) ordered[media] {
	joined := slices.Clone(a)
	for _, m := range b {
		switch same, ok := joined.get(m.name); {
		case !ok:
			joined.add(m.name, m.value)
		case !reflect.DeepEqual(same, m.value):
			joined.set(m.name, media{Schema: &schema{AnyOf: []*schema{same.Schema, m.value.Schema}}, Encoding: same.Encoding})
		}
	}
	return joined
}
