package crest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// What each method asks of the gateway, and what its answer looks like.
func TestMethods(t *testing.T) {
	body := &mapping.Object{Members: []mapping.Member{{Name: "_id", Value: "x"}}}
	path := []string{"users", "a/b"}
	for name, test := range map[string]struct {
		method, target, body string
		header               []string
		want                 mapping.Request
		status               int
		location             string
	}{
		"Read":       {"GET", "/api/users/a%2Fb?_fields=cn", "", nil, mapping.Request{Verb: mapping.Read, Path: path, Fields: []query.Pointer{{"cn"}}}, 200, ""},
		"Head":       {"HEAD", "/api/users/a%2Fb", "", nil, mapping.Request{Verb: mapping.Read, Path: path}, 200, ""},
		"R_C01":      {"PUT", "/api/users/a%2Fb", `{"_id":"x"}`, []string{"If-None-Match", "*"}, mapping.Request{Verb: mapping.Create, Path: path, Named: true, Body: body}, 201, "/api/users/a%2Fb"},
		"R_D01":      {"PUT", "/api/users/a%2Fb", `{"_id":"x"}`, []string{"If-Match", "*"}, mapping.Request{Verb: mapping.Update, Path: path, MustExist: true, Body: body}, 200, ""},
		"Revision":   {"PUT", "/api/users/a%2Fb", `{"_id":"x"}`, []string{"If-Match", `"5"`}, mapping.Request{Verb: mapping.Update, Path: path, MustExist: true, Revision: "5", Body: body}, 200, ""},
		"Upsert":     {"PUT", "/api/users/a%2Fb", `{"_id":"x"}`, nil, mapping.Request{Verb: mapping.Update, Path: path, Body: body}, 200, ""},
		"Post":       {"POST", "/api/users", `{"_id":"x"}`, nil, mapping.Request{Verb: mapping.Create, Path: []string{"users"}, Body: body}, 201, "/api/users/bjensen"},
		"R_C05":      {"POST", "/api/users?_action=create", `{"_id":"x"}`, nil, mapping.Request{Verb: mapping.Create, Path: []string{"users"}, Body: body}, 201, "/api/users/bjensen"},
		"Action":     {"POST", "/api/users/a%2Fb?_action=reset", "", nil, mapping.Request{Verb: mapping.Action, Path: path, Action: "reset"}, 200, ""},
		"Patch":      {"PATCH", "/api/users/a%2Fb", `[]`, []string{"If-Match", "5"}, mapping.Request{Verb: mapping.Patch, Path: path, MustExist: true, Revision: "5", Changes: []mapping.PatchOp{}}, 200, ""},
		"Delete":     {"DELETE", "/api/users/a%2Fb", "", []string{"If-Match", `"5"`}, mapping.Request{Verb: mapping.Delete, Path: path, MustExist: true, Revision: "5"}, 200, ""},
		"ParamCase":  {"GET", "/api/users/a%2Fb?_FIELDS=/", "", nil, mapping.Request{Verb: mapping.Read, Path: path, Fields: []query.Pointer{{}}}, 200, ""},
		"OtherParam": {"GET", "/api/users/a%2Fb?x=1&&y", "", nil, mapping.Request{Verb: mapping.Read, Path: path}, 200, ""},
		"X26":        {"GET", "/api/users/a%2Fb", "", []string{"If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"}, mapping.Request{Verb: mapping.Read, Path: path}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{}, Options{})
			r := f.send(t, test.method, test.target, test.body, test.header...)
			if r.status != test.status {
				t.Fatalf("%d: %s", r.status, r.body)
			}
			if diff := cmp.Diff([]asked{{"api", test.want}}, f.asked); diff != "" {
				t.Error(diff)
			}
			if got := r.header.Get("Location"); got != test.location {
				t.Errorf("Location %q", got)
			}
			if got := r.header.Get("ETag"); got != `"7"` {
				t.Errorf("ETag %q", got)
			}
			want := `{"_id":"bjensen"}`
			if r.length != int64(len(want)) || r.header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("header %v", r.header)
			}
			if test.method == http.MethodHead {
				want = ""
			}
			if r.body != want {
				t.Errorf("body %s", r.body)
			}
			event := f.events(t)[0]
			if resource := strings.SplitN(test.target, "?", 2)[0]; event["verb"] != test.want.Verb.String() || event["resource"] != resource {
				t.Errorf("event %v", event)
			}
		})
	}
}

