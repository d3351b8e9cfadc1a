package ldapclient

import (
	"context"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"
)

// letter is a request that is ready to leave.
type letter struct {
	ctx context.Context //nolint:containedctx // Of the request, which it is a part of.
	request

	op *operation
}

// outbox holds the requests that are ready while somebody writes. Whoever writes next takes
// them all along: they leave in one piece, which is one TLS record and one call of the system
// instead of one for each.
type outbox struct {
	taken []letter // room to put letters in next; of whoever writes

	mu      sync.Mutex // guards the field below
	letters []letter
}

func (o *outbox) put(l letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.letters = append(o.letters, l)
}

// withdraw takes a request back. It reports false when somebody has taken it along.
func (o *outbox) withdraw(op *operation) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.letters, func(l letter) bool { return l.op == op })
	if i >= 0 {
		o.letters = slices.Delete(o.letters, i, i+1)
	}
	return i >= 0
}

// take takes every request, in the order in which they came. They are gone with the next call.
func (o *outbox) take() []letter {
	clear(o.taken)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken, o.letters = o.letters, o.taken[:0]
	return o.taken
}

// post sends a request, with all that are ready. The error tells that it was not sent since
// ctx is over; otherwise the operation ends with what went wrong.
func (c *conn) post(ctx context.Context, op *operation, r request) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	select {
	case c.writing <- struct{}{}:
		c.ready.put(letter{ctx, r, op})
		if c.isBusy() {
			runtime.Gosched() // Whoever else is ready may come along.
		}
	default:
		op.left = make(chan struct{})
		c.ready.put(letter{ctx, r, op})
		select {
		case <-op.left:
			return nil
		case c.writing <- struct{}{}:
		case <-ctx.Done():
			if c.ready.withdraw(op) {
				return ended(ctx)
			}
			<-op.left
			return nil
		}
	}
	c.buffer = c.buffer[:0]
	c.gather()
	deadline, _ := ctx.Deadline() // Somebody has set one; see Client.bounded.
	if time.Until(deadline) >= leastWrite {
		// A little later, so that it is ctx that has ended, and not the connection alone.
		c.flush(deadline.Add(10 * time.Millisecond))
		return nil
	}
	// A connection does not end because somebody has little time, only because the server
	// takes nothing. Who has little time does not wait for that.
	if !c.server.client.start(func() { c.flush(time.Now().Add(leastWrite)) }) {
		<-c.writing
		c.fail(errClosed)
	}
	return nil
}

// isBusy reports whether the server has something to answer, so that others are likely to be
// about to ask.
func (c *conn) isBusy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending) > 0
}

// gather registers and appends to the buffer what is ready. The caller holds the token.
func (c *conn) gather() {
	for _, l := range c.ready.take() {
		c.append(l)
	}
}

// append registers an operation and appends its request to the buffer; one that cannot be
// sent ends.
func (c *conn) append(l letter) {
	err := c.register(l.op)
	if err == nil {
		before := len(c.buffer)
		if err = c.encode(l); err != nil {
			c.buffer = c.buffer[:before]
			c.unregister(l.op, err)
		}
	} else {
		l.op.end(&unsentError{err})
	}
	if l.op.left != nil {
		close(l.op.left)
	}
}

// encode appends a request to the buffer.
func (c *conn) encode(l letter) (err error) {
	client := c.server.client
	defer func() {
		if v := recover(); v != nil {
			err = client.contained(c.server, v)
		}
	}()
	client.trace(l.ctx, l.name)
	c.buffer = l.request.encode(c.buffer, l.op.id, client.stamped(l.ctx, l.controls))
	return nil
}

// unregister ends an operation nothing of whose request was sent.
func (c *conn) unregister(op *operation, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[op.id] == op { // The connection may have ended meanwhile, and the operation with it.
		c.finish(op, &unsentError{reason})
	}
}

// flush sends the buffer and gives back the token, which the caller holds. An error ends
// the connection.
func (c *conn) flush(deadline time.Time) {
	defer func() { <-c.writing }()
	if err := c.write(deadline); err != nil {
		c.fail(err)
	}
}

// write sends the buffer; the caller holds the token. After an error some of it may
// have left, or all: the connection is of no more use.
func (c *conn) write(deadline time.Time) error {
	if len(c.buffer) == 0 {
		return nil // What was ready left before, or could not be sent.
	}
	if cap(c.buffer) > 1<<20 {
		defer func() { c.buffer = nil }() // Not for every connection for ever.
	}
	if err := c.stream.SetWriteDeadline(deadline); err != nil {
		return err
	}
	n, err := c.stream.Write(c.buffer)
	if err == nil && n < len(c.buffer) {
		err = io.ErrShortWrite
	}
	return err
}
