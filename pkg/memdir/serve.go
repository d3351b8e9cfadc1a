package memdir

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// handshakeTimeout is how long a client may take for the TLS handshake.
const handshakeTimeout = 10 * time.Second

// Serve accepts connections until the listener is closed or Shutdown is called, and
// closes the listener. It returns nil after Shutdown. It may be called for several
// listeners at once.
func (s *Server) Serve(listener net.Listener) error {
	if !s.open(listener) {
		_ = listener.Close()
		return nil
	}
	defer s.forget(listener)
	for {
		accepted, err := listener.Accept()
		switch {
		case err == nil:
			s.start(accepted)
		case s.isDraining():
			return nil
		case isPassing(err):
			s.options.Logger.Warn("a connection could not be accepted", "error", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-s.life.Done():
			}
		default:
			return fmt.Errorf("memdir: %s: %w", listener.Addr(), err)
		}
	}
}

// isPassing tells whether the next connection may be accepted again.
func isPassing(err error) bool {
	for _, passing := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

func (s *Server) open(listener net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.listeners[listener] = struct{}{}
	}
	return !s.draining
}

func (s *Server) forget(listener net.Listener) {
	_ = listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, listener)
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// start serves an accepted connection, unless there are too many.
func (s *Server) start(accepted net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || len(s.conns) >= s.options.Connections {
		_ = accepted.Close()
		if !s.draining {
			s.options.Logger.Warn("a connection was refused: there are too many", "limit", s.options.Connections)
		}
		return
	}
	s.accepted++
	c := newConn(s, tls.Server(accepted, s.options.TLS), s.accepted)
	s.conns[c] = struct{}{}
	s.work.Go(func() {
		c.serve()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	})
}

// Shutdown ends the server: it accepts and reads nothing more, lets the operations that
// run come to their end, and takes leave of each client with a notice of disconnection
// (code 52). What still runs at the end of ctx is broken off, and the error is that of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for listener := range s.listeners {
		_ = listener.Close()
	}
	for c := range s.conns {
		c.stopReading()
	}
	s.mu.Unlock()

	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	defer s.kill()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.kill()
	s.mu.Lock()
	for c := range s.conns {
		c.out.abort()
	}
	s.mu.Unlock()
	<-done
	return ctx.Err()
}
