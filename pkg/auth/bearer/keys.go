package bearer

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Keys are the public keys of an issuer. They are safe for concurrent use.
type Keys interface {
	// find returns the keys that may have made a signature; none when there is none.
	// The error is a *fault.Error: the keys could not be had.
	find(ctx context.Context, id, algorithm string) ([]jose.JSONWebKey, error)
}

const (
	// minRSA is the least size of an RSA key, in bits (RFC 7518 §3.3).
	minRSA = 2048
	// maxKeySet is the greatest size of a key set, in bytes.
	maxKeySet = 1 << 20
)

// keySet is a set of keys as it was read.
type keySet []jose.JSONWebKey

// parseKeySet reads a key set (RFC 7517 §5). Keys that are of no use here are passed
// over; a set without any other is an error.
func parseKeySet(text []byte) (keySet, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("it is no key set: %w", err)
	}
	var good keySet
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(raw); err == nil && isUsable(&key) {
			good = append(good, key)
		}
	}
	if len(good) == 0 {
		return nil, errors.New("it holds no public key for signatures (RSA of 2048 bits or more, EC or Ed25519)")
	}
	return good, nil
}

func isUsable(key *jose.JSONWebKey) bool {
	if !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
		return false
	}
	if public, ok := key.Key.(*rsa.PublicKey); ok {
		return public.N.BitLen() >= minRSA
	}
	return true
}

// matching returns the keys with that id, all where the token names none, that may
// be used with the algorithm.
func (s keySet) matching(id, algorithm string) []jose.JSONWebKey {
	var found []jose.JSONWebKey
	for _, key := range s {
		if (id == "" || key.KeyID == id) && (key.Algorithm == "" || key.Algorithm == algorithm) {
			found = append(found, key)
		}
	}
	return found
}

func (s keySet) find(_ context.Context, id, algorithm string) ([]jose.JSONWebKey, error) {
	return s.matching(id, algorithm), nil
}

// LoadKeys reads a key set from a file. The error names the file.
func LoadKeys(file string) (Keys, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("%s cannot be read: %w", file, err)
	}
	set, err := parseKeySet(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return set, nil
}

const (
	// fetchTimeout bounds a fetch.
	fetchTimeout = 5 * time.Second
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
	// Logger is told when the keys cannot be fetched; nil discards it.
	Logger *slog.Logger
}

// fetched are keys from a URL.
type fetched struct {
	options FetchOptions
	client  *http.Client
	current atomic.Pointer[snapshot]

	fetching sync.Mutex // held during a fetch; guards tried
	tried    time.Time
	failure  error
}

// snapshot is what a fetch brought.
type snapshot struct {
	keys  keySet
	at    time.Time
	until time.Time // when to fetch anew
}

// FetchKeys returns keys that are fetched when they are first needed, again when
// they are old, and when a token names a key that is not among them. While the
// issuer cannot be reached, keys that are known stay good for a day.
func FetchKeys(o FetchOptions) (Keys, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("bearer: %q is no https:// URL", o.URL)
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
	now := f.options.Clock()
	s := f.current.Load()
	if s != nil && now.Before(s.until) {
		if found := s.keys.matching(id, algorithm); len(found) > 0 {
			return found, nil
		}
	}
	f.refresh(ctx, s)
	s = f.current.Load()
	if s == nil || now.Sub(s.at) > staleAge {
		e := fault.Wrap(fault.Unavailable, f.lastFailure(), "the keys of the token's issuer cannot be fetched; try again later").Named("issuerUnreachable")
		e.RetryAfter = minInterval
		return nil, e
	}
	return s.keys.matching(id, algorithm), nil
}

func (f *fetched) lastFailure() error {
	f.fetching.Lock()
	defer f.fetching.Unlock()
	return f.failure
}

// refresh fetches the keys, unless somebody did after seen, or it was tried a moment
// ago. A fetch serves everybody, so that it does not end with its caller.
func (f *fetched) refresh(ctx context.Context, seen *snapshot) {
	f.fetching.Lock()
	defer f.fetching.Unlock()
	now := f.options.Clock()
	if f.current.Load() != seen || !f.tried.IsZero() && now.Sub(f.tried) < minInterval {
		return
	}
	f.tried = now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	fresh, err := f.fetch(ctx, now)
	f.failure = err
	if err != nil {
		f.options.Logger.Warn("the keys of the token's issuer cannot be fetched", "url", f.options.URL, "error", err)
		return
	}
	f.current.Store(fresh)
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
		if text, ok := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); ok {
			if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
				return min(max(time.Duration(seconds)*time.Second, leastAge), greatestAge)
			}
		}
	}
	return usualAge
}
