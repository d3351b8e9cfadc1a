package ldapclient

import (
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7) (RFC 5482), in milliseconds.
const tcpUserTimeout = 0x12

// limitUnacknowledged ends a connection when what was sent is not acknowledged in time.
// A system that does not know the option leaves that to the deadlines of requests.
func limitUnacknowledged(socket syscall.RawConn, limit time.Duration) error {
	return socket.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(limit.Milliseconds()))
	})
}
