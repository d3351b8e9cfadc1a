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

// find is the mapping.Finder of a call: it collects a complete result.
func (c *call) find(ctx context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
	var entries []*directory.Entry
	_, err := c.session.Search(ctx, req, func(entry *directory.Entry) error {
		if len(entries) == maxFound {
			return tooMany()
		}
		entries = append(entries, entry)
		return nil
	})
	return entries, err
}

func tooMany() error {
	e := fault.New(fault.TooLarge, "the filter makes the gateway look at more than %d entries; make it narrower", maxFound)
	e.Detail.Kind, e.Detail.Limit = "evaluationLimit", maxFound
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
		return nil, fault.New(fault.BadGateway, "the directory refers to another server for this resource, and referrals are not followed").Named("referral")
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
		if err := encoder.Resolve(ctx, c.find, []*directory.Entry{entry}); err != nil {
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
