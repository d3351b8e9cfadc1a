package descriptor_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	problems "github.com/pb33f/libopenapi-validator/errors"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/rest2ldap/rest2ldap/pkg/descriptor"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// described is an API with its document, and the mapping that does what it says.
type described struct {
	binding   *mapping.Binding
	document  map[string]any
	validator validator.Validator
}

func describe(t testing.TB, api *descriptor.API) *described {
	t.Helper()
	text, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	d := &described{binding: api.Model.Bind(api.Capabilities)}
	if err := json.Unmarshal(text, &d.document); err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	if d.validator, errs = validator.NewValidator(document); len(errs) > 0 {
		t.Fatal(errs)
	}
	t.Cleanup(d.validator.Release)
	return d
}

func story(t testing.TB, name string) *descriptor.API {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	folder := make(fstest.MapFS)
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "api/") {
			folder[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	models, _, err := mapping.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return apiOf(models[0])
}

// answerProblem tells what the document has against an answer; "" is nothing.
func (d *described) answerProblem(path string, answer []byte) string {
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(answer))}
	ok, errs := d.validator.GetResponseBodyValidator().ValidateResponseBody(request(http.MethodGet, path, nil), response)
	return problem(ok, errs, answer)
}

// bodyProblem tells what the document has against the body of a request; "" is nothing.
func (d *described) bodyProblem(method, path string, body []byte) string {
	ok, errs := d.validator.GetRequestBodyValidator().ValidateRequestBody(request(method, path, body))
	return problem(ok, errs, body)
}

func request(method, path string, body []byte) *http.Request {
	req := httptest.NewRequest(method, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	return req
}

func problem(ok bool, errs []*problems.ValidationError, text []byte) string {
	if ok {
		return ""
	}
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintln(&b, e.Message, e.Reason, e.SchemaValidationErrors)
	}
	return b.String() + string(text)
}

// anyEntry finds an entry for each value that a search compares with, or else one of that
// name. All have what names an entry.
func anyEntry(_ context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
	naming := []string{"uid", "cn", "ou"}
	found := func(dn directory.DN, name, attribute, value string) *directory.Entry {
		e := &directory.Entry{DN: dn.String(), Attributes: []directory.Attribute{{Name: "entryCSN", Values: []string{"1"}}, {Name: attribute, Values: []string{value}}}}
		for _, other := range naming {
			if other != attribute {
				e.Attributes = append(e.Attributes, directory.Attribute{Name: other, Values: []string{name}})
			}
		}
		return e
	}
	if req.Scope == directory.ScopeBase {
		ava := req.Base.RDN()[0]
		return []*directory.Entry{found(req.Base, ava.Value, ava.Type, ava.Value)}, nil
	}
	var entries []*directory.Entry
	var visit func(directory.Filter)
	visit = func(f directory.Filter) {
		if f.Op == directory.FilterEqual && !strings.EqualFold(f.Attribute, "objectClass") {
			// An entry that is found by what names it has that name, whatever it looks like.
			name, named := "z", directory.RDN{{Type: "cn", Value: "z"}}
			if slices.Contains(naming, strings.ToLower(f.Attribute)) {
				name, named = f.Value, directory.RDN{{Type: f.Attribute, Value: f.Value}}
			}
			e := found(req.Base.Child(named), name, f.Attribute, f.Value)
			if !slices.ContainsFunc(entries, func(other *directory.Entry) bool {
				return directory.MustParseDN(other.DN).Equal(directory.MustParseDN(e.DN)) // Spelt otherwise, it is the same.
			}) {
				entries = append(entries, e)
			}
		}
		for _, child := range f.Children {
			visit(child)
		}
	}
	visit(req.Filter)
	return entries, nil
}

