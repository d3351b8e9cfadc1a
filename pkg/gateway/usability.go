package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Accounts tells of the account of an entry; it is what *auth.Accounts does.
type Accounts interface {
	// State tells it as it is now, or that the entry cannot be seen (NotFound).
	State(ctx context.Context, dn directory.DN) (directory.AccountState, error)
	// Demands tells what the password policy of the entry demands, as far as it can be seen;
	// that of the zero DN is the one of a new entry.
	Demands(ctx context.Context, dn directory.DN) (directory.PasswordDemands, error)
}

// accountUsability tells whether the account of the target may be used. A directory with the
// account usability control answers itself, as far as it lets the caller know. Else the
// answer is for the owner and for whom the directory lets compare what it is told from; the
// gateway's account looks, for a caller who sees a part of the state would get a wrong answer.
func (c *call) accountUsability(ctx context.Context) (*Answer, error) {
	if err := c.req.Nothing(); err != nil {
		return nil, err
	}
	dn, err := c.name(ctx)
	if err != nil {
		return nil, err
	}
	state, err := c.accountState(ctx, dn)
	if err != nil {
		return nil, err
	}
	answer := &Answer{}
	answer.JSON, err = json.Marshal(usabilityOf(state, c.now()))
	return answer, err
}

// accountState is what the directory tells, completed with what the gateway's own account
// sees.
func (c *call) accountState(ctx context.Context, dn directory.DN) (directory.AccountState, error) {
	told, err := c.toldUsability(ctx, dn)
	if err == nil && told == nil {
		err = c.maySeeState(ctx, dn)
	}
	if err != nil {
		return directory.AccountState{}, err
	}
	if c.accounts == nil {
		return directory.AccountState{}, fault.New(fault.Unsupported, "the gateway does not look at accounts").Named("accountState")
	}
	seen, err := c.accounts.State(ctx, dn)
	switch isHidden := errors.Is(err, fault.NotFound); {
	case isHidden && told == nil:
		c.logger.Info("the state of an account was asked for whose entry the gateway's account does not see", "dn", dn.String())
		return seen, fault.Wrap(fault.Invalid, err, "the resource is no account of those that the gateway looks after").Named("noAccount")
	case err != nil && !isHidden:
		return seen, err
	case told == nil:
		return seen, nil
	}
	return complete(told, seen, c.now()), nil
}

// toldUsability is what the directory tells the caller by the account usability control; nil
// when it does not.
func (c *call) toldUsability(ctx context.Context, dn directory.DN) (*directory.Usability, error) {
	if !c.binding.Capabilities().Usability {
		return nil, nil //nolint:nilnil // nothing is told, and nothing went wrong
	}
	var told *directory.Usability
	_, err := c.session.Search(ctx, &directory.SearchRequest{
		Base: dn, Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), Attributes: []string{"1.1"}, SizeLimit: 1, Usability: true,
	}, func(entry *directory.Entry) error {
		told = entry.Usability
		return nil
	})
	if errors.Is(err, fault.Forbidden) { // 389 Directory Server has rules for controls.
		return nil, nil //nolint:nilnil // as above
	}
	return told, err
}

// complete adds to what the account usability control tells what can be seen besides. OpenLDAP
// tells of an account that it cannot be used, and does not say why unless a lock ends; it
// passes over a password that has to be changed, and miscounts grace logins.
func complete(told *directory.Usability, seen directory.AccountState, now time.Time) (state directory.AccountState) {
	switch {
	case told.Usable && seen.Status == directory.PasswordMustChange:
		return seen
	case told.Usable:
		state.PasswordExpires = seen.PasswordExpires
		if told.Expires >= 0 {
			state.PasswordExpires = now.Add(told.Expires)
		}
	case told.Unlock >= 0:
		state.Status, state.Unlocks = directory.AccountLocked, now.Add(told.Unlock)
	case seen.HasGrace:
		return seen
	case told.Expired || told.Grace >= 0:
		state.Status = directory.PasswordExpired
		state.GraceLogins, state.HasGrace = max(0, told.Grace), told.Grace >= 0
	case told.Reset:
		state.Status = directory.PasswordMustChange
	case seen.Status != directory.AccountValid:
		return seen
	default:
		state.Status = directory.AccountDisabled
	}
	return state
}

// stateProbe is an attribute of the state of an account, with some value of its syntax.
type stateProbe struct{ attribute, value string }

// stateProbes are attributes that tell the state, one for each kind of directory.
var stateProbes = []stateProbe{ //nolint:gochecknoglobals // constant table
	{"pwdAccountLockedTime", "000001010000Z"},
	{"ds-pwp-account-disabled", "TRUE"},
	{"nsAccountLock", "true"},
	{"userAccountControl", "514"},
}

// maySeeState refuses a caller whom the directory does not let compare the state of the
// account. The owner learns it at each login anyway.
func (c *call) maySeeState(ctx context.Context, dn directory.DN) error {
	own, err := c.isCaller(ctx, dn)
	if err != nil || own {
		return err
	}
	schema := c.binding.Capabilities().Schema
	for _, probe := range stateProbes {
		if schema != nil && schema.Attribute(probe.attribute) == nil {
			continue
		}
		_, err := c.session.Compare(ctx, &directory.CompareRequest{DN: dn, Attribute: probe.attribute, Value: probe.value})
		var e *fault.Error
		switch {
		case err == nil || errors.As(err, &e) && e.Detail.Kind == "noSuchAttribute":
			return nil
		case errors.Is(err, fault.Forbidden):
			return fault.Wrap(fault.Forbidden, err, "the directory does not let you see the state of this account").Named("accountState")
		}
		return err
	}
	return fault.New(fault.Unsupported, "the directory does not tell the state of accounts in a way that the gateway knows").Named("accountState")
}

// usability is the answer of the action.
type usability struct {
	Status    string `json:"status"`
	Unlocks   *int64 `json:"unlockIn,omitzero"`
	Expires   *int64 `json:"passwordExpiresIn,omitzero"`
	GraceLeft *int   `json:"graceLoginsRemaining,omitzero"`
}

// usabilityOf puts a state into the words of the action.
func usabilityOf(state directory.AccountState, now time.Time) (u usability) {
	switch state.Status {
	case directory.AccountValid:
		u.Status = "valid"
	case directory.AccountDisabled, directory.AccountExpired, directory.AccountNotYetValid:
		u.Status = "disabled"
	case directory.AccountLocked:
		u.Status = "locked"
		u.Unlocks = secondsTo(state.Unlocks, now)
	case directory.PasswordExpired:
		u.Status = "passwordExpired"
		if state.HasGrace {
			u.GraceLeft = &state.GraceLogins
		}
	case directory.PasswordMustChange:
		u.Status = "mustChangePassword"
	}
	if state.Status != directory.PasswordExpired {
		u.Expires = secondsTo(state.PasswordExpires, now)
	}
	return u
}

// secondsTo counts whole seconds to a time; nil is for none, or one that has passed.
func secondsTo(at, now time.Time) *int64 {
	seconds := int64((at.Sub(now) + time.Second - 1) / time.Second)
	if at.IsZero() || seconds < 0 {
		return nil
	}
	return &seconds
}