func TestPretty(t *testing.T) {
	f := newFront(t, &service{rows: []string{`{"a":[1,2]}`, `{}`}}, Options{})
	r := f.send(t, "GET", "/api/users/x?_prettyPrint=true", "")
	if want := "{\n  \"_id\": \"bjensen\"\n}\n"; r.body != want {
		t.Errorf("%s", r.body)
	}
	r = f.send(t, "GET", "/api/users?_queryFilter=true&_prettyPrint=true", "")
	want := `{
  "result": [
    {
      "a": [
        1,
        2
      ]
    },
    {}
  ],
  "resultCount": 2,
  "pagedResultsCookie": null,
  "totalPagedResultsPolicy": "NONE",
  "totalPagedResults": -1,
  "remainingPagedResults": -1
}
`
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Error(diff)
	}
}

func TestUpsert(t *testing.T) {
	absent := fault.New(fault.NotFound, "it is not there")
	there := fault.New(fault.PreconditionFailed, "it is there")
	singleton := fault.New(fault.Invalid, "one").Named("singleton")
	answer := &gateway.Answer{JSON: []byte(`{}`)}
	created := &gateway.Answer{JSON: []byte(`{}`), Created: true}
	type step struct {
		answer *gateway.Answer
		err    error
	}
	for name, test := range map[string]struct {
		steps  []step
		verbs  string
		status int
	}{
		"R_C03":      {[]step{{answer, nil}}, "update", 200},
		"Created":    {[]step{{nil, absent}, {created, nil}}, "update create", 201},
		"Raced":      {[]step{{nil, absent}, {nil, there}, {answer, nil}}, "update create update", 200},
		"Hidden":     {[]step{{nil, absent}, {nil, there}, {nil, absent}}, "update create update", 404},
		"Singleton":  {[]step{{nil, absent}, {nil, singleton}}, "update create", 404},
		"Refused":    {[]step{{nil, fault.New(fault.Forbidden, "no")}}, "update", 403},
		"Collection": {[]step{{nil, &fault.Error{Kind: fault.MethodNotAllowed, Allow: []string{"GET"}}}}, "update", 405},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{}
			s.answer = func(*mapping.Request) (*gateway.Answer, error) {
				next := test.steps[len(s.asked)-1]
				return next.answer, next.err
			}
			f := newFront(t, s, Options{})
			r := f.send(t, "PUT", "/api/users/x?_fields=cn", "{}")
			var verbs []string
			for _, a := range s.asked {
				verbs = append(verbs, a.Verb.String())
				if len(a.Fields) != 1 { // X17
					t.Errorf("%v lost the fields", a.Verb)
				}
			}
			if got := strings.Join(verbs, " "); r.status != test.status || got != test.verbs {
				t.Errorf("%d after %s: %s", r.status, got, r.body)
			}
			if location := r.header.Get("Location"); (location != "") != (test.status == 201) {
				t.Errorf("Location %q", location)
			}
			if test.status == 405 && r.header.Get("Allow") != "GET" {
				t.Errorf("Allow %q", r.header.Get("Allow"))
			}
		})
	}
}

