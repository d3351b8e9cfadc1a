package ldapclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"
)

// keepAlive finds out that the way to a server is gone while nothing is sent.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
}

// dialTLS opens a connection and completes its handshake. Where the system can do that,
// the connection ends when the peer's system has not acknowledged for as long as patience
// what was sent: a request on a way that is gone does not wait for its own deadline.
func dialTLS(ctx context.Context, address string, config *tls.Config, patience time.Duration) (*tls.Conn, error) {
	dialer := tls.Dialer{Config: config, NetDialer: &net.Dialer{
		KeepAliveConfig: keepAlive(),
		Control:         func(_, _ string, socket syscall.RawConn) error { return limitUnacknowledged(socket, patience) },
	}}
	socket, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn, ok := socket.(*tls.Conn)
	if !ok {
		return nil, errors.New("ldapclient: not a TLS connection") // tls.Dialer promises one.
	}
	return conn, nil
}
