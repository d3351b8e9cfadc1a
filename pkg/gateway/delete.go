package gateway

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func (c *call) delete(ctx context.Context) (*Answer, error) {
	if capabilities := c.binding.Capabilities(); c.req.Revision != "" && (!capabilities.Assertion || !capabilities.StrongRevision()) {
		return nil, fault.New(fault.Unsupported, "this directory cannot compare revisions in the moment of a deletion, so that none can be required").Named("revision")
	}
	encoder := c.encoder()
	dn, err := c.nameToDelete(ctx)
	if err != nil {
		return nil, err
	}
	// What a deletion cannot read back is read, with its references, while it is there.
	var before *Answer
	if reads := c.engine.ReadBack; reads != ReadBackNothing && (encoder.HasReferences() || reads == ReadBackSearch || !encoder.ReadBack()) {
		if before, err = c.unchanged(ctx, encoder); err != nil {
			return nil, err
		}
	}
	if err := c.attempt(ctx); err != nil {
		return nil, err
	}
	options := directory.WriteOptions{Assert: c.assertion(c.req.Revision), Trial: c.req.DryRun}
	if before == nil {
		options.Read = c.readBack(encoder)
	}
	entry, deleted, err := c.remove(ctx, &directory.DeleteRequest{DN: dn, WriteOptions: options})
	if (mayBeDone(err) || deleted > 0) && !c.req.DryRun {
		c.changed(dn) // Nobody comes in by the password of an entry that is gone.
	}
	answer := before
	switch {
	case err != nil:
		return nil, partly(c.explain(ctx, dn, err), deleted)
	case before != nil:
	case entry == nil:
		answer = &Answer{ID: c.target.ID(), JSON: c.target.Stub()}
	default:
		if answer, err = c.answer(ctx, encoder, entry); err != nil {
			return nil, err
		}
	}
	answer.Deleted = deleted
	return answer, nil
}

// nameToDelete returns the name of the target's entry. A directory that cannot be told what
// has to hold of it is asked first whether it is a member of its collection.
func (c *call) nameToDelete(ctx context.Context) (directory.DN, error) {
	if c.binding.Capabilities().Assertion || !c.isBounded() {
		return c.entryDN(ctx)
	}
	entry, err := c.fetch(ctx, c.target.MemberAttributes())
	if err != nil {
		return directory.DN{}, err
	}
	if _, err := c.target.Fence(entry, true); err != nil {
		return directory.DN{}, err
	}
	return nameOf(entry)
}
