package httpserver

import "net/http"

// security are the headers of every answer, in their canonical form. The values are
// shared between answers, and nobody changes one in place.
var security = []struct { //nolint:gochecknoglobals // constant table
	name  string
	value []string
}{
	{"Strict-Transport-Security", []string{"max-age=63072000"}}, // RFC 6797: two years of HTTPS alone
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"Cache-Control", []string{"no-cache, no-store"}},
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
}

// closing is the header Connection of the last answer on a connection.
var closing = []string{"close"} //nolint:gochecknoglobals // as above

// secured sets the security headers: HTTPS from now on, no guessing of types, no
// copies kept, nothing that a browser would load, show in a frame or hand to another
// site. A handler may replace one.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isEvicted(r) {
			panic(http.ErrAbortHandler) //nolint:forbidigo // The sentinel by which net/http breaks off an answer.
		}
		headers := w.Header()
		for i := range security {
			headers[security[i].name] = security[i].value
		}
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			// It may have had a Content-Length as well, which net/http drops. Who goes by that
			// takes other bytes for the next request, so that this one is the last of its
			// connection (RFC 9112 §6.1).
			headers["Connection"] = closing
		}
		next.ServeHTTP(w, r)
	})
}
