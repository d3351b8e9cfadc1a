package basic

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// AuthzID makes an authorization identity (RFC 4513 §5.2.1.8) of the name of a caller.
type AuthzID struct {
	form string // "dn:" or "u:"
	// dn is for the form "dn:".
	dn directory.DNTemplate
	// before and after are what stands around the name in the form "u:".
	before, after string
}

// ParseAuthzID reads "u:{username}", in which more may stand around the name, or "dn:" and
// a DN in which {username} is a value.
func ParseAuthzID(text string) (AuthzID, error) {
	const placeholder = "{" + variable + "}"
	if user, ok := strings.CutPrefix(text, "u:"); ok {
		before, after, found := strings.Cut(user, placeholder)
		if !found || strings.ContainsAny(before+after, "{}\x00") {
			return AuthzID{}, fmt.Errorf("%q is no identity; after \"u:\" stands %s once, for example u:%s", text, placeholder, placeholder)
		}
		return AuthzID{form: "u:", before: before, after: after}, nil
	}
	name, ok := strings.CutPrefix(text, "dn:")
	if !ok {
		return AuthzID{}, fmt.Errorf("%q is no identity; write for example u:%s or dn:uid=%s,ou=People,dc=example,dc=com", text, placeholder, placeholder)
	}
	dn, err := directory.ParseDNTemplate(name)
	if err != nil {
		return AuthzID{}, err
	}
	if variables := dn.Variables(); dn.Climbs() > 0 || dn.IsVariable() || len(variables) != 1 || variables[0] != variable {
		return AuthzID{}, fmt.Errorf("%q must be a whole DN in which %s is a value, for example dn:uid=%s,ou=People,dc=example,dc=com", text, placeholder, placeholder)
	}
	return AuthzID{form: "dn:", dn: dn}, nil
}

// IsZero reports whether there is no identity.
func (z AuthzID) IsZero() bool { return z.form == "" }

// expand returns what PLAIN says of a caller. A user is who authenticates; the name of an
// entry is who the user wants to be.
func (z AuthzID) expand(name string) (authzID, user string, err error) {
	if z.form == "u:" {
		return "", z.before + name + z.after, nil
	}
	dn, err := z.dn.Expand(map[string]string{variable: name})
	return "dn:" + dn.String(), name, err
}

// verifyPlain has the directory verify the password, and tell who that is.
func (a *Authenticator) verifyPlain(ctx context.Context, name, password string) (*auth.Principal, error) {
	authzID, user, err := a.options.Plain.AuthzID.expand(name)
	if err != nil {
		return nil, auth.Refuse(errors.Join(ReasonName, err))
	}
	identity, err := a.options.Plain.Directory.AuthenticatePlain(ctx, authzID, user, password)
	switch {
	case fault.KindOf(err) == fault.Unauthenticated:
		return nil, auth.Refuse(errors.Join(ReasonPassword, err))
	case err != nil:
		return nil, err
	}
	principal := &auth.Principal{Name: name, Method: "basic", Identity: directory.Identity{AuthzID: identity}}
	if a.options.KeepPassword {
		principal.Identity.Password = directory.NewPassword(password)
	}
	// SASL mechanisms pass by the password policy of some directories (OpenLDAP), so the
	// account is looked at each time. What was known of it may be older than its password.
	a.options.Accounts.Purge(principal.Identity)
	return principal, nil
}
