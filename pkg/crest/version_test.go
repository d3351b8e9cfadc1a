package crest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

func editionsOf(names ...string) []API {
	apis := make([]API, len(names))
	for i, name := range names {
		apis[i] = API{BasePath: "api", Version: name}
	}
	return apis
}

// Which file serves a request, whatever the order of the files.
func TestVersions(t *testing.T) {
	for name, test := range map[string]struct {
		files  string
		header string
		// version is that of the file which serves, and told what the answer says.
		version, told string
		// missing is what the refusal names, when there is one.
		missing string
	}{
		"R_J01":            {"1.0", "resource=1.0", "1.0", "protocol=2.1,resource=1.0", ""},
		"R_J03":            {"1.0", "resource=2.0", "", "", "no version 2.0; it has 1.0"},
		"R_J05":            {"1.0 2.0 1.1", "", "2.0", "protocol=2.1,resource=2.0", ""},
		"R_J07":            {"1.0 1.1 2.0", "resource=1.2", "", "", "no version 1.2; it has 1.0, 1.1, 2.0"},
		"HighestMinor":     {"1.0 1.1 2.0", "resource=1.0", "1.1", "protocol=2.1,resource=1.1", ""},
		"Major":            {"1.0 1.1 2.0", "resource=1", "1.1", "protocol=2.1,resource=1.1", ""},
		"Exact":            {"1.0 1.1 2.0", "resource=1.1", "1.1", "protocol=2.1,resource=1.1", ""},
		"ByNumber":         {"1.9 1.10", "resource=1.2", "1.10", "protocol=2.1,resource=1.10", ""},
		"MajorAlone":       {"1 2", "resource=1.0", "1", "protocol=2.1,resource=1.0", ""},
		"Protocol":         {"1.0", "protocol=2.2,resource=1.0", "1.0", "protocol=2.2,resource=1.0", ""},
		"OtherOrder":       {"1.0", "resource=1.0 , protocol=2.0", "1.0", "protocol=2.0,resource=1.0", ""},
		"ProtocolAlone":    {"1.0 2.0", "protocol=2.0", "2.0", "protocol=2.0,resource=2.0", ""},
		"AnyCase":          {"1.0", "Resource=1.0", "1.0", "protocol=2.1,resource=1.0", ""},
		"NoVersion":        {"*", "resource=7.3", "*", "", ""},
		"NoVersionNoAsk":   {"*", "", "*", "", ""},
		"NewestBeforeStar": {"* 1.0", "", "1.0", "protocol=2.1,resource=1.0", ""},
		"StarForTheRest":   {"* 1.0", "resource=2.0", "*", "", ""},
		"StarIsLast":       {"* 1.0", "resource=1.0", "1.0", "protocol=2.1,resource=1.0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{}, Options{APIs: editionsOf(strings.Fields(test.files)...)})
			header := []string{"Accept-API-Version", test.header}
			if test.header == "" {
				header = nil
			}
			r := f.send(t, "GET", "/api/users/x", "", header...)
			if test.missing != "" {
				if r.status != 400 || r.detail()["kind"] != "unknownVersion" || r.detail()["parameter"] != "Accept-API-Version" || !strings.Contains(r.body, test.missing) {
					t.Errorf("%d: %s", r.status, r.body)
				}
				return
			}
			if r.status != 200 || r.header.Get("Content-API-Version") != test.told {
				t.Errorf("%d, Content-API-Version %q: %s", r.status, r.header.Get("Content-API-Version"), r.body)
			}
			want := []asked{{"api", mapping.Request{Verb: mapping.Read, Version: test.version, Path: []string{"users", "x"}}}}
			if diff := cmp.Diff(want, f.asked); diff != "" {
				t.Error(diff)
			}
			if list := f.send(t, "GET", "/api/users?_queryFilter=true", "", header...); list.status != 200 || list.header.Get("Content-API-Version") != test.told || f.asked[1].Version != test.version {
				t.Errorf("a query: %d, Content-API-Version %q, version %q", list.status, list.header.Get("Content-API-Version"), f.asked[1].Version)
			}
		})
	}
}

