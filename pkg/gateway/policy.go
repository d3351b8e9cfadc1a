package gateway

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Policy says who may do what. What no rule allows is refused, before anything is looked
// at. A nil Policy leaves everything to the directory.
type Policy []Rule

// Rule allows some callers some verbs on some resources.
type Rule struct {
	Callers []Caller
	// Resources are paths from the base path on, by segments; each stands for everything
	// below it too, and an empty one for all there is.
	Resources [][]string
	Verbs     []mapping.Verb
}

// Caller stands for callers: the entry of a DN, or those below it. The zero Caller is
// everybody who is authenticated.
type Caller struct {
	DN    directory.DN
	Below bool
}

// includes reports whether the caller is meant.
func (c Caller) includes(caller *auth.Principal) bool {
	switch dn, err := caller.Identity.DN(); {
	case caller.Identity.IsAnonymous():
		return false
	case c.DN.IsZero():
		return caller.Method != auth.MethodAnonymous
	case err != nil:
		return false
	case c.Below:
		return dn.IsBelow(c.DN)
	default:
		return dn.Key() == c.DN.Key()
	}
}

// admit returns the fault of a request that no rule allows.
func (p Policy) admit(caller *auth.Principal, api string, req *mapping.Request) error {
	if p == nil {
		return nil
	}
	path := slices.Concat(strings.Split(api, "/"), req.Path)
	for i := range p {
		if p[i].allows(caller, path, req.Verb) {
			return nil
		}
	}
	return fault.New(fault.Forbidden, "the policy of the gateway does not let you do this here").Named("policy")
}

func (r *Rule) allows(caller *auth.Principal, path []string, verb mapping.Verb) bool {
	above := func(resource []string) bool {
		return len(resource) <= len(path) && slices.Equal(resource, path[:len(resource)])
	}
	return slices.Contains(r.Verbs, verb) && slices.ContainsFunc(r.Resources, above) &&
		slices.ContainsFunc(r.Callers, func(c Caller) bool { return c.includes(caller) })
}
