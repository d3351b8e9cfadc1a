package integration_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
)

// description is an OpenAPI document that a gateway answered, and what checks requests and
// answers against it.
type description struct {
	reply     *reply
	validator validator.Validator
}

func (g *gateway) describe(t *testing.T, as, path string, header ...string) *description {
	t.Helper()
	d := &description{reply: g.send(t, ask{method: "GET", path: path, query: params("_api", ""), as: as, header: headers(header...)}).want(http.StatusOK)}
	document, err := libopenapi.NewDocument([]byte(d.reply.body))
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	if d.validator, errs = validator.NewValidator(document, config.WithFormatAssertions(), config.WithContentAssertions()); len(errs) > 0 {
		t.Fatal(errs)
	}
	t.Cleanup(d.validator.Release)
	if ok, problems := d.validator.ValidateDocument(); !ok {
		for _, p := range problems {
			t.Errorf("%s: %s %v", p.Message, p.Reason, p.SchemaValidationErrors)
		}
	}
	return d
}

// request makes the request of an ask again, for the validator.
func (d *description) request(t *testing.T, a ask) *http.Request {
	t.Helper()
	req, err := http.NewRequest(a.method, "https://localhost"+a.path+"?"+a.query.Encode(), strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return req
}

// fits checks an answer.
func (d *description) fits(t *testing.T, a ask, r *reply) {
	t.Helper()
	response := &http.Response{StatusCode: r.status, Header: r.header, Body: io.NopCloser(bytes.NewReader([]byte(r.body)))}
	if ok, problems := d.validator.GetResponseBodyValidator().ValidateResponseBody(d.request(t, a), response); !ok {
		for _, p := range problems {
			t.Errorf("%s %s?%s: %s: %s %v\n%d %s", a.method, a.path, a.query.Encode(), p.Message, p.Reason, p.SchemaValidationErrors, r.status, r.body)
		}
	}
}

// hasHeaders checks that the headers of an answer that say something of it are described.
func (d *description) hasHeaders(t *testing.T, a ask, r *reply) {
	t.Helper()
	operation := []any{"paths", "", strings.ToLower(a.method), "responses"}
	for _, path := range d.reply.members("paths") {
		if ok, _ := filepath.Match("/api"+strings.ReplaceAll(path, "{id}", "*"), a.path); ok {
			operation[1] = path
		}
	}
	described := d.reply.members(slices.Concat(operation, []any{fmt.Sprint(r.status), "headers"})...)
	if !slices.Contains(d.reply.members(operation...), fmt.Sprint(r.status)) {
		described = d.reply.members("components", "responses", "error", "headers")
	}
	for _, name := range []string{"ETag", "Location", "Content-Location", "X-Deleted-Below", "X-ForgeRock-TransactionId", "Content-API-Version", "Password-Policy", "WWW-Authenticate", "Retry-After", "Allow"} {
		if r.header.Get(name) != "" && !slices.Contains(described, name) {
			t.Errorf("%s %s: %d has the header %s, and %q are described", a.method, a.path, r.status, name, described)
		}
	}
}

// actions returns the actions that a POST to a path has by its description.
func (d *description) actions(path string) map[string]bool {
	found := make(map[string]bool)
	parameters, _ := d.reply.at("paths", path, "post", "parameters").([]any)
	for i := range parameters {
		names, _ := d.reply.at("paths", path, "post", "parameters", i, "schema", "enum").([]any)
		for _, name := range names {
			found[fmt.Sprint(name)] = true
		}
	}
	return found
}

// takes reports whether a client may send this body.
func (d *description) takes(t *testing.T, a ask) bool {
	t.Helper()
	ok, _ := d.validator.GetRequestBodyValidator().ValidateRequestBody(d.request(t, a))
	return ok
}

func TestDescription(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		d := g.describe(t, "bjensen", "/api")
		d.reply.has(`"3.1.0"`, "openapi").has(`[{"url":"/api"}]`, "servers").has(`{"basic":{"type":"http","scheme":"basic"}}`, "components", "securitySchemes")
		// The directory's schema says what the mapping does not.
		const posix = "frapi_opendj_rest2ldap_posixUser_1.0"
		d.reply.has(`{"type":"integer"}`, "components", "schemas", posix, "properties", "uidNumber")
		d.reply.has(`{"type":"string","format":"date-time","readOnly":true}`, "components", "schemas", posix, "properties", "_meta", "properties", "created")
		if got := d.reply.members("paths"); !slices.Equal(got, []string{"/groups", "/groups/{id}", "/users", "/users/{id}"}) {
			t.Errorf("paths %q", got)
		}
		t.Run("SameForAll", func(t *testing.T) {
			if other := g.describe(t, "kvaughan", "/api"); other.reply.body != d.reply.body || other.reply.etag() != d.reply.etag() {
				t.Error("two callers get two descriptions")
			}
		})
		t.Run("NotModified", func(t *testing.T) {
			g.send(t, ask{method: "GET", path: "/api", query: params("_api", ""), as: "bjensen", header: headers("If-None-Match", d.reply.etag())}).want(http.StatusNotModified)
		})
		t.Run("CREST", func(t *testing.T) {
			r := g.get(t, "bjensen", "/api", "_crestapi", "").want(http.StatusOK)
			r.has(`{"1.0":{"$ref":"#/services/frapi:opendj:rest2ldap:user:1.0:read-write"}}`, "paths", "/users")
			r.has(`["ADD","REMOVE","REPLACE","INCREMENT"]`, "services", "frapi:opendj:rest2ldap:group:1.0:read-write", "items", "patch", "operations")
		})
		t.Run("Refusals", func(t *testing.T) {
			for _, kind := range []string{"_api", "_crestapi"} {
				g.get(t, "", "/api", kind, "").fails(http.StatusUnauthorized, "")
				g.send(t, ask{method: "GET", path: "/api", query: params(kind, ""), as: "bjensen", password: "wrong"}).fails(http.StatusUnauthorized, "")
				g.get(t, "bjensen", "/api/users", kind, "").fails(http.StatusNotFound, "unknownPath")
				g.get(t, "bjensen", "/api/nothing", kind, "").fails(http.StatusNotFound, "unknownPath")
				g.get(t, "bjensen", "/nothing", kind, "").fails(http.StatusNotFound, "unknownPath")
				g.send(t, ask{method: "DELETE", path: "/api", query: params(kind, ""), as: "bjensen"}).fails(http.StatusBadRequest, "misplacedParameter")
			}
		})
		r := g.send(t, ask{method: "HEAD", path: "/api", query: params("_api", ""), as: "bjensen"}).want(http.StatusOK)
		if r.body != "" || r.etag() != d.reply.etag() || r.header.Get("Content-Length") != fmt.Sprint(len(d.reply.body)) {
			t.Errorf("HEAD: %v, body %q", r.header, r.body)
		}
		check(t, g.eventsOf(t, r)[0], map[string]any{"resource": "/api", "verb": "read", "status": float64(http.StatusOK)})
	})
}

