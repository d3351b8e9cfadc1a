package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// readBack returns what the directory is asked to return with a change.
func (c *call) readBack(encoder *mapping.Encoder) []string {
	if c.engine.ReadBack != ReadBackControls || !encoder.ReadBack() {
		return nil
	}
	return encoder.Attributes()
}

// after shows a resource that has been changed: from what came back with the
// change, else by reading it. The change is done: when the resource cannot be
// shown, the answer is its id alone, not a failure.
func (c *call) after(ctx context.Context, encoder *mapping.Encoder, entry *directory.Entry, dn directory.DN) *Answer {
	if entry == nil && c.engine.ReadBack == ReadBackNothing {
		return &Answer{ID: c.target.ID(), JSON: c.target.Stub()}
	}
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

// tried shows a resource as it would be after changes that were only tried: the directory
// does not tell, so that it is what the plan makes of the present entry, without a revision.
func (c *call) tried(ctx context.Context, encoder *mapping.Encoder, dn directory.DN, changes []directory.Change) *Answer {
	if c.engine.ReadBack == ReadBackNothing {
		return &Answer{ID: c.target.ID(), JSON: c.target.Stub()}
	}
	entry, err := c.fetchNamed(ctx, dn, encoder.Attributes())
	if err == nil {
		entry = withoutAttribute(c.target.Changed(entry, changes), c.binding.Capabilities().Revision)
	}
	return c.after(ctx, encoder, entry, dn)
}

func withoutAttribute(entry *directory.Entry, name string) *directory.Entry {
	entry.Attributes = slices.DeleteFunc(entry.Attributes, func(a directory.Attribute) bool { return strings.EqualFold(a.Name, name) })
	return entry
}
