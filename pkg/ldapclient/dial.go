package ldapclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
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

// bind runs a bind on a fresh connection, with go-ldap, within ctx. The socket is
// the caller's again when it returns; after an error it is to be closed.
func bind(ctx context.Context, socket *tls.Conn, request *ldap.SimpleBindRequest) (*ldap.SimpleBindResult, error) {
	shim := &handover{Conn: socket}
	client := ldap.NewConn(shim, true)
	client.Start()
	stop := context.AfterFunc(ctx, func() { shim.release() })
	result, err := client.SimpleBind(request)
	if !stop() { // ctx has ended, and with it the loan.
		err = ended(ctx)
	}
	// go-ldap's reader waits for more. The deadline ends its wait, and leaves the TLS
	// connection as it is; its Close must not reach the socket.
	shim.release()
	_ = client.Close()
	if err != nil {
		return nil, err
	}
	return result, socket.SetReadDeadline(time.Time{})
}

// handover lends a socket to go-ldap, which would otherwise close it.
type handover struct {
	net.Conn
	reading  sync.Mutex
	released atomic.Bool
}

// release ends the loan. When it returns go-ldap has stopped reading, and will read
// nothing more: go-ldap's own Close does not wait for that, and what its reader took
// would be missing.
func (h *handover) release() {
	h.released.Store(true)
	_ = h.Conn.SetReadDeadline(time.Unix(1, 0)) // A closed socket ends the read too.
	h.reading.Lock()
	h.reading.Unlock() //nolint:staticcheck // The lock is the wait.
}

func (h *handover) Read(p []byte) (int, error) {
	h.reading.Lock()
	defer h.reading.Unlock()
	if h.released.Load() {
		return 0, net.ErrClosed
	}
	return h.Conn.Read(p)
}

func (h *handover) Write(p []byte) (int, error) {
	if h.released.Load() {
		return len(p), nil // go-ldap's goodbye, which is not ours to send.
	}
	return h.Conn.Write(p)
}

func (h *handover) Close() error { return nil }
