package httpserver

import "net/http"

// The headers of every answer, in their canonical form. Their values are shared
// between answers, and nobody changes a value in place.
var ( //nolint:gochecknoglobals // constant tables
	transportSecurity = []string{"max-age=63072000"}
	noSniff           = []string{"nosniff"}
	noStore           = []string{"no-store"}
	contentPolicy     = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer        = []string{"no-referrer"}
	sameOrigin        = []string{"same-origin"}
)

// secured sets the security headers: HTTPS from now on (RFC 6797), no guessing of
// types, no copies kept, nothing that a browser would load, show in a frame or hand
// to another site. A handler may replace one.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Strict-Transport-Security"] = transportSecurity
		h["X-Content-Type-Options"] = noSniff
		h["Cache-Control"] = noStore
		h["Content-Security-Policy"] = contentPolicy
		h["Referrer-Policy"] = noReferrer
		h["Cross-Origin-Resource-Policy"] = sameOrigin
		next.ServeHTTP(w, r)
	})
}
