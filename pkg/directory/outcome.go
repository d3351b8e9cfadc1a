package directory

import "errors"

// Progress is how far an operation that failed has come.
type Progress int

const (
	// NoProgress is that of an error that is not the end of an operation: nothing was to be
	// sent, or it is about something else.
	NoProgress Progress = iota
	// NotSent is a request of which nothing left: it may be sent again.
	NotSent
	// SentNoAnswer is a request that left, or a part of it, and got no answer in time, or
	// before its connection was lost.
	SentNoAnswer
	// Answered is a request that the server answered; Outcome.Code is its result.
	Answered
	// ProtocolError is a request whose answer made no sense.
	ProtocolError
	// Cancelled is a request whose caller went away; Outcome.Sent tells when.
	Cancelled
)

// Outcome tells what became of an operation.
type Outcome struct {
	Progress Progress
	// Code is the result code of a server that Answered (RFC 4511 §4.1.9).
	Code int
	// Sent tells that the request left, or that a part of it may have.
	Sent bool
}

// MayHaveChanged reports whether a change that ended like this may have been made.
func (o Outcome) MayHaveChanged() bool {
	switch o.Progress {
	case SentNoAnswer, ProtocolError:
		return true
	case Cancelled:
		return o.Sent
	case Answered:
		return o.Code == 0
	case NoProgress, NotSent:
	}
	return false
}

// OutcomeOf returns the outcome of the operation of a Session that returned err. It is
// the zero Outcome where err is of something else: that of a yield, for instance.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Outcome{Progress: Answered, Sent: true}
	}
	var end interface{ Outcome() Outcome }
	if errors.As(err, &end) {
		return end.Outcome()
	}
	return Outcome{}
}
