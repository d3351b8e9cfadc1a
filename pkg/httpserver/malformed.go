package httpserver

import (
	"net/http"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// malformed returns what is wrong with the target of a request over HTTP/2, where net/http
// takes what it refuses over HTTP/1.1: no host, another one in the header Host than in
// :authority (RFC 9113 §8.3.1), or a space in the path. A proxy may have read it otherwise.
func malformed(r *http.Request) error {
	if r.ProtoMajor < 2 {
		return nil
	}
	var what string
	switch hosts := r.Header["Host"]; {
	case r.Host == "":
		what = "the request names no host; send :authority"
	case len(hosts) > 1, len(hosts) == 1 && !strings.EqualFold(hosts[0], r.Host):
		what = "the request names several hosts; send :authority alone"
	case strings.Contains(r.RequestURI, " "):
		what = `there is a space in the path; write it as "%20"`
	default:
		return nil
	}
	return fault.New(fault.Invalid, "%s", what).Named("malformedRequest")
}
