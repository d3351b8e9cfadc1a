package gateway

import (
	"context"
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func (c *call) create(ctx context.Context) (*Answer, error) {
	creation, err := c.target.Create(ctx, c.req.Body, c.find)
	if err != nil {
		return nil, err
	}
	if err := c.target.CheckNew(creation.Entry.Attributes); err != nil {
		return nil, err
	}
	if err := c.checkUnused(ctx, creation.ID); err != nil {
		return nil, err
	}
	var changed []string
	for _, attribute := range creation.Entry.Attributes {
		changed = append(changed, attribute.Name)
	}
	if err := c.attempt(ctx, changed...); err != nil {
		return nil, err
	}
	encoder := c.encoder()
	creation.Entry.Read, creation.Entry.Trial = c.readBack(encoder), c.req.DryRun
	entry, err := c.session.Add(ctx, &creation.Entry)
	if glue := c.target.Glue(); glue != nil && errors.Is(err, fault.NotFound) {
		glue.Trial = c.req.DryRun
		if _, err := c.session.Add(ctx, glue); err != nil && !errors.Is(err, fault.PreconditionFailed) {
			return nil, err
		}
		if !c.req.DryRun { // Where the glue is not made, the entry cannot be tried.
			entry, err = c.session.Add(ctx, &creation.Entry)
		} else {
			err = nil
		}
	}
	if err != nil {
		// The policy is the one for all: the entry that could name another one is not there.
		return nil, c.advise(ctx, directory.DN{}, (&directory.Entry{Attributes: creation.Entry.Attributes}).Value(passwordAttribute), c.located(err, nil))
	}
	if creation.ID != "" {
		c.target = c.target.Instance(creation.ID)
	}
	if c.req.DryRun {
		entry = &directory.Entry{DN: creation.Entry.DN.String(), Attributes: creation.Entry.Attributes}
	}
	answer := c.after(ctx, encoder, entry, creation.Entry.DN)
	answer.Created = !c.req.DryRun
	return answer, nil
}

// checkUnused refuses an id that a resource of the collection has. Where the id is the name
// of the entry, that is for the directory to say; elsewhere it takes a second entry with the
// id, unless its rules keep such values apart, and two that are sent at once are for those
// rules alone.
func (c *call) checkUnused(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	instance := c.target.Instance(id)
	if _, named := instance.DN(); named {
		return nil
	}
	found, err := c.find(ctx, instance.Lookup([]string{"1.1"}))
	switch {
	case errors.Is(err, fault.NotFound):
		return nil // The collection's own entry is not there yet.
	case err == nil && len(found) > 0:
		return fault.New(fault.PreconditionFailed, "a resource with this id is there already").Named("alreadyExists")
	}
	return err
}
