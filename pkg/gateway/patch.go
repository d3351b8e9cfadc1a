package gateway

import (
	"context"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

func (c *call) patch(ctx context.Context) (*Answer, error) {
	capabilities := c.binding.Capabilities()
	if c.req.Revision != "" && !capabilities.StrongRevision() {
		return nil, weakRevision()
	}
	// The entry is read for what the directory cannot compare, and for what the plan needs.
	var entry *directory.Entry
	switch {
	case !capabilities.Assertion && (c.req.Revision != "" || c.isBounded()):
		var err error
		if entry, err = c.fetchState(ctx); err != nil {
			return nil, err
		}
	default:
		if needed := c.target.PatchAttributes(c.req.Changes); len(needed) > 0 {
			var err error
			if entry, err = c.fetch(ctx, needed); err != nil {
				return nil, err
			}
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
	if !capabilities.Increment && slices.ContainsFunc(changes, isIncrement) {
		return c.untilUndisturbed(func() (*Answer, error) { return c.patchCounted(ctx, encoder, changes) })
	}
	if c.target.DecidesMembership(changes) || c.target.TakesRequired(changes) {
		return c.untilUndisturbed(func() (*Answer, error) { return c.patchInside(ctx, encoder, changes) })
	}
	dn, err := c.entryDN(ctx)
	switch {
	case err != nil:
		return nil, err
	case c.req.Revision != "" && !capabilities.Assertion:
		return c.modify(ctx, encoder, dn, changes, c.req.Revision, entry)
	}
	return c.modifyPruned(ctx, encoder, dn, changes, entry)
}

// patchCounted makes changes some of which add to numbers, on a directory that cannot add.
func (c *call) patchCounted(ctx context.Context, encoder *mapping.Encoder, changes []directory.Change) (*Answer, error) {
	entry, err := c.fetchState(ctx)
	if err != nil {
		return nil, err
	}
	if !c.engine.StrictModify {
		changes, _ = c.target.Prune(entry, changes)
	}
	if changes, err = counted(c.target, entry, changes); err != nil {
		return nil, err
	}
	c.exact = true // Else nobody would notice that another one was counting, too.
	if err := c.target.CheckChanged(entry, changes); err != nil {
		return nil, err
	}
	dn, err := nameOf(entry)
	if err != nil {
		return nil, err
	}
	answer, err := c.modify(ctx, encoder, dn, changes, c.target.RevisionOf(entry).Value, entry)
	if isOvertaken(err) {
		err = revisionDiffers()
	}
	return answer, err
}

// fetchState reads what a change compares with: all that is mapped, what makes the entry a
// member of its collection, and the revision, which is checked.
func (c *call) fetchState(ctx context.Context) (*directory.Entry, error) {
	entry, err := c.fetch(ctx, withAll(c.target.UpdateAttributes(), c.target.MemberAttributes()))
	if err != nil {
		return nil, err
	}
	return entry, c.checkRevision(entry)
}

// patchInside makes changes that might take the resource out of its collection, or the last
// value of a field that is required. Whether they do hangs on the rest of the entry, so that
// its revision is asserted.
func (c *call) patchInside(ctx context.Context, encoder *mapping.Encoder, changes []directory.Change) (*Answer, error) {
	entry, err := c.fetchState(ctx)
	if err != nil {
		return nil, err
	}
	if !c.engine.StrictModify {
		if changes, _ = c.target.Prune(entry, changes); len(changes) == 0 {
			return c.unchanged(ctx, encoder)
		}
	}
	if err := c.target.CheckChanged(entry, changes); err != nil {
		return nil, err
	}
	dn, err := nameOf(entry)
	if err != nil {
		return nil, err
	}
	return c.modify(ctx, encoder, dn, changes, c.target.RevisionOf(entry).Value, entry)
}
