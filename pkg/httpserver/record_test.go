package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// outcome is what a request came to: the answer, its event and the log.
type outcome struct {
	status int
	header http.Header
	length int64
	body   string
	event  map[string]any
	log    string
	err    error // of the request, or of the body
}

// one sends one request by a version of HTTP, to a server of its own.
func one(t *testing.T, handler http.Handler, http2 bool, req *http.Request, options ...RecordOption) (o outcome) {
	t.Helper()
	f := newFixture(t, handler, Options{}, options...)
	address := f.run(t)
	req.URL.Scheme, req.URL.Host = "https", address
	client := f.client(t, http2)
	response, err := client.Do(req)
	if o.err = err; err == nil {
		o.status, o.header, o.length = response.StatusCode, response.Header, response.ContentLength
		var data []byte
		data, o.err = io.ReadAll(response.Body)
		o.body = string(data)
		_ = response.Body.Close()
	}
	client.CloseIdleConnections()
	if err := f.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	events := f.events(t)
	if len(events) != 1 {
		t.Fatalf("%d events: %v", len(events), events)
	}
	o.event, o.log = events[0], f.log.String()
	return o
}

func request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, path, reader)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestRecord(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for name, test := range map[string]struct {
			handler http.HandlerFunc
			status  int // 0: the answer breaks off
			event   map[string]any
		}{
			"Ok":      {hello, 200, map[string]any{"status": 200.0, "result": "ok"}},
			"Nothing": {func(http.ResponseWriter, *http.Request) {}, 200, map[string]any{"status": 200.0, "result": "ok"}},
			"Status":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, 201, map[string]any{"status": 201.0, "result": "ok"}},
			"EarlyHint": {func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusAccepted)
			}, 202, map[string]any{"status": 202.0}},
			"Fault": {func(w http.ResponseWriter, r *http.Request) {
				WriteError(w, r, fmt.Errorf("reading: %w", fault.New(fault.NotFound, "not there")))
			}, 404, map[string]any{"status": 404.0, "result": "notFound"}},
			"Panic": {func(http.ResponseWriter, *http.Request) { oops() }, 500, map[string]any{"status": 500.0, "result": "internal"}},
			"LatePanic": {func(w http.ResponseWriter, r *http.Request) {
				hello(w, r)
				_ = http.NewResponseController(w).Flush()
				oops()
			}, 0, map[string]any{"status": 200.0, "result": "internal"}},
			"Abort": {func(w http.ResponseWriter, r *http.Request) {
				hello(w, r)
				_ = http.NewResponseController(w).Flush()
				Abort(w, r, fault.New(fault.Unavailable, "the directory is gone"))
			}, 0, map[string]any{"status": 200.0, "result": "unavailable"}},
			"LateError": {func(w http.ResponseWriter, r *http.Request) {
				hello(w, r)
				w.(http.Flusher).Flush()
				WriteError(w, r, context.DeadlineExceeded)
			}, 0, map[string]any{"status": 200.0, "result": "timeout"}},
			"BareAbort": {func(http.ResponseWriter, *http.Request) { abort() }, 0, map[string]any{"status": 0.0, "result": "truncated"}},
		} {
			t.Run(fmt.Sprint(name, "/", http2), func(t *testing.T) {
				o := one(t, test.handler, http2, request(t, http.MethodGet, "/a%2Fb?secret=1", ""))
				if (o.err != nil) != (test.status == 0) {
					t.Fatalf("error %v, body %q", o.err, o.body)
				}
				if o.err == nil && o.status != test.status {
					t.Errorf("status %d, want %d", o.status, test.status)
				}
				test.event["path"], test.event["method"], test.event["client"] = "/a%2Fb", "GET", "127.0.0.1"
				for key, want := range test.event {
					if o.event[key] != want {
						t.Errorf("%s is %v, want %v: %v", key, o.event[key], want, o.event)
					}
				}
				if o.header != nil && o.header.Get("X-ForgeRock-TransactionId") != o.event["transactionId"] {
					t.Errorf("id %q, event %v", o.header.Get("X-ForgeRock-TransactionId"), o.event)
				}
				if strings.Contains(name, "Panic") != strings.Contains(o.log, "level=ERROR msg=\"a request panicked\"") {
					t.Errorf("log:\n%s", o.log)
				}
				if strings.Contains(o.body, "oops") {
					t.Errorf("body %s", o.body)
				}
			})
		}
	}
}