// The table of spec §4.4.
func TestConditions(t *testing.T) {
	for name, test := range map[string]struct {
		method, target string
		header         []string
		status         int
		parameter      string
	}{
		"R_B11":            {"GET", "/api/users/x", []string{"If-None-Match", `"other"`}, 200, ""},
		"R_B13":            {"GET", "/api/users/x", []string{"If-Match", `"7"`}, 412, "If-Match"},
		"ReadMatchAny":     {"GET", "/api/users/x", []string{"If-Match", "*"}, 412, "If-Match"},
		"ReadNoneMatchAny": {"GET", "/api/users/x", []string{"If-None-Match", "*"}, 412, "If-None-Match"},
		"NotModified":      {"GET", "/api/users/x", []string{"If-None-Match", `"7"`}, 304, ""},
		"NotModifiedHead":  {"HEAD", "/api/users/x", []string{"If-None-Match", `"7"`}, 304, ""},
		"NotModifiedList":  {"GET", "/api/users/x", []string{"If-None-Match", `"1", "7"`}, 304, ""},
		"NotModifiedBare":  {"GET", "/api/users/x", []string{"If-None-Match", `7`}, 304, ""},
		"NotModifiedWeak":  {"GET", "/api/users/x", []string{"If-None-Match", `W/"7"`}, 304, ""},
		"NotModifiedLast":  {"GET", "/api/users/x", []string{"If-None-Match", `"1",, W/"7",`}, 304, ""},
		"WeakOther":        {"GET", "/api/users/x", []string{"If-None-Match", `W/"8", "*"`}, 200, ""},
		"NoneMalformed":    {"GET", "/api/users/x", []string{"If-None-Match", `W/7`}, 400, "If-None-Match"},
		"QueryMatch":       {"GET", "/api/users?_queryFilter=true", []string{"If-Match", `"7"`}, 412, "If-Match"},
		"QueryNoneMatch":   {"GET", "/api/users?_queryFilter=true", []string{"If-None-Match", `"7"`}, 412, "If-None-Match"},
		"PutNoneMatch":     {"PUT", "/api/users/x", []string{"If-None-Match", `"7"`}, 400, "If-None-Match"},
		"R_C19":            {"PUT", "/api/users/x", []string{"If-None-Match", "*", "If-Match", "*"}, 412, "If-None-Match"},
		"PutWeak":          {"PUT", "/api/users/x", []string{"If-Match", `W/"7"`}, 412, "If-Match"},
		"PutList":          {"PUT", "/api/users/x", []string{"If-Match", `"7", "8"`}, 200, ""},
		"PutWeakList":      {"PUT", "/api/users/x", []string{"If-Match", `W/"7", W/"8"`}, 412, "If-Match"},
		"PutLongList":      {"PUT", "/api/users/x", []string{"If-Match", strings.Repeat(`"7",`, 17)}, 400, "If-Match"},
		"PutAnyAndOne":     {"PUT", "/api/users/x", []string{"If-Match", `*, "7"`}, 400, "If-Match"},
		"PutMalformed":     {"PUT", "/api/users/x", []string{"If-Match", `"7`}, 400, "If-Match"},
		"PutNoneMalformed": {"PUT", "/api/users/x", []string{"If-None-Match", `"7"8`}, 400, "If-None-Match"},
		"R_E37":            {"PATCH", "/api/users/x", []string{"If-None-Match", "*"}, 412, "If-None-Match"},
		"DeleteNoneMatch":  {"DELETE", "/api/users/x", []string{"If-None-Match", `"7"`}, 412, "If-None-Match"},
		"DeleteWeak":       {"DELETE", "/api/users/x", []string{"If-Match", `W/"7"`}, 412, "If-Match"},
		"DeleteAny":        {"DELETE", "/api/users/x", []string{"If-Match", "*"}, 200, ""},
		"PostMatch":        {"POST", "/api/users", []string{"If-Match", "*"}, 412, "If-Match"},
		"PostNoneMatch":    {"POST", "/api/users", []string{"If-None-Match", "*"}, 412, "If-None-Match"},
		"ActionMatch":      {"POST", "/api/users/x?_action=a", []string{"If-Match", "*"}, 412, "If-Match"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{}, Options{})
			body := map[string]string{"PUT": "{}", "POST": "{}", "PATCH": "[]"}[test.method]
			r := f.send(t, test.method, test.target, body, test.header...)
			if r.status != test.status {
				t.Fatalf("%d: %s", r.status, r.body)
			}
			if test.parameter != "" && (r.detail()["parameter"] != test.parameter || len(f.asked) > 0) {
				t.Errorf("asked %v, body %s", f.asked, r.body)
			}
			if test.status == 304 && (r.body != "" || r.header.Get("ETag") != `"7"`) {
				t.Errorf("ETag %q, body %q", r.header.Get("ETag"), r.body)
			}
		})
	}
}

