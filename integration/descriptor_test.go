package integration_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/mappings"
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

// everyMapping is what there is of mappings in the texts and the tests, each at a base path
// of its own, with the schema and the entries that they need.
func everyMapping(t *testing.T) (files map[string]string, options slapd.Options) {
	t.Helper()
	files = map[string]string{"d/test.json": personsMapping, "hr/staff.yaml": mixed()["hr/staff.yaml"]}
	for name, text := range peerMapping(t) {
		files[strings.Replace(name, "api/", "m1/", 1)] = text
	}
	shipped, err := fs.ReadFile(mappings.Files(), "api/example-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	files["m3/example-v1.json"] = string(shipped)
	for name, base := range map[string]string{"idm": "idm", "ad": "ad", "m2-legacy": "m2"} {
		archive, err := txtar.ParseFile("../pkg/mapping/testdata/compile/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if rest, ok := strings.CutPrefix(f.Name, "api/"); ok {
				files[base+"/"+rest] = string(f.Data)
			}
		}
	}
	text := func(oid int, name, more string) string {
		return fmt.Sprintf("attributeTypes: ( 1.3.6.1.4.1.4203.666.98.%d NAME '%s' %s )\n", oid, name, more)
	}
	const directoryString, octets = "EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15", "EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE"
	const integer = "EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE"
	options.Schema = personsSchema + "\n" +
		text(1, "fr-idm-password", directoryString) + text(2, "fr-idm-effective-role", directoryString) +
		text(3, "objectGUID", octets) + text(4, "objectSid", octets) + text(5, "uSNChanged", integer) + text(6, "accountExpires", integer) +
		text(7, "lastLogonTimestamp", integer) + text(8, "userAccountControl", integer) + text(9, "sAMAccountName", directoryString+" SINGLE-VALUE") +
		text(10, "objectCategory", directoryString) + text(11, "whenCreated", "EQUALITY generalizedTimeMatch ORDERING generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE") +
		`objectClasses: ( 1.3.6.1.4.1.4203.666.98.21 NAME 'managed' SUP top AUXILIARY MAY ( fr-idm-password $ fr-idm-effective-role ) )
objectClasses: ( 1.3.6.1.4.1.4203.666.98.22 NAME 'user' SUP organizationalPerson STRUCTURAL MAY ( manager $ objectGUID $ objectSid $ uSNChanged $ accountExpires $ lastLogonTimestamp $ userAccountControl $ sAMAccountName $ objectCategory $ whenCreated ) )
objectClasses: ( 1.3.6.1.4.1.4203.666.98.23 NAME 'group' SUP top STRUCTURAL MUST cn MAY ( member $ objectGUID $ objectSid $ uSNChanged $ whenCreated $ objectCategory ) )
objectClasses: ( 1.3.6.1.4.1.4203.666.98.24 NAME 'msExchMailbox' SUP top AUXILIARY MAY mail )
`
	options.LDIF = persons() + `
dn: dc=idm,dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: idm
o: idm

dn: ou=managed,dc=idm,dc=example,dc=com
objectClass: organizationalUnit
ou: managed

dn: ou=user,ou=managed,dc=idm,dc=example,dc=com
objectClass: organizationalUnit
ou: user

dn: uid=bjensen,ou=user,ou=managed,dc=idm,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: managed
uid: bjensen
cn: Babs
sn: Jensen
fr-idm-password: {"$crypto":{"value":"x"}}
fr-idm-effective-role: {"_ref":"a","n":1}
fr-idm-effective-role: {"_ref":"b"}
description: [{"questionId":"1"}]
manager: uid=scarter,ou=user,ou=managed,dc=idm,dc=example,dc=com

dn: uid=scarter,ou=user,ou=managed,dc=idm,dc=example,dc=com
objectClass: inetOrgPerson
uid: scarter
cn: Sam
sn: Carter

dn: ou=role,ou=managed,dc=idm,dc=example,dc=com
objectClass: organizationalUnit
ou: role

dn: cn=admin,ou=role,ou=managed,dc=idm,dc=example,dc=com
objectClass: groupOfNames
cn: admin
member: uid=bjensen,ou=user,ou=managed,dc=idm,dc=example,dc=com

dn: ou=recon,dc=idm,dc=example,dc=com
objectClass: organizationalUnit
ou: recon

dn: cn=one,ou=recon,dc=idm,dc=example,dc=com
objectClass: device
cn: one
description: first

dn: dc=corp,dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: corp
o: corp

dn: cn=Users,dc=corp,dc=example,dc=com
objectClass: device
cn: Users

dn: cn=Babs,cn=Users,dc=corp,dc=example,dc=com
objectClass: user
objectClass: msExchMailbox
cn: Babs
sn: Jensen
sAMAccountName: bjensen
objectCategory: person
objectGUID:: QPwpa0fKZxCzHQDdAQZi2g==
objectSid:: AQIAAAAAAAUgAAAAIAIAAA==
uSNChanged: 5
whenCreated: 20200102030405.0Z
accountExpires: 9223372036854775807
lastLogonTimestamp: 132223104000000000
userAccountControl: 512
mail: bjensen@example.com
manager: cn=Sam,cn=Users,dc=corp,dc=example,dc=com

dn: cn=Sam,cn=Users,dc=corp,dc=example,dc=com
objectClass: user
cn: Sam
sn: Carter
sAMAccountName: scarter
objectCategory: person
objectGUID:: Qfwpa0fKZxCzHQDdAQZi2g==
objectSid:: AQIAAAAAAAUgAAAAIQIAAA==
uSNChanged: 6
whenCreated: 20200102030405.0Z
accountExpires: 132223104000000000

dn: cn=Staff,cn=Users,dc=corp,dc=example,dc=com
objectClass: group
cn: Staff
objectCategory: group
uSNChanged: 7
member: cn=Babs,cn=Users,dc=corp,dc=example,dc=com
member: cn=Sam,cn=Users,dc=corp,dc=example,dc=com
`
	return files, options
}

