package control

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"sync"
)

// Client is a connection to a directory, bound, and shared by any number of
// goroutines, each of which waits for its own answer.
type Client struct {
	conn    *tls.Conn
	authzID string

	mu      sync.Mutex // guards the fields below, and writing
	id      int32
	waiting map[int32]*get
}

// get is a search at work.
type get struct {
	waiter     Waiter
	attributes int
}

// answer is what came back for one search.
type answer struct {
	attributes int
	err        error
}

// Dial connects and binds. Every search carries the proxied authorization control
// (RFC 4370, critical) with the identity.
func Dial(address string, config *tls.Config, bindDN, password, authzID string) (*Client, error) {
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, authzID: authzID, id: 1, waiting: map[int32]*get{}}
	if _, err := conn.Write(tlv(0x30, integer(1), tlv(0x60, integer(3), text(0x04, bindDN), text(0x80, password)))); err != nil {
		return nil, err
	}
	_, op, body, _, _, err := readMessage(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	if code, err := resultCode(body); op != tagBindResponse || err != nil || code != 0 {
		return nil, fmt.Errorf("bind: result %d, %w", code, err)
	}
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Run reads answers for Get until the connection ends.
func (c *Client) Run() {
	reader := bufio.NewReaderSize(c.conn, 64<<10)
	var buf []byte
	for {
		id, op, body, _, grown, err := readMessage(reader, buf)
		buf = grown
		c.mu.Lock()
		g := c.waiting[id]
		switch {
		case err != nil:
			for _, g := range c.waiting {
				g.waiter <- answer{err: err}
			}
			c.mu.Unlock()
			return
		case op == tagSearchEntry:
			g.attributes, err = countAttributes(body)
		default:
			delete(c.waiting, id)
		}
		c.mu.Unlock()
		if op == tagSearchEntry && err == nil {
			continue
		}
		a := answer{attributes: g.attributes, err: err}
		if code, err := resultCode(body); err != nil || code != 0 {
			a.err = fmt.Errorf("result %d, %w", code, err)
		}
		g.waiter <- a
	}
}

// Get reads one entry, and returns the number of its attributes. Run has to be
// running.
func (c *Client) Get(dn string, attributes []string, waiter Waiter) (int, error) {
	c.mu.Lock()
	c.id++
	id := c.id
	c.waiting[id] = &get{waiter: waiter}
	_, err := c.conn.Write(c.search(id, dn, 0, attributes))
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	a := <-waiter
	return a.attributes, a.err
}

// Replace replaces the values of an attribute by one. Run has to be running.
func (c *Client) Replace(dn, attribute, value string, waiter Waiter) error {
	c.mu.Lock()
	c.id++
	id := c.id
	c.waiting[id] = &get{waiter: waiter}
	change := tlv(0x30, tlv(0x0a, []byte{2}), tlv(0x30, text(0x04, attribute), tlv(0x31, text(0x04, value))))
	_, err := c.conn.Write(tlv(0x30, integer(id), tlv(0x66, text(0x04, dn), tlv(0x30, change)), tlv(0xa0, c.proxied())))
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return (<-waiter).err
}

// proxied is the control that says as whom a request runs.
func (c *Client) proxied() []byte {
	return tlv(0x30, text(0x04, "2.16.840.1.113730.3.4.18"), tlv(0x01, []byte{0xff}), text(0x04, c.authzID))
}

// Waiter is where a goroutine waits for its answers.
type Waiter chan answer

// NewWaiter returns what a goroutine needs to call Get.
func NewWaiter() Waiter { return make(Waiter, 1) }

// List reads all entries below a name in pages of a size, or as many pages as are wanted
// where that is not 0, and returns the number of entries. It must not be used together
// with Run.
func (c *Client) List(base string, attributes []string, size, pages int) (int, error) {
	reader := bufio.NewReaderSize(c.conn, 64<<10)
	var buf, cookie []byte
	count := 0
	for page := 1; ; page++ {
		c.id++
		paging := tlv(0x30, text(0x04, "1.2.840.113556.1.4.319"), tlv(0x04, tlv(0x30, integer(int32(size)), tlv(0x04, cookie))))
		if _, err := c.conn.Write(c.search(c.id, base, 1, attributes, paging)); err != nil {
			return count, err
		}
		for done := false; !done; {
			_, op, body, controls, grown, err := readMessage(reader, buf)
			buf = grown
			if err != nil {
				return count, err
			}
			switch op {
			case tagSearchEntry:
				if _, err := countAttributes(body); err != nil {
					return count, err
				}
				count++
			case tagSearchDone:
				if code, err := resultCode(body); err != nil || code != 0 {
					return count, fmt.Errorf("search: result %d, %w", code, err)
				}
				if cookie, err = pageCookie(controls); err != nil {
					return count, err
				}
				done = true
			}
		}
		if len(cookie) == 0 || page == pages {
			return count, nil
		}
	}
}

// search encodes a search for everything at that scope.
func (c *Client) search(id int32, base string, scope byte, attributes []string, controls ...[]byte) []byte {
	var names [][]byte
	for _, name := range attributes {
		names = append(names, text(0x04, name))
	}
	return tlv(0x30, integer(id),
		tlv(0x63, text(0x04, base), tlv(0x0a, []byte{scope}), tlv(0x0a, []byte{0}), integer(0), integer(0), tlv(0x01, []byte{0}),
			text(0x87, "objectClass"), tlv(0x30, names...)),
		tlv(0xa0, append([][]byte{c.proxied()}, controls...)...))
}

// countAttributes walks an entry down to its values, which it leaves where they are.
func countAttributes(body []byte) (int, error) {
	_, _, rest, err := next(body) // the name
	if err != nil {
		return 0, err
	}
	_, attributes, _, err := next(rest)
	count := 0
	for err == nil && len(attributes) > 0 {
		var attribute, values []byte
		if _, attribute, attributes, err = next(attributes); err != nil {
			break
		}
		if _, _, values, err = next(attribute); err != nil {
			break
		}
		_, values, _, err = next(values)
		for err == nil && len(values) > 0 {
			_, _, values, err = next(values)
		}
		count++
	}
	return count, err
}

func resultCode(body []byte) (int, error) {
	_, value, _, err := next(body)
	if err != nil || len(value) != 1 {
		return -1, fmt.Errorf("no result code: %w", err)
	}
	return int(value[0]), nil
}

// pageCookie finds the cookie of the only response control, for paging.
func pageCookie(controls []byte) ([]byte, error) {
	_, list, _, err := next(controls)
	if err != nil {
		return nil, err
	}
	_, control, _, err := next(list)
	if err != nil {
		return nil, err
	}
	_, _, value, err := next(control) // behind the OID
	if err != nil {
		return nil, err
	}
	_, value, _, err = next(value)
	if err != nil {
		return nil, err
	}
	_, value, _, err = next(value)
	if err != nil {
		return nil, err
	}
	_, _, value, err = next(value) // behind the size
	if err != nil {
		return nil, err
	}
	_, cookie, _, err := next(value)
	return append([]byte(nil), cookie...), err
}
