package gateway

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// maxFound bounds what is held in memory for one look-up, and how many entries are
// evaluated in the gateway for one filter.
const maxFound = 10_000

// find is the mapping.Finder of a call: it collects a complete result, or fails. What is on
// another server is a part of the result that is missing.
func (c *call) find(ctx context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
	entries, references, err := c.collect(ctx, req, maxFound, func(int) error { return tooMany() })
	if err == nil && references > 0 {
		return nil, elsewhere()
	}
	return entries, err
}

// findHere is find for entries that are looked up by pointers to them, or that were found
// before: those on another server are as good as those that the caller may not see.
func (c *call) findHere(ctx context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
	entries, _, err := c.collect(ctx, req, maxFound, func(int) error { return tooMany() })
	return entries, err
}

// collect collects a result of at most so many entries, and counts the references to other
// servers.
func (c *call) collect(ctx context.Context, req *directory.SearchRequest, most int, tooMany func(int) error) ([]*directory.Entry, int, error) {
	var entries []*directory.Entry
	result, err := c.session.Search(ctx, req, func(entry *directory.Entry) error {
		if len(entries) == most {
			return tooMany(most)
		}
		entries = append(entries, entry)
		return nil
	})
	return entries, result.References, err
}

func elsewhere() error {
	return fault.New(fault.BadGateway, "the directory refers to another server for a part of this, and referrals are not followed").Named("referral")
}

func tooMany() error {
	e := fault.New(fault.TooLarge, "the filter makes the gateway look at more than %d entries; make it narrower", maxFound)
	e.Detail.Kind, e.Detail.Limit = "evaluationLimit", maxFound
	return e
}

func tooManyToSort(most int) error {
	e := fault.New(fault.TooLarge, "the directory does not sort by these fields, and more than %d resources match; make the filter narrower", most)
	e.Detail.Kind, e.Detail.Limit = "sortLimit", int64(most)
	return e
}

// fetch reads the entry of the call's target. One that is not there, that the
// caller may not see, or that the collection's filter leaves out is NotFound.
func (c *call) fetch(ctx context.Context, attributes []string) (*directory.Entry, error) {
	var found *directory.Entry
	result, err := c.session.Search(ctx, c.target.Lookup(attributes), func(entry *directory.Entry) error {
		if c.target.Encloses(entry) {
			return nil
		}
		if found != nil {
			return mapping.AmbiguousID()
		}
		found = entry
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case found == nil && result.References > 0:
		return nil, elsewhere()
	case found == nil:
		return nil, notFound()
	}
	return found, nil
}

func notFound() error { return fault.New(fault.NotFound, "the resource is not there") }

// entryDN returns the name of the target's entry, by a search where the path alone
// does not tell it.
func (c *call) entryDN(ctx context.Context) (directory.DN, error) {
	if dn, ok := c.target.DN(); ok {
		return dn, nil
	}
	entry, err := c.fetch(ctx, []string{"1.1"})
	if err != nil {
		return directory.DN{}, err
	}
	return nameOf(entry)
}

func nameOf(entry *directory.Entry) (directory.DN, error) {
	dn, err := directory.ParseDN(entry.DN)
	if err != nil {
		return dn, fault.Wrap(fault.BadGateway, err, "the directory returned a name that is none").Named("malformedAnswer")
	}
	return dn, nil
}

// answer encodes an entry with its references.
func (c *call) answer(ctx context.Context, encoder *mapping.Encoder, entry *directory.Entry) (*Answer, error) {
	if encoder.HasReferences() {
		if err := encoder.Resolve(ctx, c.findHere, []*directory.Entry{entry}); err != nil {
			return nil, err
		}
	}
	return &Answer{
		JSON:       encoder.Append(make([]byte, 0, 1024), entry),
		ID:         c.target.IDOf(entry),
		Revision:   c.target.RevisionOf(entry),
		References: encoder.HasReferences(),
	}, nil
}

// fetchNamed reads an entry by its name.
func (c *call) fetchNamed(ctx context.Context, dn directory.DN, attributes []string) (*directory.Entry, error) {
	entries, err := c.find(ctx, &directory.SearchRequest{
		Base: dn, Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), Attributes: attributes, SizeLimit: 1,
	})
	if err == nil && len(entries) == 0 {
		err = notFound()
	}
	if err != nil {
		return nil, err
	}
	return entries[0], nil
}
