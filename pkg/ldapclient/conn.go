package ldapclient

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

const (
	// maxEntries and maxOctets bound what one operation may collect. A page has 500
	// entries; only a server that ignores paging and limits sends more.
	maxEntries = 20_000
	maxOctets  = 256 << 20
	// goodbye bounds the time for which an Abandon or an Unbind tries to leave.
	goodbye = time.Second
	// leastWrite is how long a server may take nothing before a request that cannot
	// leave ends the connection, however little time its caller has.
	leastWrite = 250 * time.Millisecond
)

// conn is a bound connection. One goroutine reads; any may write.
type conn struct {
	stream stream
	pool   *pool
	server *server // of the pool
	// sharing tells that searches share the connection.
	sharing bool

	// born is when the connection was opened, expires when it is too old, rested when it was
	// used last, and parked tells that it rests between two steps of a walk; guarded by server.mu.
	born, expires, rested time.Time
	parked                bool

	writing chan struct{} // holds a token while somebody writes
	buffer  []byte        // guarded by writing
	ready   outbox

	mu      sync.Mutex // guards the fields below
	pending map[int32]*operation
	lastID  int32
	// asked is when the first request was sent after the last message came; zero when
	// there was none.
	asked time.Time
	// done are the ids of the operations that ended last, from any place on: of more than
	// can have been at work at once.
	done     [2 * inFlight]int32
	next     int
	messages uint64 // how many have come
	counted  uint64 // and how many had when isQuiet was called last
	// confused tells that a result says that the server has lost its way, retired that the
	// connection is old: nothing more should be sent.
	confused, retired bool
	// owed is what the server has yet to answer although nobody waits for it, on a connection
	// that is lent to one alone; nil when there is nothing.
	owed *operation
	// gap ends operations in whose answer the server has paused for too long; nil while there
	// are none that have begun to be answered.
	gap     *time.Timer
	failure error // why the connection is dead; nil while it lives
	closing error // why it is about to be ended
}

// request is what to send, once.
type request struct {
	// name is what the Tracer is told.
	name string
	// want is the message with which the server ends the operation.
	want ldapwire.Op
	// controls go with it. One that the server turns out not to have may be left out where
	// isOptional says so.
	controls []ldapwire.Control
	// encode appends the message with those controls.
	encode func(dst []byte, id int32, controls []ldapwire.Control) []byte
	// base is the entry that it is about, where there is one.
	base directory.DN
	// quick tells that it is about one entry, so that a server that is well has its answer soon.
	quick bool
}

// operation is a request at work, and what has come back for it.
type operation struct {
	id         int32
	want       ldapwire.Op
	entries    []*directory.Entry
	octets     int
	references int
	final      *ldapwire.Message
	result     ldapwire.Result // that of final
	err        error
	done       chan struct{} // has room for one
	conn       *conn         // on which it was answered
	// heard is when the last part of the answer came; zero before the first.
	heard time.Time
	// left is closed when the request is about to leave, or cannot; nil where nobody waits
	// for that.
	left chan struct{}
	// isDropped tells that nobody wants the answer, and octets then is how much of it came.
	isDropped bool
	without   []string // the controls that were left out
	// wait is how long the server should be left alone, 0 when it was not too busy.
	wait time.Duration
}

// newConn makes a connection of a bound one. Somebody has to run read.
func newConn(p *pool, bound stream, sharing bool) *conn {
	return &conn{
		stream: bound, pool: p, server: p.server, sharing: sharing,
		writing: make(chan struct{}, 1), pending: make(map[int32]*operation), lastID: firstID,
	}
}

// run sends a request and waits for its end. An error is *unsentError, *lostError, or
// *unansweredError, for the end of ctx or errTooMuch; a result that the server sent, whatever
// it says, is none.
func (c *conn) run(ctx context.Context, r request, op *operation) (*operation, error) {
	if err := c.post(ctx, op, r); err != nil {
		return nil, &unsentError{err}
	}
	select {
	case <-op.done:
	case <-ctx.Done():
		if c.giveUp(op) {
			return nil, &unansweredError{ended(ctx)}
		}
		<-op.done // It ended in this moment.
	}
	if op.err != nil && ctx.Err() != nil && isGone(op.err) {
		return nil, &unansweredError{ended(ctx)} // The deadline was that of the write, too.
	}
	if op.err == nil {
		op.conn, op.wait = c, c.server.pace(op.result.Code)
	}
	return op, op.err
}

func (c *conn) register(op *operation) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return c.failure
	}
	if c.asked.IsZero() {
		c.asked = time.Now()
	}
	c.lastID++
	op.id = c.lastID
	c.pending[op.id] = op
	if !op.heard.IsZero() {
		c.mind()
	}
	return nil
}

// isSilent reports whether the server has said nothing for as long as a connection may
// take, although it was asked: it, or the way to it, may be gone without a trace.
func (c *conn) isSilent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.asked.IsZero() && time.Since(c.asked) >= c.server.client.options.ConnectTimeout
}

// fail ends the connection and everything on it. The first reason counts.
func (c *conn) fail(reason error) {
	c.mu.Lock()
	if c.failure != nil {
		c.mu.Unlock()
		return
	}
	if c.closing != nil {
		reason = c.closing
	}
	c.failure = reason
	if c.gap != nil {
		c.gap.Stop()
	}
	useless := c.messages == 0 && len(c.pending) > 0
	c.mu.Unlock()
	// First of all nobody else may get it.
	c.pool.lost(c, reason, useless)
	c.mu.Lock()
	for _, op := range c.pending {
		c.finish(op, &lostError{reason, c.server})
	}
	c.mu.Unlock()
	if !errors.Is(reason, errClosed) {
		c.stream.sever()
	}
	_ = c.stream.Close()
}

// close says goodbye and ends the connection for the reason. A goodbye that does not
// arrive changes nothing.
func (c *conn) close(reason error) {
	select {
	case c.writing <- struct{}{}:
		c.mu.Lock()
		c.closing = reason // What the server does about it is no failure.
		c.buffer = ldapwire.AppendUnbind(c.buffer[:0], c.lastID+1)
		c.mu.Unlock()
		_ = c.write(time.Now().Add(goodbye))
		<-c.writing
	default:
	}
	c.fail(reason)
}

// worn tells why the connection should not be used for more; nil when it may be.
func (c *conn) worn() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failure != nil:
		return c.failure
	case c.confused:
		return errConfused
	case c.retired || c.lastID-firstID >= c.server.client.options.MaxOperations:
		return errExpired
	}
	return nil
}

// retire has the connection end when it is given back. It reports false when that is so
// already.
func (c *conn) retire() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.retired
	c.retired = true
	return !was
}

// isQuiet reports whether nothing has come since it was asked last.
func (c *conn) isQuiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	quiet := c.messages == c.counted
	c.counted = c.messages
	return quiet && c.failure == nil
}

// heard is how many messages have come.
func (c *conn) heard() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.messages
}
