package auth

import (
	"context"
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// WaitFault returns the fault of a verification that did not end: one that is a fault
// already stays as it is, and the end of the caller's own context is Timeout or
// Canceled. What was to be verified is the beginning of the message: "the token".
func WaitFault(err error, what string) error {
	var e *fault.Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Timeout, err, "%s could not be verified in time", what)
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fault.Canceled, err, "the request was given up")
	}
	return fault.Wrap(fault.Unavailable, err, "%s could not be verified", what)
}
