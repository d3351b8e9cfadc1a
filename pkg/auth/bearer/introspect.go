package bearer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/internal/memo"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

const (
	// MaxIntrospectionCache is the longest time for which an answer is remembered.
	MaxIntrospectionCache = time.Hour
	// introspectionSize is how many tokens are remembered by default.
	introspectionSize = 1000
	// introspectionTimeout bounds a question by default.
	introspectionTimeout = 2 * time.Second
	// inactiveAge is the longest time for which a token that is not active is remembered.
	inactiveAge = 5 * time.Second
	// maxIntrospection is the longest answer that is read, in bytes.
	maxIntrospection = 256 << 10
	// maxInquiries is how many questions are under way at once.
	maxInquiries = 64
)

// Introspection asks an authorization server what a token is (RFC 7662).
type Introspection struct {
	// URL is the https:// URL of the introspection endpoint; required.
	URL string
	// ClientID and ClientSecret are shown by the Basic scheme (RFC 6749 §2.3.1); the
	// secret may be empty where Transport shows a client certificate (RFC 8705).
	ClientID, ClientSecret string
	// Transport makes the requests; required. Redirects are not followed.
	Transport http.RoundTripper
	// Timeout bounds a question; 2 s when 0.
	Timeout time.Duration
	// Cache is how long the answer for a token that is active is remembered, though never
	// beyond the token's own end; 0 is not at all. MaxIntrospectionCache at most.
	Cache time.Duration
	// CacheSize is how many tokens are remembered; 1000 when 0.
	CacheSize int
}

// inquiry asks the authorization server. It is safe for concurrent use.
type inquiry struct {
	Introspection

	client   *http.Client
	clock    func() time.Time
	logger   *slog.Logger
	breaker  breaker
	slots    chan struct{}
	inactive *memo.Cache[[sha256.Size]byte, *claims] // nil claims: the token is not active
}

func newInquiry(o Introspection, clock func() time.Time, logger *slog.Logger) (*inquiry, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("bearer: %q is no https:// URL", o.URL)
	case o.Transport == nil || o.ClientID == "":
		return nil, errors.New("bearer: an introspection needs a transport and a client id")
	}
	o.Cache = max(0, min(o.Cache, MaxIntrospectionCache))
	if o.CacheSize <= 0 {
		o.CacheSize = introspectionSize
	}
	if o.Timeout <= 0 {
		o.Timeout = introspectionTimeout
	}
	return &inquiry{
		Introspection: o,
		client: &http.Client{
			Transport: o.Transport, Timeout: o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		clock: clock, logger: logger, slots: make(chan struct{}, maxInquiries),
		inactive: memo.New[[sha256.Size]byte, *claims](o.CacheSize, clock),
	}, nil
}

// look asks what a token is, and returns what the authorization server says of it when
// the token is good for this gateway.
func (a *Authenticator) look(ctx context.Context, key [sha256.Size]byte, token string) (*claims, error) {
	if !isBearerToken(token) {
		return nil, a.refuse(ReasonMalformed)
	}
	// Tokens that are not active have a memory of their own, so that any number of them
	// cannot drive out those that are.
	found, _, err := a.inquiry.inactive.Do(ctx, key, func(ctx context.Context) (memo.Result[*claims], error) {
		found, err := a.inquiry.ask(ctx, token)
		if found != nil || err != nil {
			return memo.Result[*claims]{Value: found}, err
		}
		return memo.Result[*claims]{Keep: min(inactiveAge, a.remember)}, nil
	})
	switch {
	case errors.Is(err, ReasonClaims):
		return nil, a.refuse(err)
	case err != nil:
		return nil, err
	case found == nil:
		return nil, a.refuse(ReasonInactive)
	}
	if err := a.judgeAnswer(found); err != nil {
		return nil, a.refuse(err)
	}
	return found, nil
}

// judgeAnswer tells why an active token is not one for this gateway.
func (a *Authenticator) judgeAnswer(c *claims) error {
	switch kind := strings.ToLower(c.texts["token_type"]); {
	case a.options.Issuer != "" && c.texts["iss"] != a.options.Issuer:
		return ReasonIssuer
	case a.options.Audience != "" && !slices.Contains(c.audience, a.options.Audience):
		return ReasonAudience
	case kind != "" && kind != "bearer" && kind != "access_token": // A refresh token, or one that is bound to a key.
		return ReasonType
	}
	return c.lifetime.at(a.options.Clock(), a.options.Leeway)
}

