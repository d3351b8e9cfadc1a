package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// passwordAttribute is what events say that the change of a password changes.
const passwordAttribute = "userPassword"

// modifyPassword changes the password of the target as the caller. Its steps: the body
// is read, the entry is found, the attempt is on record, the request leaves, and what is
// remembered of the old password is forgotten.
func (c *call) modifyPassword(ctx context.Context) (*Answer, error) {
	change, err := c.req.Password()
	if err != nil {
		return nil, err
	}
	dn, err := c.name(ctx)
	if err != nil {
		return nil, err
	}
	if c.caller.MustChange {
		own, err := c.isCaller(ctx, dn)
		switch {
		case err != nil:
			return nil, err
		case !own:
			return nil, auth.RefuseMustChange()
		}
	}
	_, err = c.setPassword(ctx, &directory.PasswordRequest{DN: dn, Old: change.Old, New: change.New})
	if err != nil {
		return nil, c.advise(ctx, dn, change.New, c.explainPassword(ctx, dn, err))
	}
	return &Answer{JSON: []byte("{}")}, nil
}

// resetPassword has the directory make a new password for the target, as the caller, and
// answers with it. The directory decides who may: it is a change without the old password.
func (c *call) resetPassword(ctx context.Context) (*Answer, error) {
	if err := c.req.Nothing(); err != nil {
		return nil, err
	}
	dn, err := c.name(ctx)
	if err != nil {
		return nil, err
	}
	generated, err := c.setPassword(ctx, &directory.PasswordRequest{DN: dn})
	if err != nil {
		return nil, c.advise(ctx, dn, "", err)
	}
	answer := &Answer{JSON: []byte("{}")}
	if !generated.IsZero() {
		answer.JSON, err = json.Marshal(struct {
			Password string `json:"generatedPassword"`
		}{generated.Value()})
	}
	return answer, err
}

// name returns the name of the target's entry, which the caller can see.
func (c *call) name(ctx context.Context) (directory.DN, error) {
	entry, err := c.fetch(ctx, []string{"1.1"})
	if err != nil {
		return directory.DN{}, err
	}
	return nameOf(entry)
}

// setPassword sends the change of a password once it is on record.
func (c *call) setPassword(ctx context.Context, req *directory.PasswordRequest) (directory.Password, error) {
	if err := c.attempt(ctx, passwordAttribute); err != nil {
		return directory.Password{}, err
	}
	if c.req.DryRun {
		return directory.Password{}, c.byRights(ctx, req.DN, c.tryPassword(ctx, *req))
	}
	generated, err := c.session.ModifyPassword(ctx, req)
	if mayBeDone(err) {
		c.changed(req.DN)
	}
	return generated, c.byRights(ctx, req.DN, err)
}

// byRights tells a refusal by access rights from one by the password policy, which forbids
// users to change their own password (pwdAllowUserChange of draft-behera-ldap-password-policy): 389
// Directory Server gives that as the reason of the former, too.
func (c *call) byRights(ctx context.Context, dn directory.DN, refused error) error {
	var e *fault.Error
	if !errors.As(refused, &e) || e.Detail.PasswordPolicy != directory.PasswordModNotAllowed {
		return refused
	}
	return c.unlessOwn(ctx, dn, refused, fault.Wrap(fault.Forbidden, refused, "you have no right to do this").Named("insufficientAccessRights"))
}

// unlessOwn is a refusal as the owner of the account is told it, and as everybody else is.
func (c *call) unlessOwn(ctx context.Context, dn directory.DN, owner, others error) error {
	own, err := c.isCaller(ctx, dn)
	switch {
	case err != nil:
		return err
	case own:
		return owner
	}
	return others
}

// tryPassword tries the change of a password. OpenLDAP compares the old one before it looks
// whether the caller may change it, so that of somebody else's the right comes first: else
// trying would be guessing.
func (c *call) tryPassword(ctx context.Context, req directory.PasswordRequest) error {
	req.Trial = true
	own, err := c.isCaller(ctx, req.DN)
	if err == nil && !own && req.Old != "" {
		first := req
		first.Old = ""
		_, err = c.session.ModifyPassword(ctx, &first)
	}
	if err == nil {
		_, err = c.session.ModifyPassword(ctx, &req)
	}
	return err
}

// mayBeDone reports whether a change with that outcome was made, or may have been.
func mayBeDone(err error) bool {
	return err == nil || errors.Is(err, fault.Timeout) || errors.Is(err, fault.Canceled)
}

// explainPassword turns "the old password is not right" into "you may not" for the
// password of somebody else. OpenLDAP says the former to everybody who may not compare
// that password, and nobody must learn more from a guess.
func (c *call) explainPassword(ctx context.Context, dn directory.DN, refused error) error {
	var e *fault.Error
	if !errors.As(refused, &e) || e.Detail.Kind != "wrongPassword" {
		return refused
	}
	return c.unlessOwn(ctx, dn, refused, fault.Wrap(fault.Forbidden, refused, "you may not change this password, or the old one is not right").Named("passwordRefused"))
}

// isCaller reports whether an entry is the caller's own.
func (c *call) isCaller(ctx context.Context, dn directory.DN) (bool, error) {
	name, isDN := strings.CutPrefix(c.caller.Identity.AuthzID, "dn:")
	if !isDN {
		// Only the directory knows which entry belongs to a "u:" identity.
		who, err := c.session.WhoAmI(ctx, nil)
		if err != nil {
			return false, err
		}
		name = strings.TrimPrefix(who, "dn:")
	}
	own, err := directory.ParseDN(name)
	return err == nil && !own.IsZero() && own.Equal(dn), nil
}
