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
//
// Where the gateway evaluates a part of the filter, steps become larger while the page is not
// full, as few of the entries may match. Those of the last step that were not looked at are
// ahead; before is the last one that was.
func (l *lister) fill(ctx context.Context, next step, took func(*directory.Entry)) (f filled, err error) {
	skip := l.req.Skip * l.req.PageSize
	for size := 0; l.taken < l.req.PageSize; {
		rest := l.req.PageSize - l.taken
		size = max(rest, min(skip+rest, pageOfReferences), size)
		entries, more, err := next(ctx, size)
		if err != nil {
			return f, err
		}
		for i, entry := range entries {
			if l.taken == l.req.PageSize {
				f.ahead, f.before = entries[i:], entries[i-1]
				break
			}
			matches, err := l.matches(entry)
			switch {
			case err != nil:
				return f, err
			case !matches:
				continue
			case skip > 0:
				skip--
			default:
				if err := l.add(ctx, entry); err != nil {
					return f, err
				}
			}
			took(entry)
		}
		if f.more = more; !more {
			if f.more, err = l.haveRow(f.ahead); err != nil {
				return f, err
			}
			break
		}
		if l.selection.Residual != nil {
			size = min(2*size, pageOfReferences)
		}
	}
	return f, l.flush(ctx)
}

// filled is how a page was filled.
type filled struct {
	more   bool // there may be more entries
	ahead  []*directory.Entry
	before *directory.Entry // nil when ahead is empty
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
