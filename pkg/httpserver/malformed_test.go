package httpserver

import (
	"net/http"
	"testing"

	"golang.org/x/net/http2"
)

// What is no request over HTTP/2 costs its stream, and not the connection (RFC 9113 §8.1.1);
// no handler sees it.
func TestMalformedOverHTTP2(t *testing.T) {
	const reset = "stream error: stream ID 1; PROTOCOL_ERROR"
	header := func(path string, more ...string) []byte {
		return encoded(append([]string{":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", path}, more...)...)
	}
	bare := func(more ...string) []byte {
		return encoded(append([]string{":method", "GET", ":scheme", "https", ":path", "/bad"}, more...)...)
	}
	for name, test := range map[string]struct {
		block []byte
		want  string // a status, or an error
	}{
		"Escape":      {header("/api/users/%zz"), reset},
		"NoSlash":     {header("api"), reset},
		"NoPath":      {encoded(":method", "GET", ":scheme", "https", ":authority", "localhost"), reset},
		"TwoPaths":    {header("/", ":path", "/b"), reset},
		"UpperCase":   {header("/", "Accept", "a"), reset},
		"HeaderName":  {header("/", "a b", "a"), reset},
		"HeaderValue": {header("/", "a", "b\x00c"), reset},
		"PseudoLate":  {bare("a", "b", ":authority", "localhost"), reset},
		"Connection":  {header("/", "connection", "close"), "400"},
		"Space":       {header("/api/users/a b"), "400"},
		"NoHost":      {bare(), "400"},
		"TwoHosts":    {bare("host", "a", "host", "b"), "400"},
		"SameTwice":   {bare("host", "a", "host", "a"), "400"},
		"OtherHost":   {header("/", "host", "b"), "400"},
		"SameHost":    {header("/good", "host", "LocalHost"), "200"},
		"HostAlone":   {encoded(":method", "GET", ":scheme", "https", ":path", "/good", "host", "a"), "200"},
		"SpaceInTurn": {header("/good?a%20b"), "200"},
	} {
		t.Run(name, func(t *testing.T) {
			handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/good" {
					t.Errorf("the handler sees %s", r.URL)
				}
			})
			overHTTP2(t, handler, func(t *testing.T, client *frames) {
				if err := client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: test.block, EndStream: true, EndHeaders: true}); err != nil {
					t.Fatal(err)
				}
				got, err := client.ends()
				if err != nil {
					got = err.Error()
				}
				if got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
				if err := client.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: header("/good"), EndStream: true, EndHeaders: true}); err != nil {
					t.Fatal(err)
				}
				if status, err := client.ends(); status != "200" || err != nil {
					t.Errorf("afterwards: %s, %v", status, err)
				}
			})
		})
	}
}
