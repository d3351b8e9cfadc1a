package fakeldap

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Pipe is a listener in memory, for tests on the clock of package synctest. The test
// decides what becomes of its connections.
type Pipe struct {
	// Refuses has Dial fail, Swallows has everything that is sent from now on get lost in
	// both directions, on the connections that there are and on new ones.
	Refuses, Swallows atomic.Bool

	accepted chan net.Conn
	done     chan struct{}
	once     sync.Once

	mu    sync.Mutex // guards the field below
	dials []time.Time
}

// NewPipe makes a listener that nobody has dialled yet.
func NewPipe() *Pipe {
	return &Pipe{accepted: make(chan net.Conn), done: make(chan struct{})}
}

// Dial opens a connection.
func (p *Pipe) Dial(ctx context.Context) (net.Conn, error) {
	p.mu.Lock()
	p.dials = append(p.dials, time.Now())
	p.mu.Unlock()
	if p.Refuses.Load() {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	mine, other := p.end(ours), p.end(theirs)
	var err error
	select {
	case p.accepted <- other:
		return mine, nil
	case <-p.done:
		err = net.ErrClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	_, _ = mine.Close(), other.Close()
	return nil, err
}

// Dials returns when Dial was called.
func (p *Pipe) Dials() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.dials...)
}

// Accept waits for a connection.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is nowhere in particular.
func (p *Pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 636} }

// end is one end of a connection. As on a real one, a write does not wait for the reader.
type end struct {
	net.Conn

	pipe *Pipe
	sent chan []byte
	gone chan struct{}
	once sync.Once
}

func (p *Pipe) end(conn net.Conn) *end {
	e := &end{Conn: conn, pipe: p, sent: make(chan []byte, 1024), gone: make(chan struct{})}
	go func() {
		for {
			select {
			case data := <-e.sent:
				if _, err := e.Conn.Write(data); err != nil {
					return
				}
			case <-e.gone:
				return
			}
		}
	}()
	return e
}

// Write sends data, or has them get lost.
func (e *end) Write(data []byte) (int, error) {
	if e.pipe.Swallows.Load() {
		return len(data), nil
	}
	select {
	case e.sent <- append([]byte(nil), data...):
		return len(data), nil
	case <-e.gone:
		return 0, net.ErrClosed
	}
}

// Close ends the connection.
func (e *end) Close() error {
	e.once.Do(func() { close(e.gone) })
	return e.Conn.Close()
}