// Every version of an API has a description of its own.
func TestDescriptionOfVersions(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Kind: slapd.Memory})
	g := start(t, server, settings{mappings: map[string]string{"api/a.json": edition("a", "1.0"), "api/b.json": edition("b", "2.0"), "other/d.json": edition("d", "*")}})
	for _, test := range []struct{ path, asked, version string }{{"/api", "", "2.0"}, {"/api", "resource=1.0", "1.0"}, {"/other", "resource=7", "*"}} {
		d := g.describe(t, "bjensen", test.path, "Accept-API-Version", cmp.Or(test.asked, "protocol=2.1"))
		d.reply.has(`"`+test.version+`"`, "info", "version").has(`{"const":"`+test.version+`"}`, "components", "schemas", "user", "properties", "edition")
	}
	g.send(t, ask{method: "GET", path: "/api", query: params("_api", ""), as: "bjensen", header: headers("Accept-API-Version", "resource=3.0")}).
		fails(http.StatusBadRequest, "unknownVersion")
}

// Whatever the gateway answers is as it is described, and no body is refused for its shape
// that is.
func TestAnswersFitDescription(t *testing.T) {
	slapd.Each(t, slapd.Options{LogLevel: "none"}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		d := g.describe(t, "kvaughan", "/api")
		for _, as := range []string{"kvaughan", "bjensen"} {
			for _, path := range []string{"/api/users", "/api/groups"} {
				for _, fields := range []string{"", "/", "/,reports,manager/displayName,members/groups", "photo,_meta/created"} {
					list := ask{method: "GET", path: path, as: as, query: params("_queryFilter", "true", "_fields", fields)}
					r := g.send(t, list).want(http.StatusOK)
					d.fits(t, list, r)
					if len(r.ids("result")) < 3 {
						t.Fatalf("%s sees too few: %s", as, r.body)
					}
				}
			}
		}
		m := mover{soak.RandFrom(t, 2)}
		answers, taken := map[int]int{}, 0
		for range soak.Size(400, 4000) {
			next := m.move()
			r := g.send(t, next.ask)
			answers[r.status]++
			d.fits(t, next.ask, r)
			d.hasHeaders(t, next.ask, r)
			if next.method != http.MethodPost || r.status != http.StatusCreated && r.status != http.StatusBadRequest || !d.takes(t, next.ask) {
				continue
			}
			taken++
			switch kind := r.at("detail", "kind"); kind {
			case "wrongType", "unknownField", "missingField", "readOnly", "resourceType", "constant":
				t.Errorf("%s: %s\n%s", kind, r.body, next.body)
			}
		}
		t.Logf("answers by status: %v; new resources as described: %d", answers, taken)
		for _, status := range []int{200, 201, 400, 403, 404} {
			if answers[status] == 0 {
				t.Errorf("no answer had the status %d", status)
			}
		}
		if taken == 0 {
			t.Error("no new resource was as it is described")
		}
	})
}

