package auth

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// ErrNotApplicable is the answer of an Authenticator to a request without
// credentials of its kind.
var ErrNotApplicable = errors.New("auth: no credentials of this kind")

// Authenticator verifies one kind of credential. Implementations are safe for
// concurrent use.
type Authenticator interface {
	// Authenticate returns the caller. It returns ErrNotApplicable when the request
	// has no credentials of its kind; one that looks at anything but the Authorization
	// header does so too whenever that header is there, or returns ReasonTwo. Every other
	// error is a *fault.Error and ends the matter: made by Refuse for credentials that are
	// not good, Unavailable when they could not be verified, Forbidden with the Principal
	// beside it for a caller that must change the password (MustChange).
	Authenticate(r *http.Request) (*Principal, error)
}

// Challenger is an Authenticator that can tell clients how to authenticate.
type Challenger interface {
	// Challenge returns the value of WWW-Authenticate (RFC 9110 §11.6.1). The code is
	// an error code of RFC 6750 §3.1 or "" for none; a scheme without such codes ignores it.
	Challenge(code string) string
}

// Chain asks authenticators in turn. It is immutable and safe for concurrent use.
type Chain struct {
	authenticators []Authenticator
}

// NewChain makes a chain of authenticators, which are asked in that order.
func NewChain(authenticators ...Authenticator) *Chain {
	return &Chain{authenticators: slices.Clone(authenticators)}
}

// Authenticate returns the caller. Its errors are those of Authenticator, but for
// ErrNotApplicable: when no authenticator applies, with or without an Authorization
// header, the request is Unauthenticated. More than one credential is Invalid with
// the detail invalidRequest (RFC 6750 §3.1). Every Unauthenticated fault carries a
// challenge for each scheme; that of the scheme which refused comes first. A chain
// without authenticators is closed: everything is Forbidden.
func (c *Chain) Authenticate(r *http.Request) (*Principal, error) {
	if len(c.authenticators) == 0 {
		return nil, fault.Wrap(fault.Forbidden, ReasonClosed, "the gateway takes no requests: it has no way to authenticate callers").Named("closed")
	}
	values := r.Header["Authorization"]
	if len(values) > 1 || len(values) == 1 && twoCredentials(values[0]) {
		return nil, c.twoCredentials()
	}
	for i, authenticator := range c.authenticators {
		principal, err := authenticator.Authenticate(r)
		switch {
		case errors.Is(err, ErrNotApplicable):
			continue
		case errors.Is(err, ReasonTwo):
			return nil, c.twoCredentials()
		case err != nil:
			return principal, c.challenge(err, i)
		}
		return principal, nil
	}
	if len(values) > 0 {
		return nil, c.challenge(Refuse(ReasonScheme), -1)
	}
	return nil, c.Demand()
}

// Demand returns the fault of a request that needs credentials and has none:
// Unauthenticated, with a challenge for each scheme.
func (c *Chain) Demand() error { return c.challenge(Refuse(ReasonNone), -1) }

func (c *Chain) twoCredentials() error {
	e := fault.Wrap(fault.Invalid, ReasonTwo, "the request has more than one credential; send one Authorization header with one")
	e.Named("invalidRequest").Detail.Parameter = "Authorization"
	for _, authenticator := range c.authenticators {
		if challenger, ok := authenticator.(Challenger); ok {
			e.Challenges = append(e.Challenges, challenger.Challenge("invalid_request"))
		}
	}
	return e
}

// challenge completes the challenges of a refusal by the authenticator at index own.
func (c *Chain) challenge(err error, own int) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Unauthenticated {
		return err
	}
	completed := *e // the fault may be shared
	completed.Challenges = slices.Clone(e.Challenges)
	for i, authenticator := range c.authenticators {
		challenger, ok := authenticator.(Challenger)
		if !ok || i == own && len(e.Challenges) > 0 {
			continue
		}
		completed.Challenges = append(completed.Challenges, challenger.Challenge(""))
	}
	return &completed
}

// Credentials returns what follows the scheme in the Authorization header, when
// that header has the scheme, in any case (RFC 9110 §11.1). The Chain has made
// sure that there is one header at most.
func Credentials(r *http.Request, scheme string) (string, bool) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return "", false
	}
	found, credentials, _ := strings.Cut(values[0], " ")
	return strings.TrimLeft(credentials, " "), strings.EqualFold(found, scheme)
}

// twoCredentials tells a list of credentials, which the header does not take: a
// comma, and after it a scheme with its credentials, as in "Bearer a, Bearer b".
// Parameters ("realm=…") after a comma are part of one credential.
func twoCredentials(value string) bool {
	for _, part := range strings.Split(value, ",")[1:] {
		scheme, credentials, ok := strings.Cut(strings.Trim(part, " \t"), " ")
		credentials = strings.TrimLeft(credentials, " ")
		if ok && isToken(scheme) && credentials != "" && credentials[0] != '=' {
			return true
		}
	}
	return false
}

// isToken tells a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// QuoteRealm returns a realm as a quoted-string (RFC 9110 §5.6.4), for a challenge.
// Characters that a header cannot carry become "?".
func QuoteRealm(realm string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range realm {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
