package directory

import (
	"context"
	"errors"
)

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
	// Server names the server whose connection was lost with the request, "" for any other
	// end.
	Server string
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

// elsewhere is the key of what Elsewhere puts into a context.
type elsewhere struct{}

// Elsewhere returns a context for another attempt at something that failed with err because a
// connection was lost: what reads with it goes to other servers first, as far as any is up.
func Elsewhere(ctx context.Context, err error) context.Context {
	if server := OutcomeOf(err).Server; server != "" {
		return context.WithValue(ctx, elsewhere{}, server)
	}
	return ctx
}

// Avoided returns the name of the server that should be asked last on behalf of ctx, "" for
// none; see Elsewhere.
func Avoided(ctx context.Context) string {
	server, _ := ctx.Value(elsewhere{}).(string)
	return server
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
