package app_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// TestRun_SmallestPool runs many lists at once over the smallest pool there is. Each
// looks up references while it holds a connection, and none waits for another for ever.
func TestRun_SmallestPool(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Users: 600, CallerSizeLimit: slapd.Unlimited})
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	authority, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	ca := folder(t)
	write(t, "directory.pem", string(authority))
	write(t, "password", server.ServicePassword+"\n")
	g := run(t, ca, load(t, "directory.servers.0.url="+server.URL, "directory.ca=directory.pem",
		"directory.bind.dn="+server.ServiceDN, "directory.pool.max=3", "limits.queryTimeout=20s"))
	var work sync.WaitGroup
	for range 12 {
		work.Go(func() {
			status, body, err := get(g, "/api/users?_queryFilter=true&_fields=manager")
			if err != nil || status != http.StatusOK || !strings.Contains(body, `"manager":`) {
				t.Errorf("%d, %v: %.300s", status, err, body)
			}
		})
	}
	work.Wait()
	if err := g.end(); err != nil {
		t.Error(err)
	}
}

// get sends a request as a person of the example data.
func get(g *gateway, path string) (status int, body string, err error) {
	req, err := http.NewRequest(http.MethodGet, g.url+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.SetBasicAuth("kvaughan", exampledata.Password("kvaughan"))
	response, err := g.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}
