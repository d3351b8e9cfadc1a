package gateway

import (
	"context"
	"errors"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// updateAttempts is how often an update without a revision is planned anew when
// somebody else changed the entry in between.
const updateAttempts = 5

func (c *call) create(ctx context.Context) (*Answer, error) {
	creation, err := c.target.Create(ctx, c.req.Body, c.find)
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, attribute := range creation.Entry.Attributes {
		changed = append(changed, attribute.Name)
	}
	if err := attempt(ctx, changed...); err != nil {
		return nil, err
	}
	encoder := c.target.Encoder(c.req)
	creation.Entry.Read = c.readBack(encoder)
	entry, err := c.session.Add(ctx, &creation.Entry)
	if glue := c.target.Glue(); glue != nil && errors.Is(err, fault.NotFound) {
		if _, err := c.session.Add(ctx, glue); err != nil && !errors.Is(err, fault.PreconditionFailed) {
			return nil, err
		}
		entry, err = c.session.Add(ctx, &creation.Entry)
	}
	if err != nil {
		return nil, err
	}
	if creation.ID != "" {
		c.target = c.target.Instance(creation.ID)
	}
	answer := c.after(ctx, encoder, entry, creation.Entry.DN)
	answer.Created = true
	return answer, nil
}

// readBack returns what the directory is asked to return with a change.
func (c *call) readBack(encoder *mapping.Encoder) []string {
	if !encoder.ReadBack() {
		return nil
	}
	return encoder.Attributes()
}

// after shows a resource that has been changed: from what came back with the
// change, else by reading it. The change is done: when the resource cannot be
// shown, the answer is its id alone, not a failure.
func (c *call) after(ctx context.Context, encoder *mapping.Encoder, entry *directory.Entry, dn directory.DN) *Answer {
	var err error
	if entry == nil {
		entry, err = c.fetchNamed(ctx, dn, encoder.Attributes())
	}
	if err == nil {
		var answer *Answer
		if answer, err = c.answer(ctx, encoder, entry); err == nil {
			return answer
		}
	}
	c.logger.Warn("a changed resource could not be read back", "error", err)
	return &Answer{ID: c.target.ID(), JSON: c.target.Stub()}
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

// update replaces the writable state. What it compares with is what it changes:
// the revision that was read is asserted with the change, and when somebody else
// was faster the plan is made anew, unless the client named a revision.
func (c *call) update(ctx context.Context) (*Answer, error) {
	var err error
	for range updateAttempts {
		var answer *Answer
		answer, err = c.updateOnce(ctx)
		if c.req.Revision != "" || !errors.Is(err, fault.PreconditionFailed) {
			return answer, err
		}
	}
	return nil, fault.Wrap(fault.Unavailable, err, "the resource is being changed by others all the time; try again later").Named("contention")
}

func (c *call) updateOnce(ctx context.Context) (*Answer, error) {
	encoder := c.target.Encoder(c.req)
	entry, err := c.fetch(ctx, withAll(c.target.UpdateAttributes(), encoder.Attributes()))
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
	dn, err := nameOf(entry)
	if err != nil {
		return nil, err
	}
	return c.modify(ctx, encoder, dn, changes, c.target.RevisionOf(entry).Value, entry)
}

// checkRevision compares the revision that the client requires with the entry.
func (c *call) checkRevision(entry *directory.Entry) error {
	if c.req.Revision == "" {
		return nil
	}
	if !c.binding.Capabilities().StrongRevision() {
		return weakRevision()
	}
	switch c.target.RevisionOf(entry).Value {
	case c.req.Revision:
		return nil
	case "":
		return unreadableRevision()
	}
	return revisionDiffers()
}

func revisionDiffers() error {
	return fault.New(fault.PreconditionFailed, "the resource has another revision; read it again").Named("revision")
}

func unreadableRevision() error {
	return fault.New(fault.Forbidden, "you may not read the revision of this resource, so that none can be required").Named("revisionUnreadable")
}

func weakRevision() error {
	return fault.New(fault.Unsupported, "this directory has no revisions that differ with every change, so that none can be required").Named("revision")
}

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
		DN: dn, Changes: changes, Permissive: !guarded, Revision: c.provable(revision),
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
		if !isAbsentValue(err) {
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

// assertion is what must hold of the entry when it is changed: it is a member of
// the collection, and it has the revision.
func (c *call) assertion(revision string) *directory.Filter {
	capabilities := c.binding.Capabilities()
	if !capabilities.Assertion {
		return nil
	}
	var conditions []directory.Filter
	if member := c.target.Membership(); !member.IsTrue() {
		conditions = append(conditions, member)
	}
	if revision != "" && capabilities.StrongRevision() {
		conditions = append(conditions, directory.Equal(capabilities.Revision, revision))
	}
	if len(conditions) == 0 {
		return nil
	}
	filter := directory.And(conditions...)
	return &filter
}

// explain finds out what a refused change means for the caller: a resource that it
// may not even see is not there for it, and an assertion fails for more than one
// reason. One read decides.
func (c *call) explain(ctx context.Context, dn directory.DN, refused error) error {
	asserted := errors.Is(refused, fault.PreconditionFailed)
	if !asserted && !errors.Is(refused, fault.Forbidden) {
		return refused
	}
	revision := c.binding.Capabilities().Revision
	entries, err := c.find(ctx, &directory.SearchRequest{
		Base: dn, Scope: directory.ScopeBase, Filter: c.target.Members(), Attributes: []string{revision}, SizeLimit: 1,
	})
	switch {
	case errors.Is(err, fault.NotFound) || err == nil && len(entries) == 0:
		return notFound()
	case err != nil || !asserted:
		return refused
	case c.req.Revision != "" && entries[0].Value(revision) == "":
		return unreadableRevision()
	}
	return revisionDiffers()
}

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
	encoder := c.target.Encoder(c.req)
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

// unchanged answers a change that changes nothing.
func (c *call) unchanged(ctx context.Context, encoder *mapping.Encoder) (*Answer, error) {
	entry, err := c.fetch(ctx, encoder.Attributes())
	if err != nil {
		return nil, err
	}
	if err := c.checkRevision(entry); err != nil {
		return nil, err
	}
	return c.answer(ctx, encoder, entry)
}

func (c *call) delete(ctx context.Context) (*Answer, error) {
	if capabilities := c.binding.Capabilities(); c.req.Revision != "" && (!capabilities.Assertion || !capabilities.StrongRevision()) {
		return nil, fault.New(fault.Unsupported, "this directory cannot compare revisions in the moment of a deletion, so that none can be required").Named("revision")
	}
	encoder := c.target.Encoder(c.req)
	dn, err := c.entryDN(ctx)
	if err != nil {
		return nil, err
	}
	// What a deletion cannot read back is read, with its references, while it is there.
	var before *Answer
	if encoder.HasReferences() || !encoder.ReadBack() {
		if before, err = c.unchanged(ctx, encoder); err != nil {
			return nil, err
		}
	}
	if err := attempt(ctx); err != nil {
		return nil, err
	}
	options := directory.WriteOptions{Assert: c.assertion(c.req.Revision)}
	if before == nil {
		options.Read = encoder.Attributes()
	}
	entry, err := c.session.Delete(ctx, &directory.DeleteRequest{DN: dn, WriteOptions: options})
	switch {
	case err != nil:
		return nil, c.explain(ctx, dn, err)
	case before != nil:
		return before, nil
	case entry == nil:
		return &Answer{ID: c.target.ID(), JSON: c.target.Stub()}, nil
	}
	return c.answer(ctx, encoder, entry)
}
