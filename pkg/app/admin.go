package app

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/config"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/telemetry"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// newAdmin makes the admin listener: metrics and health, for whoever has the proof.
func (a *App) newAdmin(h *health) (*httpserver.Server, error) {
	b := a.builder
	pages := h.before(config.Health{Alive: "/alive", Healthy: "/healthy"}, http.HandlerFunc(a.showMetrics))
	chain := auth.NewChain(proof{b.Admin.Token.Value()})
	proven := httpserver.Authenticate(chain, nil, nil)(known(chain, pages))
	return httpserver.New(httpserver.Options{
		Address: b.Admin.Listen,
		TLS:     a.tls(func(c *current) *tls.Config { return c.adminTLS }),
		Handler: httpserver.Record(a.recorder)(once(proven)),
		Logger:  b.logger,
	})
}

// adminTLS returns the settings of the admin listener. It resumes no session: whether a
// certificate is good is looked at each time.
func adminTLS(p *parts) *tls.Config {
	certificates := p.adminCertificates
	if len(certificates) == 0 {
		certificates = p.certificates
	}
	settings := tlspolicy.Server(certificates)
	if p.adminRoots != nil {
		settings.ClientAuth, settings.ClientCAs = tls.RequireAndVerifyClientCert, p.adminRoots
	}
	settings.SessionTicketsDisabled = true
	return settings
}

// known refuses a request without a caller: OPTIONS passes Authenticate so, for browsers, which
// have no business here.
func known(chain *auth.Chain, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth.FromContext(r.Context()) == nil {
			httpserver.WriteError(w, r, chain.Demand())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// once ends the connection behind each answer, so that a client that is no longer trusted
// does not go on over one from before.
func once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
	})
}

// proof lets in whoever has the token; without one, whoever has a certificate, which the
// handshake has looked at.
type proof struct{ token string }

// reasonToken is that of a token that is not the right one.
const reasonToken auth.Reason = "wrongToken"

// Authenticate returns a caller that is no entry of the directory.
func (p proof) Authenticate(r *http.Request) (*auth.Principal, error) {
	caller := &auth.Principal{Name: "admin", Method: "adminToken"}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		caller.Name = r.TLS.PeerCertificates[0].Subject.String()
	}
	if p.token == "" {
		caller.Method = "adminCertificate"
		return caller, nil
	}
	shown, ok := auth.Credentials(r, "Bearer")
	if !ok {
		return nil, auth.ErrNotApplicable
	}
	// Hashes have one length, so that the time tells nothing of that of the token either.
	want, got := sha256.Sum256([]byte(p.token)), sha256.Sum256([]byte(shown))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		e := auth.Refuse(reasonToken)
		e.Challenges = []string{p.Challenge("invalid_token")}
		return nil, e
	}
	return caller, nil
}

// Challenge asks for the token.
func (proof) Challenge(code string) string {
	challenge := `Bearer realm="rest2ldap admin"`
	if code != "" {
		challenge += `, error="` + code + `"`
	}
	return challenge
}

// newMetrics makes the metrics of all that there is to measure.
func (a *App) newMetrics() *telemetry.Metrics {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{}
	}
	return telemetry.New(telemetry.Options{
		Directory:      a.directory.Stats,
		Audit:          a.recorder.Stats,
		AcceptFailures: func() int64 { return a.server.AcceptFailures() },
		Certificates:   a.notAfter,
		Build:          build,
	})
}

// notAfter returns when the certificates that are in force expire.
func (a *App) notAfter() map[string]time.Time {
	all := make(map[string]time.Time)
	for setting, v := range a.validity() {
		all[setting] = v.NotAfter
	}
	return all
}

// showMetrics answers /metrics.
func (a *App) showMetrics(w http.ResponseWriter, r *http.Request) {
	if httpserver.RawPath(r.URL) != "/metrics" {
		httpserver.WriteError(w, r, fault.New(fault.NotFound, "there is nothing at this path; try /metrics, /alive or /healthy").Named("unknownPath"))
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		e := fault.New(fault.MethodNotAllowed, "metrics can only be read")
		e.Allow = []string{http.MethodGet, http.MethodHead}
		httpserver.WriteError(w, r, e)
		return
	}
	var text bytes.Buffer
	if err := a.metrics.WriteText(&text); err != nil {
		httpserver.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", telemetry.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	_, _ = text.WriteTo(w) // The answer notes it.
}
