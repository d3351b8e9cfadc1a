package ldapclient

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// errPanic is wrapped by the error that a panic has become.
var errPanic = errors.New("panic")

// contained tells of a panic that has been recovered from, and makes an error of it. It ends
// what it happened to, and not the program.
func (c *Client) contained(s *server, v any) error {
	address := ""
	if s != nil {
		address = s.address
		c.happened(s, PanicContained, 0)
	}
	err := fmt.Errorf("%w: %v", errPanic, v)
	c.options.Logger.Error("a fault of the gateway was contained", "server", address, "error", err, "stack", string(debug.Stack()))
	return err
}

// contain runs f, and makes an error of a panic.
func (c *Client) contain(s *server, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = c.contained(s, v)
		}
	}()
	return f()
}

// decoding runs f, which takes apart what a server sent. A panic makes nonsense of that.
func (c *Client) decoding(s *server, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = nonsense(c.contained(s, v).Error())
		}
	}()
	if c.decodes != nil {
		c.decodes()
	}
	return f()
}

// decode runs f, which takes apart what came on the connection, after the answer is over. Of
// nonsense, and of a panic, nothing else comes but that the connection ends.
func (c *conn) decode(f func() error) error {
	err := c.server.client.decoding(c.server, f)
	if errors.Is(err, ldapwire.ErrMalformed) {
		c.distrust()
	}
	return err
}

// decoded is what f finds in the answer to an operation; see conn.decode.
func decoded[T any](op *operation, f func(*ldapwire.Message) (T, error)) (found T, err error) {
	err = op.conn.decode(func() (err error) { found, err = f(op.final); return err })
	return found, err
}

// distrust has the connection end as soon as nobody uses it. Nobody else gets it.
func (c *conn) distrust() {
	c.mu.Lock()
	c.confused = true
	c.mu.Unlock()
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	switch p := c.pool; {
	case !p.open[c]:
	case p.isAtRest(c):
		p.withdraw(c, errConfused)
	default:
		p.unlist(c)
	}
}

// inBackground is f as a job that nothing but itself ends with.
func (c *Client) inBackground(f func()) func() {
	return func() {
		_ = c.contain(nil, func() error { f(); return nil })
	}
}
