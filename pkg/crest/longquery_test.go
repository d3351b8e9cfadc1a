package crest

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// A query in a body is the same request as one in a URL.
func TestLongQuery(t *testing.T) {
	filter := `_id eq "a"` + strings.Repeat(` or _id eq "a&b=c;d+e %"`, 300)
	query := url.Values{"_queryFilter": {filter}, "_fields": {"_id,/name/familyName"}, "_pageSize": {"7"}, "_sortKeys": {"-_id"}}
	inURL, inBody := newFront(t, &service{rows: rows(2, 5)}, Options{}), newFront(t, &service{rows: rows(2, 5)}, Options{})
	want := inURL.send(t, "GET", "/api/users?"+query.Encode(), "")
	got := inBody.send(t, "POST", "/api/users?_action=QUERY&_prettyPrint=false", query.Encode(), "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if got.status != 200 || got.body != want.body {
		t.Errorf("%d: %s, want %s", got.status, got.body, want.body)
	}
	if diff := cmp.Diff(inURL.asked, inBody.asked); diff != "" {
		t.Errorf("(-URL +body):\n%s", diff)
	}
	if event := inBody.events(t)[0]; event["verb"] != mapping.Query.String() || event["rows"] != 2.0 || event["action"] != nil {
		t.Errorf("event %v", event)
	}
	for name, test := range map[string]struct {
		target, body, media string
		status              int
		kind                string
	}{
		"NoBody":    {"?_action=query", "", formType, 400, "missingBody"},
		"JSON":      {"?_action=query", `{"_queryFilter":"true"}`, "application/json", 415, "unsupportedMediaType"},
		"NoFilter":  {"?_action=query", "_pageSize=1", formType, 400, "missingFilter"},
		"Twice":     {"?_action=query&_pageSize=1", "_queryFilter=true&_pageSize=1", formType, 400, "duplicateParameter"},
		"Action":    {"?_action=query", "_queryFilter=true&_action=create", formType, 400, "duplicateParameter"},
		"BadFilter": {"?_action=query", "_queryFilter=(", formType, 400, "malformedParameter"},
		"TooLong":   {"?_action=query", "_queryFilter=true" + strings.Repeat(" ", 2000), formType, 413, "bodyTooLarge"},
		"Change":    {"?_action=query", "_queryFilter=true&dryRun=true", formType, 400, "misplacedParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{}, Options{MaxBody: 1000})
			r := f.send(t, "POST", "/api/users"+test.target, test.body, "Content-Type", test.media)
			if r.status != test.status || r.detail()["kind"] != test.kind || len(f.asked) > 0 {
				t.Errorf("%d: %s", r.status, r.body)
			}
			if event := f.events(t)[0]; event["verb"] != "query" {
				t.Errorf("event %v", event)
			}
		})
	}
}

// Clients of the reference product send parameters of their own; nobody else may.
func TestUnknownParameters(t *testing.T) {
	const target = "/api/users/a?_cacheBuster=1&_cacheBuster=2&_fields=_id"
	strict, legacy := newFront(t, &service{}, Options{}), newFront(t, &service{}, Options{APIs: []API{{BasePath: "api", Legacy: true}}})
	if r := strict.send(t, "GET", target, ""); r.status != 400 {
		t.Errorf("%d: %s", r.status, r.body)
	}
	if r := legacy.send(t, "GET", target, ""); r.status != 200 || len(legacy.asked[0].Fields) != 1 {
		t.Errorf("%d: %s", r.status, r.body)
	}
	if r := legacy.send(t, "GET", "/api/users?_queryFilter=true&_pageSize=1&_pageSize=2", ""); r.status != 400 {
		t.Errorf("a known parameter that stands twice: %d: %s", r.status, r.body)
	}
}

// The closed form of a list that failed is for clients of the reference product, where the
// operator chose it.
func TestListClosedAfterFailure(t *testing.T) {
	down := fault.New(fault.Unavailable, "the directory is gone")
	for name, test := range map[string]struct {
		legacy, closes, closed bool
	}{"Chosen": {true, true, true}, "NotChosen": {true, false, false}, "NotLegacy": {false, true, false}} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{rows: rows(300, 1000), rowError: down}, Options{APIs: []API{{BasePath: "api", Legacy: test.legacy}}, CloseFailedLists: test.closes})
			r := f.sendBy(t, true, "GET", "/api/users?_queryFilter=true", "")
			var list struct {
				Result      []any          `json:"result"`
				Error       map[string]any `json:"error"`
				ResultCount int            `json:"resultCount"`
			}
			err := json.Unmarshal([]byte(r.body), &list)
			if !test.closed {
				if r.err == nil || err == nil {
					t.Errorf("the answer is whole: %.100s", r.body)
				}
				return
			}
			if r.err != nil || err != nil || len(list.Result) != 300 || list.ResultCount != -1 || list.Error["code"] != 503.0 || list.Error["message"] != "the directory is gone" {
				t.Errorf("%v, %v: %d results, %v", r.err, err, len(list.Result), list.Error)
			}
			if event := f.events(t)[0]; event["status"] != 200.0 || event["result"] != "unavailable" {
				t.Errorf("event %v", event)
			}
		})
	}
}
