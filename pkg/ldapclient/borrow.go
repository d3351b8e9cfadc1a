package ldapclient

import (
	"context"
	"slices"
)

// loan is a connection that somebody uses.
type loan struct {
	*conn
	share *share // nil when the connection is lent to one alone
}

// borrow lends a connection; its borrower gives it back. A search with a bounded answer
// may share one. It waits while all are in use; see await for a server that is down.
func (s *server) borrow(ctx context.Context, sharing, patient bool) (loan, error) {
	var l loan
	err := s.await(ctx, patient, func() bool { //nolint:contextcheck // A connection is for everybody, and ends with the client.
		if sharing {
			l = s.takeShared()
		} else {
			l = s.takeAlone()
		}
		return l.conn != nil
	})
	return l, err
}

// takeShared picks the connection with the least load, and has another one opened when
// that is much. s.mu is held.
func (s *server) takeShared() loan {
	var best *share
	for _, candidate := range s.shared {
		if best == nil || candidate.load < best.load {
			best = candidate
		}
	}
	needed := best == nil && s.opening == 0 || best != nil && best.load >= enough
	if needed && s.mayConnect() && len(s.shared)+s.opening < s.maxShared {
		s.connect(true)
	}
	if best == nil || best.load >= inFlight {
		return loan{}
	}
	best.load++
	return loan{best.conn, best}
}

// takeAlone takes an idle connection, or has one opened, unless there will be one for
// everybody who waits. s.mu is held.
func (s *server) takeAlone() loan {
	n := len(s.idle)
	if n == 0 {
		dialling := s.trying - s.opening
		if dialling <= s.waiting && s.mayConnect() && s.alone < s.maxAlone {
			s.connect(false)
		}
		return loan{}
	}
	c := s.idle[n-1]
	s.idle = s.idle[:n-1]
	return loan{conn: c}
}

// giveBack ends the loan, and the connection when it has lived long enough.
func (l loan) giveBack() {
	s := l.server
	worn := l.isWorn()
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := true
	switch {
	case l.share != nil:
		l.share.load--
		unused = l.share.load == 0
		if worn {
			s.unshare(l.conn)
		}
	case s.open[l.conn] && !worn:
		s.idle = append(s.idle, l.conn)
	}
	s.notify()
	if worn && unused {
		s.client.start(l.close)
	}
}

// unshare lets nobody else share a connection. s.mu is held.
func (s *server) unshare(c *conn) {
	s.shared = slices.DeleteFunc(s.shared, func(candidate *share) bool { return candidate.conn == c })
}
