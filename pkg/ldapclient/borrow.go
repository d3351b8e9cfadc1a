package ldapclient

import (
	"context"
	"slices"
	"time"
)

// trusted is for how long a connection that has been at rest is taken to be alive. Later it is
// asked first, by the first who gets it: a question that gets no answer costs less than a
// change of unknown outcome, or than a read that is sent again when its time is almost over.
const trusted = time.Second

// loan is a connection that somebody uses.
type loan struct {
	*conn
	share *share // nil when the connection is lent to one alone
	probe bool   // nobody uses it, it is asked whether it lives
	// isRested tells that nobody had used it for longer than it is trusted.
	isRested bool
}

// borrow lends a connection; its borrower gives it back. A search with a bounded answer
// may share one. It waits while all are in use, as long as the options say, and behind as
// many others. While the server is down it fails with a *downError, at once when not
// patient, else after the next attempt to connect, if one is due.
func (s *server) borrow(ctx context.Context, as *account, sharing, patient bool) (loan, error) {
	if err := s.breaker.admit(s); err != nil {
		s.client.happened(s, CheckoutFailed, 0)
		return loan{}, err
	}
	l, err := s.acquire(ctx, as, sharing, patient)
	if err != nil {
		s.breaker.spare()
	}
	return l, err
}

// acquire is borrow, for one whom the breaker lets through.
func (s *server) acquire(ctx context.Context, as *account, sharing, patient bool) (loan, error) {
	l, w, err := s.ask(as, sharing, patient)
	if err != nil {
		s.client.happened(s, CheckoutFailed, 0)
		return loan{}, err
	}
	if w == nil {
		s.load.Add(1)
		s.client.happened(s, CheckoutWithoutWait, 0)
		return l, nil
	}
	begun := time.Now()
	l, err = w.wait(ctx)
	waited := time.Since(begun)
	s.waits.add(waited)
	switch {
	case err != nil:
		s.client.happened(s, CheckoutFailed, waited)
		return loan{}, err
	case l.heard() == 0:
		s.client.happened(s, CheckoutNewConnection, waited)
	default:
		s.client.happened(s, CheckoutAfterWait, waited)
	}
	s.load.Add(1)
	return l, nil
}

// ask takes a connection, or a place in the queue.
func (s *server) ask(as *account, sharing, patient bool) (loan, *waiter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return loan{}, nil, errClosed
	}
	p := s.pool(as)
	if l := p.take(sharing); l.conn != nil {
		return l, nil, nil
	}
	q := p.queue(sharing)
	if s.failures > 0 {
		p.connect(sharing && len(p.shared)+p.opening[1] < p.maxShared)
		if s.dialing == 0 || !patient {
			p.disband()
			return loan{}, nil, s.down()
		}
	}
	if len(*q) >= s.client.options.MaxQueue || p.isCaller() && s.waiting() >= s.client.options.MaxQueue {
		return loan{}, nil, &waitError{errQueue, s.client.options.AcquireTimeout}
	}
	w := &waiter{pool: p, sharing: sharing, done: make(chan struct{}, 1)}
	*q = append(*q, w)
	p.grow()
	p.note()
	return loan{}, w, nil
}

func (p *pool) queue(sharing bool) *queue {
	if sharing {
		return &p.searches
	}
	return &p.others
}

// wait waits for a connection.
func (w *waiter) wait(ctx context.Context) (loan, error) {
	p, s := w.pool, w.pool.server
	begun := time.Now()
	timer := time.NewTimer(s.client.options.AcquireTimeout)
	defer timer.Stop()
	var why error
	select {
	case <-w.done:
		return w.loan, w.err
	case <-ctx.Done():
		why = ended(ctx)
	case <-timer.C:
		why = errAcquire
	}
	s.mu.Lock()
	left := p.queue(w.sharing).leave(w)
	if left {
		p.note()
		p.disband()
	}
	s.mu.Unlock()
	if !left { // It was served in this moment.
		<-w.done
		return w.loan, w.err
	}
	return loan{}, &waitError{why, time.Since(begun)}
}

// giveBack ends the loan, and the connection when it has lived long enough. One that was
// lent to one alone, and on which an answer is outstanding, is nobody's until that is over.
func (l loan) giveBack() {
	if owed := l.remains(); owed != nil {
		if l.pool.server.client.start(func() { defer l.end(); l.drain(owed) }) {
			return
		}
	}
	l.end()
}

func (l loan) end() {
	p, s := l.pool, l.pool.server
	worn := l.worn()
	s.load.Add(-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.unpark(l.conn)
	if worn == nil && l.share == nil && p.alone > p.limit() {
		worn = errUnneeded // It was let in while others were parked.
	}
	unused := true
	switch {
	case l.share != nil:
		l.share.load--
		unused = l.share.load == 0
		if unused && !l.probe {
			l.rested = time.Now()
		}
		if worn != nil {
			p.unlist(l.conn)
		}
	case p.open[l.conn] && worn == nil:
		p.rest(l)
	}
	switch {
	case worn == nil:
		s.client.happened(s, ReleasedValid, 0)
	case unused:
		s.client.start(func() { l.close(worn) })
	}
	if len(s.hungry) > 0 {
		s.settle()
	}
}

// park tells that the connection rests until the next step of a walk, so that another one may be
// opened in its place; unpark that it does not any more.
func (l loan) park() {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if l.pool.open[l.conn] {
		l.parked = true
		l.pool.parked++
		l.pool.settle()
	}
}

func (l loan) unpark() {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	l.pool.unpark(l.conn)
}

// unpark counts a connection that does not rest between two steps, or not any more. server.mu is
// held.
func (p *pool) unpark(c *conn) {
	if c.parked {
		c.parked = false
		p.parked--
	}
}

// rest puts a connection to those that are at rest, in the order of their last use.
// server.mu is held.
func (p *pool) rest(l loan) {
	i := len(p.idle)
	if !l.probe {
		l.rested = time.Now()
	}
	for i > 0 && l.rested.Before(p.idle[i-1].rested) {
		i--
	}
	p.idle = slices.Insert(p.idle, i, l.conn)
}
