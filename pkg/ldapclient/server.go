package ldapclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
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

// server is one server with its connections.
type server struct {
	client  *Client
	address string
	tls     *tls.Config
	// maxShared and maxAlone are the greatest numbers of connections of each sort.
	maxShared, maxAlone int

	mu      sync.Mutex // guards the fields below
	shared  []*share
	idle    []*conn // for lists and changes; the last one was used last
	open    map[*conn]bool
	alone   int           // connections for lists and changes, idle, lent, or being opened
	opening int           // connections to be shared that are being opened
	changed chan struct{} // closed when something above changed, for those who wait
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
		maxShared: maxShared, maxAlone: c.options.MaxConns - maxShared,
		open: make(map[*conn]bool), changed: make(chan struct{}),
	}
}

// notify wakes those who wait. s.mu is held.
func (s *server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// borrow returns a connection and the function that gives it back. A search with a
// bounded answer may share one. It waits while all are in use.
func (s *server) borrow(ctx context.Context, sharing bool) (*conn, func(), error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, nil, errClosed
		}
		take := s.takeAlone
		if sharing {
			take = s.takeShared
		}
		c, release, mayOpen := take()
		if c != nil {
			s.mu.Unlock()
			return c, release, nil
		}
		if !mayOpen {
			changed := s.changed
			s.mu.Unlock()
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return nil, nil, &waitError{context.Cause(ctx)}
			}
		}
		if wait := s.untilRetry(); wait > 0 {
			err := &downError{s.cause, wait}
			s.mu.Unlock()
			return nil, nil, err
		}
		if sharing {
			s.opening++
		} else {
			s.alone++
		}
		s.mu.Unlock()
		if err := s.connect(ctx, sharing); err != nil && !(sharing && s.hasShared()) {
			return nil, nil, err
		}
	}
}

// waitError is the end of a wait for a connection.
type waitError struct{ reason error }

func (e *waitError) Error() string { return "no connection became free: " + e.reason.Error() }
func (e *waitError) Unwrap() error { return e.reason }

// downError tells that a server cannot be reached, and when it will be tried again.
type downError struct {
	cause error
	wait  time.Duration
}

func (e *downError) Error() string { return "the server cannot be reached: " + e.cause.Error() }
func (e *downError) Unwrap() error { return e.cause }

// takeShared picks the connection with the least load. It reports whether another
// one may be opened. s.mu is held.
func (s *server) takeShared() (*conn, func(), bool) {
	var best *share
	for _, candidate := range s.shared {
		if best == nil || candidate.load < best.load {
			best = candidate
		}
	}
	mayOpen := len(s.shared)+s.opening < s.maxShared
	if best == nil || best.load >= inFlight || best.load >= enough && mayOpen && time.Now().After(s.retryAt) {
		return nil, nil, mayOpen
	}
	best.load++
	return best.conn, func() {
		s.mu.Lock()
		best.load--
		if best.load == inFlight-1 {
			s.notify()
		}
		s.mu.Unlock()
		s.retire(best.conn)
	}, false
}

// hasShared reports whether a search can share a connection after all.
func (s *server) hasShared() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.shared) > 0
}

// takeAlone takes an idle connection. s.mu is held.
func (s *server) takeAlone() (*conn, func(), bool) {
	n := len(s.idle)
	if n == 0 {
		return nil, nil, s.alone < s.maxAlone
	}
	c := s.idle[n-1]
	s.idle = s.idle[:n-1]
	return c, func() {
		s.mu.Lock()
		if s.open[c] {
			s.idle = append(s.idle, c)
			s.notify()
		}
		s.mu.Unlock()
		s.retire(c)
	}, false
}

// retire ends a connection that has lived long enough.
func (s *server) retire(c *conn) {
	if c.isWorn() {
		s.client.work.Go(c.close)
	}
}