// Of a list of revisions one has to be that of the resource; each is asked for by itself.
func TestListOfRevisions(t *testing.T) {
	for name, test := range map[string]struct {
		header string
		asked  []string
		status int
	}{
		"First":   {`"7", "8"`, []string{"7"}, 200},
		"Later":   {`"6", W/"7", "6", "7", "8"`, []string{"6", "7"}, 200},
		"Neither": {`"5", "6"`, []string{"5", "6"}, 412},
	} {
		for method, target := range map[string]string{"PUT": "/api/users/x", "PATCH": "/api/users/x", "DELETE": "/api/users/x", "POST": "/api/users/x?_action=rename"} {
			t.Run(name+method, func(t *testing.T) {
				body := map[string]string{"PUT": "{}", "POST": `{"newId":"y"}`, "PATCH": "[]"}[method]
				var asked []string
				f := newFront(t, &service{answer: func(req *mapping.Request) (*gateway.Answer, error) {
					asked = append(asked, req.Revision)
					if req.Renaming != nil {
						if renaming, err := req.Renaming(); err != nil || renaming.ID != "y" {
							t.Errorf("%v, %v", renaming, err)
						}
					}
					if req.Revision != "7" {
						return nil, fault.New(fault.PreconditionFailed, "another").Named("revision")
					}
					return &gateway.Answer{JSON: []byte("{}")}, nil
				}}, Options{})
				if r := f.send(t, method, target, body, "If-Match", test.header); r.status != test.status || !slices.Equal(asked, test.asked) {
					t.Errorf("%d, asked for %q", r.status, asked)
				}
			})
		}
	}
}

