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

// fullNotice is how often the log tells, at most, that a connection has to wait.
const fullNotice = time.Minute

// connections bounds how many connections a listener has. While there are as many as there may
// be, one more takes the place of the one that has been at rest for longest; where none is, it
// waits until one ends or comes to rest.
type connections struct {
	max    int
	logger *slog.Logger
	room   chan struct{} // has a token when one has ended, or come to rest
	closed chan struct{}

	mu    sync.Mutex // guards the fields below
	open  int
	rest  *list.List                 // of net.Conn, between two requests, the longest first
	place map[net.Conn]*list.Element // in rest
	told  time.Time
	once  sync.Once
}

func newConnections(most int, logger *slog.Logger) *connections {
	return &connections{
		max: most, logger: logger, room: make(chan struct{}, 1), closed: make(chan struct{}),
		rest: list.New(), place: make(map[net.Conn]*list.Element),
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
		oldest := c.rest.Front()
		if oldest != nil {
			conn := oldest.Value.(net.Conn) //nolint:forcetypeassert // Nothing else is in there.
			c.forget(conn)
			if conn.(*tls.Conn).NetConn().(*tlsConn).evict() { //nolint:forcetypeassert // As above.
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
		case <-c.closed:
			return false
		}
	}
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
	if state == http.StateIdle {
		if c.place[conn] == nil {
			c.place[conn] = c.rest.PushBack(conn)
		}
	} else {
		c.forget(conn)
	}
	c.mu.Unlock()
	if state == http.StateIdle {
		c.wake()
	}
}

// forget has a connection no longer be at rest. c.mu is held.
func (c *connections) forget(conn net.Conn) {
	if at := c.place[conn]; at != nil {
		c.rest.Remove(at)
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