// connect opens a connection, for which there is room, and puts it with the others.
func (s *server) connect(ctx context.Context, sharing bool) error {
	// A connection is for everyone: who waits for it may give up, it does not.
	done := make(chan error, 1)
	s.client.work.Go(func() { //nolint:contextcheck // It ends with the client, not with its caller.
		ctx, cancel := context.WithTimeout(s.client.life, s.client.options.ConnectTimeout)
		defer cancel()
		c, err := s.dial(ctx)
		done <- s.connected(c, err, sharing)
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return &waitError{context.Cause(ctx)}
	}
}

func (s *server) dial(ctx context.Context) (*conn, error) {
	socket, err := dialTLS(ctx, s.address, s.tls)
	if err != nil {
		return nil, err
	}
	o := &s.client.options
	if _, err := bind(ctx, socket, ldap.NewSimpleBindRequest(o.BindDN.String(), o.Password, nil)); err != nil {
		_ = socket.Close()
		return nil, &bindError{err}
	}
	return newConn(s, socket), nil
}

// bindError is the refusal of the gateway's own credentials, or a failure while they
// were looked at.
type bindError struct{ reason error }

func (e *bindError) Error() string { return "bind of the gateway's own account: " + e.reason.Error() }
func (e *bindError) Unwrap() error { return e.reason }

// connected takes the outcome of dial.
func (s *server) connected(c *conn, err error, sharing bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	if sharing {
		s.opening--
	}
	switch {
	case err == nil && s.closed:
		s.client.work.Go(c.close)
		err = errClosed
	case err == nil:
		s.recovered()
		s.open[c] = true
		if sharing {
			s.shared = append(s.shared, &share{conn: c})
		} else {
			s.idle = append(s.idle, c)
		}
		s.client.work.Go(c.read)
		return nil
	}
	if !sharing {
		s.alone--
	}
	if s.client.life.Err() != nil {
		return errClosed
	}
	return s.failed(err)
}

// untilRetry is how long the server is not to be tried. s.mu is held.
func (s *server) untilRetry() time.Duration {
	if s.failures == 0 {
		return 0
	}
	return time.Until(s.retryAt)
}

// failed notes that the server cannot be reached. s.mu is held.
func (s *server) failed(cause error) error {
	wait := jitter(min(firstBackoff<<min(s.failures, 16), lastBackoff))
	if s.failures == 0 || s.cause == nil || s.cause.Error() != cause.Error() {
		s.client.options.Logger.Warn("the directory server cannot be reached", "server", s.address, "error", cause)
	}
	s.failures++
	s.cause, s.retryAt = cause, time.Now().Add(wait)
	return &downError{cause, wait}
}

// recovered notes that the server can be reached. s.mu is held.
func (s *server) recovered() {
	if s.failures > 0 {
		s.client.options.Logger.Info("the directory server can be reached again", "server", s.address)
	}
	s.failures, s.cause, s.retryAt = 0, nil, time.Time{}
}

// lost takes a dead connection away.
func (s *server) lost(c *conn, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open[c] {
		return
	}
	delete(s.open, c)
	for i, candidate := range s.shared {
		if candidate.conn == c {
			s.shared = append(s.shared[:i:i], s.shared[i+1:]...)
			s.notify()
			return
		}
	}
	s.alone--
	for i, candidate := range s.idle {
		if candidate == c {
			s.idle = append(s.idle[:i:i], s.idle[i+1:]...)
			break
		}
	}
	s.notify()
	if !errors.Is(reason, errClosed) {
		s.client.options.Logger.Debug("a connection to the directory ended", "server", s.address, "reason", reason)
	}
}

// close ends all connections, and opens no more.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	connections := make([]*conn, 0, len(s.open))
	for c := range s.open {
		connections = append(connections, c)
	}
	s.notify()
	s.mu.Unlock()
	for _, c := range connections {
		c.close()
	}
}

// borrow returns a connection to the first server that has one.
func (c *Client) borrow(ctx context.Context, sharing bool) (*conn, func(), error) {
	var (
		first error
		wait  time.Duration
	)
	for _, s := range c.servers {
		connection, release, err := s.borrow(ctx, sharing)
		if err == nil {
			return connection, release, nil
		}
		var down *downError
		if !errors.As(err, &down) {
			return nil, nil, &unsentError{err}
		}
		if first == nil {
			first = err
		}
		if wait == 0 || down.wait < wait {
			wait = down.wait
		}
	}
	return nil, nil, downFault(first, wait)
}

// downFault is the fault for a directory none of whose servers can be reached.
func downFault(cause error, wait time.Duration) *fault.Error {
	var e *fault.Error
	switch {
	case isCertificateError(cause):
		e = fault.Wrap(fault.BadGateway, cause, "the certificate of the directory could not be verified; the operator has to mend that").Named("directoryCertificate")
	case isRefusedBind(cause):
		e = fault.Wrap(fault.BadGateway, cause, "the directory refused the gateway's own account; the operator has to mend that").Named("directoryCredentials")
	default:
		e = fault.Wrap(fault.Unavailable, cause, "the directory cannot be reached; try again later").Named("directoryUnreachable")
	}
	e.RetryAfter = wait
	return e
}

func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

func isRefusedBind(err error) bool {
	var refused *bindError
	return errors.As(err, &refused) && ldap.IsErrorAnyOf(refused.reason,
		ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultInappropriateAuthentication,
		ldap.LDAPResultNoSuchObject, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultUnwillingToPerform)
}
