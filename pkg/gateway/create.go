package gateway

import (
	"context"
	"errors"

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
	var changed []string
	for _, attribute := range creation.Entry.Attributes {
		changed = append(changed, attribute.Name)
	}
	if err := attempt(ctx, changed...); err != nil {
		return nil, err
	}
	encoder := c.encoder()
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
