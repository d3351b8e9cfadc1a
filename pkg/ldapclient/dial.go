package ldapclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// keepAlive finds out that the way to a server is gone while nothing is sent.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
}

// enter waits until a connection to the server may be opened, for the pools and for user
// binds; leave lets the next one in.
func (s *server) enter(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

func (s *server) leave() { <-s.slots }

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
	if s.startTLS {
		if err := c.decoding(s, func() error { return startTLS(ctx, socket) }); err != nil {
			_ = socket.Close()
			return nil, err
		}
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

// startTLS asks for TLS on a fresh connection, and sends nothing else (RFC 4511 §4.14).
// Whatever comes behind the answer was not sent by the server over TLS, but by somebody who
// wants it to pass for that. A server that refuses may do it later; it is down until then.
func startTLS(ctx context.Context, socket net.Conn) error {
	fresh := newStream(socket)
	_, result, err := fresh.extended(ctx, bindID, ldapwire.OIDStartTLS)
	switch {
	case err != nil:
		return fmt.Errorf("StartTLS: %w", err)
	case result.Code != codeSuccess:
		return fmt.Errorf("StartTLS was refused: %w", &resultError{result})
	case fresh.messages.Buffered() > 0:
		return &handshakeError{errors.New("the answer to StartTLS is followed by what is not TLS")}
	}
	return nil
}

// handshakeError tells that a connection got no further than TLS.
type handshakeError struct{ reason error }

func (e *handshakeError) Error() string { return "TLS: " + e.reason.Error() }
func (e *handshakeError) Unwrap() error { return e.reason }
