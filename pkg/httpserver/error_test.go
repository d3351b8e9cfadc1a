package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// The table of spec §4.14, as decided.
func TestStatus(t *testing.T) {
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404,
		fault.MethodNotAllowed: 405, fault.Conflict: 409, fault.PreconditionFailed: 412, fault.TooLarge: 413,
		fault.UnsupportedMediaType: 415, fault.TooManyRequests: 429, fault.Unsupported: 501, fault.BadGateway: 502,
		fault.Unavailable: 503, fault.Timeout: 504, fault.Canceled: 499,
	}
	for _, kind := range fault.Kinds() {
		status := Status(fmt.Errorf("doing: %w", fault.New(kind, "x")))
		if status != want[kind] {
			t.Errorf("%s is %d, want %d", kind, status, want[kind])
		}
		if reason(status) == "" {
			t.Errorf("%d has no reason phrase", status)
		}
	}
	if len(statuses) != len(fault.Kinds()) {
		t.Errorf("%d statuses for %d kinds", len(statuses), len(fault.Kinds()))
	}
	for err, status := range map[error]int{
		errors.New("x"): 500, context.Canceled: 499, context.DeadlineExceeded: 504, fault.New(fault.Kind(99), "x"): 500,
		fault.New(fault.Invalid, "x").Named(bodyTimeout): 408,
	} {
		if got := Status(err); got != status {
			t.Errorf("%v is %d, want %d", err, got, status)
		}
	}
}

func TestWriteError(t *testing.T) {
	challenged := fault.New(fault.Unauthenticated, "who?")
	challenged.Challenges = []string{`Basic realm="a"`, `Bearer realm="a"`}
	method := fault.New(fault.MethodNotAllowed, "no")
	method.Allow = []string{"GET", "PUT"}
	later := fault.New(fault.Unavailable, "later")
	later.RetryAfter = 1500 * time.Millisecond
	measured := fault.New(fault.Invalid, "too short").Named("passwordPolicy")
	measured.Detail.Quality = &fault.PasswordQuality{
		Attribute: "userPassword",
		Failing:   []fault.Criterion{{Type: "length-based", Parameters: []fault.Parameter{{Name: "max-password-length"}, {Name: "min-password-length", Value: 8}}}, {Type: "quality"}},
	}
	for name, test := range map[string]struct {
		err    error
		status int
		body   string
		header http.Header
		logged string
	}{
		"Plain": {fault.New(fault.NotFound, "it is not there"), 404, `{"code":404,"reason":"Not Found","message":"it is not there","detail":{"kind":"notFound"}}`, nil, ""},
		"Quality": {
			measured, 400, `{"code":400,"reason":"Bad Request","message":"too short","detail":{"kind":"passwordPolicy","passwordQualityAdvice":{"attributeType":"userPassword",` +
				`"failingCriteria":[{"type":"length-based","parameters":{"max-password-length":0,"min-password-length":8}},{"type":"quality","parameters":{}}],"passingCriteria":[]}}}`, nil, "",
		},
		"Challenge":  {challenged, 401, "", http.Header{"Www-Authenticate": challenged.Challenges}, ""},
		"Allow":      {method, 405, "", http.Header{"Allow": {"GET, PUT"}}, ""},
		"RetryAfter": {later, 503, "", http.Header{"Retry-After": {"2"}}, ""},
		"RetryFirst": {fault.New(fault.Unavailable, "x"), 503, "", http.Header{"Retry-After": {"1"}}, ""},
		"TooMany":    {fault.New(fault.TooManyRequests, "x"), 429, "", http.Header{"Retry-After": {"1"}}, ""},
		"Foreign": {
			errors.New("dn uid=secret"), 500,
			`{"code":500,"reason":"Internal Server Error","message":"` + internalMessage + `","detail":{"kind":"internal"}}`, nil, "level=ERROR",
		},
		"Internal": {
			fault.Wrap(fault.Internal, errors.New("uid=secret"), "secret").Named("gatewayFault"), 500,
			`{"code":500,"reason":"Internal Server Error","message":"` + internalMessage + `","detail":{"kind":"gatewayFault"}}`, nil, "level=ERROR",
		},
		"Ambiguous": {
			fault.Wrap(fault.Internal, errors.New("uid=secret"), "several entries have this id").Named("ambiguousID"), 500,
			`{"code":500,"reason":"Internal Server Error","message":"several entries have this id","detail":{"kind":"ambiguousID"}}`, nil, "level=ERROR",
		},
		"BadGateway": {fault.Wrap(fault.BadGateway, errors.New("uid=secret"), "the certificate is wrong"), 502, "", nil, "level=WARN"},
		"Canceled":   {context.Canceled, 499, `{"code":499,"reason":"Client Closed Request","message":"the request was cancelled","detail":{"kind":"canceled"}}`, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Location", "/x")
				WriteError(w, r, test.err)
			})
			o := one(t, handler, true, request(t, http.MethodGet, "/", ""))
			if o.err != nil || o.status != test.status {
				t.Fatalf("%d, %v", o.status, o.err)
			}
			if test.body != "" && o.body != test.body {
				t.Errorf("body %s", o.body)
			}
			if strings.Contains(o.body, "secret") {
				t.Errorf("the body tells a secret: %s", o.body)
			}
			for key, want := range test.header {
				if got := o.header[key]; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			for _, key := range []string{"Etag", "Location"} {
				if o.header[key] != nil {
					t.Errorf("%s is %q", key, o.header[key])
				}
			}
			if got := o.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
				t.Errorf("type %q", got)
			}
			if o.length != int64(len(o.body)) {
				t.Errorf("length %d of %d", o.length, len(o.body))
			}
			id, _ := o.event["transactionId"].(string)
			if test.logged != "" && !(strings.Contains(o.log, test.logged+` msg="a request failed" transactionId=`+id) && strings.Contains(o.log, "uid=secret")) {
				t.Errorf("log:\n%s", o.log)
			}
			if test.logged == "" && (strings.Contains(o.log, "level=ERROR") || strings.Contains(o.log, "level=WARN")) {
				t.Errorf("log:\n%s", o.log)
			}
		})
	}
}

func FuzzErrorBody(f *testing.F) {
	f.Add("plain", "/a")
	f.Add("\"\\\x00\x7f\u2028\xff", "\n")
	f.Fuzz(func(t *testing.T, message, field string) {
		e := fault.New(fault.Invalid, "%s", message).At(field)
		var got struct {
			Message string
			Detail  struct{ Field string }
		}
		body := appendError(nil, 400, e)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if utf8.ValidString(message) && got.Message != message || utf8.ValidString(field) && got.Detail.Field != field {
			t.Errorf("%q %q became %s", message, field, body)
		}
	})
}
