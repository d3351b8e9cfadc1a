package gateway

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// attempt is attempt for the request, which may be a trial.
func (c *call) attempt(ctx context.Context, attributes ...string) error {
	if c.req.DryRun {
		if !c.binding.Capabilities().Trial {
			e := fault.New(fault.Unsupported, "this directory cannot try a change without making it")
			e.Detail.Kind, e.Detail.Parameter = "dryRun", "dryRun"
			return e
		}
		audit.FromContext(ctx).SetDryRun()
	}
	return attempt(ctx, attributes...)
}

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
