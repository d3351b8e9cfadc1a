package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Listing is the outcome of a query.
type Listing struct {
	// Count is how many resources it returned.
	Count int
	// Cookie is what the request for the next page carries; "" when there is none.
	Cookie string
	// LeftOut is how many entries match that cannot be shown, since their names are not those
	// that their ids stand for, and how many references to other servers there are, where
	// more may match.
	LeftOut int
	// Total is how many resources match in all; -1 when they were not counted.
	Total int
}

// Query lists the members of a collection that match the request's filter. It
// calls row with each resource, compact JSON that is valid during the call only,
// and returns after the directory has said that the list, or the page, is
// complete. After an error the rows so far are not the whole of it.
func (s *Service) Query(ctx context.Context, p auth.Principal, name string, req *mapping.Request, row func(json []byte) error) (Listing, error) {
	ctx, cancel := context.WithTimeout(ctx, s.listTimeout)
	defer cancel()
	c, err := s.begin(ctx, p, name, req)
	if err != nil {
		return Listing{}, err
	}
	if !c.target.IsCollection() {
		return Listing{}, fault.New(fault.Invalid, "the path names a single resource; only collections are queried").Named("notACollection")
	}
	select {
	case s.lists <- struct{}{}:
		defer func() { <-s.lists }()
	case <-ctx.Done():
		return Listing{}, waitedTooLong(ctx)
	}
	listing, err := c.query(ctx, p, name, row)
	if errors.Is(err, fault.NotFound) && c.target.Glue() != nil {
		return Listing{Total: c.nothing()}, nil // The collection is made with its first member.
	}
	return listing, err
}

func waitedTooLong(ctx context.Context) error {
	if context.Cause(ctx) == context.Canceled { //nolint:errorlint // the cause of a plain cancellation is the sentinel itself
		return fault.Wrap(fault.Canceled, ctx.Err(), "the caller went away")
	}
	return fault.Wrap(fault.Unavailable, ctx.Err(), "too many queries are running; try again later").Named("listQueue")
}

// query lists what the request selects, as the directory returns it, sorted, or in pages.
func (c *call) query(ctx context.Context, p auth.Principal, name string, row func(json []byte) error) (Listing, error) {
	order, err := c.target.Order(c.req.Sort)
	if err != nil {
		return Listing{}, err
	}
	place, err := c.place(p, name)
	if err != nil {
		return Listing{}, err
	}
	selection, err := c.target.Select(ctx, c.req.Filter, c.find)
	if err != nil {
		return Listing{}, err
	}
	if selection.Nothing {
		return Listing{Total: c.nothing()}, nil
	}
	total := -1
	if c.req.Total || c.req.CountOnly {
		var references int
		if total, references, err = c.total(ctx, selection); err != nil || c.req.CountOnly {
			return Listing{Total: total, LeftOut: references}, err
		}
	}
	if c.req.Estimate && !c.req.Total {
		if total, err = c.estimate(ctx, selection); err != nil {
			return Listing{}, err
		}
	}
	l := &lister{call: c, selection: selection, order: order, encoder: c.encoder(), row: row}
	switch {
	case c.req.PageSize > 0 && len(c.req.Sort) > 0:
		err = l.sortedPage(ctx, place)
	case c.req.PageSize > 0:
		err = l.page(ctx, place)
	case len(c.req.Sort) > 0:
		err = l.sorted(ctx)
	default:
		err = l.all(ctx)
	}
	listing := Listing{Count: l.count, LeftOut: l.leftOut + l.referred, Total: total}
	if err == nil && place.more {
		listing.Cookie, err = c.seal(place)
	}
	return listing, err
}

// nothing is the Total of a query that matches nothing.
func (c *call) nothing() int {
	if c.req.Total || c.req.CountOnly {
		return 0
	}
	return -1
}

// total counts what the request selects. Where the directory does not let the caller see
// so many, it is -1, or an error for a request that wants nothing but the count. What is on
// other servers is not in it; the references to them are counted beside it.
func (c *call) total(ctx context.Context, selection *mapping.Selection) (count, references int, err error) {
	result, err := c.session.Search(ctx, &directory.SearchRequest{
		Base: selection.Base, Scope: selection.Scope, Filter: selection.Filter, Attributes: selection.Attributes,
	}, func(entry *directory.Entry) error {
		matches, err := c.target.Holds(selection, entry)
		if matches && c.target.LeadsTo(entry) && !c.target.Encloses(entry) {
			count++
		}
		return err
	})
	if isLimit(err) && !c.req.CountOnly {
		return -1, 0, nil
	}
	return count, result.References, err
}

// all lists everything in the order of the directory.
func (l *lister) all(ctx context.Context) error {
	result, err := l.session.Search(ctx, l.search(), func(entry *directory.Entry) error { return l.offer(ctx, entry) })
	l.referred = result.References
	if err != nil {
		return err
	}
	return l.flush(ctx)
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