func TestBadVersions(t *testing.T) {
	for header, kind := range map[string]string{
		"1.0": "malformedVersion", "": "malformedVersion", "resource=": "malformedVersion", "resource=1.0,": "malformedVersion",
		"resource=1.0,resource=1.0": "malformedVersion", "resource=a": "malformedVersion", "resource=1.0.0": "malformedVersion",
		"resource=-1": "malformedVersion", "api=1.0": "malformedVersion", "resource=1.0;protocol=2.1": "malformedVersion", "resource=*": "malformedVersion",
		"protocol=9.0": "unknownProtocol", "protocol=2.3": "unknownProtocol", "protocol=3": "unknownProtocol", "protocol=0.9": "unknownProtocol",
	} {
		t.Run(header, func(t *testing.T) {
			h := http.Header{"Accept-Api-Version": {header}}
			_, err := parseVersions(h)
			e, ok := err.(*fault.Error) //nolint:errorlint // It is not wrapped.
			if !ok || e.Kind != fault.Invalid || e.Detail.Kind != kind || e.Detail.Parameter != "Accept-API-Version" {
				t.Errorf("%v, want %s", err, kind)
			}
		})
	}
	f := newFront(t, &service{}, Options{})
	if r := f.send(t, "GET", "/api/users/x", "", "Accept-API-Version", "protocol=9.0"); r.status != 400 || r.detail()["kind"] != "unknownProtocol" || len(f.asked) != 0 {
		t.Errorf("%d: %s", r.status, r.body)
	}
	two := http.Header{"Accept-Api-Version": {"protocol=2.0", "resource=1.0"}}
	if got, err := parseVersions(two); err != nil || got.protocol.String() != "2.0" || got.resource.String() != "1.0" {
		t.Errorf("two lines: %+v, %v", got, err)
	}
}

// The error of a request has the version of what it was about.
func TestVersionOfErrors(t *testing.T) {
	f := newFront(t, &service{answer: func(*mapping.Request) (*gateway.Answer, error) { return nil, fault.New(fault.NotFound, "no") }}, Options{APIs: editionsOf("1.0")})
	if r := f.send(t, "GET", "/api/users/x", ""); r.status != 404 || r.header.Get("Content-API-Version") != "protocol=2.1,resource=1.0" {
		t.Errorf("%d, %q", r.status, r.header.Get("Content-API-Version"))
	}
}

// What older versions of the protocol have not.
func TestProtocols(t *testing.T) {
	body := &mapping.Object{Members: []mapping.Member{{Name: "_id", Value: "x"}}}
	path := []string{"users", "x"}
	absent := func(*mapping.Request) (*gateway.Answer, error) { return nil, fault.New(fault.NotFound, "no") }
	update := mapping.Request{Verb: mapping.Update, Path: path, Body: body}
	first := update
	first.MustExist, first.AsMapped = true, true
	create := mapping.Request{Verb: mapping.Create, Path: path, Named: true, Body: body}
	for name, test := range map[string]struct {
		protocol, method, target string
		status                   int
		want                     []mapping.Request
	}{
		"1.0 PUT":    {"1.0", "PUT", "/api/users/x", 404, []mapping.Request{first}},
		"1 PUT":      {"1", "PUT", "/api/users/x", 404, []mapping.Request{first}},
		"2.0 PUT":    {"2.0", "PUT", "/api/users/x", 404, []mapping.Request{update, create}},
		"2.1 PUT":    {"2.1", "PUT", "/api/users/x", 404, []mapping.Request{update, create}},
		"1.0 POST":   {"1.0", "POST", "/api/users", 400, nil},
		"2.0 POST":   {"2.0", "POST", "/api/users", 400, nil},
		"2.1 POST":   {"2.1", "POST", "/api/users", 404, []mapping.Request{{Verb: mapping.Create, Path: path[:1], Body: body}}},
		"2.2 POST":   {"2.2", "POST", "/api/users", 404, []mapping.Request{{Verb: mapping.Create, Path: path[:1], Body: body}}},
		"1.0 CREATE": {"1.0", "POST", "/api/users?_action=create", 404, []mapping.Request{{Verb: mapping.Create, Path: path[:1], AsMapped: true, Body: body}}},
		"1.0 GET":    {"1.0", "GET", "/api/users/x", 404, []mapping.Request{{Verb: mapping.Read, Path: path, AsMapped: true}}},
		"2.0 GET":    {"2.0", "GET", "/api/users/x", 404, []mapping.Request{{Verb: mapping.Read, Path: path}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{answer: absent}, Options{})
			sent := `{"_id":"x"}`
			if test.method == http.MethodGet {
				sent = ""
			}
			r := f.send(t, test.method, test.target, sent, "Accept-API-Version", "protocol="+test.protocol)
			var got []mapping.Request
			for _, a := range f.asked {
				got = append(got, a.Request)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || r.status != test.status {
				t.Errorf("%d: %s\n%s", r.status, r.body, diff)
			}
			if test.status == 400 && r.detail()["kind"] != "missingAction" {
				t.Error(r.body)
			}
		})
	}
}
