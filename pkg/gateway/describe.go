package gateway

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Describe returns a version of an API, joined with what the directory can do at present,
// for those who may read the API as a whole. It looks at no entry.
func (s *Service) Describe(ctx context.Context, p auth.Principal, name, version string) (*mapping.Binding, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if p.MustChange {
		return nil, auth.RefuseMustChange()
	}
	if err := s.policy.admit(&p, name, &mapping.Request{Verb: mapping.Read}); err != nil {
		return nil, err
	}
	return s.bind(ctx, name, version)
}
