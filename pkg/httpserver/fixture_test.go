package httpserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/audit"
)

// memory is an audit sink, and a log, in memory.
type memory struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (m *memory) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(p)
}
func (*memory) Sync() error   { return nil }
func (*memory) Reopen() error { return nil }
func (*memory) Close() error  { return nil }

func (m *memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// fixture is a server in front of a handler, with its records and its log.
type fixture struct {
	*Server

	recorder *audit.Recorder
	sink     *memory
	log      *memory
	pool     *testcert.CA
}

// newFixture makes a server that records the requests to handler.
func newFixture(t *testing.T, handler http.Handler, o Options, options ...RecordOption) *fixture {
	t.Helper()
	f := &fixture{sink: &memory{}, log: &memory{}}
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	if f.recorder, err = audit.NewRecorder(audit.Options{Sink: f.sink, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	f.pool = ca
	o.Address = "127.0.0.1:0"
	o.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	o.Logger = slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Handler = Record(f.recorder, options...)(handler)
	if f.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	return f
}

// run serves on a port until the test ends, and returns the address.
func (f *fixture) run(t *testing.T) string {
	t.Helper()
	address, err := f.Listen()
	if err != nil {
		t.Fatal(err)
	}
	f.start(t)
	return address.String()
}

func (f *fixture) start(t *testing.T) {
	served := make(chan error, 1)
	go func() { served <- f.Serve() }()
	t.Cleanup(func() {
		if err := f.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = f.recorder.Close()
	})
}

// clientConfig is the TLS configuration of a client.
func (f *fixture) clientConfig(protocols ...string) *tls.Config {
	return &tls.Config{RootCAs: f.pool.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12, NextProtos: protocols}
}

// client is a client of one version of HTTP.
func (f *fixture) client(t *testing.T, http2 bool) *http.Client {
	var protocols http.Protocols
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	transport := &http.Transport{TLSClientConfig: f.clientConfig(), Protocols: &protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// events stores what is recorded, and returns it. Nothing is recorded after it.
func (f *fixture) events(t *testing.T) []map[string]any {
	t.Helper()
	if err := f.recorder.Close(); err != nil {
		t.Fatal(err)
	}
	var events []map[string]any
	for line := range strings.Lines(f.sink.String()) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		events = append(events, event)
	}
	return events
}

// pipes is a listener whose connections are in memory, for tests with a false clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}
func (*pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}
