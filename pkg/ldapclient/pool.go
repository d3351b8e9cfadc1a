package ldapclient

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// inFlight is how many searches share a connection at most. slapd ends
	// connections with 1,000 pending operations.
	inFlight = 64
	// enough is how many searches share a connection before another one is opened.
	enough = 8
	// callerConns is how many connections for lists and changes a caller may have to a
	// server where connections are bound as the caller.
	callerConns = 4
)

// pool holds the connections to one server that are bound as one identity, and are never
// bound as another. Its fields are guarded by server.mu.
type pool struct {
	server *server
	as     *account // nil for the gateway's own
	// maxShared and maxAlone are the greatest numbers of connections of each sort. maxParked is how
	// many there may be beyond maxAlone, while as many are parked.
	maxShared, maxAlone, maxParked int

	shared  []*share
	idle    []*conn // for lists and changes; the last one was used last
	open    map[*conn]bool
	alone   int // connections for lists and changes, idle, lent, or being opened
	parked  int // those of them that rest between the steps of a walk
	opening [2]int
	// searches and others are who waits for a connection of each sort.
	searches, others queue
}

// share is a connection that searches share.
type share struct {
	conn *conn
	load int
	used bool // since the last sweep
}

// sort is the place of a sort of connections in pool.opening.
func sort(sharing bool) int {
	if sharing {
		return 1
	}
	return 0
}

func newPool(s *server, as *account, maxShared, maxAlone int) *pool {
	return &pool{server: s, as: as, maxShared: maxShared, maxAlone: maxAlone, open: make(map[*conn]bool)}
}

// isCaller reports whether the pool is that of a caller.
func (p *pool) isCaller() bool { return p.as != nil }

// take takes a connection that there is. server.mu is held.
func (p *pool) take(sharing bool) loan {
	if !sharing {
		n := len(p.idle)
		if n == 0 {
			return loan{}
		}
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return loan{conn: c, isRested: time.Since(c.rested) >= trusted}
	}
	best := p.leastLoaded()
	if best == nil || best.load >= inFlight {
		return loan{}
	}
	isRested := best.load == 0 && time.Since(best.conn.rested) >= trusted
	best.load++
	best.used = true
	if best.load > enough { // Many are, so that another connection may be of use.
		p.grow()
	}
	return loan{conn: best.conn, share: best, isRested: isRested}
}

func (p *pool) leastLoaded() *share {
	var best *share
	for _, candidate := range p.shared {
		if best == nil || candidate.load < best.load {
			best = candidate
		}
	}
	return best
}

// settle serves those who wait, and has connections opened for the rest. server.mu is
// held.
func (p *pool) settle() {
	p.searches.serve(func() loan { return p.take(true) })
	p.others.serve(func() loan { return p.take(false) })
	p.grow()
	if s := p.server; s.failures > 0 && s.dialing == 0 { // Nothing is to come.
		if p.alone == 0 {
			p.others.reject(s.down())
		}
		if len(p.shared) == 0 {
			p.searches.reject(s.down())
		}
	}
	p.note()
}

// note keeps the books about who waits. server.mu is held.
func (p *pool) note() {
	if len(p.searches)+len(p.others) > 0 {
		p.server.hungry[p] = true
	} else {
		delete(p.server.hungry, p)
	}
}

// grow has connections opened as far as they are wanted and allowed. server.mu is held.
func (p *pool) grow() {
	best := p.leastLoaded()
	if best == nil && len(p.searches) > 0 && p.opening[1] == 0 || best != nil && best.load >= enough {
		if len(p.shared)+p.opening[1] < p.maxShared {
			p.connect(true)
		}
	}
	for p.opening[0] < len(p.others) && p.alone < p.limit() {
		if !p.connect(false) {
			return
		}
	}
}

// limit is how many connections for lists and changes there may be. server.mu is held.
func (p *pool) limit() int { return p.maxAlone + min(p.parked, p.maxParked) }

// reject sends everybody away who waits. server.mu is held.
func (p *pool) reject(err error) {
	p.searches.reject(err)
	p.others.reject(err)
	p.note()
	p.disband()
}

// connect opens a connection in the background, unless it is not the time for that. It
// is for everyone of the pool: who waits for it may give up, it does not. server.mu is
// held.
func (p *pool) connect(sharing bool) bool {
	s := p.server
	if !s.mayConnect() || p.isCaller() && s.lent >= s.client.options.MaxCallers && !s.spare() {
		return false
	}
	started := s.client.start(func() {
		var c *conn
		err := s.client.contain(s, func() (err error) {
			c, err = p.dial(s.client.life, sharing)
			return err
		})
		p.connected(c, err, sharing)
	})
	if !started {
		return false // The client is being closed, and wakes everybody.
	}
	s.client.watch()
	p.begun(sharing)
	return true
}

