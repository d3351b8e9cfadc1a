package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

const (
	// maxBelow is how many entries are deleted one by one with the one above them.
	maxBelow = 1000
	// subtreeRounds is how often what is below an entry is looked for again, when others
	// add to it meanwhile.
	subtreeRounds = 3
)

// takesSubtree reports whether a deletion takes what is below the resource with it.
func (c *call) takesSubtree() bool {
	return c.req.Subtree || !c.engine.NoSubtreeDelete && c.target.HasSubResources()
}

// remove deletes an entry, with all below it where that is wanted: in one operation where
// the directory has it, else one by one. It returns how many went one by one.
func (c *call) remove(ctx context.Context, req *directory.DeleteRequest) (*directory.Entry, int, error) {
	takes := c.takesSubtree()
	req.Subtree = takes && c.binding.Capabilities().SubtreeDelete
	entry, err := c.session.Delete(ctx, req)
	if !takes || !isNonLeaf(err) {
		return entry, 0, err
	}
	return c.removeFromBelow(ctx, req)
}

// removeFromBelow deletes what is below an entry, the deepest first, and the entry at last.
// That is not one change: whoever looks meanwhile sees a part, and what fails leaves one.
// The revision that the client requires is compared before anything is deleted, and
// asserted when the entry itself is.
func (c *call) removeFromBelow(ctx context.Context, req *directory.DeleteRequest) (*directory.Entry, int, error) {
	if req.Trial {
		return nil, 0, fault.New(fault.Unsupported, "this directory deletes a resource and what is below it one by one, which cannot be tried").Named("dryRun")
	}
	root, err := c.fetch(ctx, c.target.UpdateAttributes())
	if err == nil {
		err = c.checkRevision(root)
	}
	if err != nil {
		return nil, 0, err
	}
	deleted := 0
	for range subtreeRounds {
		var n int
		n, err = c.clear(ctx, req.DN)
		deleted += n
		if err == nil {
			var entry *directory.Entry
			if entry, err = c.session.Delete(ctx, req); err == nil {
				return entry, deleted, nil
			}
		}
		if !isNonLeaf(err) {
			break
		}
	}
	return nil, deleted, err
}

// clear deletes all below an entry, and returns how many it deleted.
func (c *call) clear(ctx context.Context, dn directory.DN) (int, error) {
	below, err := c.below(ctx, dn)
	if err != nil {
		return 0, err
	}
	deleted := 0
	for _, name := range below {
		switch _, err := c.session.Delete(ctx, &directory.DeleteRequest{DN: name}); {
		case errors.Is(err, fault.NotFound): // Somebody else was faster.
		case err != nil:
			return deleted, err
		default:
			deleted++
			audit.FromContext(ctx).AddDeleted(1)
		}
	}
	return deleted, nil
}

// below returns the names of all entries below one, the deepest first.
func (c *call) below(ctx context.Context, dn directory.DN) ([]directory.DN, error) {
	entries, references, err := c.collect(ctx, &directory.SearchRequest{
		Base: dn, Scope: directory.ScopeSubtree, Filter: directory.Present("objectClass"), Attributes: []string{"1.1"},
	}, maxBelow+1, func(int) error { return tooManyBelow() })
	if err == nil && references > 0 {
		err = elsewhere()
	}
	if err != nil {
		return nil, err
	}
	names := make([]directory.DN, 0, len(entries))
	for _, entry := range entries {
		name, err := nameOf(entry)
		if err != nil {
			return nil, err
		}
		if !name.Equal(dn) {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b directory.DN) int { return b.Depth() - a.Depth() })
	return names, nil
}

func tooManyBelow() error {
	e := fault.New(fault.TooLarge, "more than %d entries are below the resource, and this directory deletes them one by one only; nothing was deleted", maxBelow)
	e.Detail.Kind, e.Detail.Limit = "subtreeLimit", maxBelow
	return e
}

// partly tells what a deletion that failed had deleted before.
func partly(err error, deleted int) error {
	var e *fault.Error
	if deleted == 0 || !errors.As(err, &e) {
		return err
	}
	told := *e // The fault may be shared.
	told.Message = fmt.Sprintf("%s; entries below the resource that were deleted before: %d", e.Message, deleted)
	told.Detail.Deleted = int64(deleted)
	return &told
}

// isNonLeaf reports whether a deletion was refused because of what is below the entry.
func isNonLeaf(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Detail.Kind == "notAllowedOnNonLeaf"
}
