package ldapclient

import (
	"context"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// What nobody waits for any more is abandoned (RFC 4511 §4.11). Searches that share their
// connection need no more: what yet comes is passed over by its id. A connection that was
// lent to one alone is lent again only when it is known that the server has done with it.
const (
	// drainTime is how long the server has to end what was given up, and drainOctets how much
	// of it is taken. Beyond that a new connection costs less.
	drainTime   = 200 * time.Millisecond
	drainOctets = 256 << 10
)

// giveUp ends an operation that nobody waits for any more. It reports false when it has ended
// already.
func (c *conn) giveUp(op *operation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[op.id] != op {
		return false
	}
	c.part(op)
	return true
}

// leave ends an operation whose answer is not over, for a reason of our own. c.mu is held.
func (c *conn) leave(op *operation, reason error) {
	c.part(op)
	op.end(&unansweredError{reason})
}

// part leaves an operation to itself. c.mu is held.
func (c *conn) part(op *operation) {
	delete(c.pending, op.id)
	if c.sharing {
		c.abandon(op.id)
		return
	}
	c.owed = &operation{id: op.id, want: op.want, isDropped: true, done: make(chan struct{}, 1)}
	c.pending[op.id] = c.owed
}

// remains is what was left to itself, and is to be drained; nil when there is nothing.
func (c *conn) remains() *operation {
	c.mu.Lock()
	defer c.mu.Unlock()
	owed := c.owed
	c.owed = nil
	return owed
}

// drain abandons what the server has yet to answer, and makes sure that nothing of it is to
// come, or ends the connection.
func (c *conn) drain(owed *operation) {
	if !c.tellAbandon(owed.id) {
		return
	}
	if owed.want == ldapwire.SearchResultDone {
		c.fence(owed)
		return
	}
	// Only the answer tells that a change is over: it may be at work for long after it was
	// abandoned.
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-owed.done:
	case <-timer.C:
		c.fail(errUnfinished)
	}
}

// fence asks for something small. A server answers that in the end, and has given up before
// what it was told to: an abandoned search ends without a word, or with its result.
func (c *conn) fence(owed *operation) {
	ctx, cancel := context.WithTimeout(c.server.client.life, drainTime)
	defer cancel()
	if _, err := c.do(ctx, probeRequest()); err != nil {
		c.fail(errUnfinished)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed = nil // Of the question, in case.
	delete(c.pending, owed.id)
}

// abandon tells the server that nobody waits any more. It does not wait for a server
// that takes nothing.
func (c *conn) abandon(operation int32) {
	c.server.client.start(func() { c.tellAbandon(operation) })
}

// tellAbandon is abandon, and waits. A server that has been silent for long is given up, for
// which it reports false.
func (c *conn) tellAbandon(operation int32) bool {
	if c.isSilent() {
		c.fail(errSilent)
		return false
	}
	c.writing <- struct{}{}
	c.mu.Lock()
	c.lastID++
	c.buffer = ldapwire.AppendAbandon(c.buffer[:0], c.lastID, operation)
	c.mu.Unlock()
	c.gather()
	c.flush(time.Now().Add(goodbye))
	return true
}

// mind has the operations watched that the server has begun to answer. c.mu is held.
func (c *conn) mind() {
	if c.gap == nil && c.failure == nil {
		c.gap = time.AfterFunc(c.server.client.options.IdleGap, c.endGaps)
	}
}

// endGaps ends operations in whose answer the server has paused for too long.
func (c *conn) endGaps() {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := c.server.client.options.IdleGap
	next := time.Duration(0)
	for _, op := range c.pending {
		if op.heard.IsZero() || op.isDropped {
			continue
		}
		left := limit - time.Since(op.heard)
		if left <= 0 {
			c.leave(op, errGap)
		} else if next == 0 || left < next {
			next = left
		}
	}
	if next == 0 || c.failure != nil {
		c.gap = nil
		return
	}
	c.gap.Reset(next)
}
