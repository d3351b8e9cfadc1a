package ldapclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

var (
	// errClosed ends operations on a connection that we closed.
	errClosed = errors.New("the connection was closed")
	// errUnneeded and errExpired end a connection that has no use, and one that has lived
	// long enough.
	errUnneeded = fmt.Errorf("%w: it was not needed", errClosed)
	errExpired  = fmt.Errorf("%w: it was old", errClosed)
	// errConfused ends a connection after a result that tells of a server in disorder.
	errConfused = errors.New("the server reported an error of its own")
	// errSuspect ends a connection because another one to the server went silent.
	errSuspect = errors.New("the server said nothing on another connection")
	// errAcquire and errQueue send away who would have to wait for a connection too long,
	// or behind too many others.
	errAcquire = errors.New("all connections were in use for too long")
	errQueue   = errors.New("too many wait for a connection already")
	// errSilent ends a connection to a server that does not answer any more.
	errSilent = errors.New("the server was asked and said nothing")
	// errUnfinished ends a connection on which something that was given up did not end in time.
	errUnfinished = errors.New("the server went on with what was abandoned")
	// errGap ends an operation in the middle of whose answer the server stopped.
	errGap = errors.New("the server stopped in the middle of its answer")
	// errTooMuch ends an operation whose answer is longer than it may be.
	errTooMuch = errors.New("the server sent more than is taken for one request")
)

// unsentError tells that nothing of a request left.
type unsentError struct{ reason error }

func (e *unsentError) Error() string { return "nothing was sent: " + e.reason.Error() }
func (e *unsentError) Unwrap() error { return e.reason }

// lostError is the end of a connection under an operation that had been sent.
type lostError struct {
	reason error
	server *server // nil for a bind
}

func (e *lostError) Error() string { return "the connection was lost: " + e.reason.Error() }
func (e *lostError) Unwrap() error { return e.reason }

// isGone reports whether an operation ended with its connection.
func isGone(err error) bool {
	var lost *lostError
	return errors.As(err, &lost)
}

// isByServer reports whether it was the server that ended the connection, so that nothing
// more of it is to come there.
func (e *lostError) isByServer() bool {
	var notice *noticeError
	return errors.As(e.reason, &notice) || errors.Is(e.reason, io.EOF) || errors.Is(e.reason, io.ErrUnexpectedEOF) ||
		errors.Is(e.reason, syscall.ECONNRESET)
}

// noticeError is a server's announcement that it ends the connection.
type noticeError struct{ result ldapwire.Result }

func (e *noticeError) Error() string {
	return fmt.Sprintf("the server ended the connection with result %d: %s", e.result.Code, e.result.Diagnostic)
}

// waitError is the end of a wait for a connection.
type waitError struct {
	reason error
	waited time.Duration
}

func (e *waitError) Error() string { return "no connection became free: " + e.reason.Error() }
func (e *waitError) Unwrap() error { return e.reason }

// ended is why ctx is over: its error, and its cause where that says more.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// transportFault turns an error of conn.do or of borrowing into a fault. change
// tells that the request may have changed something.
func transportFault(err error, change bool) *fault.Error {
	var (
		already *fault.Error
		unsent  *unsentError
		lost    *lostError
		waited  *waitError
	)
	if errors.As(err, &already) {
		return already
	}
	err = endOf(err)
	switch {
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fault.Canceled, err, "the caller went away")
	case errors.As(err, &waited):
		e := fault.Wrap(fault.Unavailable, err, "no connection to the directory became free in time; try again later").Named("pool")
		e.RetryAfter = max(waited.waited, firstBackoff) // Others will have to wait as long.
		return e
	case errors.As(err, &unsent) && errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Unavailable, err, "the request could not be sent to the directory in time; try again later").Named("pool")
	case errors.Is(err, context.DeadlineExceeded) && change:
		return fault.Wrap(fault.Timeout, err, "the directory did not answer in time, and the change may have been made; read the resource before you try again").Named("unknownOutcome")
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Timeout, err, "the directory did not answer in time").Named("directoryTimeout")
	case errors.Is(err, errGap):
		return fault.Wrap(fault.Timeout, err, "the directory stopped in the middle of its answer").Named("directoryTimeout")
	case errors.Is(err, errTooMuch):
		return fault.Wrap(fault.TooLarge, err, "the directory's answer is longer than the gateway takes at once; ask for less").Named("answerSize")
	case errors.Is(err, errPanic):
		return fault.Wrap(fault.Internal, err, "the request could not be sent because of a fault of the gateway").Named("gatewayFault")
	case errors.As(err, &unsent):
		return fault.Wrap(fault.Unavailable, err, "the directory cannot be reached; try again later").Named("directoryUnreachable")
	case errors.As(err, &lost) && change:
		return fault.Wrap(fault.Timeout, err, "the connection to the directory was lost, and the change may have been made; read the resource before you try again").Named("unknownOutcome")
	case errors.Is(err, ldapwire.ErrMalformed):
		return fault.Wrap(fault.BadGateway, err, "the directory sent an answer that makes no sense").Named("malformedAnswer")
	}
	return fault.Wrap(fault.Unavailable, err, "the connection to the directory was lost; try again later").Named("directoryUnreachable")
}
