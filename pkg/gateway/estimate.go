package gateway

import (
	"context"
	"errors"
	"strconv"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// estimate returns about how many resources a page is a page of, where the directory keeps
// count: of all that is immediately below one entry. It costs one read. Elsewhere it is -1,
// because a guess of ours would be worth nothing.
func (c *call) estimate(ctx context.Context, selection *mapping.Selection) (int, error) {
	if c.req.PageSize == 0 || c.req.Filter.Op != query.True || selection.Scope != directory.ScopeOneLevel || c.isBounded() {
		return -1, nil
	}
	// 389-DS, DS and OpenDJ; Active Directory.
	for _, name := range []string{"numSubordinates", "msDS-Approx-Immed-Subordinates"} {
		if c.binding.Capabilities().Schema.Attribute(name) == nil {
			continue
		}
		entry, err := c.fetchNamed(ctx, selection.Base, []string{name})
		switch {
		case errors.Is(err, fault.NotFound), errors.Is(err, fault.Forbidden):
			return -1, nil
		case err != nil:
			return -1, err
		}
		if n, err := strconv.Atoi(entry.Value(name)); err == nil && n >= 0 {
			return n, nil
		}
		return -1, nil
	}
	return -1, nil
}