func TestTransactionID(t *testing.T) {
	for name, test := range map[string]struct {
		sent    []string
		options []RecordOption
		taken   bool
	}{
		"Untrusted": {[]string{"abc-1"}, nil, false},
		"Trusted":   {[]string{"abc-1/0"}, []RecordOption{TrustTransactionID}, true},
		"None":      {nil, []RecordOption{TrustTransactionID}, false},
		"Two":       {[]string{"a", "b"}, []RecordOption{TrustTransactionID}, false},
		"BadText":   {[]string{"a b"}, []RecordOption{TrustTransactionID}, false},
		"Quote":     {[]string{`a"b`}, []RecordOption{TrustTransactionID}, false},
		"Long":      {[]string{strings.Repeat("a", 129)}, []RecordOption{TrustTransactionID}, false},
		"Empty":     {[]string{""}, []RecordOption{TrustTransactionID}, false},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(t, http.MethodGet, "/", "")
			req.Header["X-Forgerock-Transactionid"] = test.sent
			o := one(t, http.HandlerFunc(hello), false, req, test.options...)
			if o.err != nil {
				t.Fatal(o.err)
			}
			id, _ := o.event["transactionId"].(string)
			if taken := len(test.sent) > 0 && id == test.sent[0]; taken != test.taken || len(id) < 1 || !test.taken && len(id) < 26 {
				t.Errorf("id %q", id)
			}
		})
	}
}

// callers is an authenticator of one answer.
type callers struct {
	principal *auth.Principal
	err       error
}

func (c callers) Authenticate(*http.Request) (*auth.Principal, error) { return c.principal, c.err }
func (callers) Challenge(string) string                               { return `Basic realm="x"` }

func TestAuthenticate(t *testing.T) {
	principal := &auth.Principal{Name: "bjensen", Method: "basic", Identity: directory.Identity{AuthzID: "dn:uid=bjensen"}}
	nobody := &auth.Principal{Name: auth.MethodAnonymous, Method: auth.MethodAnonymous}
	mustChange := fault.Wrap(fault.Forbidden, auth.ReasonMustChange, "the password must be changed").Named("passwordMustChange")
	grace := *principal
	grace.Account = directory.AccountState{Status: directory.PasswordExpired, GraceLogins: 1, HasGrace: true}
	for name, test := range map[string]struct {
		method  string
		callers callers
		status  int
		event   map[string]any
		// changes is what the handler says of the request.
		changes bool
	}{
		"Good":       {"GET", callers{principal: principal}, 200, map[string]any{"principal": "bjensen", "authMethod": "basic", "authzId": "dn:uid=bjensen", "reason": nil}, false},
		"Refused":    {"GET", callers{err: auth.Refuse(auth.ReasonLocked)}, 401, map[string]any{"reason": "accountLocked", "result": "unauthenticated"}, false},
		"None":       {"GET", callers{err: auth.ErrNotApplicable}, 401, map[string]any{"reason": "noCredentials"}, false},
		"MustChange": {"GET", callers{principal, mustChange}, 403, map[string]any{"principal": "bjensen", "reason": "passwordMustChange", "result": "forbidden"}, false},
		"Down":       {"GET", callers{err: fault.New(fault.Unavailable, "no directory")}, 503, map[string]any{"reason": nil, "result": "unavailable"}, false},
		"W12":        {"OPTIONS", callers{err: auth.Refuse(auth.ReasonLocked)}, 204, map[string]any{"principal": nil}, false},
		"Change":     {"POST", callers{principal, mustChange}, 200, map[string]any{"principal": "bjensen", "reason": nil, "result": "ok"}, true},
		"NoChange":   {"POST", callers{principal, mustChange}, 403, map[string]any{"reason": "passwordMustChange"}, false},
		"Locked":     {"POST", callers{err: auth.Refuse(auth.ReasonLocked)}, 401, map[string]any{"reason": "accountLocked"}, true},
		"X23":        {"POST", callers{principal: nobody}, 401, map[string]any{"principal": nil, "reason": "noCredentials"}, true},
		"Anonymous":  {"GET", callers{principal: nobody}, 200, map[string]any{"principal": "anonymous", "authMethod": "anonymous", "authzId": nil}, false},
		"Grace":      {"GET", callers{principal: &grace}, 200, map[string]any{"principal": "bjensen", "reason": "graceLogin", "result": "ok"}, false},
		"Any":        {"POST", callers{principal: principal}, 200, map[string]any{"principal": "bjensen"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			changes := func(*http.Request) bool { return test.changes }
			handler := Authenticate(auth.NewChain(test.callers), changes, changes)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got := auth.FromContext(r.Context())
				if r.Method == http.MethodOptions {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				want := *test.callers.principal
				want.MustChange = test.callers.err != nil
				if got == nil || *got != want || audit.FromContext(r.Context()) == nil {
					t.Errorf("principal %v", got)
				}
			}))
			o := one(t, handler, true, request(t, test.method, "/", ""))
			if o.err != nil || o.status != test.status {
				t.Fatalf("%d, %v: %s", o.status, o.err, o.body)
			}
			for key, want := range test.event {
				if o.event[key] != want {
					t.Errorf("%s is %v, want %v", key, o.event[key], want)
				}
			}
			notice := map[string]string{"MustChange": "must-change", "NoChange": "must-change", "Change": "must-change", "Grace": "grace-logins=1"}[name]
			if got := o.header.Get("Password-Policy"); got != notice {
				t.Errorf("notice %q, want %q", got, notice)
			}
			if challenge := o.header.Get("WWW-Authenticate"); (challenge != "") != (test.status == 401) {
				t.Errorf("challenge %q", challenge)
			}
		})
	}
}

