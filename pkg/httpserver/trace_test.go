package httpserver

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// tracer notes what it is told.
type tracer struct {
	mu    sync.Mutex
	begun int
	ended []traced
}

type traced struct {
	method string
	status int
}

func (l *tracer) RequestBegins() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
}

func (l *tracer) RequestEnds(method string, status int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if took < 0 || took > time.Minute {
		status = -1
	}
	l.ended = append(l.ended, traced{method, status})
}

// A tracer is told of each request once, however it ends.
func TestTrace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method  string
		handler http.HandlerFunc
		want    int
	}{
		"Nothing": {"GET", func(http.ResponseWriter, *http.Request) {}, 200},
		"Status":  {"PUT", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, 201},
		"Fault":   {"DELETE", func(w http.ResponseWriter, r *http.Request) { WriteError(w, r, fault.New(fault.NotFound, "no")) }, 404},
		"Panic":   {"BREW", func(http.ResponseWriter, *http.Request) { panic("oh") }, 500}, //nolint:forbidigo // What the test is about.
		"Broken": {"GET", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("["))
			Abort(w, r, errors.New("gone"))
		}, 0},
		"PanicInAnswer": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("["))
			panic("oh") //nolint:forbidigo // Likewise.
		}, 0},
		"BrokenAtOnce": {"GET", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0}, //nolint:forbidigo // Likewise.
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &tracer{}
			one(t, test.handler, true, request(t, test.method, "/", ""), Trace(l))
			l.mu.Lock()
			defer l.mu.Unlock()
			if want := []traced{{test.method, test.want}}; l.begun != 1 || !slices.Equal(l.ended, want) {
				t.Errorf("%d begun, %v ended, want %v", l.begun, l.ended, want)
			}
		})
	}
}

// nobody measures nothing.
type nobody struct{}

func (nobody) RequestBegins()                         {}
func (nobody) RequestEnds(string, int, time.Duration) {}

// A request that is measured allocates no more than one that is not.
func TestTrace_CostsNothing(t *testing.T) {
	recorder, err := audit.NewRecorder(audit.Options{Sink: &memory{}, Logger: slog.New(slog.DiscardHandler), Gather: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = recorder.Close() }()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	r := httptest.NewRequest(http.MethodGet, "/api/users/bjensen", nil)
	w := httptest.NewRecorder()
	count := func(options ...RecordOption) float64 {
		recorded := Record(recorder, options...)(handler)
		return testing.AllocsPerRun(1000, func() { recorded.ServeHTTP(w, r) })
	}
	if without, with := count(), count(Trace(nobody{})); with > without {
		t.Errorf("%v allocations with a tracer, %v without", with, without)
	}
}

// full is a listener that has no file for the first connections.
type full struct {
	net.Listener
	left int
}

func (f *full) Accept() (net.Conn, error) {
	if f.left--; f.left >= 0 {
		return nil, &net.OpError{Op: "accept", Err: errors.New("too many open files")}
	}
	return f.Listener.Accept()
}

// F_28: connections that could not be taken are counted, the end of the listener is not.
func TestAcceptFailures(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var s Server
	l := tlsOnly{&full{listener, 3}, &s.failures, newConnections(10, slog.New(slog.DiscardHandler))}
	for range 3 {
		if _, err := l.Accept(); err == nil {
			t.Fatal("a connection")
		}
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if n := s.AcceptFailures(); n != 3 {
		t.Errorf("%d failures", n)
	}
}