// isBearerToken tells the syntax of RFC 6750 §2.1.
func isBearerToken(token string) bool {
	token = strings.TrimRight(token, "=")
	for i := range len(token) {
		c := token[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return token != ""
}

// ask returns what the authorization server says of a token; nil for one that is not
// active. The error is ReasonClaims for an answer about the token that makes no sense,
// and else the fault of a server that gave none.
func (q *inquiry) ask(ctx context.Context, token string) (*claims, error) {
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	case <-ctx.Done():
		return nil, auth.WaitFault(context.Cause(ctx), "the token")
	}
	if wait := q.breaker.enter(q.clock()); wait > 0 {
		return nil, unreachable(errors.New("it failed a moment ago"), wait)
	}
	members, err := q.post(ctx, token)
	if err != nil {
		if ctx.Err() != nil { // The caller went away, which tells nothing of the server.
			q.breaker.leave()
			return nil, auth.WaitFault(context.Cause(ctx), "the token")
		}
		return nil, q.failed(err)
	}
	if q.breaker.succeeded() {
		q.logger.Info("the authorization server answers again", "url", q.URL)
	}
	if active, ok := members["active"].(bool); !ok || !active {
		return nil, nil //nolint:nilnil // The token is not active, and nothing went wrong.
	}
	found, err := claimsOf(members)
	if err != nil {
		return nil, refusal(ReasonClaims, err)
	}
	return found, nil
}

// failed is the fault of a server that did not answer a question.
func (q *inquiry) failed(err error) error {
	wait, first := q.breaker.failed(q.clock())
	if first {
		q.logger.Warn("the authorization server cannot tell what a token is", "url", q.URL, "error", err)
	}
	var refused *statusError
	if errors.As(err, &refused) {
		wait = max(wait, refused.wait)
	}
	return unreachable(err, wait)
}

// unreachable is never a refusal: nobody knows whether the token is good.
func unreachable(err error, wait time.Duration) error {
	e := fault.Wrap(fault.Unavailable, err, "the authorization server cannot be asked about the token; try again later").Named("issuerUnreachable")
	e.RetryAfter = max(wait, time.Second)
	return e
}

// statusError is an answer other than 200.
type statusError struct {
	status int
	wait   time.Duration // what its Retry-After says
}

// Error tells the status, and what the operator can do about the usual one.
func (e *statusError) Error() string {
	if e.status == http.StatusUnauthorized || e.status == http.StatusForbidden {
		return fmt.Sprintf("the answer has status %d; look at clientId and clientSecret", e.status)
	}
	return fmt.Sprintf("the answer has status %d", e.status)
}

// post sends the question (RFC 7662 §2.1) and returns the members of the answer.
func (q *inquiry) post(ctx context.Context, token string) (map[string]any, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, q.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	if q.ClientSecret != "" {
		request.SetBasicAuth(url.QueryEscape(q.ClientID), url.QueryEscape(q.ClientSecret))
	}
	response, err := q.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &statusError{response.StatusCode, retryAfter(response.Header.Get("Retry-After"))}
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err == nil && kind != "application/json" {
		return nil, fmt.Errorf("the answer is %s and not application/json", kind)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxIntrospection+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxIntrospection:
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxIntrospection)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("the answer is no JSON object: %w", scrubbed(err))
	}
	return members, nil
}

// scrubbed is an error of the parser without the text that it may quote.
func scrubbed(err error) error {
	var syntax interface{ Unwrap() error }
	if errors.As(err, &syntax) && syntax.Unwrap() != nil {
		return syntax.Unwrap()
	}
	return errors.New("it is malformed")
}

// retryAfter reads a wait in seconds (RFC 9110 §10.2.3), an hour at most; a date counts
// as none.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// name is what an introspected caller calls itself (RFC 7662 §2.2).
func (c *claims) name(authzID string) string {
	for _, member := range []string{"sub", "username", "client_id"} {
		if auth.IsName(c.texts[member]) {
			return c.texts[member]
		}
	}
	return authzID
}
