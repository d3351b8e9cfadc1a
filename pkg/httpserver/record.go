package httpserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// transactionHeader carries the transaction id, in canonical form.
const transactionHeader = "X-Forgerock-Transactionid"

// truncated is the result of a request whose answer broke off for no fault that
// somebody told.
const truncated = "truncated"

// RecordOption changes what Record does.
type RecordOption func(*recorder)

// TrustTransactionID takes the transaction id from the request, when it has one that
// is well-formed: for a gateway behind a proxy that sets or removes the header
// X-ForgeRock-TransactionId. Without it every request gets an id of its own.
func TrustTransactionID(r *recorder) { r.trust = true }

// FormatErrors has error bodies pass through a function, which returns the body in the form
// that the request asks for.
func FormatErrors(format func(r *http.Request, body []byte) []byte) RecordOption {
	return func(r *recorder) { r.format = format }
}

// Tracer is told of requests, to measure them. Its methods are called by many goroutines
// at once; a request waits for them.
type Tracer interface {
	// RequestBegins is called when a request has arrived.
	RequestBegins()
	// RequestEnds is called once for each that began: when its answer is there, or broken
	// off, which is the status 0. method is what the client sent, took the time since then.
	RequestEnds(method string, status int, took time.Duration)
}

// Trace has a tracer told of each request.
func Trace(t Tracer) RecordOption {
	return func(r *recorder) { r.tracer = t }
}

type recorder struct {
	*audit.Recorder
	trust  bool
	format func(*http.Request, []byte) []byte // nil leaves errors as they are
	tracer Tracer                             // nil for none
}

// Record makes the audit event of each request and puts it into the context
// (audit.FromContext). The event ends when the handler returns, with the status, and
// with the kind of the fault that [WriteError] or [Abort] was given. Every answer
// carries the event's transaction id in the header X-ForgeRock-TransactionId.
//
// A panic of the handler is logged and answered with a 500; when the answer has
// begun, it is broken off. An answer that was broken off has the status it began
// with, or 0 if nothing was sent, and the kind of its fault, or "truncated".
func Record(to *audit.Recorder, options ...RecordOption) func(http.Handler) http.Handler {
	rec := &recorder{Recorder: to}
	for _, option := range options {
		option(rec)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := rec.begin(w, r)
			defer a.end(r)
			if err := malformed(r); err != nil {
				WriteError(a, r, err)
				return
			}
			next.ServeHTTP(a, r.WithContext(audit.NewContext(r.Context(), a.event)))
		})
	}
}

func (rec *recorder) begin(w http.ResponseWriter, r *http.Request) *answer {
	id := rec.transactionID(r)
	w.Header()[transactionHeader] = []string{id}
	a := &answer{
		ResponseWriter: w, settings: settingsOf(r.Context()), controller: http.NewResponseController(w),
		event: rec.Begin(audit.Start{TransactionID: id, Client: host(r.RemoteAddr), Method: r.Method, Path: RawPath(r.URL), TLS: r.TLS}),
		head:  r.Method == http.MethodHead, format: rec.format, tracer: rec.tracer,
	}
	if a.tracer != nil {
		a.began = time.Now()
		a.tracer.RequestBegins()
	}
	if HasBody(r) && a.bodyTimeout > 0 {
		// ReadBody lifts it. A body that nobody reads is discarded within it.
		_ = a.controller.SetReadDeadline(time.Now().Add(a.bodyTimeout)) // A connection that is gone fails at the read.
	}
	return a
}

// end is deferred, so that it sees a panic.
func (a *answer) end(r *http.Request) {
	switch panicked := recover(); panicked {
	case nil:
		if a.status == 0 {
			a.status = http.StatusOK // What net/http sends for a handler that wrote nothing.
		}
		a.limit() // The rest of the answer leaves after this.
		a.complete(r)
	case http.ErrAbortHandler:
		a.broken(r)
		panic(panicked) //nolint:forbidigo // The sentinel by which net/http breaks off an answer.
	default:
		a.logger.LogAttrs(r.Context(), slog.LevelError, "a request panicked",
			slog.String("transactionId", a.event.TransactionID()), slog.String("panic", fmt.Sprint(panicked)), slog.String("stack", string(debug.Stack())))
		a.failed(r)
	}
}

// failed answers a request whose handler panicked.
func (a *answer) failed(r *http.Request) {
	err := fault.New(fault.Internal, "the handler panicked")
	a.note(err)
	if a.status != 0 {
		a.broken(r)
		panic(http.ErrAbortHandler) //nolint:forbidigo // As above.
	}
	a.Header()["Connection"] = closing // Nobody knows what the handler has left behind.
	writeFault(a, r, err)
	a.limit()
	a.complete(r)
}

// complete closes the record of a request whose answer is whole.
func (a *answer) complete(r *http.Request) {
	a.event.End(a.status, a.result(""))
	a.trace(r, a.status)
}

// broken closes that of one whose answer breaks off.
func (a *answer) broken(r *http.Request) {
	a.event.End(a.status, a.result(truncated))
	a.trace(r, 0)
}

func (a *answer) trace(r *http.Request, status int) {
	if a.tracer != nil {
		a.tracer.RequestEnds(r.Method, status, time.Since(a.began))
	}
}

// result is the kind of the noted fault, or standard.
func (a *answer) result(standard string) string {
	if a.fault == nil {
		return standard
	}
	return asFault(a.fault).Kind.String()
}

func (rec *recorder) transactionID(r *http.Request) string {
	if values := r.Header[transactionHeader]; rec.trust && len(values) == 1 && isTransactionID(values[0]) {
		return values[0]
	}
	return rand.Text()
}

// maxTransactionID is the length of the longest transaction id that is taken.
const maxTransactionID = 128

// isTransactionID tells an id that is safe in a header and in a log.
func isTransactionID(id string) bool {
	for i := range len(id) {
		c := id[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '-' && c != '_' && c != '.' && c != ':' && c != '/' {
			return false
		}
	}
	return id != "" && len(id) <= maxTransactionID
}

// host returns the address without its port.
func host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}

// RawPath returns the path of a request as it was received, with its percent escapes
// and without host and query.
func RawPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

// TransactionID returns the transaction id of the request, "" when it is not recorded.
func TransactionID(ctx context.Context) string { return audit.FromContext(ctx).TransactionID() }
