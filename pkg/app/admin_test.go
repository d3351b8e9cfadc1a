package app_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/pkg/app"
)

const token = "0123456789abcdef0123456789abcdef"

// manage asks the admin listener.
func (g *gateway) manage(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.admin+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	response, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", response.Status, err, body)
	}
	return string(body)
}

// TestRun_Admin: the admin listener is there until the last request has been answered, and
// then nothing is left of it.
func TestRun_Admin(t *testing.T) {
	defer goleak.VerifyNone(t)
	ca := folder(t)
	write(t, "token", token+"\n")
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	file := load(t, "directory.servers.0.url=ldaps://"+silent.Addr().String(), "directory.connectTimeout=1m", "limits.requestTimeout=10m",
		"admin.listen=127.0.0.1:0", "admin.token=file:token")
	g := run(t, ca, file, func(a *app.App) { a.SetGrace(time.Minute) })
	answered := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/api/users/bjensen", http.NoBody)
		if err == nil {
			req.SetBasicAuth("bjensen", "hifalutin")
			var response *http.Response
			if response, err = g.client.Do(req); err == nil {
				err = response.Body.Close()
			}
		}
		answered <- err
	}()
	waitForRequest(t, g)
	ended := make(chan error, 1)
	go func() { ended <- g.end() }()
	for {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "https://"))
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	if metrics := g.manage(t, "/metrics"); !strings.Contains(metrics, "\nrest2ldap_http_requests_in_flight 1\n") {
		t.Errorf("the request at work is not shown:\n%s", metrics)
	}
	g.manage(t, "/alive")
	_ = silent.Close() // Now the directory is not silent, but gone.
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(g.admin, "https://")); err == nil {
		t.Error("the admin listener is left")
	}
	g.client.CloseIdleConnections()
}

// TestRun_AdminPort: where the admin listener cannot be opened, the other one does not stay.
func TestRun_AdminPort(t *testing.T) {
	defer goleak.VerifyNone(t)
	folder(t)
	write(t, "token", token+"\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	a, err := app.New(load(t, "server.listen="+free.Addr().String(), "admin.listen="+taken.Addr().String(), "admin.token=file:token"), app.Options{Stdout: io.Discard, Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err = a.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "admin.listen: "+taken.Addr().String()) {
		t.Errorf("%v", err)
	}
	if conn, err := net.Dial("tcp", free.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the listener for clients is left")
	}
}
