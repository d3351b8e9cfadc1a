package crest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is a gateway that answers what a test says, and notes what it is asked.
type service struct {
	mu       sync.Mutex
	asked    []asked
	answer   func(*mapping.Request) (*gateway.Answer, error)
	rows     []string
	rowError error
	once     bool     // rowError is that of the first query only
	avoided  []string // the servers that each query should not go to
	cookie   string   // after the rows
	// binding is what Describe returns, or else describeError.
	binding       *mapping.Binding
	describeError error
}

type asked struct {
	API string
	mapping.Request
}

func (s *service) note(p auth.Principal, api string, req *mapping.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Name != "bjensen" {
		api = "asked by " + p.Name
	}
	s.asked = append(s.asked, asked{api, *req})
}

func (s *service) Do(_ context.Context, p auth.Principal, api string, req *mapping.Request) (*gateway.Answer, error) {
	s.note(p, api, req)
	if s.answer == nil {
		return &gateway.Answer{JSON: []byte(`{"_id":"bjensen"}`), ID: "bjensen", Revision: mapping.Revision{Value: "7"}, Created: req.Verb == mapping.Create}, nil
	}
	return s.answer(req)
}

func (s *service) Describe(_ context.Context, p auth.Principal, api, version string) (*mapping.Binding, error) {
	s.note(p, api, &mapping.Request{Version: version})
	return s.binding, s.describeError
}

func (s *service) Query(ctx context.Context, p auth.Principal, api string, req *mapping.Request, row func([]byte) error) (gateway.Listing, error) {
	s.note(p, api, req)
	for i, text := range s.rows {
		if err := row([]byte(text)); err != nil {
			return gateway.Listing{Count: i}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.avoided = append(s.avoided, directory.Avoided(ctx))
	if s.once && len(s.asked) > 1 {
		return gateway.Listing{Count: len(s.rows), Cookie: s.cookie, Total: -1}, nil
	}
	return gateway.Listing{Count: len(s.rows), Cookie: s.cookie, Total: -1}, s.rowError
}

// front is the protocol in front of a service, over HTTPS.
type front struct {
	*service

	url      string
	clients  map[bool]*http.Client // by whether they speak HTTP/2
	sink     *lines
	recorder *audit.Recorder
	server   *httptest.Server
}

// lines is an audit sink in memory.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}
func (*lines) Sync() error   { return nil }
func (*lines) Reopen() error { return nil }
func (*lines) Close() error  { return nil }

func newFront(t *testing.T, s *service, o Options) *front {
	t.Helper()
	f := &front{service: s, sink: &lines{}}
	o.Service = s
	if o.APIs == nil {
		o.APIs = []API{{BasePath: "api"}}
	}
	handler, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if f.recorder, err = audit.NewRecorder(audit.Options{Sink: f.sink, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	principal := &auth.Principal{Name: "bjensen"}
	known := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodOptions && r.Header.Get("X-Nobody") == "" {
			r = r.WithContext(auth.NewContext(r.Context(), principal))
		}
		handler.ServeHTTP(w, r)
	})
	f.server = httptest.NewUnstartedServer(httpserver.Record(f.recorder)(known))
	f.server.EnableHTTP2 = true
	f.server.StartTLS()
	f.url = f.server.URL
	f.clients = make(map[bool]*http.Client)
	for _, http2 := range []bool{false, true} {
		transport := f.server.Client().Transport.(*http.Transport).Clone()
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP1(!http2)
		transport.Protocols.SetHTTP2(http2)
		if !http2 {
			transport.TLSClientConfig.NextProtos = nil
		}
		f.clients[http2] = &http.Client{Transport: transport}
	}
	t.Cleanup(f.close)
	return f
}

func (f *front) close() {
	for _, client := range f.clients {
		client.CloseIdleConnections()
	}
	f.server.Close()
	_ = f.recorder.Close()
}

// events ends the server and returns what was recorded.
func (f *front) events(t *testing.T) []map[string]any {
	t.Helper()
	f.close()
	var events []map[string]any
	for line := range strings.Lines(f.sink.text.String()) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	length int64
	body   string
	err    error // of the body
}

// detail returns the members of the error body's detail.
func (r reply) detail() map[string]any {
	var body struct{ Detail map[string]any }
	_ = json.Unmarshal([]byte(r.body), &body)
	return body.Detail
}

// send sends a request; header holds pairs. A body is JSON unless a pair says otherwise.
func (f *front) send(t *testing.T, method, target, body string, header ...string) reply {
	t.Helper()
	return f.sendBy(t, true, method, target, body, header...)
}

func (f *front) sendBy(t *testing.T, http2 bool, method, target, body string, header ...string) reply {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, f.url+target, reader)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	response, err := f.clients[http2].Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, response.ContentLength, string(data), err}
}
