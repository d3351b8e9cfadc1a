package app

import (
	"crypto/tls"
	"net/http"

	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// current is what serves requests. The parts of one belong together, and do not change.
type current struct {
	handler http.Handler
	// tls is for clients, adminTLS for the admin listener.
	tls, adminTLS *tls.Config
	validity      map[string]tlspolicy.Validity
}

// install puts a handler and certificates in force. Requests and connections that are at
// work go on with what they began with.
func (a *App) install(handler http.Handler, p *parts) {
	a.current.Store(&current{handler, tlspolicy.Server(p.certificates), adminTLS(p), p.validity})
}

// serve answers a request by the handler that is in force as it begins.
func (a *App) serve(w http.ResponseWriter, r *http.Request) { a.current.Load().handler.ServeHTTP(w, r) }

// tls returns the settings of a listener that has those in force for each connection.
func (a *App) tls(of func(*current) *tls.Config) *tls.Config {
	config := of(a.current.Load()).Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return of(a.current.Load()), nil }
	return config
}

// reload reads all files anew that the configuration names, and puts what is in them in
// force, all of it or, when anything is wrong, nothing. The configuration itself, its
// secrets and the connections to the directory stay.
func (a *App) reload() {
	good := a.readAnew()
	if a.metrics != nil {
		a.metrics.Reloaded(good)
	}
}

// readAnew reports whether what it has read is in force.
func (a *App) readAnew() bool {
	parts, problems := inspect(a.builder.File)
	for _, problem := range problems {
		if problem.Warning {
			a.logger.Warn("a file was read anew", "problem", problem.String())
			continue
		}
		a.logger.Error("a file was read anew and cannot be used", "problem", problem.String())
	}
	if len(problems.Errors()) > 0 {
		a.logger.Error("the files were not read anew; what was read before stays in force", "problems", len(problems.Errors()))
		return false
	}
	fresh := &builder{File: a.builder.File, parts: parts, logger: a.logger, cookieKey: a.builder.cookieKey}
	handler, err := fresh.handler(a.directory)
	if err != nil {
		a.logger.Error("the files were not read anew; what was read before stays in force", "error", err)
		return false
	}
	a.install(handler, &parts)
	a.logger.Info("mapping files, certificates and keys were read anew", "mappings", len(parts.models))
	return true
}