// begun counts a connection that is being opened. server.mu is held.
func (p *pool) begun(sharing bool) {
	p.server.dialing++
	p.opening[sort(sharing)]++
	if !sharing {
		p.alone++
	}
	if p.isCaller() {
		p.server.lent++
	}
}

func (p *pool) dial(ctx context.Context, sharing bool) (*conn, error) {
	s := p.server
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	ctx, cancel := context.WithTimeout(ctx, s.client.options.ConnectTimeout)
	defer cancel()
	socket, err := s.client.dial(ctx, s)
	if err != nil {
		return nil, err
	}
	fresh := newStream(socket)
	if err := s.client.decoding(s, func() error { return s.client.logIn(ctx, fresh, p.as) }); err != nil {
		_ = socket.Close()
		return nil, &bindError{err}
	}
	fresh.messages.SetLimit(s.client.options.MaxMessage)
	if !p.isCaller() {
		if err := s.client.decoding(s, func() error { return s.vet(ctx, fresh) }); err != nil {
			_ = socket.Close()
			return nil, &vetError{err}
		}
	}
	return newConn(p, fresh, sharing), nil
}

// connected takes the outcome of dial.
func (p *pool) connected(c *conn, err error, sharing bool) {
	s := p.server
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { p.settle(); s.settle() }()
	s.dialing--
	p.opening[sort(sharing)]--
	if err == nil && (s.closed || !s.client.start(c.read)) {
		_ = c.stream.Close()
		err = errClosed
	}
	if err == nil {
		s.client.happened(s, ConnectionOpened, 0)
		s.retryAt = time.Time{} // Another attempt may do as well.
		c.born = time.Now()
		c.expires = c.born.Add(s.client.lifetime())
		c.rested = c.born
		p.open[c] = true
		if sharing {
			p.shared = append(p.shared, &share{conn: c})
		} else {
			p.idle = append(p.idle, c)
		}
		return
	}
	s.client.happened(s, ConnectionFailed, 0)
	if !sharing {
		p.alone--
	}
	if p.isCaller() {
		s.lent--
	}
	if refused := p.as.refused(err); refused != nil {
		p.reject(refused) // That is the caller's concern.
	} else if s.client.life.Err() == nil {
		s.failed(err)
	}
	p.disband()
}

// lost takes a dead connection away. A server whose only connection was useless, lost
// before it answered the first request, counts as down: it would take and lose
// connections for ever. So does one that was asked and says nothing.
func (p *pool) lost(c *conn, reason error, useless bool) {
	s := p.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.open[c] {
		return
	}
	delete(p.open, c)
	p.unlist(c)
	p.unpark(c)
	if !c.sharing {
		p.alone--
	}
	if p.isCaller() {
		s.lent--
	} else if len(p.open) == 0 {
		s.known.Store(nil) // It may be another one when it comes back.
	}
	switch {
	case errors.Is(reason, errUnneeded):
		s.client.happened(s, ConnectionUnneeded, 0)
	case errors.Is(reason, errExpired):
		s.client.happened(s, ConnectionExpired, 0)
	case errors.Is(reason, errClosed):
	default:
		s.client.happened(s, ConnectionDefunct, 0)
		s.client.options.Logger.Debug("a connection to the directory ended", "server", s.address, "reason", reason)
		if useless && !errors.Is(reason, errUnfinished) && len(p.open) == 0 || errors.Is(reason, errSilent) {
			s.failed(reason)
		}
		if errors.Is(reason, errSilent) {
			s.suspect()
		}
	}
	p.settle()
	if p.isCaller() {
		s.settle()
	}
	p.disband()
}

// unlist lets nobody else have a connection. server.mu is held.
func (p *pool) unlist(c *conn) {
	p.shared = slices.DeleteFunc(p.shared, func(candidate *share) bool { return candidate.conn == c })
	p.idle = slices.DeleteFunc(p.idle, func(candidate *conn) bool { return candidate == c })
}

// withdraw ends a connection that nobody uses. server.mu is held.
func (p *pool) withdraw(c *conn, reason error) {
	p.unlist(c)
	p.server.client.start(func() { c.close(reason) })
}

// disband forgets the pool of a caller that has nothing any more. server.mu is held.
func (p *pool) disband() {
	if p.isCaller() && len(p.open)+p.opening[0]+p.opening[1]+len(p.searches)+len(p.others) == 0 {
		delete(p.server.callers, p.as.key)
		delete(p.server.hungry, p)
	}
}
