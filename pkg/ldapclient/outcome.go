package ldapclient

import (
	"context"
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// endError is why an operation ended without an answer, with what became of its request.
type endError struct {
	reason  error
	outcome directory.Outcome
}

func (e *endError) Error() string              { return e.reason.Error() }
func (e *endError) Unwrap() error              { return e.reason }
func (e *endError) Outcome() directory.Outcome { return e.outcome }

// unansweredError is the end of an operation that was sent, from our side.
type unansweredError struct{ reason error }

func (e *unansweredError) Error() string { return "no answer was waited for: " + e.reason.Error() }
func (e *unansweredError) Unwrap() error { return e.reason }

// endOf classifies an error of conn.do, of borrowing, or of what an answer says.
func endOf(err error) *endError {
	var (
		lost       *lostError
		unanswered *unansweredError
	)
	server := ""
	if errors.As(err, &lost) && lost.server != nil {
		server = lost.server.address
	}
	isNonsense := errors.Is(err, ldapwire.ErrMalformed)
	o := directory.Outcome{Progress: directory.NotSent, Server: server, Sent: isNonsense || lost != nil || errors.As(err, &unanswered)}
	switch {
	case errors.Is(err, context.Canceled):
		o.Progress = directory.Cancelled
	case isNonsense:
		o.Progress = directory.ProtocolError
	case o.Sent:
		o.Progress = directory.SentNoAnswer
	}
	return &endError{err, o}
}

// Outcome is that of an operation that the server answered.
func (e *resultError) Outcome() directory.Outcome {
	return directory.Outcome{Progress: directory.Answered, Code: e.result.Code, Sent: true}
}
