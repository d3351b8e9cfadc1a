package bearer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

const (
	// fetchTimeout bounds a fetch.
	fetchTimeout = 5 * time.Second
	// patience is how long a token whose key is known waits for fresh keys.
	patience = time.Second
	// minInterval is the least time between two fetches, so that tokens with made-up
	// key ids do not become requests to the issuer.
	minInterval = 10 * time.Second
	// usualAge is how long fetched keys are used, where the issuer says nothing.
	usualAge = 10 * time.Minute
	// leastAge and greatestAge bound what the issuer says.
	leastAge, greatestAge = time.Minute, 24 * time.Hour
	// staleAge is how long keys are used while the issuer cannot be reached.
	staleAge = 24 * time.Hour
)

// FetchOptions say where the keys are.
type FetchOptions struct {
	// URL is an https:// URL of a key set; required.
	URL string
	// Transport makes the requests; required. Redirects are not followed.
	Transport http.RoundTripper
	// Clock tells the time; time.Now when nil.
	Clock func() time.Time
	// Logger is told when the keys cannot be fetched, and when they can again; nil
	// discards it.
	Logger *slog.Logger
}

// fetched are keys from a URL.
type fetched struct {
	options FetchOptions
	client  *http.Client

	mu      sync.Mutex    // guards the fields below
	current *snapshot     // of the last fetch that succeeded, else nil
	tried   time.Time     // when the last fetch began
	failure error         // of the last fetch, nil when it succeeded
	flight  chan struct{} // closed when the fetch at work ends; nil when there is none
}

// snapshot is what a fetch brought.
type snapshot struct {
	keys  keySet
	at    time.Time
	until time.Time // when to fetch anew
}

// FetchKeys returns keys that are fetched when they are first needed, again when
// they are old (Cache-Control max-age, between a minute and a day), and when a token
// names a key that is not among them; not more often than every 10 seconds. While
// the issuer cannot be reached, keys that are known stay good for a day. What cannot
// be decided without the issuer is Unavailable, with the time of the next try.
func FetchKeys(o FetchOptions) (Keys, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("bearer: %q is no https:// URL", o.URL)
	}
	if o.Transport == nil {
		return nil, errors.New("bearer: a transport is needed to fetch keys")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &fetched{options: o, client: &http.Client{
		Transport: o.Transport, Timeout: fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (f *fetched) find(ctx context.Context, id, algorithm string) ([]jose.JSONWebKey, error) {
	known, flight := f.look(ctx, id, algorithm)
	if flight == nil {
		return f.settle(known)
	}
	var impatient <-chan time.Time
	if len(known) > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		impatient = timer.C
	}
	select {
	case <-flight:
	case <-impatient:
		return known, nil
	case <-ctx.Done():
		return nil, auth.WaitFault(context.Cause(ctx), "the token")
	}
	f.mu.Lock()
	known = f.matching(id, algorithm)
	f.mu.Unlock()
	return f.settle(known)
}

// look returns the keys that are known, and the fetch to wait for, if any. It begins
// one where the keys are old or there is no such key.
func (f *fetched) look(ctx context.Context, id, algorithm string) (known []jose.JSONWebKey, flight <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.options.Clock()
	known = f.matching(id, algorithm)
	if len(known) > 0 && now.Before(f.current.until) {
		return known, nil
	}
	if f.flight == nil && (f.tried.IsZero() || now.Sub(f.tried) >= minInterval) {
		f.tried, f.flight = now, make(chan struct{})
		go f.refresh(context.WithoutCancel(ctx), now) // It serves everybody, and does not end with its caller.
	}
	if len(known) > 0 && f.failure != nil {
		return known, nil // The issuer was down a moment ago; nobody waits for it.
	}
	return known, f.flight
}

// matching returns the matching keys that are not too old. The lock is held.
func (f *fetched) matching(id, algorithm string) []jose.JSONWebKey {
	if f.current == nil || f.options.Clock().Sub(f.current.at) > staleAge {
		return nil
	}
	return f.current.keys.matching(id, algorithm)
}

// settle is the answer when there is nothing to wait for. No key is an answer only
// when the issuer gave it.
func (f *fetched) settle(known []jose.JSONWebKey) ([]jose.JSONWebKey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(known) > 0 || f.failure == nil {
		return known, nil
	}
	e := fault.Wrap(fault.Unavailable, f.failure, "the keys of the token's issuer cannot be fetched; try again later").Named("issuerUnreachable")
	e.RetryAfter = max(time.Second, minInterval-f.options.Clock().Sub(f.tried))
	return nil, e
}

// refresh fetches the keys.
func (f *fetched) refresh(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	fresh, err := f.fetch(ctx, now)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil && f.failure != nil:
		f.options.Logger.Info("the keys of the token's issuer were fetched again", "url", f.options.URL)
	case err != nil && f.failure == nil:
		f.options.Logger.Warn("the keys of the token's issuer cannot be fetched", "url", f.options.URL, "error", err)
	}
	if f.failure = err; err == nil {
		f.current = fresh
	}
	close(f.flight)
	f.flight = nil
}

func (f *fetched) fetch(ctx context.Context, now time.Time) (*snapshot, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.options.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := f.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer has status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxKeySet:
		return nil, fmt.Errorf("the key set is longer than %d bytes", maxKeySet)
	}
	keys, err := parseKeySet(text)
	if err != nil {
		return nil, err
	}
	return &snapshot{keys: keys, at: now, until: now.Add(ageOf(response.Header))}, nil
}

// ageOf is how long the issuer lets its keys be used without a fetch (RFC 9111 §5.2.2.1).
func ageOf(header http.Header) time.Duration {
	for directive := range strings.SplitSeq(header.Get("Cache-Control"), ",") {
		if text, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(directive)), "max-age="); ok {
			if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
				return min(max(time.Duration(seconds)*time.Second, leastAge), greatestAge)
			}
		}
	}
	return usualAge
}
