package memdir

import (
	"crypto/tls"
	"errors"
	"sync"
	"time"
)

// output is the way back to a client. Its methods may be called from any goroutine.
type output struct {
	conn    *tls.Conn
	timeout time.Duration

	mu sync.Mutex // guards writes to conn
}

// write sends bytes when allowed says so at the moment at which it is their turn. A
// client that does not take them in time loses its connection.
func (o *output) write(encoded []byte, allowed func() bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !allowed() {
		return errGivenUp
	}
	err := o.conn.SetWriteDeadline(time.Now().Add(o.timeout))
	if err == nil {
		_, err = o.conn.Write(encoded)
	}
	if err != nil {
		o.abort() // What was half written makes no sense to anybody.
	}
	return err
}

// errGivenUp is that nobody waits for an answer any more.
var errGivenUp = errors.New("the operation was given up")

// abort ends the connection at once, without the goodbye of TLS; reading from it fails.
func (o *output) abort() { _ = o.conn.NetConn().Close() }
