package httpserver

import (
	"errors"
	"net"
	"sync/atomic"
)

// errPlaintext ends a connection whose first byte begins no TLS record.
var errPlaintext = errors.New("the client does not speak TLS")

// recordHandshake is the type of the first record of a TLS connection (RFC 8446 §5.1).
const recordHandshake = 22

// tlsOnly keeps net/http from answering in clear: it would tell a client that speaks
// plain HTTP so with a 400.
type tlsOnly struct {
	net.Listener
	failures *atomic.Int64
}

func (l tlsOnly) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		if !errors.Is(err, net.ErrClosed) {
			l.failures.Add(1) // net/http tries again after a pause.
		}
		return nil, err
	}
	return &tlsConn{Conn: conn}, nil
}

// tlsConn is a connection that ends when its first byte begins no TLS record. The
// first reads come from one goroutine, the one that shakes hands.
type tlsConn struct {
	net.Conn
	begun bool
}

func (c *tlsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.begun || n == 0 {
		return n, err
	}
	if p[0] != recordHandshake {
		_ = c.Conn.Close() // There is nobody to tell.
		return 0, errPlaintext
	}
	c.begun = true
	return n, err
}
