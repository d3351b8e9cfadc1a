package ldapclient

import (
	"errors"
	"fmt"
	"runtime/debug"
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

// inBackground is f as a job that nothing but itself ends with.
func (c *Client) inBackground(f func()) func() {
	return func() {
		_ = c.contain(nil, func() error { f(); return nil })
	}
}
