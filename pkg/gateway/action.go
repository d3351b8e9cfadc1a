package gateway

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// action runs an action, where the mapping has it.
func (c *call) action(ctx context.Context) (*Answer, error) {
	switch name := c.req.Action; {
	case !c.target.Supports(name):
		return nil, fault.New(fault.Unsupported, "the action %q is not available here", name).Named("unknownAction")
	case c.req.DryRun && name == mapping.AccountUsability:
		e := fault.New(fault.Unsupported, "the action changes nothing that could be tried; leave out dryRun")
		e.Detail.Kind, e.Detail.Parameter = "dryRun", "dryRun"
		return nil, e
	case name == mapping.Rename:
		return c.rename(ctx)
	case name == mapping.ModifyPassword:
		return c.modifyPassword(ctx)
	case name == mapping.ResetPassword:
		return c.resetPassword(ctx)
	case name == mapping.AccountUsability:
		return c.accountUsability(ctx)
	default:
		return nil, fault.New(fault.Unsupported, "the action %q is not available in this version", name).Named("unavailableAction")
	}
}
