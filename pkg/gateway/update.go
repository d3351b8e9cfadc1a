package gateway

import (
	"context"
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// updateAttempts is how often an update without a revision is planned anew when
// somebody else changed the entry in between.
const updateAttempts = 5

// update replaces the writable state. What it compares with is what it changes:
// the revision that was read is asserted with the change, and when somebody else
// was faster the plan is made anew, unless the client named a revision.
func (c *call) update(ctx context.Context) (*Answer, error) {
	return c.untilUndisturbed(func() (*Answer, error) { return c.updateOnce(ctx) })
}

// untilUndisturbed repeats what somebody else overtakes, unless the client named a revision.
func (c *call) untilUndisturbed(once func() (*Answer, error)) (*Answer, error) {
	var err error
	for range updateAttempts {
		var answer *Answer
		answer, err = once()
		if c.req.Revision != "" || !errors.Is(err, fault.PreconditionFailed) {
			return answer, err
		}
	}
	return nil, fault.Wrap(fault.Unavailable, err, "the resource is being changed by others all the time; try again later").Named("contention")
}

func (c *call) updateOnce(ctx context.Context) (*Answer, error) {
	encoder := c.encoder()
	entry, err := c.fetch(ctx, withAll(withAll(c.target.UpdateAttributes(), c.target.MemberAttributes()), encoder.Attributes()))
	if err != nil {
		return nil, err
	}
	if err := c.checkRevision(entry); err != nil {
		return nil, err
	}
	changes, err := c.target.Update(ctx, entry, c.req.Body, c.find)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return c.answer(ctx, encoder, entry)
	}
	if c.target.DecidesMembership(changes) {
		if err := c.target.CheckChanged(entry, changes); err != nil {
			return nil, err
		}
	}
	dn, err := nameOf(entry)
	if err != nil {
		return nil, err
	}
	return c.modify(ctx, encoder, dn, changes, c.target.RevisionOf(entry).Value, entry)
}
