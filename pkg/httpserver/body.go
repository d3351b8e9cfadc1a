package httpserver

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// ReadBody reads the whole body of a request. One of more than limit bytes is
// TooLarge, and no more than limit+1 bytes of it are read; one that breaks off or
// does not arrive within [Options.BodyTimeout] is Invalid, and the latter has the
// status 408.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if !HasBody(r) {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, bodyTooLarge(limit)
	}
	body, err := readAll(io.LimitReader(r.Body, limit+1), r.ContentLength)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fault.Wrap(fault.Invalid, err, "the body did not arrive in time").Named(bodyTimeout)
	case err != nil && r.Context().Err() != nil:
		return nil, fault.Wrap(fault.Canceled, err, "the caller went away")
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, err, "the body breaks off before its end").Named("incompleteBody")
	case int64(len(body)) > limit:
		return nil, bodyTooLarge(limit)
	}
	if answerOf(w) != nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // A connection that is gone fails elsewhere.
	}
	return body, nil
}

// readAll is io.ReadAll with one allocation for a body of known size.
func readAll(from io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return io.ReadAll(from)
	}
	body := make([]byte, size)
	_, err := io.ReadFull(from, body)
	return body, err
}

func bodyTooLarge(limit int64) error {
	e := fault.New(fault.TooLarge, "the body is longer than %d bytes", limit).Named("bodyTooLarge")
	e.Detail.Limit = limit
	return e
}

// HasBody reports whether a request has a body, or may have one whose length it does
// not tell.
func HasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}
