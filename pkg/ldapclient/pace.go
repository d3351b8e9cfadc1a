package ldapclient

import (
	"context"
	"time"
)

// isBusy reports whether a server said that it has no time, and so did nothing.
func isBusy(code int) bool { return code == codeBusy || code == codeUnavailable }

// pace notes with which code an operation ended. For a server that had no time it returns
// how long it should be left alone: the longer, the more often in a row it said so.
func (s *server) pace(code int) time.Duration {
	if !isBusy(code) {
		if s.busy.Load() > 0 { // It seldom is, and many share it.
			s.busy.Store(0)
		}
		return 0
	}
	times := s.busy.Add(1)
	return jitter(min(firstBackoff<<min(times-1, 16), lastBackoff))
}

// elsewhere sends a request that changes nothing to the servers but one, which was busy,
// and returns the first answer. It reports false when there is none.
func (s *session) elsewhere(ctx context.Context, r request, n need, busy *server) (*operation, bool) {
	for _, other := range s.client.order(n, nil) {
		if other == busy {
			continue
		}
		l, err := other.borrow(ctx, s.as, n.sharing, false)
		if err != nil {
			continue
		}
		op, err := l.do(ctx, r)
		l.giveBack() //nolint:contextcheck // What is drained is for who comes next.
		if err == nil && !isBusy(op.result.Code) {
			return op, true
		}
	}
	return nil, false
}
