package gateway

import (
	"context"
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// assertion is what must hold of the entry when it is changed: it is a member of
// the collection, and it has the revision.
func (c *call) assertion(revision string) *directory.Filter {
	return c.assertionOf(c.target, revision)
}

// assertionOf is assertion for the place that the entry has at present.
func (c *call) assertionOf(target *mapping.Target, revision string) *directory.Filter {
	capabilities := c.binding.Capabilities()
	if !capabilities.Assertion {
		return nil
	}
	var conditions []directory.Filter
	if member := target.Membership(); !member.IsTrue() {
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

// asserting returns an assertion, nil for none, with further conditions.
func asserting(assertion *directory.Filter, conditions []directory.Filter) *directory.Filter {
	switch {
	case len(conditions) == 0:
		return assertion
	case assertion != nil:
		conditions = append([]directory.Filter{*assertion}, conditions...)
	}
	all := directory.And(conditions...)
	return &all
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
	case asserted && errors.Is(err, fault.Forbidden):
		return err // What is asserted cannot be read.
	case err != nil || !asserted:
		return refused
	case c.req.Revision != "" && entries[0].Value(revision) == "":
		return unreadableRevision()
	}
	return revisionDiffers()
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
