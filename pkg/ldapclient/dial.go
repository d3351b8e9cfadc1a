package ldapclient

import (
	"context"
	"crypto/tls"
	"errors"
)

// dialTLS opens a connection and completes its handshake.
func dialTLS(ctx context.Context, address string, config *tls.Config) (*tls.Conn, error) {
	dialer := tls.Dialer{Config: config}
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
