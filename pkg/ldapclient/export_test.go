package ldapclient

import "net"

// Adopt gives the client a bound connection to its first server, for tests of time.
func Adopt(c *Client, socket net.Conn, sharing bool) {
	s := c.servers[0]
	bound := newStream(socket)
	bound.messages.SetLimit(c.options.MaxMessage)
	s.mu.Lock()
	s.trying++
	if sharing {
		s.opening++
	} else {
		s.alone++
	}
	s.mu.Unlock()
	s.connected(newConn(s, bound, sharing), nil, sharing)
}
