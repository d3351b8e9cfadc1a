package bearertest

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// Audience is the audience of the tokens that an Issuer makes.
const Audience = "https://gateway.example.com"

// Issuer is an authorization server with an HTTPS listener of its own. Its methods
// may be called by several goroutines.
type Issuer struct {
	// Name is the issuer identifier, the claim iss.
	Name string
	// KeysURL is where the key set is.
	KeysURL string
	// CA is the authority of the listener's certificate.
	CA *testcert.CA
	// Clock tells when tokens are issued; it is time.Now at first.
	Clock func() time.Time

	tb     testing.TB
	server *httptest.Server

	mu      sync.Mutex // guards the fields below
	keys    []*key
	handler http.HandlerFunc
	fetches int
}

// Start starts an issuer for the duration of a test. It has no keys yet.
func Start(tb testing.TB) *Issuer {
	tb.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		tb.Fatal(err)
	}
	pair, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		tb.Fatal(err)
	}
	i := &Issuer{CA: ca, Clock: time.Now, tb: tb}
	i.server = httptest.NewUnstartedServer(http.HandlerFunc(i.serve))
	i.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // Failed handshakes are part of tests.
	i.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	i.server.StartTLS()
	tb.Cleanup(i.server.Close)
	i.Name, i.KeysURL = i.server.URL, i.server.URL+"/jwks"
	return i
}

// Close stops the listener. The issuer makes tokens as before.
func (i *Issuer) Close() { i.server.Close() }

// Transport returns a transport that trusts the issuer's certificate and keeps no
// connections.
func (i *Issuer) Transport() http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.Pool(), MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
}

// Pool returns a pool with the authority of the issuer's certificate.
func (i *Issuer) Pool() *x509.CertPool { return i.CA.Pool() }

// Serve makes the listener answer with the handler instead of the key set; with the
// key set again when it is nil.
func (i *Issuer) Serve(handler http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.handler = handler
}

// Fetches returns the number of requests so far.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.fetches++
	handler := i.handler
	i.mu.Unlock()
	if handler != nil {
		handler(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(i.KeySet()) // A client that went away is its own affair.
}

// Add makes a key pair for the algorithm and publishes its public half under the id.
func (i *Issuer) Add(id, algorithm string) {
	i.tb.Helper()
	k, err := newKey(id, algorithm)
	if err != nil {
		i.tb.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, k)
}

// Remove takes the key with that id out of the key set. No token can be signed with
// it any more.
func (i *Issuer) Remove(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = slices.DeleteFunc(i.keys, func(k *key) bool { return k.id == id })
}

// KeySet returns the key set (RFC 7517 §5).
func (i *Issuer) KeySet() []byte {
	i.tb.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	published := make([]map[string]any, len(i.keys))
	for n, k := range i.keys {
		published[n] = k.public
	}
	return marshal(i.tb, map[string]any{"keys": published})
}

// key returns the key with that id.
func (i *Issuer) key(id string) *key {
	i.tb.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	n := slices.IndexFunc(i.keys, func(k *key) bool { return k.id == id })
	if n < 0 {
		i.tb.Fatalf("the issuer has no key %q", id)
	}
	return i.keys[n]
}