func TestReadBody(t *testing.T) {
	var body []byte
	var failed error
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, failed = ReadBody(w, r, 8); failed != nil {
			WriteError(w, r, failed)
		}
	})
	for _, http2 := range []bool{false, true} {
		for name, test := range map[string]struct {
			body    string
			chunked bool
			status  int
		}{
			"None": {"", false, 200}, "Short": {"1234", false, 200}, "Full": {"12345678", false, 200}, "FullChunked": {"12345678", true, 200},
			"S_G01/Length": {"123456789", false, 413}, "S_G01/Chunked": {"123456789", true, 413},
		} {
			t.Run(fmt.Sprint(name, "/", http2), func(t *testing.T) {
				req := request(t, http.MethodPut, "/", test.body)
				if test.chunked {
					req.ContentLength = -1
				}
				o := one(t, handler, http2, req)
				if o.err != nil || o.status != test.status {
					t.Fatalf("%d, %v: %s", o.status, o.err, o.body)
				}
				if test.status == 200 && string(body) != test.body {
					t.Errorf("read %q", body)
				}
				if test.status == 413 && !strings.Contains(o.body, `"kind":"bodyTooLarge","limit":8`) {
					t.Errorf("answer %s", o.body)
				}
			})
		}
	}
}

// No more than the limit and one byte is read.
func TestReadBodyStops(t *testing.T) {
	counted := &counter{}
	r := request(t, http.MethodPut, "/", "x")
	r.Body, r.ContentLength = io.NopCloser(counted), -1
	if _, err := ReadBody(nil, r, 1000); !errors.Is(err, fault.TooLarge) || counted.n > 1001 {
		t.Errorf("%v after %d bytes", err, counted.n)
	}
}

// counter is an endless body.
type counter struct{ n int }

func (c *counter) Read(p []byte) (int, error) { c.n += len(p); return len(p), nil }

// The server refuses what two readers could take for different requests.
func TestMalformedRequests(t *testing.T) {
	for name, text := range map[string]string{
		"S_G05/TwoLengths": "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"S_G05/Coding":     "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\nab",
		"S_G05/TwoHosts":   "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"S_G05/NoHost":     "GET / HTTP/1.1\r\n\r\n",
		"S_G05/NUL":        "GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
		"S_G05/Space":      "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
		"Escape":           "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was reached") }),
				func(t *testing.T, f *fixture, listener *pipes) {
					conn := handshake(t, f, listener)
					defer conn.Close()
					_, _ = io.WriteString(conn, text)
					answer, _ := io.ReadAll(conn)
					if strings.Count(string(answer), "HTTP/1.1 ") != 1 || !strings.HasPrefix(string(answer), "HTTP/1.1 400") && !strings.HasPrefix(string(answer), "HTTP/1.1 501") {
						t.Errorf("answer %q", answer)
					}
				})
		})
	}
}

func TestErrorBody(t *testing.T) {
	detailed := fault.New(fault.Invalid, "not \"so\"\n\x01 \xff").Named("wrongType").At("/name")
	detailed.Detail.Parameter, detailed.Detail.Position, detailed.Detail.Limit, detailed.Detail.Attribute = "_fields", 3, 4, "cn"
	got := string(appendError(nil, 400, detailed))
	want := `{"code":400,"reason":"Bad Request","message":"not \"so\"\u000a\u0001 ` + "\ufffd" + `","detail":{"kind":"wrongType","field":"/name","parameter":"_fields","position":3,"limit":4,"attribute":"cn"}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func oops() { panic("oops") } //nolint:forbidigo // A defect of a handler.

func abort() { panic(http.ErrAbortHandler) } //nolint:forbidigo // What a proxy of net/http does.
