package gateway

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// attempt puts the change that is about to be made on record. It returns once the
// record is stored; when it cannot be, nothing may be changed.
func attempt(ctx context.Context, attributes ...string) error {
	event := audit.FromContext(ctx)
	event.AddChanged(attributes...)
	if err := event.Attempt(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the change was not made, because it could not be put on record").Named("audit")
	}
	return nil
}