// 304 is for what cannot have changed.
func TestRevisions(t *testing.T) {
	for name, test := range map[string]struct {
		answer gateway.Answer
		sent   string
		etag   string
		status int
	}{
		"Strong":     {gateway.Answer{Revision: mapping.Revision{Value: "7"}}, `"7"`, `"7"`, 304},
		"References": {gateway.Answer{Revision: mapping.Revision{Value: "7"}, References: true}, `"7"`, `"7"`, 200},
		"Weak":       {gateway.Answer{Revision: mapping.Revision{Value: "7", Weak: true}}, `W/"7"`, `W/"7"`, 200},
		"None":       {gateway.Answer{}, `"7"`, "", 200},
		"NoTag":      {gateway.Answer{Revision: mapping.Revision{Value: `a"b`}}, `"7"`, "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			test.answer.JSON = []byte(`{}`)
			f := newFront(t, &service{answer: func(*mapping.Request) (*gateway.Answer, error) { return &test.answer, nil }}, Options{})
			r := f.send(t, "GET", "/api/users/x", "", "If-None-Match", test.sent)
			if r.status != test.status || r.header.Get("ETag") != test.etag {
				t.Errorf("%d, ETag %q", r.status, r.header.Get("ETag"))
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		method, target, body string
		header               []string
		status               int
		kind                 string
		detail               map[string]any
	}{
		"Root":             {"GET", "/", "", nil, 404, "unknownPath", nil},
		"OtherAPI":         {"GET", "/other/users/x", "", nil, 404, "unknownPath", nil},
		"LikeAPI":          {"GET", "/apis/users", "", nil, 404, "unknownPath", nil},
		"DotDot":           {"GET", "/api/%2e%2e/x", "", nil, 400, "malformedPath", nil},
		"TrailingSlash":    {"GET", "/api/users/", "", nil, 400, "malformedPath", nil},
		"Nobody":           {"GET", "/api/users/x", "", []string{"X-Nobody", "1"}, 401, "unauthenticated", nil},
		"Trace":            {"TRACE", "/api/users/x", "", nil, 405, "methodNotAllowed", nil},
		"Propfind":         {"PROPFIND", "/api/users/x", "", nil, 405, "methodNotAllowed", nil},
		"R_J15":            {"GET", "/api/users?_pageSize=0&_PAGESIZE=0&_queryFilter=true", "", nil, 400, "duplicateParameter", nil},
		"Unknown":          {"GET", "/api/users/x?_feilds=a", "", nil, 400, "unknownParameter", map[string]any{"parameter": "_feilds"}},
		"BadEscape":        {"GET", "/api/users/x?_fields=%zz", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_fields"}},
		"BadNameEscape":    {"GET", "/api/users/x?%zz=1", "", nil, 400, "malformedParameter", nil},
		"BadUTF8":          {"GET", "/api/users/x?_fields=%ff", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_fields"}},
		"R_B09":            {"GET", "/api/users/x?_prettyPrint=maybe", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_prettyPrint"}},
		"R_G19":            {"GET", "/api/users?_queryFilter=userName+eq", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_queryFilter", "position": 12.0}},
		"BadPointer":       {"GET", "/api/users/x?_fields=a,b~2", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_fields", "position": 3.0}},
		"R_G31":            {"GET", "/api/users?_queryId=all", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_queryId"}},
		"R_H09":            {"GET", "/api/users?_queryFilter=true&_pageSize=abc", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_pageSize"}},
		"R_H11":            {"GET", "/api/users?_queryFilter=true&_totalPagedResultsPolicy=BOGUS", "", nil, 400, "malformedParameter", nil},
		"PageOfNothing":    {"GET", "/api/users/bjensen?_pageSize=5", "", nil, 400, "misplacedParameter", map[string]any{"parameter": "_pageSize"}},
		"SortOfNothing":    {"GET", "/api/users/bjensen?_sortKeys=cn", "", nil, 400, "misplacedParameter", map[string]any{"parameter": "_sortKeys"}},
		"CookieAlone":      {"GET", "/api/users?_queryFilter=true&_pagedResultsCookie=x", "", nil, 400, "misplacedParameter", map[string]any{"parameter": "_pagedResultsCookie"}},
		"OffsetAlone":      {"GET", "/api/users?_queryFilter=true&_pagedResultsOffset=1", "", nil, 400, "misplacedParameter", map[string]any{"parameter": "_pagedResultsOffset"}},
		"OffsetAndCookie":  {"GET", "/api/users?_queryFilter=true&_pageSize=5&_pagedResultsOffset=1&_pagedResultsCookie=x", "", nil, 400, "misplacedParameter", map[string]any{"parameter": "_pagedResultsOffset"}},
		"X27/OffsetFar":    {"GET", "/api/users?_queryFilter=true&_pageSize=5&_pagedResultsOffset=20001", "", nil, 400, "offsetLimit", map[string]any{"parameter": "_pagedResultsOffset", "limit": 100000.0}},
		"R_H17":            {"GET", "/api/users?_queryFilter=true&_sortKeys=a//~", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_sortKeys"}},
		"SortKeyEmpty":     {"GET", "/api/users?_queryFilter=true&_sortKeys=cn,", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_sortKeys"}},
		"R_H13":            {"GET", "/api/users?_queryFilter=true&_countOnly=true", "", []string{"Accept-API-Version", "protocol=2.1"}, 400, "olderProtocol", map[string]any{"parameter": "_countOnly"}},
		"CountStandard":    {"GET", "/api/users?_queryFilter=true&_countOnly=true", "", nil, 400, "olderProtocol", nil},
		"CountOfNothing":   {"GET", "/api/users/x?_countOnly=true", "", []string{"Accept-API-Version", "protocol=2.2"}, 400, "misplacedParameter", nil},
		"CountInPages":     {"GET", "/api/users?_queryFilter=true&_countOnly=true&_pageSize=5", "", []string{"Accept-API-Version", "protocol=2.2"}, 400, "misplacedParameter", nil},
		"CountMaybe":       {"GET", "/api/users?_queryFilter=true&_countOnly=maybe", "", nil, 400, "malformedParameter", nil},
		"DescribePart":     {"GET", "/api/users?_api", "", nil, 404, "unknownPath", nil},
		"DescribeNowhere":  {"GET", "/other?_crestapi", "", nil, 404, "unknownPath", nil},
		"DescribeBoth":     {"GET", "/api?_api&_crestapi", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_crestapi"}},
		"DescribeMaybe":    {"GET", "/api?_api=maybe", "", nil, 400, "malformedParameter", map[string]any{"parameter": "_api"}},
		"DescribeFields":   {"GET", "/api?_api&_fields=a", "", nil, 400, "misplacedParameter", map[string]any{"parameter": "_api"}},
		"DescribeQuery":    {"GET", "/api?_crestapi&_queryFilter=true", "", nil, 400, "misplacedParameter", map[string]any{"parameter": "_crestapi"}},
		"DescribeDelete":   {"DELETE", "/api?_api", "", nil, 400, "misplacedParameter", map[string]any{"parameter": "_api"}},
		"DescribeIfMatch":  {"GET", "/api?_api", "", []string{"If-Match", "x"}, 412, "condition", map[string]any{"parameter": "If-Match"}},
		"DescribeVersion":  {"GET", "/api?_api", "", []string{"Accept-API-Version", "protocol=9"}, 400, "unknownProtocol", nil},
		"DryRun":           {"GET", "/api/users/x?dryRun=true", "", nil, 400, "misplacedParameter", nil},
		"Subtree":          {"PATCH", "/api/users/x?subtreeDelete=true", "[]", nil, 400, "misplacedParameter", nil},
		"SubtreeDelete":    {"DELETE", "/api/users/x?subtreeDelete=1", "", nil, 400, "malformedParameter", nil},
		"FilterOnDelete":   {"DELETE", "/api/users/x?_queryFilter=true", "", nil, 400, "misplacedParameter", nil},
		"ActionOnPut":      {"PUT", "/api/users/x?_action=create", "{}", nil, 400, "misplacedParameter", nil},
		"EmptyAction":      {"POST", "/api/users?_action=", "{}", nil, 400, "malformedParameter", nil},
		"Override":         {"POST", "/api/users", "{}", []string{"X-HTTP-Method-Override", "BREW"}, 400, "methodOverride", nil},
		"BodyOnDelete":     {"DELETE", "/api/users/x", "{}", nil, 400, "unexpectedBody", nil},
		"BodyOnGet":        {"GET", "/api/users/x", "{}", nil, 400, "unexpectedBody", nil},
		"NoBody":           {"PUT", "/api/users/x", "", []string{"Content-Type", "application/json"}, 400, "missingBody", nil},
		"Blank":            {"PUT", "/api/users/x", " ", nil, 400, "malformedJSON", nil},
		"R_J13":            {"PUT", "/api/users/x", "[1]", nil, 400, "wrongType", nil},
		"NotJSON":          {"PUT", "/api/users/x", `{"a":`, nil, 400, "malformedJSON", nil},
		"Duplicate":        {"PUT", "/api/users/x", `{"a":{"b":1,"b":2}}`, nil, 400, "duplicateMember", map[string]any{"field": "/a/b"}},
		"TooDeep":          {"POST", "/api/users", `{"a":[[[[1]]]]}`, nil, 400, "tooDeep", nil},
		"R_J17":            {"PUT", "/api/users/x", `{"a":"` + strings.Repeat("x", 100) + `"}`, nil, 413, "bodyTooLarge", map[string]any{"limit": 100.0}},
		"R_J11":            {"PUT", "/api/users/x", "{}", []string{"Content-Type", ""}, 415, "unsupportedMediaType", map[string]any{"parameter": "Content-Type"}},
		"Text":             {"PUT", "/api/users/x", "{}", []string{"Content-Type", "text/plain"}, 415, "unsupportedMediaType", nil},
		"Suffix":           {"PUT", "/api/users/x", "{}", []string{"Content-Type", "application/jsonp"}, 415, "unsupportedMediaType", nil},
		"Charset":          {"PATCH", "/api/users/x", "[]", []string{"Content-Type", "application/json; charset=latin1"}, 415, "unsupportedMediaType", nil},
		"S_G01":            {"PUT", "/api/users/x", "{}", []string{"Content-Encoding", "gzip"}, 415, "unsupportedMediaType", map[string]any{"parameter": "Content-Encoding"}},
		"R_E33":            {"PATCH", "/api/users/x", "{}", nil, 400, "wrongType", nil},
		"R_E31":            {"PATCH", "/api/users/x", `[{"operation":"transform","field":"/a","value":1}]`, nil, 501, "unavailableOperation", map[string]any{"field": "/0/operation"}},
		"UnknownOperation": {"PATCH", "/api/users/x", `[{"operation":"add","field":"a","value":1},{"operation":"nosuch"}]`, nil, 400, "unknownOperation", map[string]any{"field": "/1/operation"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{}, Options{MaxBody: 100, MaxDepth: 4})
			r := f.send(t, test.method, test.target, test.body, test.header...)
			if r.status != test.status || r.detail()["kind"] != test.kind {
				t.Fatalf("%d: %s", r.status, r.body)
			}
			for key, want := range test.detail {
				if got := r.detail()[key]; got != want {
					t.Errorf("%s is %v, want %v: %s", key, got, want, r.body)
				}
			}
			if len(f.asked) > 0 {
				t.Errorf("asked %v", f.asked)
			}
			if allow := r.header.Get("Allow"); (allow != "") != (test.status == 405) {
				t.Errorf("Allow %q", allow)
			}
			event := f.events(t)[0]
			if event["status"] != float64(test.status) || event["result"] == "ok" {
				t.Errorf("event %v", event)
			}
		})
	}
}

// Values that ask for nothing are taken, of features that are not available.
func TestIdleParameters(t *testing.T) {
	f := newFront(t, &service{}, Options{})
	r := f.send(t, "GET", "/api/users?_queryFilter=true&_pageSize=0&_pagedResultsOffset=0&_pagedResultsCookie=&_totalPagedResultsPolicy=none&_countOnly=false&dryRun=False", "")
	if r.status != 200 {
		t.Errorf("%d: %s", r.status, r.body)
	}
}

// W12: OPTIONS needs no caller.
func TestOptions(t *testing.T) {
	f := newFront(t, &service{}, Options{})
	for _, target := range []string{"/api/users/x", "/nosuch", "/"} {
		r := f.send(t, "OPTIONS", target, "")
		if r.status != 204 || r.body != "" || r.header.Get("Allow") != "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" {
			t.Errorf("%s: %d, %v", target, r.status, r.header)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	f := newFront(t, &service{}, Options{})
	for _, media := range []string{"application/json", "Application/JSON; charset=UTF-8", `application/json;charset="utf-8"`, "application/json; x=y"} {
		if r := f.send(t, "PUT", "/api/users/x", "{}", "Content-Type", media, "Content-Encoding", "identity"); r.status != 200 {
			t.Errorf("%s: %d %s", media, r.status, r.body)
		}
	}
}

func TestBasePaths(t *testing.T) {
	f := newFront(t, &service{}, Options{BasePath: "/directory/", APIs: []API{{BasePath: "api"}, {BasePath: "api/special"}, {BasePath: "b"}}})
	for target, want := range map[string]string{
		"/directory/api/users/x": "api users x", "/directory/api/special/x": "api/special x", "/directory/api/speciall": "api speciall",
		"/directory/b": "b", "/directory/%61pi/users": "api users",
	} {
		f.asked = nil
		f.send(t, "GET", target, "")
		if len(f.asked) != 1 || strings.TrimSpace(f.asked[0].API+" "+strings.Join(f.asked[0].Path, " ")) != want {
			t.Errorf("%s: %v", target, f.asked)
		}
	}
	if r := f.send(t, "PUT", "/directory/api/users/a%20b", "{}", "If-None-Match", "*"); r.header.Get("Location") != "/directory/api/users/a%20b" {
		t.Errorf("Location %q", r.header.Get("Location"))
	}
	for _, target := range []string{"/api/users/x", "/directory", "/directory/c"} {
		if r := f.send(t, "GET", target, ""); r.status != 404 {
			t.Errorf("%s: %d", target, r.status)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for want, o := range map[string]Options{
		"service": {}, "two APIs": {Service: &service{}, APIs: []API{{BasePath: "a"}, {BasePath: "/a/"}}}, "is empty": {Service: &service{}, APIs: []API{{BasePath: "/"}}},
		"dot segment": {Service: &service{}, BasePath: "/a/..", APIs: []API{{BasePath: "a"}}},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// X18: the id of a Location is one segment.
func TestLocation(t *testing.T) {
	for id, want := range map[string]string{"a/b": "a%2Fb", "ä b": "%C3%A4%20b", "%": "%25", "a,b=c": "a,b=c"} {
		f := newFront(t, &service{answer: func(*mapping.Request) (*gateway.Answer, error) {
			return &gateway.Answer{JSON: []byte("{}"), ID: id, Created: true}, nil
		}}, Options{})
		location := f.send(t, "POST", "/api/users", "{}").header.Get("Location")
		if !strings.EqualFold(strings.ReplaceAll(location, "%2C", ","), "/api/users/"+want) {
			t.Errorf("%q: %q", id, location)
		}
	}
}

func TestFaultFromBelow(t *testing.T) {
	shared := fault.New(fault.Invalid, "no such field").Named("unknownField")
	shared.Detail.Position = 3
	f := newFront(t, &service{rowError: fmt.Errorf("planning: %w", shared)}, Options{})
	r := f.send(t, "GET", "/api/users?_queryFilter=a+pr", "")
	if r.status != 400 || r.detail()["parameter"] != "_queryFilter" || r.detail()["position"] != 3.0 || shared.Detail.Parameter != "" {
		t.Errorf("%d: %s", r.status, r.body)
	}
	f = newFront(t, &service{answer: func(*mapping.Request) (*gateway.Answer, error) { return nil, errors.New("uid=secret") }}, Options{})
	if r := f.send(t, "GET", "/api/users/x", ""); r.status != 500 || strings.Contains(r.body, "secret") {
		t.Errorf("%d: %s", r.status, r.body)
	}
}
