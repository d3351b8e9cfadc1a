package httpserver

import (
	"container/list"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// fullNotice is how often the log tells, at most, that a connection has to wait.
	fullNotice = time.Minute
	// firstWord is how long a new connection may take to its first request before it can lose
	// its place.
	firstWord = time.Second
)

// connections bounds how many connections a listener has. While there are as many as there may
// be, one more takes the place of the one that has been at rest for longest, or else of the
// oldest on which there was no request yet; where there is neither, it waits.
type connections struct {
	max    int
	logger *slog.Logger
	room   chan struct{} // has a token when one has ended, or come to rest
	closed chan struct{}

	mu    sync.Mutex // guards the fields below
	open  int
	rest  *list.List                 // of net.Conn, between two requests, the longest first
	fresh *list.List                 // of newcomer, before their first request, the oldest first
	place map[net.Conn]*list.Element // in one of them
	told  time.Time
	once  sync.Once
}

// newcomer is a connection on which there was no request yet.
type newcomer struct {
	net.Conn
	since time.Time
}

func newConnections(most int, logger *slog.Logger) *connections {
	return &connections{
		max: most, logger: logger, room: make(chan struct{}, 1), closed: make(chan struct{}),
		rest: list.New(), fresh: list.New(), place: make(map[net.Conn]*list.Element),
	}
}

// enter waits for the place of one more connection. It reports false when the listener is
// closed.
func (c *connections) enter() bool {
	for {
		c.mu.Lock()
		if c.open < c.max {
			c.open++
			c.mu.Unlock()
			return true
		}
		conn, wait := c.useless()
		if conn != nil {
			c.forget(conn)
			if conn.(*tls.Conn).NetConn().(*tlsConn).evict() { //nolint:forcetypeassert // Nothing else comes here.
				c.open--
			}
			c.mu.Unlock()
			continue
		}
		now := time.Now()
		tells := now.Sub(c.told) >= fullNotice
		if tells {
			c.told = now
		}
		c.mu.Unlock()
		if tells {
			c.logger.Warn("as many connections of clients are at work as there may be; another one waits", "connections", c.max)
		}
		select {
		case <-c.room:
		case <-time.After(wait):
		case <-c.closed:
			return false
		}
	}
}

// useless returns the connection that can be spared best, or nil, and in how long there may be
// one. c.mu is held.
func (c *connections) useless() (net.Conn, time.Duration) {
	if oldest := c.rest.Front(); oldest != nil {
		return oldest.Value.(net.Conn), 0 //nolint:forcetypeassert // Nothing else is in there.
	}
	oldest := c.fresh.Front()
	if oldest == nil {
		return nil, fullNotice
	}
	n := oldest.Value.(newcomer) //nolint:forcetypeassert // As above.
	if left := firstWord - time.Since(n.since); left > 0 {
		return nil, left
	}
	return n.Conn, 0
}

// leave gives up the place of a connection.
func (c *connections) leave() {
	c.mu.Lock()
	c.open--
	c.mu.Unlock()
	c.wake()
}

// note is http.Server.ConnState.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	c.forget(conn)
	switch state {
	case http.StateNew:
		c.place[conn] = c.fresh.PushBack(newcomer{conn, time.Now()})
	case http.StateIdle:
		c.place[conn] = c.rest.PushBack(conn)
	case http.StateActive, http.StateHijacked, http.StateClosed:
	}
	c.mu.Unlock()
	if state == http.StateNew || state == http.StateIdle {
		c.wake()
	}
}

// forget has a connection no longer be one that can be spared. c.mu is held.
func (c *connections) forget(conn net.Conn) {
	if at := c.place[conn]; at != nil {
		c.rest.Remove(at) // From the one that it is in.
		c.fresh.Remove(at)
		delete(c.place, conn)
	}
}

func (c *connections) wake() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

func (c *connections) close() { c.once.Do(func() { close(c.closed) }) }