// composer makes up bodies for schemas of a description.
type composer struct {
	mover
	d *description
}

// resolve follows references, and chooses among alternatives.
func (c composer) resolve(schema any) map[string]any {
	for {
		s, _ := schema.(map[string]any)
		ref, isRef := s["$ref"].(string)
		switch {
		case isRef:
			path := []any{}
			for _, step := range strings.Split(ref, "/")[1:] {
				path = append(path, step)
			}
			schema = c.d.reply.at(path...)
			continue
		}
		choices, _ := s["oneOf"].([]any)
		if more, ok := s["anyOf"].([]any); ok {
			choices = more
		}
		if len(choices) == 0 {
			return s
		}
		schema = pick(c.mover, choices...)
	}
}

// value makes up what a schema takes.
func (c composer) value(t *testing.T, name string, schema any) any {
	s := c.resolve(schema)
	if constant, ok := s["const"]; ok {
		return constant
	}
	if list, ok := s["enum"].([]any); ok {
		return pick(c.mover, list...)
	}
	switch s["type"] {
	case "object":
		object := map[string]any{}
		required, _ := s["required"].([]any)
		properties, _ := s["properties"].(map[string]any)
		for _, member := range slices.Sorted(maps.Keys(properties)) {
			if slices.Contains(required, any(member)) || c.IntN(2) == 0 {
				object[member] = c.value(t, member, properties[member])
			}
		}
		return object
	case "array":
		var list []any
		first, _ := s["prefixItems"].([]any)
		for _, item := range first {
			list = append(list, c.value(t, name, item))
		}
		if len(list) == 0 || c.IntN(2) == 0 {
			list = append(list, c.value(t, name, s["items"]))
		}
		if len(first) == 0 && c.IntN(2) == 0 {
			if more := c.value(t, name, s["items"]); fmt.Sprint(more) != fmt.Sprint(list[0]) {
				list = append(list, more)
			}
		}
		return list
	case "integer":
		return c.IntN(2000)
	case "boolean":
		return c.IntN(2) == 0
	case "null":
		return nil
	case "string":
		pattern, _ := s["pattern"].(string)
		switch {
		case strings.HasPrefix(pattern, "^[Ss]-1-"):
			return "S-1-5-32-544"
		case s["format"] == "email":
			return pick(c.mover, "a@example.com", "b@example.com")
		case s["format"] == "date-time":
			return pick(c.mover, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.25+01:00")
		case s["format"] == "uuid":
			return "6b29fc40-ca47-1067-b31d-00dd010662da"
		case s["contentEncoding"] == "base64":
			return pick(c.mover, "/9j/", "AAEC")
		case pattern != "":
			return pick(c.mover, "12 34", "5")
		case name == "_id" || name == "login":
			return pick(c.mover, "bjensen", "scarter", fmt.Sprint("new", c.IntN(1000)))
		}
		return pick(c.mover, "x", "Ünï", "1", `a "b", c`, "uid=bjensen,ou=People,dc=example,dc=com")
	case nil: // Anything goes.
		return pick[any](c.mover, "x", 1, true, map[string]any{"a": []any{1, "b"}})
	}
	t.Fatalf("no value for %v", s)
	return nil
}

// spoil changes a body in one place so that it does not fit a schema any more, if it can.
func (c composer) spoil(body map[string]any, schema map[string]any) {
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(map[string]any)
	name := pick(c.mover, slices.Sorted(maps.Keys(body))...)
	if member, _ := properties[name].(map[string]any); member["readOnly"] == true {
		delete(body, name) // It is ignored, whatever it is.
		return
	}
	switch value := body[name].(type) {
	case map[string]any:
		if inner := c.resolve(properties[name]); c.IntN(2) == 0 && len(value) > 0 && inner["properties"] != nil {
			c.spoil(value, inner)
			return
		}
		body[name] = []any{value}
	case []any:
		body[name] = value[0]
	default:
		body[name] = pick[any](c.mover, []any{value}, map[string]any{"x": value})
	}
	switch c.IntN(4) {
	case 0:
		if schema["additionalProperties"] == false {
			body["no such member"] = 1
		}
	case 1:
		if len(required) > 0 {
			delete(body, fmt.Sprint(pick(c.mover, required...)))
		}
	}
}

// Of every mapping there is, what the description says of each member is what the gateway
// takes and answers: whatever is read fits and can be sent back; a new resource as it is
// described is not refused for its shape, and one that is not described so is.
func TestEveryMappingFitsItsDescription(t *testing.T) {
	files, options := everyMapping(t)
	options.LogLevel = "none"
	shapes := []any{"wrongType", "unknownField", "missingField", "missingID", "missingValue", "readOnly", "resourceType", "constant", "idMismatch", "duplicateMember"}
	slapd.Each(t, options, func(t *testing.T, server *slapd.Server) {
		for _, absent := range []bool{false, true} {
			g := start(t, server, settings{mappings: files, set: []string{fmt.Sprintf("mapping.options.returnNullForMissingProperties=%t", absent)}})
			for _, name := range slices.Sorted(maps.Keys(files)) {
				base := "/" + filepath.Dir(name)
				t.Run(fmt.Sprintf("%s/%t", base[1:], absent), func(t *testing.T) {
					// Each directory gets bodies of its own.
					m := mover{soak.RandFrom(t, map[slapd.Kind]uint64{slapd.Process: 3, slapd.Container: 4, slapd.Memory: 5}[server.Kind])}
					fitsDescription(t, g, composer{m, g.describe(t, "kvaughan", base)}, base, shapes)
				})
			}
		}
	})
}

func fitsDescription(t *testing.T, g *gateway, c composer, base string, shapes []any) {
	d := c.d
	read, taken, refused := 0, 0, 0
	for _, path := range d.reply.members("paths") {
		at := base + strings.ReplaceAll(path, "{unit}", "People")
		if strings.Contains(at, "{") || d.reply.at("paths", path+"/{id}") == nil {
			continue
		}
		list := ask{method: "GET", path: at, as: "kvaughan", query: params("_queryFilter", "true", "_pageSize", "30")}
		found := g.send(t, list).want(http.StatusOK)
		d.fits(t, list, found)
		for _, id := range found.ids("result") {
			one := ask{method: "GET", path: at + "/" + url.PathEscape(id), as: "kvaughan"}
			if id == "" {
				continue // An entry without the attribute of ids.
			}
			r := g.send(t, one).want(http.StatusOK)
			d.fits(t, one, r)
			read++
			if d.reply.at("paths", path+"/{id}", "put") == nil {
				continue
			}
			back := ask{method: "PUT", path: one.path, as: "kvaughan", body: r.body, header: headers("If-Match", "*")}
			described := d.takes(t, back)
			if again := g.send(t, back); again.status != http.StatusOK || !described {
				t.Errorf("PUT of what was read: %d, described %t: %s\n%s", again.status, described, again.body, r.body)
			} else if again.body != r.body {
				t.Errorf("PUT of what was read has changed it:\n%s\n%s", r.body, again.body)
			}
		}
		schema := d.reply.at("paths", path, "post", "requestBody", "content", "application/json", "schema")
		if schema == nil {
			continue
		}
		for i := range soak.Size(20, 600) {
			chosen := c.resolve(schema)
			body, ok := c.value(t, "", chosen).(map[string]any)
			if !ok {
				t.Fatalf("%s: %v", path, chosen)
			}
			if i%2 == 0 && len(body) > 0 {
				c.spoil(body, chosen)
			}
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			create := ask{method: "POST", path: at, as: "kvaughan", body: string(text)}
			described := d.takes(t, create)
			r := g.send(t, create)
			d.fits(t, create, r)
			kind := r.at("detail", "kind")
			switch isShape := slices.Contains(shapes, kind); {
			case described && isShape:
				t.Errorf("POST %s: described, and refused: %s\n%s", at, r.body, text)
			case !described && r.status == http.StatusCreated:
				t.Errorf("POST %s: not described, and taken\n%s", at, text)
			case described:
				taken++
			default:
				refused++
			}
			if r.status == http.StatusCreated {
				if id, _ := r.at("_id").(string); id != "" {
					g.send(t, ask{method: "DELETE", path: at + "/" + url.PathEscape(id), as: "kvaughan"})
				}
			}
		}
	}
	t.Logf("%d resources read and sent back; %d new ones as described, %d otherwise", read, taken, refused)
	if read == 0 {
		t.Error("nothing was read")
	}
}
