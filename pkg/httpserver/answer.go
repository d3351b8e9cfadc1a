package httpserver

import (
	"errors"
	"net/http"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// answer is the response of a recorded request. It notes the status and the first
// fault, and gives each write its time limit.
type answer struct {
	http.ResponseWriter
	settings

	controller *http.ResponseController // of the ResponseWriter
	event      *audit.Event
	status     int                                // 0 before the header is written
	fault      error                              // the first one
	timed      bool                               // a limit for writes is set
	head       bool                               // the method is HEAD: there is no body
	format     func(*http.Request, []byte) []byte // of error bodies; nil for none
	tracer     Tracer                             // nil for none
	began      time.Time                          // for the tracer
}

// answerOf finds the answer that w wraps, nil when the request is not recorded.
func answerOf(w http.ResponseWriter) *answer {
	for {
		switch wrapped := w.(type) {
		case *answer:
			return wrapped
		case interface{ Unwrap() http.ResponseWriter }:
			w = wrapped.Unwrap()
		default:
			return nil
		}
	}
}

// Unwrap returns the writer below, for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.head { // In HTTP/2 the stream may be closed already, which is no fault.
		return len(p), nil
	}
	a.limit()
	n, err := a.ResponseWriter.Write(p)
	switch {
	case err == nil:
	case errors.Is(err, http.ErrBodyNotAllowed), errors.Is(err, http.ErrContentLength):
		a.note(fault.Wrap(fault.Internal, err, "the handler wrote more than it announced"))
	default:
		a.note(gone(err))
	}
	return n, err
}

// FlushError sends what is buffered, and then lifts the limit for writes: the time
// until the next piece of an answer is the handler's.
func (a *answer) FlushError() error {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.head {
		return nil
	}
	a.limit()
	err := a.controller.Flush()
	if err != nil {
		a.note(gone(err))
		return err
	}
	a.timed = false
	if a.stallTimeout > 0 {
		_ = a.controller.SetWriteDeadline(time.Time{}) // A connection that is gone fails at the next write.
	}
	return nil
}

// Flush makes the answer an http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() } // The fault is noted.

// limit sets the limit for what is written next. One that is set already stays: it is
// that of the first of the writes that nobody flushed.
func (a *answer) limit() {
	if a.timed || a.stallTimeout <= 0 {
		return
	}
	a.timed = true
	_ = a.controller.SetWriteDeadline(time.Now().Add(a.stallTimeout)) // As above.
}

// gone is the fault of a write that failed.
func gone(err error) error {
	return fault.Wrap(fault.Canceled, err, "the client takes no more of the answer")
}

// note keeps the first fault.
func (a *answer) note(err error) {
	if a.fault == nil {
		a.fault = err
	}
}
