package basic

import (
	"context"
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// refuseLate refuses a caller that the search did not find after a bind as an entry
// that is not there: the caller waits as long as with a wrong password, and cannot
// tell from the time which names exist. What is left is the time that the directory
// itself takes to compare a password.
func (a *Authenticator) refuseLate(ctx context.Context, refused error, password string) error {
	if reason := auth.ReasonOf(refused); reason != ReasonUnknown && reason != ReasonAmbiguous {
		return refused
	}
	nobody := a.options.Search.Base.Child(directory.RDN{{Type: "cn", Value: a.nobody}})
	if _, err := a.options.Directory.Authenticate(ctx, nobody, password, nil); err != nil && fault.KindOf(err) != fault.Unauthenticated {
		return err
	}
	return refused
}

// find returns the name of the caller's entry.
func (a *Authenticator) find(ctx context.Context, name string) (directory.DN, error) {
	values := map[string]string{variable: name}
	search := a.options.Search
	if search == nil {
		dn, err := a.options.DNTemplate.Expand(values)
		if err != nil {
			return dn, auth.Refuse(errors.Join(ReasonName, err))
		}
		return dn, nil
	}
	filter, err := search.Filter.Expand(values)
	if err != nil {
		return directory.DN{}, auth.Refuse(errors.Join(ReasonName, err))
	}
	var found []string
	result, err := a.options.Directory.Service().Search(ctx, &directory.SearchRequest{
		Base: search.Base, Scope: search.Scope, Filter: filter, SizeLimit: 2,
	}, func(entry *directory.Entry) error {
		found = append(found, entry.DN)
		return nil
	})
	switch {
	case err != nil:
		return directory.DN{}, lookUpFault(err)
	case len(found) == 0:
		return directory.DN{}, auth.Refuse(ReasonUnknown)
	case len(found) > 1 || result.More:
		a.options.Logger.Warn("several entries have the name of a caller, who is refused; look at auth.basic.filter", "username", name)
		return directory.DN{}, auth.Refuse(ReasonAmbiguous)
	}
	dn, err := directory.ParseDN(found[0])
	if err != nil {
		return dn, fault.Wrap(fault.BadGateway, err, "the directory returned a name that is none").Named("malformedAnswer")
	}
	return dn, nil
}

// lookUpFault is the fault of a search for a caller. What the directory has against
// the search is not the caller's fault, and never a refusal.
func lookUpFault(err error) error {
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Forbidden, fault.Invalid, fault.TooLarge, fault.Unauthenticated:
		return fault.Wrap(fault.BadGateway, err, "the gateway could not look up callers in the directory; the operator has to mend that").Named("callerSearch")
	default:
		return err
	}
}
