package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/config"
)

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, down := 0, error(nil)
		h := &health{ask: func(context.Context) error { asked++; return down }}
		handler := h.before(config.Health{Alive: "/alive", Healthy: "/healthy"}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
		check := func(method, path string, status, looks int) {
			t.Helper()
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != status || asked != looks {
				t.Errorf("%s %s: %d after %d looks, want %d after %d", method, path, w.Code, asked, status, looks)
			}
		}
		check(http.MethodGet, "/healthy", http.StatusOK, 1)
		check(http.MethodHead, "/healthy", http.StatusOK, 1)
		down = errors.New("gone")
		check(http.MethodGet, "/healthy", http.StatusOK, 1)
		time.Sleep(healthAge) //nolint:forbidigo // The clock of synctest.
		check(http.MethodGet, "/healthy", http.StatusServiceUnavailable, 2)
		check(http.MethodGet, "/healthy", http.StatusServiceUnavailable, 2)
		check(http.MethodGet, "/alive", http.StatusOK, 2)
		down = nil
		time.Sleep(healthAge) //nolint:forbidigo // Likewise.
		check(http.MethodGet, "/healthy", http.StatusOK, 3)
		for _, path := range []string{"/alive/", "/Alive", "/", "/%61live", "/api/alive"} {
			check(http.MethodGet, path, http.StatusTeapot, 3)
		}
		check(http.MethodPost, "/alive", http.StatusTeapot, 3)
	})
}
