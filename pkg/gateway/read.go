package gateway

import "context"

func (c *call) read(ctx context.Context) (*Answer, error) {
	encoder := c.encoder()
	entry, err := c.fetch(ctx, encoder.Attributes())
	if err != nil {
		return nil, err
	}
	return c.answer(ctx, encoder, entry)
}