// What is described beside plain JSON is taken, and answers fit their description: a query in
// a body, a body in parts, changes that are tried, counts, and deletions of what is below.
func TestDescribedRequests(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		d := g.describe(t, "kvaughan", "/api")
		const form = "application/x-www-form-urlencoded"
		send := func(status int, a ask) *reply {
			t.Helper()
			a.as = "kvaughan"
			r := g.send(t, a).want(status)
			d.fits(t, a, r)
			d.hasHeaders(t, a, r)
			if media := a.header.Get("Content-Type"); media != "" {
				path := strings.NewReplacer("/api", "", "/x", "/{id}").Replace(a.path)
				media, _, _ = strings.Cut(media, ";")
				if content := d.reply.members("paths", path, strings.ToLower(a.method), "requestBody", "content"); !slices.Contains(content, media) {
					t.Errorf("%s %s: %s is not among %q", a.method, a.path, media, content)
				}
			}
			return r
		}
		for _, collection := range []string{"/api/users", "/api/groups"} {
			send(http.StatusOK, ask{method: "POST", path: collection, query: params("_action", "query"), body: "_queryFilter=true&_fields=_id&_sortKeys=_id&_pageSize=2", header: headers("Content-Type", form)})
			send(http.StatusOK, ask{method: "GET", path: collection, query: params("_queryFilter", "true", "_countOnly", "true"), header: headers("Accept-API-Version", "protocol=2.2")})
			for _, policy := range []string{"ESTIMATE", "EXACT"} {
				send(http.StatusOK, ask{method: "GET", path: collection, query: params("_queryFilter", "true", "_pageSize", "1", "_totalPagedResultsPolicy", policy)})
			}
		}
		parts := func(json string) string {
			return "--b\r\nContent-Disposition: form-data; name=json\r\nContent-Type: application/json\r\n\r\n" + json +
				"\r\n--b\r\nContent-Disposition: form-data; name=photo; filename=p.jpg\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\x00\x10JFIF\r\n--b--\r\n"
		}
		inParts := headers("Content-Type", "multipart/form-data; boundary=b")
		body := strings.Replace(newUser("x"), "{", `{"photo":{"$ref":"cid:photo#content"},`, 1)
		send(http.StatusOK, ask{method: "POST", path: "/api/users", query: params("_action", "create", "dryRun", "true", "passwordQualityAdvice", "false"), body: newUser("x")})
		send(http.StatusCreated, ask{method: "POST", path: "/api/users", body: parts(body), header: inParts})
		send(http.StatusOK, ask{method: "PUT", path: "/api/users/x", body: parts(body), header: inParts})
		send(http.StatusOK, ask{method: "PATCH", path: "/api/users/x", body: parts(`[{"operation":"replace","field":"/photo","value":{"$ref":"cid:photo#content"}}]`), header: inParts})
		send(http.StatusOK, ask{method: "DELETE", path: "/api/users/x", query: params("dryRun", "true")})
		send(http.StatusOK, ask{method: "DELETE", path: "/api/users/x", query: params("subtreeDelete", "true")})
		send(http.StatusBadRequest, ask{method: "GET", path: "/api/users/x", query: params("passwordQualityAdvice", "true")})
	})
}

