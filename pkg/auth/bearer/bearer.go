package bearer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/internal/memo"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Why a token was refused, for the audit event.
const (
	ReasonMalformed auth.Reason = "malformedToken"
	ReasonType      auth.Reason = "tokenType"
	ReasonAlgorithm auth.Reason = "tokenAlgorithm"
	ReasonKey       auth.Reason = "unknownKey"
	ReasonSignature auth.Reason = "badSignature"
	ReasonClaims    auth.Reason = "badClaims"
	ReasonIssuer    auth.Reason = "otherIssuer"
	ReasonAudience  auth.Reason = "otherAudience"
	ReasonExpired   auth.Reason = "tokenExpired"
	ReasonEarly     auth.Reason = "tokenNotYetValid"
	ReasonScope     auth.Reason = "insufficientScope"
	ReasonIdentity  auth.Reason = "noIdentity"
	ReasonInactive  auth.Reason = "tokenInactive"
)

const (
	// maxToken is the greatest length of a token, in bytes.
	maxToken = 16 << 10
	// remembered is how long the verification of a token is not repeated.
	remembered = time.Minute
	// cacheSize is how many tokens are remembered.
	cacheSize = 10_000
	// accessToken is the type of RFC 9068 §2.1.
	accessToken = "at+jwt"
)

// Options say which tokens are good, and whom they stand for.
type Options struct {
	// Realm is what challenges say.
	Realm string
	// Issuer is the claim iss, Audience one of the claim aud; both are required, but with
	// Introspection, where an empty one is not looked at.
	Issuer, Audience string
	// Introspection asks an authorization server about each token. Keys, Algorithms and
	// Types have to be empty then.
	Introspection *Introspection
	// Keys are the issuer's; required without Introspection.
	Keys Keys
	// Algorithms are the signature algorithms that are allowed (RFC 7518 §3.1); see
	// CheckAlgorithm. At least one without Introspection.
	Algorithms []string
	// Types are the values of the header typ that are allowed, with or without
	// "application/" in front (RFC 9068 §2.1). At least one without Introspection.
	Types []string
	// RequiredScopes must all be in the claim scope.
	RequiredScopes []string
	// AuthzID makes the directory identity.
	AuthzID Template
	// Leeway is how far the clocks may be apart.
	Leeway time.Duration
	// Accounts verifies the account behind the identity; required.
	Accounts *auth.Accounts
	// Clock tells the time; time.Now when nil.
	Clock func() time.Time
	// Logger is told of tokens that make no identity, and of an authorization server that
	// does not answer; nil discards it.
	Logger *slog.Logger
}

// Authenticator is an auth.Authenticator for access tokens. It is safe for
// concurrent use.
type Authenticator struct {
	options    Options
	algorithms []jose.SignatureAlgorithm
	inquiry    *inquiry // nil where tokens are signed
	remember   time.Duration
	cache      *memo.Cache[[sha256.Size]byte, *verified]
}

// verified is a token that was good.
type verified struct {
	principal *auth.Principal
	lifetime  lifetime
}

// New makes an authenticator.
func New(o Options) (*Authenticator, error) {
	signed := o.Issuer != "" && o.Audience != "" && o.Keys != nil && len(o.Algorithms) > 0 && len(o.Types) > 0
	switch {
	case o.Accounts == nil || o.AuthzID.isZero():
		return nil, errors.New("bearer: an identity and accounts are needed")
	case o.Introspection == nil && !signed:
		return nil, errors.New("bearer: an issuer, an audience, keys, algorithms and types are needed, or an introspection")
	case o.Introspection != nil && (o.Keys != nil || len(o.Algorithms) > 0 || len(o.Types) > 0):
		return nil, errors.New("bearer: tokens are looked up by introspection, or they are signed; keys, algorithms and types are for the latter")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Algorithms, o.Types, o.RequiredScopes = slices.Clone(o.Algorithms), slices.Clone(o.Types), slices.Clone(o.RequiredScopes)
	a := &Authenticator{options: o, remember: remembered}
	size := cacheSize
	if o.Introspection != nil {
		var err error
		if a.inquiry, err = newInquiry(*o.Introspection, o.Clock, o.Logger); err != nil {
			return nil, err
		}
		a.remember, size = a.inquiry.Cache, a.inquiry.CacheSize
	}
	a.cache = memo.New[[sha256.Size]byte, *verified](size, o.Clock)
	for _, name := range o.Algorithms {
		if err := CheckAlgorithm(name); err != nil {
			return nil, err
		}
		a.algorithms = append(a.algorithms, jose.SignatureAlgorithm(name))
	}
	return a, nil
}

// CheckAlgorithm returns an error for what is not a signature algorithm with a
// public key: a shared secret would let the gateway issue tokens, and "none" anybody.
func CheckAlgorithm(name string) error {
	switch jose.SignatureAlgorithm(name) {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA:
		return nil
	default:
		return fmt.Errorf("%q is not taken; use RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA", name)
	}
}

// Challenge returns the challenge of RFC 6750 §3.
func (a *Authenticator) Challenge(code string) string {
	challenge := "Bearer realm=" + auth.QuoteRealm(a.options.Realm)
	if code != "" {
		challenge += `, error="` + code + `"`
	}
	if code == "insufficient_scope" {
		challenge += `, scope="` + strings.Join(a.options.RequiredScopes, " ") + `"`
	}
	return challenge
}

// refuse is the fault of a token that is not good.
func (a *Authenticator) refuse(cause error) error {
	e := auth.Refuse(cause)
	e.Challenges = []string{a.Challenge("invalid_token")}
	return e
}

// Authenticate verifies the Bearer token of the request.
func (a *Authenticator) Authenticate(r *http.Request) (*auth.Principal, error) {
	token, ok := auth.Credentials(r, "Bearer")
	if !ok {
		return nil, auth.ErrNotApplicable
	}
	if len(token) > maxToken {
		return nil, a.refuse(ReasonMalformed)
	}
	key := sha256.Sum256([]byte(token))
	good, ok := a.cache.Get(key)
	if !ok {
		var err error
		good, _, err = a.cache.Do(r.Context(), key, func(ctx context.Context) (memo.Result[*verified], error) {
			good, err := a.verify(ctx, key, token)
			return memo.Result[*verified]{Value: good, Keep: a.remember}, err
		})
		if err != nil {
			return nil, auth.WaitFault(err, "the token")
		}
	}
	// What time and administrators change is looked at each time.
	if err := good.lifetime.at(a.options.Clock(), a.options.Leeway); err != nil {
		return nil, a.refuse(err)
	}
	if err := a.options.Accounts.Verify(r.Context(), good.principal.Identity); err != nil {
		if auth.MustChange(err) {
			return good.principal, err
		}
		return nil, a.withChallenge(err)
	}
	return good.principal, nil
}

// withChallenge adds the challenge to a refused account.
func (a *Authenticator) withChallenge(err error) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Unauthenticated {
		return err
	}
	refused := *e // The fault is shared.
	refused.Challenges = []string{a.Challenge("invalid_token")}
	return &refused
}

