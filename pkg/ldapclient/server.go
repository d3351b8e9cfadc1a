package ldapclient

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// inFlight is how many searches share a connection at most. slapd ends
	// connections with 1,000 pending operations.
	inFlight = 64
	// enough is how many searches share a connection before another one is opened.
	enough = 8

	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// server is one server with its connections. It is up, or it is down: after a failure
// to connect it is tried again, by one attempt at a time, with growing pauses, and
// nobody who has another server to go to waits for that.
type server struct {
	client  *Client
	address string
	tls     *tls.Config
	busy    atomic.Int64 // how often in a row it had no time
	// maxShared and maxAlone are the greatest numbers of connections of each sort.
	maxShared, maxAlone int

	mu      sync.Mutex // guards the fields below
	shared  []*share
	idle    []*conn // for lists and changes; the last one was used last
	open    map[*conn]bool
	alone   int           // connections for lists and changes, idle, lent, or being opened
	opening int           // connections to be shared that are being opened
	trying  int           // connections of both sorts that are being opened
	waiting int           // who waits for changed
	changed chan struct{} // closed when something above changed
	closed  bool
	// failures counts attempts to connect that failed in a row, retryAt is when the
	// next one may be made, cause is why the last one failed.
	failures int
	retryAt  time.Time
	cause    error
}

// share is a connection that searches share.
type share struct {
	conn *conn
	load int
}

func newServer(c *Client, address string, config *tls.Config) *server {
	maxShared := max(1, c.options.MaxConns/4)
	return &server{
		client: c, address: address, tls: config,
		maxShared: maxShared, maxAlone: c.options.MaxConns - maxShared + c.options.MaxWalks,
		open: make(map[*conn]bool), changed: make(chan struct{}),
	}
}

// await waits until take, called with s.mu held, reports true. While the server is
// down it fails with a *downError, at once when not patient, else after the next
// attempt to connect, if one is due.
func (s *server) await(ctx context.Context, patient bool, take func() bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var since time.Time
	for failures := s.failures; ; {
		switch {
		case s.closed:
			return errClosed
		case take():
			return nil
		case s.failures > failures:
			return s.down()
		case s.failures > 0:
			if s.mayConnect() {
				s.connect(len(s.shared) < s.maxShared) //nolint:contextcheck // A connection is for everybody, and ends with the client.
			}
			if s.trying == 0 || !patient {
				return s.down()
			}
		}
		if since.IsZero() {
			since = time.Now()
		}
		if err := s.wait(ctx); err != nil {
			return &waitError{err, time.Since(since)}
		}
	}
}

// wait waits for a change. s.mu is held, but not meanwhile.
func (s *server) wait(ctx context.Context) error {
	changed := s.changed
	s.waiting++
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.waiting-- }()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

// notify wakes those who wait. s.mu is held.
func (s *server) notify() {
	if s.waiting > 0 {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// mayConnect reports whether it is time for an attempt to connect. s.mu is held.
func (s *server) mayConnect() bool {
	return s.failures == 0 || s.trying == 0 && time.Until(s.retryAt) <= 0
}

// connect opens a connection in the background. It is for everyone: who waits for it
// may give up, it does not. s.mu is held.
func (s *server) connect(sharing bool) {
	started := s.client.start(func() {
		ctx, cancel := context.WithTimeout(s.client.life, s.client.options.ConnectTimeout)
		defer cancel()
		c, err := s.dial(ctx, sharing)
		s.connected(c, err, sharing)
	})
	if !started {
		return // The client is being closed, and wakes everybody.
	}
	s.trying++
	if sharing {
		s.opening++
	} else {
		s.alone++
	}
}

func (s *server) dial(ctx context.Context, sharing bool) (*conn, error) {
	socket, err := dialTLS(ctx, s.address, s.tls, s.client.options.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	o := &s.client.options
	fresh := newStream(socket)
	_, result, err := fresh.bind(ctx, o.BindDN, o.Password)
	if err == nil && result.Code != codeSuccess {
		err = &resultError{result}
	}
	if err != nil {
		_ = socket.Close()
		return nil, &bindError{err}
	}
	fresh.messages.SetLimit(o.MaxMessage)
	return newConn(s, fresh, sharing), nil
}

// connected takes the outcome of dial.
func (s *server) connected(c *conn, err error, sharing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	s.trying--
	if sharing {
		s.opening--
	}
	if err == nil && (s.closed || !s.client.start(c.read)) {
		_ = c.stream.Close()
		err = errClosed
	}
	switch {
	case err == nil:
		s.open[c] = true
		if sharing {
			s.shared = append(s.shared, &share{conn: c})
		} else {
			s.idle = append(s.idle, c)
		}
		return
	case s.client.life.Err() == nil:
		s.failed(err)
	}
	if !sharing {
		s.alone--
	}
}

// down is the error for a server that is not up. s.mu is held.
func (s *server) down() error {
	return &downError{s.cause, max(time.Until(s.retryAt), firstBackoff)}
}

// failed notes that the server is down. s.mu is held.
func (s *server) failed(cause error) {
	if s.failures == 0 || root(s.cause).Error() != root(cause).Error() {
		s.client.options.Logger.Warn("the directory server cannot be reached", "server", s.address, "error", cause)
	}
	wait := jitter(min(firstBackoff<<min(s.failures, 16), lastBackoff))
	s.failures++
	s.cause, s.retryAt = cause, time.Now().Add(wait)
}

// root is the innermost error, which names no ports of ours.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// served notes that the server answers, and so is up.
func (s *server) served() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures == 0 {
		return
	}
	s.client.options.Logger.Info("the directory server can be reached again", "server", s.address)
	s.failures, s.cause, s.retryAt = 0, nil, time.Time{}
	s.client.stale.Store(true) // It may have been changed meanwhile.
	s.notify()
}

// lost takes a dead connection away. A server whose only connection was useless, lost
// before it answered the first request, counts as down: it would take and lose
// connections for ever.
func (s *server) lost(c *conn, reason error, useless bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	if !s.open[c] {
		return
	}
	delete(s.open, c)
	if c.sharing {
		s.unshare(c)
	} else {
		s.alone--
		if i := slices.Index(s.idle, c); i >= 0 {
			s.idle = slices.Delete(s.idle, i, i+1)
		}
	}
	if errors.Is(reason, errClosed) {
		return
	}
	s.client.options.Logger.Debug("a connection to the directory ended", "server", s.address, "reason", reason)
	if useless && len(s.open) == 0 {
		s.failed(reason)
	}
}

// close ends all connections, and opens no more. Nothing else starts any more.
func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		s.client.work.Go(c.close)
	}
	s.notify()
}
