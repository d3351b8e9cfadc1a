package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

const (
	// probeFirst and probeLast bound the pause between two probes, which doubles.
	probeFirst = time.Second
	probeLast  = 30 * time.Second
	// probeTimeout bounds one probe.
	probeTimeout = 30 * time.Second
)

// checker is the part of the directory that a probe needs.
type checker interface {
	// Check returns nil when the directory can do what the configuration asks for, a
	// fault with the detail proxiedAuthorization when it cannot, and any other error when
	// that is unknown.
	Check(ctx context.Context) error
}

// unfit reports whether err tells that the directory will never do.
func unfit(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Detail.Kind == "proxiedAuthorization"
}

// probe asks the directory, until it has answered once, whether it can do what the
// configuration asks for. It returns an error when it cannot, and nil when it can or
// ctx ended.
func (a *App) probe(ctx context.Context, directory checker) error {
	pause, told := probeFirst, ""
	for {
		err := probeOnce(ctx, directory)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // The gateway ends; what the directory can do is no matter any more.
		case err == nil:
			a.logger.Info("the directory answers")
			return nil
		case unfit(err):
			return fmt.Errorf("the directory cannot do what the configuration asks for: %w", err)
		case err.Error() != told:
			a.logger.Warn("the directory does not serve; requests are refused until it does", "error", err)
			told = err.Error()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, probeLast)
	}
}

func probeOnce(ctx context.Context, directory checker) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return directory.Check(ctx)
}
