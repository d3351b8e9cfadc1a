package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

func (c *call) read(ctx context.Context) (*Answer, error) {
	encoder := c.target.Encoder(c.req)
	entry, err := c.fetch(ctx, encoder.Attributes())
	if err != nil {
		return nil, err
	}
	return c.answer(ctx, encoder, entry)
}

// pageOfReferences is how many entries share one look-up of their references.
const pageOfReferences = 500

// Query lists the members of a collection that match the request's filter. It
// calls row with each resource, compact JSON that is valid during the call only,
// and returns their number after the directory has said that the list is
// complete. After an error the rows so far are not the whole list.
func (s *Service) Query(ctx context.Context, p auth.Principal, name string, req *mapping.Request, row func(json []byte) error) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, s.listTimeout)
	defer cancel()
	c, err := s.begin(ctx, p, name, req)
	if err != nil {
		return 0, err
	}
	if !c.target.IsCollection() {
		return 0, fault.New(fault.Invalid, "the path names a single resource; only collections are queried").Named("notACollection")
	}
	select {
	case s.lists <- struct{}{}:
		defer func() { <-s.lists }()
	case <-ctx.Done():
		return 0, waitedTooLong(ctx)
	}
	return c.query(ctx, row)
}

func waitedTooLong(ctx context.Context) error {
	if context.Cause(ctx) == context.Canceled { //nolint:errorlint // the cause of a plain cancellation is the sentinel itself
		return fault.Wrap(fault.Canceled, ctx.Err(), "the caller went away")
	}
	return fault.Wrap(fault.Unavailable, ctx.Err(), "too many queries are running; try again later").Named("listQueue")
}

func (c *call) query(ctx context.Context, row func(json []byte) error) (int, error) {
	selection, err := c.target.Select(ctx, c.req.Filter, c.find)
	if err != nil || selection.Nothing {
		return 0, err
	}
	encoder := c.target.Encoder(c.req)
	list := lister{call: c, encoder: encoder, row: row}
	seen := 0
	_, err = c.session.Search(ctx, &directory.SearchRequest{
		Base: selection.Base, Scope: selection.Scope, Filter: selection.Filter,
		Attributes: withAll(encoder.Attributes(), selection.Attributes),
	}, func(entry *directory.Entry) error {
		if selection.Residual != nil {
			if seen++; seen > maxFound {
				return tooMany()
			}
			if matches, err := c.target.Holds(selection, entry); err != nil || !matches {
				return err
			}
		}
		return list.add(ctx, entry)
	})
	if err == nil {
		err = list.flush(ctx)
	}
	return list.count, err
}

// withAll returns the attributes of both lists.
func withAll(attributes, more []string) []string {
	for _, name := range more {
		if !slices.ContainsFunc(attributes, func(a string) bool { return strings.EqualFold(a, name) }) {
			attributes = append(slices.Clip(attributes), name)
		}
	}
	return attributes
}

// lister encodes entries, in pages where they hold references.
type lister struct {
	*call
	encoder *mapping.Encoder
	row     func([]byte) error
	page    []*directory.Entry
	buffer  []byte
	count   int
}

func (l *lister) add(ctx context.Context, entry *directory.Entry) error {
	if !l.encoder.HasReferences() {
		return l.write(entry)
	}
	l.page = append(l.page, entry)
	if len(l.page) == pageOfReferences {
		return l.flush(ctx)
	}
	return nil
}

func (l *lister) flush(ctx context.Context) error {
	if len(l.page) == 0 {
		return nil
	}
	if err := l.encoder.Resolve(ctx, l.find, l.page); err != nil {
		return err
	}
	for _, entry := range l.page {
		if err := l.write(entry); err != nil {
			return err
		}
	}
	l.page = l.page[:0]
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
