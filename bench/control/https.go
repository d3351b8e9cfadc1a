package control

import (
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
)

// ServeHTTPS answers GET /api/users/{id} with a fixed body on the listener until
// the process ends. Before each answer it calls look, unless that is nil.
func ServeHTTPS(listener net.Listener, certificate tls.Certificate, body []byte, look func() error) error {
	router := chi.NewRouter()
	router.Get("/api/users/{id}", func(w http.ResponseWriter, _ *http.Request) {
		if look != nil {
			if err := look(); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
	server := &http.Server{
		Handler:           router,
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	return server.ServeTLS(listener, "", "")
}
