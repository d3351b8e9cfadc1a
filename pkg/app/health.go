package app

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/config"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
)

const (
	// healthAge is how long one look at the directory serves for all who ask: nobody has
	// to say who he is, and nobody shall load the directory by it.
	healthAge = time.Second
	// healthTimeout bounds one look.
	healthTimeout = 3 * time.Second
)

// health answers balancers and supervisors, who send no credentials: that the gateway
// lives, and that it can serve.
type health struct {
	// ask returns nil when the directory answers the gateway's own account.
	ask func(context.Context) error

	mu     sync.Mutex // guards the fields below, and is held during a look
	last   time.Time
	result error
}

// newHealth looks at the directory as the gateway's own account.
func newHealth(client interface{ Service() directory.Session }) *health {
	return &health{ask: func(ctx context.Context) error {
		_, err := client.Service().WhoAmI(ctx, nil)
		if errors.Is(err, fault.Unsupported) {
			return nil // It answered.
		}
		return err
	}}
}

// before answers at the paths of health, and leaves the rest to next.
func (h *health) before(paths config.Health, next http.Handler) http.Handler {
	if paths == (config.Health{}) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := httpserver.RawPath(r.URL)
		switch {
		case path == "" || r.Method != http.MethodGet && r.Method != http.MethodHead:
			next.ServeHTTP(w, r)
		case path == paths.Alive:
			w.WriteHeader(http.StatusOK)
		case path == paths.Healthy:
			if err := h.look(r.Context()); err != nil {
				httpserver.WriteError(w, r, fault.Wrap(fault.Unavailable, err, "the directory does not answer"))
				return
			}
			w.WriteHeader(http.StatusOK)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// look asks the directory, unless somebody has just done so.
func (h *health) look(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.last.IsZero() && time.Since(h.last) < healthAge {
		return h.result
	}
	// Whoever waits behind is answered by it too, so it does not end with its caller.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthTimeout)
	defer cancel()
	h.result = h.ask(ctx)
	h.last = time.Now()
	return h.result
}
