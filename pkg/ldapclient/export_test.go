package ldapclient

import "net"

// Refresh has the client read everything again, as it does from time to time.
func Refresh(c *Client) { c.refresh() }

// Adopt gives the client a bound connection to its first server, for tests of time.
func Adopt(c *Client, socket net.Conn, sharing bool) {
	p := c.servers[0].own
	bound := newStream(socket)
	bound.messages.SetLimit(c.options.MaxMessage)
	p.server.mu.Lock()
	p.begun(sharing)
	p.server.mu.Unlock()
	p.connected(newConn(p, bound, sharing), nil, sharing)
}

// OnDecode has f called whenever the client is about to take apart what a server sent. It is for
// a client that nobody uses yet.
func OnDecode(c *Client, f func()) { c.decodes = f }