// verify looks at everything that stays the same for a token.
func (a *Authenticator) verify(ctx context.Context, key [sha256.Size]byte, text string) (*verified, error) {
	var (
		claims *claims
		err    error
	)
	if a.inquiry != nil {
		claims, err = a.look(ctx, key, text)
	} else {
		claims, err = a.read(ctx, text)
	}
	if err != nil {
		return nil, err
	}
	if !claims.hasScopes(a.options.RequiredScopes) {
		return nil, a.insufficientScope()
	}
	values, err := claims.identity(a.options.AuthzID.variables())
	if err != nil {
		return nil, a.noIdentity(err)
	}
	authzID, err := a.options.AuthzID.expand(values)
	if err != nil {
		return nil, a.noIdentity(err)
	}
	return &verified{
		principal: &auth.Principal{Name: claims.name(authzID), Method: "bearer", Identity: directory.Identity{AuthzID: authzID}},
		lifetime:  claims.lifetime,
	}, nil
}

// read verifies a signed token, and returns what it says.
func (a *Authenticator) read(ctx context.Context, text string) (*claims, error) {
	t, err := a.parseToken(text)
	if err != nil {
		return nil, a.refuse(err)
	}
	payload, err := a.payload(ctx, t)
	if err != nil {
		return nil, err
	}
	claims, err := parseClaims(payload)
	if err != nil {
		return nil, a.refuse(refusal(ReasonClaims, err))
	}
	if err := a.judge(claims, t.header.Type); err != nil {
		return nil, a.refuse(err)
	}
	return claims, nil
}

// payload verifies the signature.
func (a *Authenticator) payload(ctx context.Context, t *token) ([]byte, error) {
	keys, err := a.options.Keys.find(ctx, t.header.KeyID, t.header.Algorithm)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, a.refuse(ReasonKey)
	}
	for _, key := range keys {
		if payload, err := t.signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, a.refuse(ReasonSignature)
}

// judge tells why a token of the issuer is not one for this gateway.
func (a *Authenticator) judge(c *claims, typ string) error {
	switch {
	case c.texts["iss"] != a.options.Issuer:
		return ReasonIssuer
	case !slices.Contains(c.audience, a.options.Audience):
		return ReasonAudience
	case !auth.IsName(c.texts["sub"]):
		return refusal(ReasonClaims, errors.New("sub names nobody"))
	case shortType(typ) == accessToken && c.texts["client_id"] == "": // RFC 9068 §2.2
		return refusal(ReasonClaims, errors.New("client_id is missing"))
	}
	return c.lifetime.at(a.options.Clock(), a.options.Leeway)
}

// noIdentity is the fault of a good token that stands for nobody in the directory. The
// operator has to know which claim is missing.
func (a *Authenticator) noIdentity(why error) error {
	a.options.Logger.Warn("a token is good, but makes no identity in the directory; look at auth.bearer.authzId", "error", why)
	return fault.Wrap(fault.Forbidden, refusal(ReasonIdentity, why), "the token stands for nobody in the directory").Named(string(ReasonIdentity))
}

func (a *Authenticator) insufficientScope() error {
	e := fault.Wrap(fault.Forbidden, ReasonScope, "the token lacks a scope; the scopes needed are: %s", strings.Join(a.options.RequiredScopes, " ")).Named("insufficientScope")
	e.Challenges = []string{a.Challenge("insufficient_scope")}
	return e
}
