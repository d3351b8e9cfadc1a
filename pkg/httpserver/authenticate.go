package httpserver

import (
	"net/http"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
)

// Authenticate puts the caller of each request into its context (auth.FromContext) and
// on record, and answers the fault of a request without a good one.
//
// A caller that must change the password is refused too, but for requests of which
// changesPassword says that they may do just that: these go on with
// Principal.MustChange, which the engine holds them to. A nil changesPassword is for
// handlers that cannot change passwords.
//
// Nobody who is anonymous has a password. A request of which aboutPassword says that it
// needs somebody gets the answer of one without credentials, also where anonymous callers
// are let in; nil is for handlers without such requests.
//
// OPTIONS passes without a caller: a browser asks with it, and never with
// credentials, what it may send. A handler answers it alike for everybody.
func Authenticate(chain *auth.Chain, changesPassword, aboutPassword func(*http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodOptions {
				next.ServeHTTP(w, r)
				return
			}
			event := audit.FromContext(r.Context())
			principal, err := chain.Authenticate(r)
			if principal != nil && principal.Method == auth.MethodAnonymous && aboutPassword != nil && aboutPassword(r) {
				principal, err = nil, chain.Demand()
			}
			if principal != nil {
				event.SetPrincipal(principal.Name, principal.Method, principal.Identity.AuthzID)
			}
			if principal != nil && auth.MustChange(err) && changesPassword != nil && changesPassword(r) {
				restricted := *principal // The principal is shared.
				restricted.MustChange = true
				principal, err = &restricted, nil
			}
			if err != nil {
				event.SetReason(string(auth.ReasonOf(err)))
				WriteError(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), principal)))
		})
	}
}
