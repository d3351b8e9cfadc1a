package control

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
)

// ServeHTTPS answers GET and PATCH of /api/users/{id} with a fixed body on the listener
// until the process ends. It reads what is sent and passes over it. Before each answer it calls look, unless that is nil.
func ServeHTTPS(listener net.Listener, certificate tls.Certificate, body []byte, look func() error) error {
	router := chi.NewRouter()
	serve := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
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
	}
	router.Get("/api/users/{id}", serve)
	router.Patch("/api/users/{id}", serve)
	server := &http.Server{
		Handler:           router,
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	return server.ServeTLS(listener, "", "")
}
