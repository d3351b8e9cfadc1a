package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// maxSorts is how many sorted searches run at once. OpenLDAP takes as many as half of its
// threads, 8, and answers others with 51.
const maxSorts = 4

// sorted lists everything in the order of the request.
func (l *lister) sorted(ctx context.Context) error {
	entries, err := l.inOrder(ctx)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := l.offer(ctx, entry); err != nil {
			return err
		}
	}
	return l.flush(ctx)
}

// inOrder returns all entries in the order of the request.
func (l *lister) inOrder(ctx context.Context) ([]*directory.Entry, error) {
	if l.order.IsServed() {
		entries, _, err := l.sortedSearch(ctx, l.selection.Filter, 0)
		if err != nil {
			return nil, err
		}
		return l.complete(ctx, entries)
	}
	entries, references, err := l.collect(ctx, l.search(), l.engine.MaxSorted, tooManyToSort)
	l.referred = references
	l.order.Sort(entries)
	return entries, err
}

// sortedPage lists a page in the order of the request.
func (l *lister) sortedPage(ctx context.Context, at *place) (err error) {
	if at.Position == nil {
		at.Position = l.order.Start()
	} else {
		position := l.order.Restore(*at.Position)
		at.Position = &position
	}
	next := func(ctx context.Context, n int) ([]*directory.Entry, bool, error) { return l.sortedStep(ctx, at, n) }
	if !l.order.IsServed() {
		entries, err := l.inOrder(ctx)
		if err != nil {
			return err
		}
		next = l.from(entries, at)
	}
	f, err := l.fill(ctx, next, func(*directory.Entry) {})
	at.more = f.more
	l.goBack(at, f)
	return err
}

// goBack has a position be before the entries that were fetched and not looked at.
func (l *lister) goBack(at *place, f filled) {
	if len(f.ahead) > 0 {
		position := l.order.PositionOf(f.before)
		at.Position = &position
	}
}

// from returns the steps through sorted entries after a position.
func (l *lister) from(entries []*directory.Entry, at *place) step {
	if !at.Position.IsStart() {
		begin, _ := slices.BinarySearchFunc(entries, *at.Position, func(entry *directory.Entry, p mapping.Position) int {
			if l.order.Compare(l.order.PositionOf(entry), p) > 0 {
				return 1
			}
			return -1
		})
		entries = entries[begin:]
	}
	return func(_ context.Context, n int) ([]*directory.Entry, bool, error) {
		n = min(n, len(entries))
		next := entries[:n]
		if entries = entries[n:]; n > 0 {
			position := l.order.PositionOf(next[n-1])
			at.Position = &position
		}
		more, err := l.haveRow(entries)
		return next, more, err
	}
}

// haveRow reports whether one of the entries is to be shown.
func (l *lister) haveRow(entries []*directory.Entry) (bool, error) {
	for _, entry := range entries {
		if l.target.Encloses(entry) || !l.target.LeadsTo(entry) {
			continue
		}
		if l.selection.Residual == nil {
			return true, nil
		}
		if holds, err := l.target.Holds(l.selection, entry); holds || err != nil {
			return holds, err
		}
	}
	return false, nil
}

// sortedStep returns the next entries after a position, and moves it on.
func (l *lister) sortedStep(ctx context.Context, at *place, n int) ([]*directory.Entry, bool, error) {
	filter := l.selection.Filter
	if !at.Position.IsStart() {
		filter = directory.And(filter, l.order.After(*at.Position))
	}
	entries, more, err := l.sortedSearch(ctx, filter, n)
	if err != nil || len(entries) == 0 {
		return nil, false, err
	}
	last := entries[len(entries)-1]
	position := l.order.PositionOf(last)
	at.Position = &position
	if more {
		if err := l.checkKeys(ctx, last, position); err != nil {
			return nil, false, err
		}
	}
	entries, err = l.complete(ctx, entries)
	return entries, more, err
}

// complete reads entries once more where a sorted result lacks a part of them.
func (l *lister) complete(ctx context.Context, entries []*directory.Entry) ([]*directory.Entry, error) {
	if l.isSortable() {
		return entries, nil
	}
	return l.target.Reread(ctx, l.findHere, entries, l.search().Attributes)
}

// isSortable reports whether a sorted result has all that is needed of its entries.
func (l *lister) isSortable() bool { return l.encoder.Sortable() && !l.selection.Unsortable }

// sortedSearch has the directory sort. It reports whether there are more entries than n;
// 0 is all of them.
func (l *lister) sortedSearch(ctx context.Context, filter directory.Filter, n int) ([]*directory.Entry, bool, error) {
	select {
	case l.sorts <- struct{}{}:
		defer func() { <-l.sorts }()
	case <-ctx.Done():
		return nil, false, waitedTooLong(ctx)
	}
	req := l.search()
	req.Filter, req.SizeLimit, req.Sort = filter, n, l.order.Keys()
	if !l.isSortable() {
		req.Attributes = l.order.Attributes()
	}
	for {
		var entries []*directory.Entry
		result, err := l.session.Search(ctx, req, func(entry *directory.Entry) error {
			entries = append(entries, entry)
			return nil
		})
		l.referred = max(l.referred, result.References) // Each of the searches finds them all.
		switch limit := limitOf(err); {
		case isBusy(err) && pause(ctx):
		case limit > 0 && limit < n:
			req.SizeLimit = limit // That of the directory is less than a page.
		default:
			return entries, result.More, err
		}
	}
}

// isBusy tells that the directory sorts for too many others.
func isBusy(err error) bool { return hasKind(err, "directoryBusy") }

func hasKind(err error, kind string) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Detail.Kind == kind
}

// pause waits a little. It reports false when the time of the request is over.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(10*time.Millisecond + rand.N(40*time.Millisecond)): //nolint:gosec // No secret depends on it.
		return true
	case <-ctx.Done():
		return false
	}
}

// limitOf is how many entries the directory lets the caller see, where that is the error.
func limitOf(err error) int {
	var e *fault.Error
	if !errors.As(err, &e) || !isLimit(err) {
		return 0
	}
	return int(e.Detail.Limit)
}

func isLimit(err error) bool { return hasKind(err, "sizeLimit") }

// checkKeys makes sure that the caller may compare the values by which the result is
// sorted: the search for the next page would not find the entries where that is not so,
// and nobody would notice.
func (l *lister) checkKeys(ctx context.Context, last *directory.Entry, position mapping.Position) error {
	dn, err := nameOf(last)
	if err != nil {
		return err
	}
	search := func(filter directory.Filter) ([]*directory.Entry, error) {
		return l.find(ctx, &directory.SearchRequest{
			Base: dn, Scope: directory.ScopeBase, Filter: filter, Attributes: l.order.Attributes(), SizeLimit: 1,
		})
	}
	found, err := search(l.order.At(position))
	if err != nil || len(found) > 0 {
		return err
	}
	found, err = search(directory.Present("objectClass"))
	if err != nil || len(found) == 0 || l.order.Compare(l.order.PositionOf(found[0]), position) != 0 {
		return err // It has been changed in between.
	}
	return fault.New(fault.Forbidden, "you may not compare the values by which the result is sorted, and without that there is no next page").Named("sortKeyHidden")
}