// placesMapping has what takes some operations and not others.
const placesMapping = `
format: 1
resourceTypes:
  places:
    subResources:
      users: {type: collection, dnTemplate: "ou=People,dc=example,dc=com", resource: user, namingStrategy: {type: clientDnNaming, dnAttribute: uid}}
      read-only-users: {type: collection, dnTemplate: "ou=People,dc=example,dc=com", resource: user, isReadOnly: true, namingStrategy: {type: clientDnNaming, dnAttribute: uid}}
      by-uuid: {type: collection, dnTemplate: "ou=People,dc=example,dc=com", resource: user, namingStrategy: {type: serverNaming, dnAttribute: uid, idAttribute: entryUUID}}
      people: {type: singleton, dnTemplate: "ou=People,dc=example,dc=com", resource: unit}
      abstract: {type: collection, dnTemplate: "ou=People,dc=example,dc=com", resource: base, namingStrategy: {type: clientDnNaming, dnAttribute: uid}}
  base:
    isAbstract: true
    objectClasses: [person]
    properties: {surname: {type: simple, ldapAttribute: sn}}
  user:
    objectClasses: [inetOrgPerson]
    supportedActions: [modifyPassword]
    properties: {surname: {type: simple, ldapAttribute: sn, isRequired: true}}
  unit:
    objectClasses: [organizationalUnit]
    properties: {description: {type: simple}}
`

// An operation is described exactly where the gateway does not refuse it as such.
func TestDescribedOperations(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Kind: slapd.Memory})
	g := start(t, server, settings{mappings: map[string]string{"api/places.yaml": placesMapping}})
	d := g.describe(t, "kvaughan", "/api")
	refusals := []any{"readOnly", "singleton", "methodNotAllowed", "unknownAction", "notACollection", "abstractType", "serverNaming"}
	paths := d.reply.members("paths")
	if len(paths) != 9 {
		t.Fatalf("paths %q", paths)
	}
	for _, path := range paths {
		described := d.reply.members("paths", path)
		for _, method := range []string{"get", "put", "post", "patch", "delete"} {
			a := ask{method: strings.ToUpper(method), path: "/api" + strings.ReplaceAll(path, "{id}", "nobody"), as: "kvaughan"}
			isInstance := strings.Contains(path, "{id}") || path == "/people"
			switch {
			case method == "get" && !isInstance:
				a.query = params("_queryFilter", "false")
			case method == "post" && isInstance:
				a.query, a.body = params("_action", "modifyPassword"), `{"oldPassword":"a","newPassword":"b"}`
			case method == "patch":
				a.body = `[]`
			case method == "put":
				a.body, a.header = `{}`, headers("If-Match", "*") // It must not create: that has rules of its own.
			case method == "post":
				a.body = `{}`
			}
			r := g.send(t, a)
			isDescribed := slices.Contains(described, method)
			if method == "post" && !isInstance { // It may be a query as well.
				isDescribed = d.actions(path)["create"]
			}
			if isDescribed == slices.Contains(refusals, r.at("detail", "kind")) {
				t.Errorf("%s %s: described %t, and the answer is %d %s", method, path, isDescribed, r.status, r.body)
			}
		}
	}
}
