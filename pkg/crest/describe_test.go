package crest

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// describable is an API with one collection, on a directory without a schema.
func describable(t *testing.T) *mapping.Model {
	t.Helper()
	models, _, err := mapping.Load(fstest.MapFS{"api/root.json": &fstest.MapFile{Data: []byte(`{"format": 1, "version": "1.0", "resourceTypes": {
		"root": {"subResources": {"users": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user",
			"namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}},
		"user": {"objectClasses": ["person"], "properties": {"_id": {"type": "simple", "ldapAttribute": "uid", "isRequired": true}}}}}`)}})
	if err != nil {
		t.Fatal(err)
	}
	return models[0]
}

// A description is of the version that was asked for, and can be kept until it changes.
func TestDescribe(t *testing.T) {
	model := describable(t)
	s := &service{binding: model.Bind(&directory.Capabilities{})}
	f := newFront(t, s, Options{BasePath: "/directory", APIs: editionsOf("1.0", "2.0"), Basic: true})
	const path = "/directory/api"
	first := f.send(t, "GET", path+"?_api", "", "Accept-API-Version", "resource=1.0")
	var doc struct {
		OpenAPI    string
		Servers    []struct{ URL string }
		Paths      map[string]any
		Components struct{ SecuritySchemes map[string]any }
	}
	if err := json.Unmarshal([]byte(first.body), &doc); err != nil {
		t.Fatalf("%d %s: %v", first.status, first.body, err)
	}
	if first.status != 200 || doc.OpenAPI != "3.1.0" || len(doc.Servers) != 1 || doc.Servers[0].URL != path || doc.Paths["/users/{id}"] == nil ||
		len(doc.Components.SecuritySchemes) != 1 || doc.Components.SecuritySchemes["basic"] == nil {
		t.Errorf("%d: %s", first.status, first.body)
	}
	if diff := cmp.Diff([]asked{{"api", mapping.Request{Version: "1.0"}}}, f.asked); diff != "" {
		t.Error(diff)
	}
	tag := first.header.Get("ETag")
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "Cache-Control": "private, no-cache", "Vary": "Accept-API-Version, Authorization",
		"Content-API-Version": "protocol=2.1,resource=1.0",
	} {
		if got := first.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(tag, `"`) || first.length != int64(len(first.body)) {
		t.Errorf("ETag %q, length %d", tag, first.length)
	}
	again := func(t *testing.T, want int, differs bool, method, query string, header ...string) {
		r := f.send(t, method, path+query, "", append(header, "Accept-API-Version", "resource=1.0")...)
		if r.status != want || (r.header.Get("ETag") != tag) != differs || (r.body == "") != (method == "HEAD" || want == 304) {
			t.Errorf("%s %s: %d, ETag %s, body %.80s", method, query, r.status, r.header.Get("ETag"), r.body)
		}
	}
	again(t, 200, false, "GET", "?_api")
	again(t, 200, false, "GET", "?_API=true")
	again(t, 200, false, "HEAD", "?_api")
	again(t, 304, false, "GET", "?_api", "If-None-Match", tag)
	again(t, 200, true, "GET", "?_api&_prettyPrint=true", "If-None-Match", tag)
	again(t, 200, true, "GET", "?_crestapi", "If-None-Match", tag)
	s.binding = model.Bind(&directory.Capabilities{Revision: "entryCSN"})
	again(t, 200, true, "GET", "?_api", "If-None-Match", tag)
	if r := f.send(t, "GET", path+"?_api", "", "X-Nobody", "1"); r.status != 401 || r.header.Get("ETag") != "" || r.header.Get("Cache-Control") != "" {
		t.Errorf("nobody: %d %v", r.status, r.header)
	}
	s.describeError = fault.New(fault.Unavailable, "no directory")
	if r := f.send(t, "GET", path+"?_crestapi", ""); r.status != 503 || r.header.Get("Cache-Control") != "" {
		t.Errorf("no directory: %d %v", r.status, r.header)
	}
	// What asks for nothing is no question.
	if r := f.send(t, "GET", path+"/users/x?_api=false", ""); r.status != 200 || r.body != `{"_id":"bjensen"}` {
		t.Errorf("%d: %s", r.status, r.body)
	}
	for _, event := range f.events(t) {
		if !strings.HasPrefix(event["resource"].(string), path) || event["verb"] != "read" {
			t.Errorf("event %v", event)
		}
	}
}
