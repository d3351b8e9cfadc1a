package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Criteria of passwords. The first has the name that PingDS gives it, with its parameters.
const (
	criterionLength  = "length-based"
	criterionQuality = "quality"
	criterionHistory = "password-history"
	criterionAge     = "password-age"
)

// passwordIn returns the password that changes set, "" when they set none.
func passwordIn(changes []directory.Change) string {
	password := ""
	for _, change := range changes {
		if strings.EqualFold(change.Attribute, passwordAttribute) && change.Op != directory.ChangeDelete {
			password = strings.Join(change.Values, "")
		}
	}
	return password
}

// advise completes the refusal of a new password with the criteria by which it was refused,
// for a caller who asked for them: those of the reason, with the numbers of the policy as far
// as the gateway's account can see it.
func (c *call) advise(ctx context.Context, dn directory.DN, password string, refused error) error {
	var e *fault.Error
	if !c.req.QualityAdvice || !errors.As(refused, &e) || e.Detail.Kind != "passwordPolicy" || c.accounts == nil {
		return refused
	}
	demands, err := c.accounts.Demands(ctx, dn)
	if err != nil {
		return err
	}
	quality := qualityOf(e.Detail.PasswordPolicy, password, demands)
	if len(quality.Failing) == 0 {
		return refused
	}
	advised := *e // The fault may be shared.
	advised.Detail.Quality = quality
	return &advised
}

// qualityOf measures a new password that was refused for a reason; "" is one that the
// directory made.
func qualityOf(reason, password string, demands directory.PasswordDemands) *fault.PasswordQuality {
	q := &fault.PasswordQuality{Attribute: passwordAttribute}
	sort := func(fails, applies bool, c fault.Criterion) {
		switch {
		case fails:
			q.Failing = append(q.Failing, c)
		case applies:
			q.Passing = append(q.Passing, c)
		}
	}
	tooShort := password != "" && len(password) < demands.MinLength
	tooLong := demands.MaxLength > 0 && len(password) > demands.MaxLength
	sort(tooShort || tooLong || reason == directory.PasswordTooShort || reason == directory.PasswordTooLong,
		password != "" && (demands.MinLength > 0 || demands.MaxLength > 0), lengthCriterion(demands))
	sort(reason == directory.InsufficientPasswordQuality && len(q.Failing) == 0, false, fault.Criterion{Type: criterionQuality})
	sort(reason == directory.PasswordInHistory, false, numbered(criterionHistory, "password-history-count", int64(demands.InHistory)))
	sort(reason == directory.PasswordTooYoung, demands.MinAge > 0, numbered(criterionAge, "min-password-age", int64(demands.MinAge.Seconds())))
	return q
}

// lengthCriterion has both bounds where one is known; 0 is none, as in PingDS.
func lengthCriterion(demands directory.PasswordDemands) fault.Criterion {
	c := fault.Criterion{Type: criterionLength}
	if demands.MinLength > 0 || demands.MaxLength > 0 {
		c.Parameters = []fault.Parameter{{Name: "max-password-length", Value: int64(demands.MaxLength)}, {Name: "min-password-length", Value: int64(demands.MinLength)}}
	}
	return c
}

// numbered is a criterion of one number, which is left out when it is not known.
func numbered(criterion, name string, value int64) fault.Criterion {
	c := fault.Criterion{Type: criterion}
	if value > 0 {
		c.Parameters = []fault.Parameter{{Name: name, Value: value}}
	}
	return c
}
