package app_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/app"
	"github.com/rest2ldap/rest2ldap/pkg/config"
)

// gateway is an App that runs.
type gateway struct {
	app *app.App
	url string
	// admin is the URL of the admin listener, where there is one.
	admin  string
	client *http.Client
	end    func() error
	log    *logs
}

// logs collects what is written to standard error.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// run runs an App until end is called.
func run(t *testing.T, ca *testcert.CA, file *config.File, change ...func(*app.App)) *gateway {
	t.Helper()
	out, in := io.Pipe()
	g := &gateway{log: &logs{}}
	a, err := app.New(file, app.Options{Stdout: in, Stderr: g.log, Environ: nil})
	if err != nil {
		t.Fatal(err)
	}
	g.app = a
	for _, f := range change {
		f(a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	g.url, g.admin, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "ready https="), " admin=")
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	g.client = &http.Client{Transport: transport}
	g.end = sync.OnceValue(func() error {
		transport.CloseIdleConnections()
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = g.end() })
	return g
}

// A gateway with a certificate that expires soon tells so in its log as it begins.
func TestExpiresSoon(t *testing.T) {
	ca := folder(t)
	issue(t, ca, "soon", testcert.Leaf{NotBefore: time.Now().Add(-30 * time.Hour), NotAfter: time.Now().Add(10 * time.Hour)})
	g := run(t, ca, load(t, "server.certificates.0.cert=soon.pem", "server.certificates.0.key=soon.key"))
	if err := g.end(); err != nil { // What it does in the background has begun.
		t.Error(err)
	}
	for line := range strings.Lines(g.log.String()) {
		if strings.Contains(line, "a certificate expires soon") && strings.Contains(line, "server.certificates[0].cert") {
			return
		}
	}
	t.Error(g.log.String())
}

// TestRun answers while there is no directory, and leaves nothing behind.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	ca := folder(t)
	g := run(t, ca, load(t))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/api/users/bjensen", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("bjensen", "hifalutin")
	response, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("%s %v: %s", response.Status, response.Header, body)
	}
	if err := g.end(); err != nil {
		t.Error(err)
	}
	events, err := os.ReadFile("events.jsonl")
	if err != nil || strings.Count(string(events), "\n") != 1 {
		t.Errorf("events %q, %v", events, err)
	}
	for line := range strings.Lines(g.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log has %q", line)
		}
	}
	if strings.Contains(g.log.String()+string(events), "hifalutin") || strings.Contains(g.log.String(), "hunter2") {
		t.Errorf("a secret is in the log or the events:\n%s%s", g.log, events)
	}
}

// TestRun_BreaksOff ends while a request waits for a directory that is silent: the request
// is broken off when its time is over, is in the events, and the log tells.
func TestRun_BreaksOff(t *testing.T) {
	defer goleak.VerifyNone(t)
	ca := folder(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	file := load(t, "directory.servers.0.url=ldaps://"+silent.Addr().String(), "directory.connectTimeout=1m", "limits.requestTimeout=10m")
	g := run(t, ca, file, func(a *app.App) { a.SetGrace(time.Millisecond) })
	left := make(chan struct{}, 1)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { left <- struct{}{} },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/api/users/bjensen", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("bjensen", "hifalutin")
	answered := make(chan error, 1)
	go func() {
		response, err := g.client.Do(req)
		if err == nil {
			_ = response.Body.Close()
		}
		answered <- err
	}()
	<-left
	waitForRequest(t, g)
	if err := g.end(); err != nil || !strings.Contains(g.log.String(), "broken off") {
		t.Errorf("%v\n%s", err, g.log)
	}
	if err := <-answered; err == nil {
		t.Error("the request was answered")
	}
	events, err := os.ReadFile("events.jsonl")
	if err != nil || strings.Count(string(events), `"phase":"outcome"`) != 1 {
		t.Errorf("events %q, %v\n%s", events, err, g.log)
	}
}

// waitForRequest waits until a request is at work.
func waitForRequest(t *testing.T, g *gateway) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !g.app.AtWork(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no request has arrived")
		}
	}
}

// TestRun_TakenPort: the error names the address.
func TestRun_TakenPort(t *testing.T) {
	defer goleak.VerifyNone(t)
	ca := folder(t)
	g := run(t, ca, load(t))
	address := strings.TrimPrefix(g.url, "https://")
	var out bytes.Buffer
	a, err := app.New(load(t, "server.listen="+address, "audit.file=other.jsonl"), app.Options{Stdout: &out, Stderr: g.log})
	if err != nil {
		t.Fatal(err)
	}
	err = a.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), address) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if out.Len() > 0 {
		t.Errorf("standard output has %q", &out)
	}
	if err := g.end(); err != nil {
		t.Error(err)
	}
}

func TestNew_Refuses(t *testing.T) {
	folder(t)
	if _, err := app.New(load(t), app.Options{Environ: []string{"GODEBUG=tls10server=1"}}); err == nil {
		t.Error("an environment that loosens TLS is taken")
	}
	var problems config.Problems
	_, err := app.New(load(t, "directory.ca=password"), app.Options{Stderr: io.Discard})
	if problems, _ = err.(config.Problems); len(problems) != 1 { //nolint:errorlint // Not wrapped, as documented.
		t.Errorf("%v", err)
	}
}
