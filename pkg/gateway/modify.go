package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// modify sends the changes, and with them the assertion of a revision. A directory that
// knows no assertions gets them guarded by what the entry had, which may be nil elsewhere,
// and where the collection has no boundary.
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
	fence, err := c.fence(entry)
	if err != nil {
		return nil, err
	}
	if err := c.attempt(ctx, changed...); err != nil {
		return nil, err
	}
	guarded = guarded || len(fence) > 0 && revision != ""
	var permissive bool
	var numbers []directory.Filter
	if !guarded && len(fence) == 0 {
		permissive, numbers = c.lenience(changes)
	}
	result, err := c.session.Modify(ctx, &directory.ModifyRequest{
		DN: dn, Changes: slices.Concat(fence, changes), Permissive: permissive, Revision: c.provable(revision),
		WriteOptions: directory.WriteOptions{Assert: asserting(c.assertion(revision), numbers), Trial: c.req.DryRun, Read: c.readBack(encoder)},
	})
	if len(numbers) > 0 && errors.Is(err, fault.PreconditionFailed) {
		c.exact = true // Then the directory tells what is not there.
		return c.modify(ctx, encoder, dn, changes, revision, entry)
	}
	if mayBeDone(err) && !c.req.DryRun && slices.ContainsFunc(changed, mapping.IsCredential) {
		c.changed(dn)
	}
	switch {
	case guarded && isOvertaken(err):
		return nil, revisionDiffers()
	case err != nil:
		return nil, c.advise(ctx, dn, passwordIn(changes), c.located(c.byRights(ctx, dn, c.explain(ctx, dn, err)), changed))
	}
	if c.req.DryRun {
		return c.tried(ctx, encoder, dn, changes), nil
	}
	return c.after(ctx, encoder, result, dn), nil
}

// lenience reports whether the directory is to be lenient towards values that are there already, or
// not there, and what has to hold of the entry then: that each number which is to be incremented is
// there, since OpenLDAP, permissive, takes one that is not for 0.
func (c *call) lenience(changes []directory.Change) (permissive bool, numbers []directory.Filter) {
	switch {
	case c.exact || c.engine.StrictModify || !slices.ContainsFunc(changes, isOfValues):
		return false, nil
	case !slices.ContainsFunc(changes, isIncrement):
		return true, nil
	}
	numbers, known := numbersThere(changes)
	if !known || !c.binding.Capabilities().Assertion {
		return false, nil
	}
	return true, numbers
}

// numbersThere returns what has to hold of the entry so that each number is there when it is
// incremented. It is false where that hangs on what is left by the changes before.
func numbersThere(changes []directory.Change) (conditions []directory.Filter, known bool) {
	left := make(map[string]bool, len(changes)) // whether the changes so far leave a value for sure
	for _, change := range changes {
		key := strings.ToLower(change.Attribute)
		there, touched := left[key]
		switch {
		case change.Op == directory.ChangeDelete:
			left[key] = false
		case !isIncrement(change):
			left[key] = len(change.Values) > 0
		case !touched:
			conditions, left[key] = append(conditions, directory.Present(change.Attribute)), true
		case !there:
			return nil, false
		}
	}
	return conditions, true
}

// isOfValues tells the changes that may find their values there, or absent.
func isOfValues(change directory.Change) bool {
	return change.Op == directory.ChangeAdd || change.Op == directory.ChangeDelete
}

// isBounded reports whether the collection has a filter, which is its boundary.
func (c *call) isBounded() bool { return !c.target.Membership().IsTrue() }

// fence returns what goes ahead of the changes of an entry where the directory cannot be
// told that it has to be a member of its collection.
func (c *call) fence(entry *directory.Entry) ([]directory.Change, error) {
	if c.binding.Capabilities().Assertion || !c.isBounded() {
		return nil, nil
	}
	return c.target.Fence(entry, false)
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
func (c *call) modifyPruned(ctx context.Context, encoder *mapping.Encoder, dn directory.DN, changes []directory.Change, entry *directory.Entry) (*Answer, error) {
	answer, err := c.modify(ctx, encoder, dn, changes, c.req.Revision, entry)
	for range updateAttempts {
		if c.engine.StrictModify || !isAbsentValue(err) {
			return answer, err
		}
		var readErr error
		if entry, readErr = c.fetchState(ctx); readErr != nil {
			return nil, readErr
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
			answer, err = c.modify(ctx, encoder, dn, changes, "", entry)
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
