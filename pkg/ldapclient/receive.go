package ldapclient

import (
	"fmt"
	"slices"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// read takes messages from the server until there are no more, which is the end of the
// connection.
func (c *conn) read() { c.fail(c.server.client.decoding(c.server, c.receive)) }

// receive takes messages from the server, and returns why there are no more.
func (c *conn) receive() error {
	if !c.sharing {
		c.stream.messages.Pack() // The entries of a list do not live long.
	}
	var m ldapwire.Message
	for first := true; ; first = false {
		err := c.stream.messages.ReadInto(&m)
		if err == nil && m.ID == 0 {
			err = noticeOf(&m)
		}
		if err == nil {
			err = c.take(&m)
		}
		if err != nil {
			return err
		}
		if first {
			c.server.served()
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

// take gives a message to the operation that it is for. The error is that of a message
// that makes no sense. The message is the caller's, and is another one afterwards.
func (c *conn) take(m *ldapwire.Message) (err error) {
	var (
		entry  *directory.Entry
		result ldapwire.Result
	)
	switch m.Op {
	case ldapwire.SearchResultEntry:
		entry, err = c.stream.messages.Entry(m)
	case ldapwire.SearchResultReference, ldapwire.IntermediateResponse:
	default:
		result, err = m.Result()
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = time.Time{}
	c.messages++
	op := c.pending[m.ID]
	switch {
	case op == nil && m.ID > c.lastID:
		return nonsense("an answer to a request that was never made")
	case op == nil && slices.Contains(c.done[:], m.ID):
		return nonsense("an answer to a request that was answered already")
	case op == nil: // A late answer to an operation that was given up.
	case m.Op == ldapwire.IntermediateResponse:
	case m.Op == op.want:
		final := *m
		op.final, op.result = &final, result
		c.done[c.next%len(c.done)] = m.ID
		c.next++
		c.confused = c.confused || result.Code == codeOperationsError || result.Code == codeOther
		c.finish(op, nil)
	case op.want != ldapwire.SearchResultDone:
		return nonsense("an answer of the wrong type")
	case entry != nil || m.Op == ldapwire.SearchResultReference:
		return c.collect(op, m.Len(), entry)
	default:
		return nonsense("an answer of the wrong type")
	}
	return nil
}

// collect takes a part of the answer to a search: an entry, or nil for a reference. c.mu is
// held.
func (c *conn) collect(op *operation, octets int, entry *directory.Entry) error {
	op.octets += octets
	op.heard = time.Now()
	c.mind()
	switch {
	case op.isDropped && op.octets > drainOctets:
		return errUnfinished
	case op.isDropped:
	case len(op.entries) == maxEntries || op.octets > maxOctets:
		c.leave(op, errTooMuch)
	case entry == nil:
		op.references++
	default:
		op.entries = append(op.entries, entry)
	}
	return nil
}

func nonsense(what string) error { return fmt.Errorf("%w: %s", ldapwire.ErrMalformed, what) }

// finish ends an operation. c.mu is held.
func (c *conn) finish(op *operation, err error) {
	delete(c.pending, op.id)
	op.end(err)
}

// end ends an operation. It is called once.
func (op *operation) end(err error) {
	op.err = err
	op.done <- struct{}{}
}
