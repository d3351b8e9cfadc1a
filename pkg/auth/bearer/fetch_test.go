package bearer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// fetching is a fixture whose keys come from the issuer's URL.
func fetching(t *testing.T) *fixture {
	t.Helper()
	f := newIssuer(t)
	f.fetchWith(t, f.Transport(), nil)
	return f
}

func (f *fixture) fetchWith(t *testing.T, transport http.RoundTripper, logger *slog.Logger) {
	t.Helper()
	keys, err := bearer.FetchKeys(bearer.FetchOptions{URL: f.KeysURL, Transport: transport, Clock: f.clock.time, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	f.start(t, keys, nil)
}

// wantUnavailable fails unless the answer is that the issuer cannot be reached.
func (f *fixture) wantUnavailable(t *testing.T, token string, retryAfter time.Duration) {
	t.Helper()
	_, err := f.send(token)
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Unavailable || e.RetryAfter != retryAfter || len(e.Challenges) != 0 {
		t.Errorf("got %v (%+v), want unavailable for %v", err, e, retryAfter)
	}
}

func (f *fixture) wantFetches(t *testing.T, want int) {
	t.Helper()
	if got := f.Fetches(); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}

func TestFetch(t *testing.T) {
	f := fetching(t)
	f.wantFetches(t, 0)
	for range 3 {
		f.wantGood(t, f.good("k1"))
	}
	f.wantFetches(t, 1)
}

// S_C25
func TestRotation(t *testing.T) {
	f := fetching(t)
	f.wantGood(t, f.good("k1"))
	f.Add("k2", "RS256")
	fresh := f.good("k2")
	f.wantRefused(t, fresh, bearer.ReasonKey) // The keys are a moment old.
	f.clock.add(10 * time.Second)
	f.wantGood(t, fresh)
	f.wantFetches(t, 2)

	old := f.good("k1")
	f.Remove("k1")
	f.clock.add(9 * time.Minute)
	f.wantGood(t, f.Token(f.Header("k2"), f.Claims("bjensen")))
	f.clock.add(time.Minute)
	f.wantRefused(t, old, bearer.ReasonKey)
	f.wantFetches(t, 3)
}

// S_C12 and S_C13: tokens of strangers make no load for the issuer.
func TestStrangers(t *testing.T) {
	f := fetching(t)
	f.wantGood(t, f.good("k1"))
	other := bearertest.Start(t)
	other.Add("k1", "ES256")
	for i := range 1000 {
		header := other.Header("k1").With("kid", fmt.Sprint("k", i+2))
		f.wantRefused(t, other.TokenBy("k1", mustJSON(t, header), mustJSON(t, f.Claims("bjensen"))), bearer.ReasonKey)
	}
	f.clock.add(9 * time.Second)
	f.wantRefused(t, other.Token(other.Header("k1"), f.Claims("bjensen")), bearer.ReasonSignature)
	f.wantFetches(t, 1)
	f.clock.add(time.Second)
	for i := range 100 {
		header := other.Header("k1").With("kid", fmt.Sprint("k", i+2))
		f.wantRefused(t, other.TokenBy("k1", mustJSON(t, header), mustJSON(t, f.Claims("bjensen"))), bearer.ReasonKey)
		f.wantRefused(t, other.Token(other.Header("k1"), f.Claims("bjensen")), bearer.ReasonSignature)
	}
	f.wantFetches(t, 2)
}

// S_C27: with keys at hand the issuer may fail for a day, without them nothing can be
// decided, and that is never a refusal.
func TestIssuerFails(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"500":           func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusInternalServerError) },
		"404":           http.NotFound,
		"HTML":          func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>{}</html>")) },
		"empty":         func(http.ResponseWriter, *http.Request) {},
		"no keys in it": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"10 MiB": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[], "x":"` + strings.Repeat("x", 10<<20) + `"}`))
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"keys":[`))
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/jwks" {
				http.Redirect(w, r, "/other", http.StatusFound)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := fetching(t)
			f.Serve(handler)
			f.wantUnavailable(t, f.good("k1"), 10*time.Second)
			f.wantFetches(t, 1)
			f.clock.add(4 * time.Second)
			f.wantUnavailable(t, f.good("k1"), 6*time.Second)
			f.wantFetches(t, 1)
			f.Serve(nil)
			f.clock.add(6 * time.Second)
			f.wantGood(t, f.good("k1"))
			f.wantFetches(t, 2)

			f.Serve(handler)
			f.clock.add(10 * time.Minute)
			f.wantGood(t, f.good("k1"))
			f.Add("k2", "ES256")
			f.wantUnavailable(t, f.good("k2"), 10*time.Second)
			f.clock.add(24*time.Hour - 10*time.Minute)
			f.wantGood(t, f.good("k1"))
			f.clock.add(time.Second)
			f.wantUnavailable(t, f.good("k1"), 9*time.Second)
			f.Serve(nil)
			f.clock.add(time.Minute)
			f.wantGood(t, f.good("k2"))
		})
	}
	t.Run("not there", func(t *testing.T) {
		f := fetching(t)
		f.Close()
		f.wantUnavailable(t, f.good("k1"), 10*time.Second)
	})
	t.Run("other authority", func(t *testing.T) {
		f := newIssuer(t)
		f.fetchWith(t, bearertest.Start(t).Transport(), nil)
		f.wantUnavailable(t, f.good("k1"), 10*time.Second)
	})
}

// transport is an issuer without a network, for tests in a bubble.
type transport func(*http.Request) (*http.Response, error)

func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) { return tr(r) }

