package gateway

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

func (c *call) patch(ctx context.Context) (*Answer, error) {
	capabilities := c.binding.Capabilities()
	var entry *directory.Entry
	switch isGuarded := c.req.Revision != "" && !capabilities.Assertion; {
	case c.req.Revision != "" && !capabilities.StrongRevision():
		return nil, weakRevision()
	case isGuarded:
		var err error
		if entry, err = c.fetch(ctx, c.target.UpdateAttributes()); err != nil {
			return nil, err
		}
		if err := c.checkRevision(entry); err != nil {
			return nil, err
		}
	case c.target.PatchNeedsEntry(c.req.Changes):
		var err error
		if entry, err = c.fetch(ctx, []string{"objectClass"}); err != nil {
			return nil, err
		}
	}
	changes, err := c.target.Patch(ctx, entry, c.req.Changes, c.find)
	if err != nil {
		return nil, err
	}
	encoder := c.encoder()
	if len(changes) == 0 {
		return c.unchanged(ctx, encoder)
	}
	dn, err := c.entryDN(ctx)
	switch {
	case err != nil:
		return nil, err
	case c.req.Revision != "" && !capabilities.Assertion:
		return c.modify(ctx, encoder, dn, changes, c.req.Revision, entry)
	}
	return c.modifyPruned(ctx, encoder, dn, changes)
}
