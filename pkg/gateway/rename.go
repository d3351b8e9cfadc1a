package gateway

import (
	"context"
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// rename gives the target another id, or another collection, in one operation of the
// directory (RFC 4511 §4.9), and with it all that is below. What refers to it is the
// directory's to mend.
func (c *call) rename(ctx context.Context) (*Answer, error) {
	capabilities := c.binding.Capabilities()
	if c.req.Revision != "" && (!capabilities.Assertion || !capabilities.StrongRevision()) {
		return nil, fault.New(fault.Unsupported, "this directory cannot compare revisions in the moment of a renaming, so that none can be required").Named("revision")
	}
	renaming, err := c.req.Renaming()
	if err != nil {
		return nil, err
	}
	to, err := c.destination(ctx, renaming)
	if err != nil {
		return nil, err
	}
	entry, err := c.fetch(ctx, withAll(withAll(c.target.UpdateAttributes(), c.target.MemberAttributes()), to.MemberAttributes()))
	if err != nil {
		return nil, err
	}
	if err := c.checkRevision(entry); err != nil {
		return nil, err
	}
	req, err := c.target.Move(entry, to)
	if err != nil {
		return nil, err
	}
	if !capabilities.Assertion && c.isBounded() {
		if _, err := c.target.Fence(entry, true); err != nil {
			return nil, err
		}
	}
	if err := c.attempt(ctx, req.RDN[0].Type); err != nil {
		return nil, err
	}
	from := c.target
	c.target = to
	encoder := c.encoder()
	req.WriteOptions = directory.WriteOptions{Assert: c.assertionOf(from, c.req.Revision), Trial: c.req.DryRun, Read: c.readBack(encoder)}
	renamed, err := c.session.ModifyDN(ctx, req)
	if err == nil || directory.OutcomeOf(err).MayHaveChanged() {
		c.changed(req.DN)
		c.changed(req.NewDN())
	}
	if err != nil {
		c.target = from
		if isTaken(err) {
			return nil, err
		}
		return nil, c.explain(ctx, req.DN, err)
	}
	if c.req.DryRun {
		return &Answer{ID: to.ID(), JSON: to.Stub()}, nil
	}
	answer := c.after(ctx, encoder, renamed, req.NewDN())
	answer.Path = renaming.Path(c.req.Path, to.ID())
	return answer, nil
}

// destination returns the resource that a renaming makes of the target.
func (c *call) destination(ctx context.Context, renaming mapping.Renaming) (*mapping.Target, error) {
	id := renaming.ID
	if id == "" {
		id = c.target.ID()
	}
	if renaming.Collection == nil {
		return c.target.Instance(id), nil
	}
	collection, err := c.binding.Locate(ctx, renaming.Collection, c.find)
	if err != nil {
		var e *fault.Error
		if errors.As(err, &e) && e.Kind == fault.NotFound {
			return nil, fault.Wrap(fault.Invalid, err, "/newParent: no collection is at this path").Named("unknownPath").At("/newParent")
		}
		return nil, err
	}
	if !collection.IsCollection() {
		return nil, fault.New(fault.Invalid, "/newParent: the path does not lead to a collection").Named("notACollection").At("/newParent")
	}
	// Who may create there may move there.
	err = c.policy.admit(&c.caller, c.binding.Model().BasePath, &mapping.Request{Verb: mapping.Create, Path: renaming.Collection})
	if err != nil {
		return nil, err
	}
	return collection.Instance(id), nil
}

// isTaken reports whether a name is that of another entry.
func isTaken(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Detail.Kind == "alreadyExists"
}
