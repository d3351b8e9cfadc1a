//go:build !linux

package ldapclient

import (
	"syscall"
	"time"
)

// limitUnacknowledged does nothing here: the deadlines of requests have to do.
func limitUnacknowledged(syscall.RawConn, time.Duration) error { return nil }