// randomEntry has some of the attributes, with values of their syntaxes.
func randomEntry(t *rapid.T, api *descriptor.API, dn string, classes []string, attributes []string) *directory.Entry {
	e := &directory.Entry{DN: dn, Attributes: []directory.Attribute{{Name: "objectClass", Values: classes}, {Name: "entryCSN", Values: []string{"20260101000000.000000Z#000000#000#000000"}}}}
	name := directory.MustParseDN(dn).RDN()[0]
	e.Attributes = append(e.Attributes, directory.Attribute{Name: name.Type, Values: []string{name.Value}})
	text := rapid.StringMatching(`[a-zA-Zé \x01"]{1,8}`)
	for _, attribute := range attributes {
		if !rapid.Bool().Draw(t, attribute) || strings.EqualFold(attribute, name.Type) {
			continue
		}
		value := text
		switch known := api.Capabilities.Schema.Attribute(attribute); {
		case known == nil:
			continue
		case known.Syntax == directory.SyntaxInteger:
			value = rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.Int64().Draw(t, "integer")) })
		case known.Syntax == directory.SyntaxBoolean:
			value = rapid.SampledFrom([]string{"TRUE", "FALSE"})
		case known.Syntax == directory.SyntaxGeneralizedTime:
			value = rapid.SampledFrom([]string{"20260101000000Z", "20200229235959.5Z"})
		case known.Syntax == directory.SyntaxJPEG:
			value = rapid.StringMatching(`[\x00-\x7f]{0,9}`)
		case attribute == "manager" || attribute == "memberOf" || attribute == "uniqueMember":
			value = rapid.SampledFrom([]string{"uid=a,ou=People,dc=example,dc=com", "cn=b,ou=Groups,dc=example,dc=com", "uid=c,dc=elsewhere"})
		}
		e.Attributes = append(e.Attributes, directory.Attribute{Name: attribute, Values: rapid.SliceOfNDistinct(value, 1, 3, rapid.ID).Draw(t, attribute+" values")})
	}
	return e
}

// attributesOf are those of all properties of an API.
func attributesOf(model *mapping.Model) []string {
	var names []string
	var visit func([]*mapping.Property)
	visit = func(properties []*mapping.Property) {
		for _, p := range properties {
			if p.Attribute != "" && !slices.Contains(names, p.Attribute) {
				names = append(names, p.Attribute)
			}
			visit(p.Properties)
			if p.Reference != nil && p.Reference.Mapper != nil {
				visit(p.Reference.Mapper.Properties)
			}
		}
	}
	for _, t := range model.Types {
		visit(t.Properties)
	}
	slices.Sort(names)
	return names
}

// Whatever a mapping shows of an entry is as the document says, and may be sent back as it is.
func TestAnswersFit(t *testing.T) {
	t.Parallel()
	for name, api := range map[string]*descriptor.API{"shipped": shipped(t), "types": story(t, "types"), "places": story(t, "places")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := describe(t, api)
			places := map[string][]string{
				"shipped": {"/users/x uid=x,ou=People,dc=example,dc=com", "/groups/x cn=x,ou=Groups,dc=example,dc=com"},
				"types":   {"/things/x cn=x,ou=Things,dc=example,dc=com", "/owners/x uid=x,ou=People,dc=example,dc=com"},
				"places":  {"/x ou=x,ou=Organizations,dc=example,dc=com", "/config cn=config,dc=example,dc=com", "/x/head cn=head,ou=x,ou=Organizations,dc=example,dc=com"},
			}[name]
			rapid.Check(t, func(t *rapid.T) {
				path, dn, _ := strings.Cut(rapid.SampledFrom(places).Draw(t, "place"), " ")
				target, err := d.binding.Locate(t.Context(), strings.Split(path, "/")[1:], anyEntry)
				if err != nil {
					t.Fatal(err)
				}
				classes := api.Model.Types[target.TypeName()].ObjectClasses
				if subs := api.Model.Types[target.TypeName()].Subtypes; len(subs) > 0 && rapid.Bool().Draw(t, "of a sub-type") {
					classes = rapid.SampledFrom(subs).Draw(t, "type").ObjectClasses
				}
				entry := randomEntry(t, api, dn, classes, attributesOf(api.Model))
				fields := rapid.SampledFrom([]string{"", "/", "_id", "reports,manager/displayName,/", "things/owner,details/host", "name"}).Draw(t, "fields")
				request := &mapping.Request{}
				if fields != "" {
					if request.Fields, err = query.ParseFields(fields); err != nil {
						t.Fatal(err)
					}
				}
				encoder := target.Encoder(request)
				if err := encoder.Resolve(t.Context(), anyEntry, []*directory.Entry{entry}); err != nil {
					t.Fatal(err)
				}
				answer := encoder.Append(nil, entry)
				at := path
				if name == "places" {
					at = "/api" + path
				}
				if problem := d.answerProblem(at, answer); problem != "" {
					t.Fatal(problem)
				}
				if fields == "" && !target.IsReadOnly() && hasRequired(api.Model.Types[target.TypeName()], entry, answer) {
					if problem := d.bodyProblem(http.MethodPut, at, answer); problem != "" {
						t.Fatal(problem)
					}
				}
			})
		})
	}
}

