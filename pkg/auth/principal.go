package auth

import (
	"context"

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
	// MustChange tells that the caller has to change its password, and may do nothing else.
	MustChange bool
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
