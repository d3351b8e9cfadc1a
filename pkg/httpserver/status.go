package httpserver

import (
	"context"
	"errors"
	"net/http"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// statusClientClosed is what is recorded for a caller that went away before its
// answer. RFC 9110 has no status for what nobody receives; this is the usual one.
const statusClientClosed = 499

// bodyTimeout is the finer kind of a fault with a status of its own: the body did not
// arrive in time (RFC 9110 §15.5.9).
const bodyTimeout = "bodyTimeout"

// statuses is the status of each kind.
var statuses = [...]int{ //nolint:gochecknoglobals // constant table, an array cannot be const
	fault.Internal:             http.StatusInternalServerError,
	fault.Invalid:              http.StatusBadRequest,
	fault.Unauthenticated:      http.StatusUnauthorized,
	fault.Forbidden:            http.StatusForbidden,
	fault.NotFound:             http.StatusNotFound,
	fault.MethodNotAllowed:     http.StatusMethodNotAllowed,
	fault.Conflict:             http.StatusConflict,
	fault.PreconditionFailed:   http.StatusPreconditionFailed,
	fault.TooLarge:             http.StatusRequestEntityTooLarge,
	fault.UnsupportedMediaType: http.StatusUnsupportedMediaType,
	fault.TooManyRequests:      http.StatusTooManyRequests,
	fault.Unsupported:          http.StatusNotImplemented,
	fault.BadGateway:           http.StatusBadGateway,
	fault.Unavailable:          http.StatusServiceUnavailable,
	fault.Timeout:              http.StatusGatewayTimeout,
	fault.Canceled:             statusClientClosed,
}

// Status returns the HTTP status of an error: that of its kind, and 408 for a body
// that did not arrive in time. Of an error that is no fault, the end of a context
// counts as Canceled or Timeout, and anything else as Internal.
func Status(err error) int { return statusOf(asFault(err)) }

func statusOf(e *fault.Error) int {
	switch {
	case e.Kind == fault.Invalid && e.Detail.Kind == bodyTimeout:
		return http.StatusRequestTimeout
	case e.Kind < 0 || int(e.Kind) >= len(statuses):
		return http.StatusInternalServerError
	}
	return statuses[e.Kind]
}

// asFault returns the first fault in the chain of err, or makes one.
func asFault(err error) *fault.Error {
	var e *fault.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fault.Canceled, err, "the request was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Timeout, err, "the request took too long")
	}
	return fault.Wrap(fault.Internal, err, "an unexpected error")
}

// reason is the reason phrase of a status.
func reason(status int) string {
	if status == statusClientClosed {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}
