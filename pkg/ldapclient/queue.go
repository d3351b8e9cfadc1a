package ldapclient

import "slices"

// waiter is who waits for a connection.
type waiter struct {
	pool    *pool
	sharing bool
	loan    loan
	err     error
	done    chan struct{} // has room for one; loan or err is set before
}

// queue are those who wait, in the order in which they came. A short one serves the
// first first. In a long one who came first is the next to give up, so that it serves the
// last first: some are served in time, instead of all too late.
type queue []*waiter

// waiting is how many wait for connections that are bound as callers. s.mu is held.
func (s *server) waiting() int {
	n := 0
	for p := range s.hungry {
		if p.isCaller() {
			n += len(p.searches) + len(p.others)
		}
	}
	return n
}

// serve gives connections to those who wait, as long as take has any.
func (q *queue) serve(take func() loan) {
	for len(*q) > 0 {
		l := take()
		if l.conn == nil {
			return
		}
		i := 0
		if len(*q) > l.pool.server.client.options.MaxQueue/2 {
			i = len(*q) - 1
		}
		w := (*q)[i]
		*q = slices.Delete(*q, i, i+1)
		w.loan = l
		w.done <- struct{}{}
	}
}

// reject sends all away.
func (q *queue) reject(err error) {
	for _, w := range *q {
		w.err = err
		w.done <- struct{}{}
	}
	*q = nil
}

// leave takes one out that has given up. It reports false when it was served already.
func (q *queue) leave(w *waiter) bool {
	i := slices.Index(*q, w)
	if i >= 0 {
		*q = slices.Delete(*q, i, i+1)
	}
	return i >= 0
}