// A silent issuer costs a bounded time, and once; who has keys waits a second at most.
func TestSilentIssuer(t *testing.T) {
	outside := newIssuer(t)
	token := outside.Token(outside.Header("k1"), outside.Claims("bjensen").With("exp", outside.clock.time().Unix()+86400))
	keySet := outside.KeySet()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{Issuer: outside.Issuer, people: outside.people, clock: outside.clock}
		var mu sync.Mutex
		silent := true
		f.fetchWith(t, transport(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if silent {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			recorder := &response{header: http.Header{}}
			return recorder.with(keySet), nil
		}), nil)
		took := func(send func()) time.Duration {
			began := time.Now()
			send()
			return time.Since(began)
		}
		if d := took(func() { f.wantUnavailable(t, token, 10*time.Second) }); d != 5*time.Second {
			t.Errorf("the first token took %v", d)
		}
		if d := took(func() { f.wantUnavailable(t, token, 10*time.Second) }); d != 0 {
			t.Errorf("the next one took %v", d)
		}
		mu.Lock()
		silent = false
		mu.Unlock()
		f.clock.add(10 * time.Second)
		f.wantGood(t, token)

		mu.Lock()
		silent = true
		mu.Unlock()
		f.clock.add(10 * time.Minute)
		if d := took(func() { f.wantGood(t, token) }); d != time.Second {
			t.Errorf("with keys at hand it took %v", d)
		}
		time.Sleep(4 * time.Second) //nolint:forbidigo // A false clock; the fetch ends.
		f.clock.add(time.Minute)    // The token is forgotten.
		if d := took(func() { f.wantGood(t, token) }); d != 0 {
			t.Errorf("after a failure it took %v", d)
		}
		time.Sleep(5 * time.Second) //nolint:forbidigo // A false clock.
	})
}

// response makes answers.
type response struct{ header http.Header }

func (r *response) with(body []byte) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: r.header, Body: readCloser{bytes.NewReader(body)}}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// Many tokens at once are one fetch, which does not end with the caller that began it.
func TestOneFetch(t *testing.T) {
	f := fetching(t)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	f.Serve(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_, _ = w.Write(f.KeySet())
	})
	impatient, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := f.sendWithin(impatient, f.good("k1"))
		left <- err
	}()
	<-arrived
	var waiting sync.WaitGroup
	for range 20 {
		token := f.good("k1")
		waiting.Go(func() { f.wantGood(t, token) })
	}
	leave()
	if err := <-left; !errors.Is(err, fault.Canceled) {
		t.Errorf("the one who left: %v", err)
	}
	close(release)
	waiting.Wait()
	f.wantFetches(t, 1)
}

func TestMaxAge(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"":                               10 * time.Minute,
		"no-cache":                       10 * time.Minute,
		"max-age=x":                      10 * time.Minute,
		"public, Max-Age=300, immutable": 5 * time.Minute,
		"max-age=0":                      time.Minute,
		"max-age=-5":                     time.Minute,
		"max-age=31536000":               24 * time.Hour,
	} {
		t.Run(header, func(t *testing.T) {
			f := fetching(t)
			f.Serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", header)
				_, _ = w.Write(f.KeySet())
			})
			f.wantGood(t, f.good("k1"))
			f.clock.add(want - time.Second)
			f.wantGood(t, f.good("k1"))
			f.wantFetches(t, 1)
			f.clock.add(time.Second)
			f.wantGood(t, f.good("k1"))
			f.wantFetches(t, 2)
		})
	}
}

// The operator is told once that the issuer fails, and once that it is back.
func TestFetchLog(t *testing.T) {
	f := newIssuer(t)
	var log bytes.Buffer
	f.fetchWith(t, f.Transport(), slog.New(slog.NewTextHandler(&log, nil)))
	f.Serve(http.NotFound)
	token := f.good("k1")
	for range 3 {
		_, _ = f.send(token)
		f.clock.add(10 * time.Second)
	}
	f.Serve(nil)
	f.wantGood(t, token)
	if got := strings.Count(log.String(), "\n"); got != 2 || !strings.Contains(log.String(), "status 404") || strings.Contains(log.String(), token) {
		t.Errorf("logged:\n%s", log.String())
	}
}

func TestFetchOptions(t *testing.T) {
	for _, url := range []string{"", "http://login.example.com/jwks", "https:///jwks", "login.example.com", "file:///keys.json", "%"} {
		if _, err := bearer.FetchKeys(bearer.FetchOptions{URL: url, Transport: http.DefaultTransport}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
	if _, err := bearer.FetchKeys(bearer.FetchOptions{URL: "https://login.example.com"}); err == nil {
		t.Error("no transport")
	}
}

// A token that is remembered costs no second verification, and only within a minute.
func TestRemembered(t *testing.T) {
	f := fetching(t)
	token := f.Token(f.Header("k1"), f.Claims("bjensen").With("exp", f.clock.time().Unix()+86400))
	f.wantGood(t, token)
	f.Remove("k1")
	f.Add("k2", "ES256")
	f.clock.add(10 * time.Second)
	f.wantRefused(t, mustForge(t, f), bearer.ReasonKey) // Fetches the keys.
	f.wantGood(t, token)
	f.clock.add(50 * time.Second)
	f.wantRefused(t, token, bearer.ReasonKey)
	if _, err := f.send(token); auth.ReasonOf(err) != bearer.ReasonKey {
		t.Error(err)
	}
}

// mustForge returns a token by a key that the issuer does not have.
func mustForge(t *testing.T, f *fixture) string {
	t.Helper()
	other := bearertest.Start(t)
	other.Add("k3", "ES256")
	return other.Token(other.Header("k3"), f.Claims("bjensen"))
}
