package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// A query in pages is a walk in the order of a server: simple paging on a connection that
// waits for the next page. Where the directory lets the caller see no more in this way,
// or has no such paging, the walk goes on in the order of the entries' identities, and
// passes over those that it has served: each of these pages is a sorted search of its
// own. A search whose connection is gone is begun anew, and passes over them, too.

// pager lists a page of a walk.
type pager struct {
	*lister
	*walk
	place *place
	// begun is how many entries had been served when steps was begun for this page; -1 when it
	// was not.
	begun int
}

// page lists a page in the order that the directory has.
func (l *lister) page(ctx context.Context, at *place) error {
	p := &pager{lister: l, place: at, begun: -1}
	if at.Walk != "" {
		p.walk = l.walks.take(at.Walk, at.Served)
	}
	fresh := p.walk == nil
	if fresh {
		p.walk = &walk{id: rand.Text(), server: at.Server}
	}
	panicked := true
	defer func() {
		if panicked { // Nobody gets to know of the walk.
			p.end()
		}
	}()
	err := p.goOn(ctx, fresh)
	panicked = false
	if !at.more {
		p.end()
	}
	if at.more || err != nil { // A page that failed may be asked for again.
		at.Walk, at.Served, at.Server = p.id, len(p.served), p.server
		if at.Served > 0 {
			at.Last = p.served[at.Served-1][:]
		}
		l.walks.put(p.walk)
	}
	return err
}

func (p *pager) goOn(ctx context.Context, fresh bool) (err error) {
	if fresh && p.place.Served > 0 {
		if err := p.recall(ctx); err != nil {
			return err
		}
	}
	if p.place.Position != nil {
		p.restore()
	}
	f, err := p.fill(ctx, p.next, p.serve)
	p.place.more = f.more
	if p.place.Position != nil {
		p.goBack(p.place, f)
	} else {
		p.ahead = slices.Concat(f.ahead, p.ahead)
	}
	return err
}

// restore goes on in the order of identities.
func (p *pager) restore() {
	position := p.order.Restore(*p.place.Position)
	p.place.Position = &position
	p.pass()
}

// serve notes that an entry has been served. In the order of identities the position
// tells.
func (p *pager) serve(entry *directory.Entry) {
	if p.place.Position == nil {
		p.served = append(p.served, p.markOf(entry))
	}
}

func (p *pager) markOf(entry *directory.Entry) mark {
	sum := sha256.Sum256([]byte(p.order.PositionOf(entry).Identity))
	return mark(sum[:16])
}

// next returns the next entries that have not been served, at most n.
func (p *pager) next(ctx context.Context, n int) ([]*directory.Entry, bool, error) {
	if p.place.Position != nil {
		return p.nextByIdentity(ctx, n)
	}
	if len(p.ahead) > 0 {
		n = min(n, len(p.ahead))
		entries := p.ahead[:n]
		p.ahead = p.ahead[n:]
		return entries, len(p.ahead) > 0 || !p.last, nil
	}
	resumed := p.steps != nil
	if !resumed {
		p.steps, p.begun = p.session.Walk(p.search()), len(p.served)
		p.pass()
	}
	before := p.steps.References()
	entries, more, err := p.steps.Next(ctx, max(n, min(len(p.passed), pageOfReferences)))
	p.referred += p.steps.References() - before
	switch {
	case err == nil:
		p.server = p.steps.Server()
		p.last = !more
		if entries = p.unserved(entries); len(entries) > n {
			p.ahead = entries[n:]
			return entries[:n], true, nil
		}
		return entries, more, nil
	case needsOrder(err) && p.order.IsServed():
		p.end()
		p.place.Position = p.order.Start()
		p.pass()
		return p.nextByIdentity(ctx, n)
	case resumed && p.begun != len(p.served) && ctx.Err() == nil:
		// The connection was lost between two pages, or the server has forgotten the search.
		// One that led to nothing new is not begun once more.
		p.end()
		return p.next(ctx, n)
	}
	return nil, false, err
}

// needsOrder tells that the directory does not let the caller see more in this way.
func needsOrder(err error) bool { return isLimit(err) || hasKind(err, "paging") }

// nextByIdentity is next in the order of identities.
func (p *pager) nextByIdentity(ctx context.Context, n int) ([]*directory.Entry, bool, error) {
	entries, more, err := p.sortedStep(ctx, p.place, n)
	return p.unserved(entries), more, err
}

// unserved leaves out the entries that were served by an earlier search.
func (p *pager) unserved(entries []*directory.Entry) []*directory.Entry {
	if len(p.passed) == 0 {
		return entries
	}
	return slices.DeleteFunc(entries, func(entry *directory.Entry) bool {
		m := p.markOf(entry)
		served := p.passed[m]
		delete(p.passed, m)
		return served
	})
}

// recall finds out which entries the pages so far had, when nobody remembers: those up to
// the last of them, in the order of the same server.
func (p *pager) recall(ctx context.Context) error {
	steps := p.session.Walk(p.search())
	defer steps.Close()
	for {
		entries, more, err := steps.Next(ctx, pageOfReferences)
		if err != nil && !isLimit(err) {
			return err
		}
		if steps.Server() != p.server {
			break
		}
		for _, entry := range entries {
			m := p.markOf(entry)
			p.served = append(p.served, m)
			if string(m[:]) == string(p.place.Last) {
				return nil
			}
		}
		if !more {
			break
		}
	}
	return badCookie("lostCookie", "leads to a place that is gone, because the directory or its entries changed; begin with the first page")
}
