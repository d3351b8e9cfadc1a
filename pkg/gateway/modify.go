package gateway

import (
	"context"
	"errors"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// modify sends the changes, and with them the assertion of a revision. A directory that
// knows no assertions gets them guarded by what the entry had, which may be nil elsewhere.
func (c *call) modify(ctx context.Context, encoder *mapping.Encoder, dn directory.DN, changes []directory.Change, revision string, entry *directory.Entry) (*Answer, error) {
	guarded := false
	if capabilities := c.binding.Capabilities(); revision != "" && !capabilities.Assertion {
		safe, err := guard(entry, changes, capabilities.Schema)
		if guarded = err == nil; guarded {
			changes = safe
		} else if c.req.Revision != "" {
			return nil, err
		}
	}
	var changed []string
	for _, change := range changes {
		changed = append(changed, change.Attribute)
	}
	if err := attempt(ctx, changed...); err != nil {
		return nil, err
	}
	entry, err := c.session.Modify(ctx, &directory.ModifyRequest{
		DN: dn, Changes: changes, Permissive: !guarded && !c.engine.StrictModify, Revision: c.provable(revision),
		WriteOptions: directory.WriteOptions{Assert: c.assertion(revision), Read: c.readBack(encoder)},
	})
	if mayBeDone(err) && slices.ContainsFunc(changed, mapping.IsCredential) {
		c.changed(dn)
	}
	switch {
	case guarded && isOvertaken(err):
		return nil, revisionDiffers()
	case err != nil:
		return nil, c.explain(ctx, dn, err)
	}
	return c.after(ctx, encoder, entry, dn), nil
}

// provable returns the revision by which a lost answer may be made good. Of clients that
// name a revision exactly one succeeds, and two that act as one caller, for the same change,
// cannot be told apart afterwards.
func (c *call) provable(revision string) string {
	if c.req.Revision != "" || !c.binding.Capabilities().StrongRevision() {
		return ""
	}
	return revision
}

// modifyPruned is modify for changes that may delete absent values: when the
// directory refuses that, the absent ones are left out, and the revision of the
// entry they are absent from is asserted.
func (c *call) modifyPruned(ctx context.Context, encoder *mapping.Encoder, dn directory.DN, changes []directory.Change) (*Answer, error) {
	answer, err := c.modify(ctx, encoder, dn, changes, c.req.Revision, nil)
	for range updateAttempts {
		if c.engine.StrictModify || !isAbsentValue(err) {
			return answer, err
		}
		entry, readErr := c.fetchNamed(ctx, dn, c.target.UpdateAttributes())
		if readErr != nil {
			return nil, readErr
		}
		if err := c.checkRevision(entry); err != nil {
			return nil, err
		}
		pruned, found := c.target.Prune(entry, changes)
		switch {
		case !found:
			return nil, err
		case len(pruned) == 0:
			return c.unchanged(ctx, encoder)
		}
		answer, err = c.modify(ctx, encoder, dn, pruned, c.target.RevisionOf(entry).Value, entry)
		if c.req.Revision == "" && errors.Is(err, fault.PreconditionFailed) {
			answer, err = c.modify(ctx, encoder, dn, changes, "", nil)
		}
	}
	return answer, err
}

// isAbsentValue reports whether a change was refused because it deletes what is
// not there (RFC 4511 §4.1.9, noSuchAttribute).
func isAbsentValue(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Detail.Kind == "noSuchAttribute"
}
