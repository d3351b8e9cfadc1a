package integration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// A directory that is reached in clear first sees nothing but the request for TLS.
func TestF013_StartTLS(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Kind: slapd.Process, Clear: true})
	g := start(t, server, settings{set: []string{"directory.servers[0].url=" + server.ClearURL, "directory.servers[0].startTLS=true"}})
	g.get(t, "bjensen", "/api/users/bjensen").want(http.StatusOK)
	for line := range strings.Lines(logOf(server)) {
		if strings.Contains(line, " BIND ") && strings.Contains(line, "mech=") && !strings.Contains(line, " ssf=128") && !strings.Contains(line, " ssf=256") {
			t.Errorf("a bind without TLS: %s", line)
		}
	}
}
