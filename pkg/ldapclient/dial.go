package ldapclient

import (
	"context"
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

// keepAlive finds out that the way to a server is gone while nothing is sent.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
}

// dial opens a connection to a server and completes its handshake. The name of the server
// is resolved each time, and all its addresses are tried. Where the system can do that,
// the connection ends when the peer's system has not acknowledged for as long as a
// connection may take what was sent: a request on a way that is gone does not wait for
// its own deadline.
func (c *Client) dial(ctx context.Context, s *server) (*tls.Conn, error) {
	open := c.options.Dial
	if open == nil {
		patience := c.options.ConnectTimeout
		dialer := &net.Dialer{
			KeepAliveConfig: keepAlive(),
			Control:         func(_, _ string, socket syscall.RawConn) error { return limitUnacknowledged(socket, patience) },
		}
		open = func(ctx context.Context, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", address)
		}
	}
	socket, err := open(ctx, s.address)
	if err != nil {
		return nil, err
	}
	config := s.tls
	if c.options.Roots != nil {
		config = config.Clone()
		config.RootCAs = c.options.Roots()
	}
	conn := tls.Client(socket, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = socket.Close()
		return nil, &handshakeError{err}
	}
	return conn, nil
}

// handshakeError tells that a connection got no further than TLS.
type handshakeError struct{ reason error }

func (e *handshakeError) Error() string { return "TLS: " + e.reason.Error() }
func (e *handshakeError) Unwrap() error { return e.reason }
