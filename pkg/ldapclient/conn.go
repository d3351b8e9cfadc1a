package ldapclient

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

const (
	// maxMessage is the longest message taken from a server.
	maxMessage = 64 << 20
	// maxMessageID ends the life of a connection long before its ids run out.
	maxMessageID = 1 << 30
	// writeTimeout bounds the time for which a server takes nothing.
	writeTimeout = 30 * time.Second
	// maxEntries bounds what one operation may collect. A page has 500
	// entries; only a server that ignores paging and limits sends more.
	maxEntries = 20_000
)

// errClosed ends operations on a connection that we closed.
var errClosed = errors.New("the connection was closed")

// errTooMany ends an operation whose answer is longer than it may be.
var errTooMany = errors.New("the server sent more entries than were asked for")

// conn is a bound connection. One goroutine reads; any may write.
type conn struct {
	net    net.Conn
	server *server

	writing sync.Mutex
	buffer  []byte // guarded by writing

	mu      sync.Mutex // guards the fields below
	pending map[int32]*operation
	lastID  int32
	failure error // why the connection is dead; nil while it lives

	dead chan struct{} // closed with failure
}

// operation is a request at work, and what has come back for it.
type operation struct {
	entries    []*directory.Entry
	references int
	final      *ldapwire.Message
	err        error
	done       chan struct{} // has room for one
}

// newConn makes a connection of a bound socket. The reader runs until the
// connection ends, which it tells the server of.
func newConn(s *server, socket net.Conn) *conn {
	return &conn{net: socket, server: s, pending: make(map[int32]*operation), lastID: 1, dead: make(chan struct{})}
}

// read takes messages from the server until there are no more.
func (c *conn) read() {
	messages := ldapwire.NewReader(c.net, maxMessage)
	for {
		m, err := messages.Read()
		if err == nil && m.ID == 0 {
			err = noticeOf(m)
		}
		if err == nil {
			err = c.take(m)
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// noticeOf is the error of an unsolicited notification, which announces the end
// (RFC 4511 §4.4.1).
func noticeOf(m *ldapwire.Message) error {
	result, err := m.Result()
	if err != nil {
		return err
	}
	return &noticeError{result}
}

// noticeError is a server's announcement that it ends the connection.
type noticeError struct{ result ldapwire.Result }

func (e *noticeError) Error() string {
	return "the server ended the connection: " + e.result.Diagnostic
}

// take gives a message to the operation that it is for. Messages for operations
// that were given up are dropped.
func (c *conn) take(m *ldapwire.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	op := c.pending[m.ID]
	if op == nil {
		return nil
	}
	switch m.Op {
	case ldapwire.SearchResultEntry:
		entry, err := m.Entry()
		if err != nil {
			return err
		}
		if len(op.entries) == maxEntries {
			c.finish(m.ID, op, nil, errTooMany)
			return nil
		}
		op.entries = append(op.entries, entry)
	case ldapwire.SearchResultReference:
		op.references++
	case ldapwire.IntermediateResponse:
	default:
		c.finish(m.ID, op, m, nil)
	}
	return nil
}

// finish ends an operation. c.mu is held.
func (c *conn) finish(id int32, op *operation, final *ldapwire.Message, err error) {
	delete(c.pending, id)
	op.final, op.err = final, err
	op.done <- struct{}{}
}

// fail ends the connection and everything on it. The first reason counts.
func (c *conn) fail(reason error) {
	c.mu.Lock()
	if c.failure != nil {
		c.mu.Unlock()
		return
	}
	c.failure = reason
	for id, op := range c.pending {
		c.finish(id, op, nil, &lostError{reason})
	}
	c.mu.Unlock()
	close(c.dead)
	_ = c.net.Close()
	c.server.lost(c, reason)
}

// close says goodbye and ends the connection.
func (c *conn) close() {
	c.writing.Lock()
	_ = c.net.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = c.net.Write(ldapwire.AppendUnbind(nil, maxMessageID+1)) // A goodbye that does not arrive changes nothing.
	c.writing.Unlock()
	c.fail(errClosed)
}

// isWorn reports whether the connection should not be used for more.
func (c *conn) isWorn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure != nil || c.lastID >= maxMessageID
}

// lostError is the end of a connection under an operation that had been sent.
type lostError struct{ reason error }

func (e *lostError) Error() string { return "the connection was lost: " + e.reason.Error() }
func (e *lostError) Unwrap() error { return e.reason }

// unsentError tells that nothing of a request left.
type unsentError struct{ reason error }

func (e *unsentError) Error() string { return "nothing was sent: " + e.reason.Error() }
func (e *unsentError) Unwrap() error { return e.reason }

// do sends a request and waits for its end. The request is what encode appends. An
// error is *unsentError, *lostError, the error of ctx, or errTooMany; a result that
// the server sent, whatever it says, is none.
func (c *conn) do(ctx context.Context, encode func(dst []byte, id int32) []byte) (*operation, error) {
	op := &operation{done: make(chan struct{}, 1)}
	id, err := c.register(op)
	if err != nil {
		return nil, &unsentError{err}
	}
	if err := c.send(func(dst []byte) []byte { return encode(dst, id) }); err != nil {
		// Some of it may have left, or all: the connection is of no more use.
		c.fail(err)
	}
	select {
	case <-op.done:
	case <-ctx.Done():
		if !c.forget(id) {
			<-op.done // It ended in this moment.
			return op, op.err
		}
		c.abandon(id)
		return nil, context.Cause(ctx)
	}
	return op, op.err
}

func (c *conn) register(op *operation) (int32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return 0, c.failure
	}
	c.lastID++
	c.pending[c.lastID] = op
	return c.lastID, nil
}

// forget gives an operation up. It reports false when it has ended already.
func (c *conn) forget(id int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.pending[id]
	delete(c.pending, id)
	return ok
}

// abandon tells the server that nobody waits any more. It does not wait for a
// server that takes nothing.
func (c *conn) abandon(operation int32) {
	c.mu.Lock()
	c.lastID++
	id := c.lastID
	c.mu.Unlock()
	c.server.client.work.Go(func() {
		if err := c.send(func(dst []byte) []byte { return ldapwire.AppendAbandon(dst, id, operation) }); err != nil {
			c.fail(err)
		}
	})
}

func (c *conn) send(encode func(dst []byte) []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.buffer = encode(c.buffer[:0])
	if cap(c.buffer) > 1<<20 {
		defer func() { c.buffer = nil }() // Not for every connection for ever.
	}
	if err := c.net.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	n, err := c.net.Write(c.buffer)
	if err == nil && n < len(c.buffer) {
		err = io.ErrShortWrite
	}
	return err
}
