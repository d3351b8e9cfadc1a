package auth

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Principal is an authenticated caller. It is shared between requests and must
// not be changed.
type Principal struct {
	// Name is what the caller calls itself: the user name, or the subject of the token.
	Name string
	// Method is how it authenticated: "basic", "bearer" or MethodAnonymous.
	Method string
	// Identity is as whom the gateway acts in the directory.
	Identity directory.Identity
	// Account is what the directory told of the account when the password was verified; zero
	// for callers without one.
	Account directory.AccountState
	// MustChange tells that the caller has to change its password, and may do nothing else.
	MustChange bool
}

// PolicyNotice is what the password policy has to say of the caller's password, as a
// dictionary (RFC 9651 §3.2): "expires-in=3600" when it expires soon, "grace-logins=1" when
// it has expired and is good for so many times more, "must-change"; "" is nothing.
func (p *Principal) PolicyNotice(now time.Time) string {
	var members []string
	if at := p.Account.PasswordExpires; !at.IsZero() {
		members = append(members, "expires-in="+strconv.FormatInt(max(0, int64(at.Sub(now)/time.Second)), 10))
	}
	if p.Account.HasGrace {
		members = append(members, "grace-logins="+strconv.Itoa(p.Account.GraceLogins))
	}
	if p.MustChange {
		members = append(members, "must-change")
	}
	return strings.Join(members, ", ")
}

// contextKey is the key of the Principal in a context.
type contextKey struct{}

// NewContext returns a context that carries the principal.
func NewContext(ctx context.Context, principal *Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, principal)
}

// FromContext returns the principal of the context, or nil.
func FromContext(ctx context.Context) *Principal {
	principal, _ := ctx.Value(contextKey{}).(*Principal)
	return principal
}
