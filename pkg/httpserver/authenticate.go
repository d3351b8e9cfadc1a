package httpserver

import (
	"net/http"
	"time"

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
// A caller whose password expires soon, or has expired and was good for another time, or has
// to be changed, is told so in the header Password-Policy of every answer.
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
			if principal != nil && auth.MustChange(err) {
				restricted := *principal // The principal is shared.
				restricted.MustChange = true
				principal = &restricted
				if changesPassword != nil && changesPassword(r) {
					err = nil
				}
			}
			if principal != nil {
				if notice := principal.PolicyNotice(time.Now()); notice != "" {
					w.Header().Set(policyHeader, notice)
				}
			}
			if err != nil {
				event.SetReason(string(auth.ReasonOf(err)))
				WriteError(w, r, err)
				return
			}
			if principal.Account.HasGrace {
				event.SetReason(string(auth.ReasonGrace))
			}
			next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), principal)))
		})
	}
}

// policyHeader tells a caller what the password policy has to say of its password; see
// auth.Principal.PolicyNotice.
const policyHeader = "Password-Policy"
