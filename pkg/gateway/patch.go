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
	if c.hangsOnEntry(changes) {
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
		return nil, c.located(err, nil)
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

// hangsOnEntry reports whether it hangs on the rest of the entry what changes do, or whether
// they may be made: they might take the resource out of its collection, or the last value of a
// field that is required, or the directory cannot compare their values.
func (c *call) hangsOnEntry(changes []directory.Change) bool {
	return c.target.DecidesMembership(changes) || c.target.TakesRequired(changes) || c.asserts() && c.target.ChangesUncompared(changes)
}

// asserts reports whether the directory can be told which revision an entry has to have.
func (c *call) asserts() bool {
	capabilities := c.binding.Capabilities()
	return capabilities.Assertion && capabilities.StrongRevision()
}

// patchInside makes changes of which it hangs on the rest of the entry what they do, so that its
// revision is asserted.
func (c *call) patchInside(ctx context.Context, encoder *mapping.Encoder, changes []directory.Change) (*Answer, error) {
	entry, err := c.fetchState(ctx)
	if err != nil {
		return nil, err
	}
	if !c.engine.StrictModify {
		changes, _ = c.target.Prune(entry, changes)
	}
	revision := c.target.RevisionOf(entry).Value
	if revision != "" && c.asserts() {
		if changes, err = c.target.Whole(entry, changes, c.engine.StrictModify); err != nil {
			return nil, c.located(err, nil)
		}
	}
	if len(changes) == 0 {
		return c.unchanged(ctx, encoder)
	}
	if err := c.target.CheckChanged(entry, changes); err != nil {
		return nil, err
	}
	dn, err := nameOf(entry)
	if err != nil {
		return nil, err
	}
	c.exact = false
	return c.modify(ctx, encoder, dn, changes, revision, entry)
}
