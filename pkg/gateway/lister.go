package gateway

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// pageOfReferences is how many entries share one look-up of their references.
const pageOfReferences = 500

// lister encodes the entries that match, in batches where they hold references.
type lister struct {
	*call
	selection *mapping.Selection
	order     *mapping.Order
	encoder   *mapping.Encoder
	row       func([]byte) error
	batch     []*directory.Entry
	buffer    []byte
	taken     int // entries that match
	count     int // rows of them
	seen      int // entries whose match was evaluated here
	leftOut   int // entries that cannot be shown
	referred  int // references to other servers
}

// search returns the search for the entries.
func (l *lister) search() *directory.SearchRequest {
	attributes := withAll(l.encoder.Attributes(), l.selection.Attributes)
	if l.req.PageSize > 0 || len(l.req.Sort) > 0 {
		attributes = withAll(attributes, l.order.Attributes())
	}
	return &directory.SearchRequest{Base: l.selection.Base, Scope: l.selection.Scope, Filter: l.selection.Filter, Attributes: attributes}
}

// matches evaluates what the directory could not.
func (l *lister) matches(entry *directory.Entry) (bool, error) {
	if l.target.Encloses(entry) {
		return false, nil
	}
	if !l.target.LeadsTo(entry) {
		l.leftOut++
		return false, nil
	}
	if l.selection.Residual == nil {
		return true, nil
	}
	if l.seen++; l.seen > maxFound {
		return false, tooMany()
	}
	return l.target.Holds(l.selection, entry)
}

// offer adds an entry if it matches.
func (l *lister) offer(ctx context.Context, entry *directory.Entry) error {
	matches, err := l.matches(entry)
	if err == nil && matches {
		err = l.add(ctx, entry)
	}
	return err
}

// step gives the next entries of a result, at most n. It reports false with the last ones.
type step func(ctx context.Context, n int) (entries []*directory.Entry, more bool, err error)

// fill adds entries until the page is full. It calls took with each one that belongs to
// this page or to those that are skipped, and reports whether there may be more. What is
// skipped is fetched in large steps, whatever the size of a page.
func (l *lister) fill(ctx context.Context, next step, took func(*directory.Entry)) (bool, error) {
	skip := l.req.Skip * l.req.PageSize
	for l.taken < l.req.PageSize {
		rest := l.req.PageSize - l.taken
		entries, more, err := next(ctx, max(rest, min(skip+rest, pageOfReferences)))
		if err != nil {
			return false, err
		}
		for _, entry := range entries {
			matches, err := l.matches(entry)
			switch {
			case err != nil:
				return false, err
			case !matches:
				continue
			case skip > 0:
				skip--
			default:
				if err := l.add(ctx, entry); err != nil {
					return false, err
				}
			}
			took(entry)
		}
		if !more {
			return false, l.flush(ctx)
		}
	}
	return true, l.flush(ctx)
}

func (l *lister) add(ctx context.Context, entry *directory.Entry) error {
	l.taken++
	if !l.encoder.HasReferences() {
		return l.write(entry)
	}
	l.batch = append(l.batch, entry)
	if len(l.batch) == pageOfReferences {
		return l.flush(ctx)
	}
	return nil
}

func (l *lister) flush(ctx context.Context) error {
	if len(l.batch) == 0 {
		return nil
	}
	if err := l.encoder.Resolve(ctx, l.findHere, l.batch); err != nil {
		return err
	}
	for _, entry := range l.batch {
		if err := l.write(entry); err != nil {
			return err
		}
	}
	l.batch = l.batch[:0]
	return nil
}

func (l *lister) write(entry *directory.Entry) error {
	l.buffer = l.encoder.Append(l.buffer[:0], entry)
	if err := l.row(l.buffer); err != nil {
		return err
	}
	l.count++
	return nil
}
