package ldapclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// The health of a connection is looked at when it is new (see vet), when it is lent after it
// has been at rest (see trusted), when it is given back (see worn), in a sweep from time to
// time, and after every result that tells that the server has lost its way (see take).

// watch begins the sweeps, with the first connection.
func (c *Client) watch() {
	c.watching.Do(func() { c.start(c.sweeps) })
}

// sweeps looks after the connections until the client is closed.
func (c *Client) sweeps() {
	tick := time.NewTicker(c.options.Heartbeat / 2)
	defer tick.Stop()
	for {
		select {
		case <-c.life.Done():
			return
		case now := <-tick.C:
			for _, s := range c.servers {
				_ = c.contain(s, func() error { s.sweep(now); return nil })
			}
		}
	}
}

// lifetime is how long a connection lives, which is not the same for all.
func (c *Client) lifetime() time.Duration {
	age := c.options.MaxAge
	return age*4/5 + time.Duration(rand.Int64N(int64(age*2/5)+1)) //nolint:gosec // No secret depends on it.
}

// sweep ends connections that are too old or not needed, opens those that there should
// be, tries a server that is down, and asks the connections from which nothing has come
// since the last sweep.
func (s *server) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for p := range s.pools {
		p.prune(now)
		p.expire(now)
	}
	s.own.refill()
	if s.failures > 0 {
		s.own.connect(len(s.own.shared)+s.own.opening[1] < s.own.maxShared)
	}
	for p := range s.pools {
		p.probe()
	}
}

// prune ends connections that have not been used for long, beyond those that there
// should be. server.mu is held.
func (p *pool) prune(now time.Time) {
	keep := p.server.client.options.MinIdle
	if p.isCaller() {
		keep = 0
	}
	limit := now.Add(-p.server.client.options.IdleTime)
	for len(p.idle) > keep && p.idle[0].rested.Before(limit) {
		p.withdraw(p.idle[0], errUnneeded)
	}
	for i := len(p.shared) - 1; i >= 0; i-- {
		candidate := p.shared[i]
		if candidate.used || candidate.load > 0 {
			candidate.used, candidate.conn.rested = false, now
		} else if len(p.shared) > min(keep, 1) && candidate.conn.rested.Before(limit) {
			p.withdraw(candidate.conn, errUnneeded)
		}
	}
}

// expire ends a connection that is too old, unless one of the server was ended a short
// time ago. The last one that searches share has a successor first. server.mu is held.
func (p *pool) expire(now time.Time) {
	s := p.server
	for c := range p.open {
		if now.Before(c.expires) || now.Sub(s.aged) < s.client.options.AgeGap {
			continue
		}
		if c.sharing && len(p.shared) == 1 && p.shared[0].conn == c {
			if p.opening[1] == 0 {
				p.connect(true)
			}
			continue
		}
		if !c.retire() {
			continue // It has been already, and ends when it is given back.
		}
		s.aged = now
		if p.isAtRest(c) {
			p.withdraw(c, errExpired)
		} else {
			p.unlist(c)
		}
	}
}

// isAtRest reports whether nobody uses a connection. server.mu is held.
func (p *pool) isAtRest(c *conn) bool {
	for _, candidate := range p.shared {
		if candidate.conn == c {
			return candidate.load == 0
		}
	}
	for _, candidate := range p.idle {
		if candidate == c {
			return true
		}
	}
	return false
}

// refill opens one of the connections that should be there before they are needed.
// server.mu is held.
func (p *pool) refill() {
	if p.server.failures == 0 && len(p.idle)+p.opening[0] < p.server.client.options.MinIdle && p.alone < p.limit() {
		p.connect(false)
	}
}

// probe asks the connections that are at rest or shared, and from which nothing came
// since the last sweep. Those that are lent to one alone are not disturbed. server.mu is
// held.
func (p *pool) probe() {
	for _, candidate := range p.shared {
		if candidate.conn.isQuiet() {
			candidate.load++
			p.heartbeat(loan{conn: candidate.conn, share: candidate, probe: true})
		}
	}
	rest := p.idle[:0]
	for _, c := range p.idle {
		if c.isQuiet() {
			p.heartbeat(loan{conn: c, probe: true})
		} else {
			rest = append(rest, c)
		}
	}
	clear(p.idle[len(rest):])
	p.idle = rest
}

// heartbeat asks a connection that has been lent for that. server.mu is held.
func (p *pool) heartbeat(l loan) {
	c := p.server.client
	p.server.load.Add(1)
	c.start(func() {
		ctx, cancel := context.WithTimeout(c.life, c.options.ProbeTimeout)
		defer cancel()
		defer l.giveBack()
		_ = l.ask(ctx)
	})
}

// ask sends the smallest request there is, on a connection with no bind, and waits for its
// answer. A server that says nothing, whatever it is asked, loses the connection.
func (c *conn) ask(ctx context.Context) error {
	before := c.heard()
	_, err := c.do(ctx, probeRequest())
	if errors.Is(err, context.DeadlineExceeded) && c.heard() == before {
		c.fail(errSilent)
	}
	return err
}

// probeRequest reads nothing of the root DSE (RFC 4511 §4.5.1.8).
func probeRequest() request {
	req := &directory.SearchRequest{Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), SizeLimit: 1}
	return request{name: "", want: ldapwire.SearchResultDone, encode: func(dst []byte, id int32, _ []ldapwire.Control) []byte { return ldapwire.AppendSearch(dst, id, req) }}
}
