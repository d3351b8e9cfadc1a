package mapping

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Fields may lead from reference to reference: to the members of the groups of the members
// of a group. What is looked up grows with the number of entries; what is shown grows with
// every step, until nobody has the room for it.

const (
	// maxBehind is how many references a field may lead through.
	maxBehind         = 16
	throughReferences = "fields lead through at most %d references"
	// maxNested is how many resources one resource may show inside of those that it refers
	// to. Beyond it ten for each of those are right.
	maxNested      = 10_000
	nestedForEach  = 10
	beyondCounting = 1 << 30
)

// resolveNested looks up what the references of the targets point to.
func (r *resolution) resolveNested(ctx context.Context, find Finder, targets []*directory.Entry) error {
	if !r.projection.references {
		return nil
	}
	var err error
	if r.nested, err = r.target.resolve(ctx, find, r.projection, targets); err != nil {
		return err
	}
	r.within = make(map[string]int, len(r.entries))
	for key, entry := range r.entries {
		for _, inner := range r.nested {
			direct, nested := inner.shows(entry)
			r.within[key] = min(r.within[key]+direct+nested, beyondCounting)
		}
	}
	return nil
}

// shows returns how many targets an entry shows, and how many resources are inside of them.
func (r *resolution) shows(entry *directory.Entry) (direct, nested int) {
	if r == nil {
		return 0, 0
	}
	names := entry.Values(r.attribute)
	if r.referrers != nil {
		names = r.referrersOf(entry)
	}
	if r.within == nil {
		return len(names), 0
	}
	for _, key := range r.target.binding.keysOf(names) {
		nested = min(nested+r.within[key], beyondCounting)
	}
	return len(names), nested
}

// checkNested refuses to show more inside of a resource than there is room for.
func (found resolved) checkNested(entries []*directory.Entry) error {
	for _, r := range found {
		if r == nil || r.within == nil {
			continue
		}
		for _, entry := range entries {
			if direct, nested := r.shows(entry); nested > maxNested+nestedForEach*direct {
				e := fault.New(fault.TooLarge, "the fields that are named behind references show more than %d resources inside of one; name fewer of them", maxNested)
				e.Detail.Kind, e.Detail.Limit, e.Detail.Parameter = "nestedLimit", maxNested, "_fields"
				return e
			}
		}
	}
	return nil
}
