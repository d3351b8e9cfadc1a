package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
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
	failures    *atomic.Int64
	connections *connections
}

func (l tlsOnly) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		if !errors.Is(err, net.ErrClosed) {
			l.failures.Add(1) // net/http tries again after a pause.
		}
		return nil, err
	}
	if !l.connections.enter() {
		_ = conn.Close() // There is nobody to tell.
		return nil, net.ErrClosed
	}
	return &tlsConn{Conn: conn, leave: l.connections.leave}, nil
}

// Close ends Accept, also one that waits.
func (l tlsOnly) Close() error {
	l.connections.close()
	return l.Listener.Close()
}

// tlsConn is a connection that ends when its first byte begins no TLS record. The
// first reads come from one goroutine, the one that shakes hands.
type tlsConn struct {
	net.Conn
	begun   bool
	leave   func()      // gives up its place
	hasLeft atomic.Bool // It has given it up, or is about to.
	// evicted tells that it had to make room for another one.
	evicted atomic.Bool
}

func (c *tlsConn) Close() error {
	err := c.Conn.Close()
	if !c.hasLeft.Swap(true) {
		c.leave()
	}
	return err
}

// evict ends a connection at rest, whose place is given to another one. It says no goodbye by
// TLS, which may take as long as the client likes. A request that came in this moment has
// nowhere to be answered, and is not begun. It reports false when the connection has ended
// already, and gives up its place by itself.
func (c *tlsConn) evict() bool {
	if c.hasLeft.Swap(true) {
		return false
	}
	c.evicted.Store(true)
	_ = c.Conn.Close() // There is nobody to tell.
	return true
}

// connKey is the key of the *tlsConn in the context of a request.
type connKey struct{}

// withConn is http.Server.ConnContext.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, connKey{}, secure.NetConn())
}

// isEvicted reports whether the connection of a request has ended before the request began.
func isEvicted(r *http.Request) bool {
	c, ok := r.Context().Value(connKey{}).(*tlsConn)
	return ok && c.evicted.Load()
}

func (c *tlsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.begun || n == 0 {
		return n, err
	}
	if p[0] != recordHandshake {
		_ = c.Close() // There is nobody to tell.
		return 0, errPlaintext
	}
	c.begun = true
	return n, err
}