// hasRequired reports whether an answer has what a resource of its family needs, as far as
// the directory sees to it. A reference to what nobody can see is not shown.
func hasRequired(t *mapping.ResourceType, entry *directory.Entry, answer []byte) bool {
	var has func([]*mapping.Property) bool
	has = func(properties []*mapping.Property) bool {
		for _, p := range properties {
			missing := p.Required && (len(entry.Values(p.Attribute)) == 0 || p.Kind == mapping.ReferenceKind && !bytes.Contains(answer, []byte(`"`+p.Name+`":`)))
			if missing || !has(p.Properties) {
				return false
			}
		}
		return true
	}
	for _, sub := range t.Subtypes {
		if !hasRequired(sub, entry, answer) {
			return false
		}
	}
	return has(t.Properties)
}

// body makes a value that a schema of the document takes.
func (d *described) body(t *rapid.T, schema map[string]any) any {
	for _, name := range []string{"oneOf", "anyOf"} {
		if list, ok := schema[name].([]any); ok {
			schema = rapid.SampledFrom(list).Draw(t, name).(map[string]any)
		}
	}
	if ref, ok := schema["$ref"].(string); ok {
		at := any(d.document)
		for _, step := range strings.Split(ref, "/")[1:] {
			at = at.(map[string]any)[step]
		}
		return d.body(t, at.(map[string]any))
	}
	if value, ok := schema["const"]; ok {
		return value
	}
	switch schema["type"] {
	case "object":
		object := map[string]any{}
		required, _ := schema["required"].([]any)
		properties, _ := schema["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if slices.Contains(required, any(name)) || rapid.Bool().Draw(t, name) {
				object[name] = d.body(t, properties[name].(map[string]any))
			}
		}
		return object
	case "array":
		least, _ := schema["minItems"].(float64)
		list := []any{}
		for range rapid.IntRange(int(least), 3).Draw(t, "items") {
			item := d.body(t, schema["items"].(map[string]any))
			if schema["uniqueItems"] != true || !slices.Contains(list, item) {
				list = append(list, item)
			}
		}
		return list
	case "integer":
		return rapid.Int64().Draw(t, "integer")
	case "boolean":
		return rapid.Bool().Draw(t, "boolean")
	case "string":
		if schema["format"] == "date-time" {
			return "2026-01-02T03:04:05Z"
		}
		if schema["format"] == "uuid" {
			return "6b29fc40-ca47-1067-b31d-00dd010662da"
		}
		pattern, ok := schema["pattern"].(string)
		if !ok {
			pattern = `[a-z0-9 é"]{1,8}`
		}
		text := rapid.StringMatching(pattern).Draw(t, "string")
		if schema["contentEncoding"] == "base64" {
			return base64.StdEncoding.EncodeToString([]byte(text))
		}
		return text
	}
	t.Fatalf("no value for %v", schema)
	return nil
}

// A new resource that the document lets a client send is one that the mapping makes.
func TestBodiesAreTaken(t *testing.T) {
	t.Parallel()
	api := story(t, "types")
	d := describe(t, api)
	rapid.Check(t, func(t *rapid.T) {
		collection := rapid.SampledFrom([]string{"things", "owners"}).Draw(t, "collection")
		post := d.document["paths"].(map[string]any)["/"+collection].(map[string]any)["post"].(map[string]any)
		schema := post["requestBody"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
		text, err := json.Marshal(d.body(t, schema))
		if err != nil {
			t.Fatal(err)
		}
		if problem := d.bodyProblem(http.MethodPost, "/"+collection, text); problem != "" {
			t.Fatal(problem)
		}
		value, err := mapping.DecodeJSON(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		target, err := d.binding.Locate(t.Context(), []string{collection}, anyEntry)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := target.Create(t.Context(), value.(*mapping.Object), anyEntry); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	})
}
