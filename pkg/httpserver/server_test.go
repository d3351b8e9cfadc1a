package httpserver

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"handler": {TLS: &tls.Config{MinVersion: tls.VersionTLS12}},
		"TLS":     {Handler: http.HandlerFunc(hello)},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestServeNeedsListen(t *testing.T) {
	s, err := New(Options{Handler: http.HandlerFunc(hello), TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Addr() != nil || s.Serve() == nil {
		t.Error("a server without a listener serves")
	}
}

func TestBothVersions(t *testing.T) {
	f := newFixture(t, http.HandlerFunc(hello), Options{})
	address := f.run(t)
	for _, http2 := range []bool{false, true} {
		response, err := f.client(t, http2).Get("https://" + address + "/x")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if (response.ProtoMajor == 2) != http2 {
			t.Errorf("protocol %s", response.Proto)
		}
		if response.Header.Get("Server") != "" {
			t.Error("the answer names its software")
		}
	}
	if f.Addr().String() != address {
		t.Errorf("address %s, want %s", f.Addr(), address)
	}
}

// S_A17: the headers are on every answer.
func TestSecurityHeaders(t *testing.T) {
	f := newFixture(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fault":
			WriteError(w, r, fault.New(fault.NotFound, "not there"))
		case "/panic":
			oops()
		}
	}), Options{})
	address := f.run(t)
	for _, path := range []string{"/", "/fault", "/panic"} {
		response, err := f.client(t, true).Get("https://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		for name, want := range map[string]string{
			"Strict-Transport-Security": "max-age=63072000", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache, no-store",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if response.Header.Get("X-ForgeRock-TransactionId") == "" {
			t.Errorf("%s: no transaction id", path)
		}
	}
}

// S_A09: plain HTTP is closed without a word, and reaches no handler.
func TestPlaintext(t *testing.T) {
	inTime(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was reached") }),
		func(t *testing.T, f *fixture, listener *pipes) {
			begin := time.Now()
			for _, text := range []string{"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic c2VjcmV0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00", "\x80\x2e\x01"} {
				conn := listener.dial()
				_, _ = io.WriteString(conn, text) // The server may close before it has read all.
				if answer, _ := io.ReadAll(conn); len(answer) > 0 {
					t.Errorf("%q was answered: %q", text, answer)
				}
				_ = conn.Close()
			}
			if took := time.Since(begin); took > 0 {
				t.Errorf("the connections were kept for %s", took)
			}
			synctest.Wait()
			if log := f.log.String(); strings.Contains(log, "c2VjcmV0") || strings.Count(log, "level=DEBUG") != 4 || !strings.Contains(log, errPlaintext.Error()) {
				t.Errorf("log:\n%s", log)
			}
			if events := f.events(t); len(events) > 0 {
				t.Errorf("events %v", events)
			}
		})
}

func TestHeaderTooLarge(t *testing.T) {
	f := newFixture(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was reached") }), Options{})
	address := f.run(t)
	req, err := http.NewRequest(http.MethodGet, "https://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Large", strings.Repeat("x", 80<<10))
	response, err := f.client(t, false).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
}

// S_G13: requests at work come to their end, and when time is up they are broken off.
func TestShutdown(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	f := newFixture(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		select {
		case <-release:
			hello(w, r)
		case <-r.Context().Done():
		}
	}), Options{})
	address := f.run(t)
	answered := make(chan error, 1)
	go func() {
		response, err := f.client(t, true).Get("https://" + address)
		if err == nil {
			_, err = io.ReadAll(response.Body)
			_ = response.Body.Close()
		}
		answered <- err
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- f.Shutdown(t.Context()) }()
	close(release)
	if err := errors.Join(<-answered, <-stopped); err != nil {
		t.Error(err)
	}
}

func TestShutdownBreaksOff(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	f := newFixture(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	}), Options{})
	address := f.run(t)
	answered := make(chan error, 1)
	go func() {
		response, err := f.client(t, false).Get("https://" + address)
		if err == nil {
			_ = response.Body.Close()
		}
		answered <- err
	}()
	<-begun
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Shutdown(over); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	<-ended
	if err := <-answered; err == nil {
		t.Error("the request was answered")
	}
}

// inTime runs a test in a bubble, over a connection in memory whose handshake is done.
func inTime(t *testing.T, handler http.Handler, test func(t *testing.T, f *fixture, listener *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, handler, Options{})
		listener := newPipes()
		f.listener = tlsOnly{listener, &f.failures, f.connections}
		f.start(t)
		test(t, f, listener)
	})
}

func handshake(t *testing.T, f *fixture, listener *pipes) *tls.Conn {
	t.Helper()
	conn := tls.Client(listener.dial(), f.clientConfig("http/1.1"))
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return conn
}

// S_G03: who sends nothing is not waited for.
func TestSlowHandshakeAndHeader(t *testing.T) {
	inTime(t, http.HandlerFunc(hello), func(t *testing.T, f *fixture, listener *pipes) {
		begin := time.Now()
		silent := listener.dial()
		if _, err := silent.Read(make([]byte, 1)); err == nil {
			t.Error("an answer to nothing")
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("a handshake may take %s", took)
		}
		conn := handshake(t, f, listener)
		begin = time.Now()
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n")
		_, _ = io.ReadAll(conn)
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("a header may take %s", took)
		}
		_ = conn.Close()
	})
}

func TestSlowBody(t *testing.T) {
	inTime(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := ReadBody(w, r, 100); err != nil {
			WriteError(w, r, err)
		}
	}), func(t *testing.T, f *fixture, listener *pipes) {
		conn := handshake(t, f, listener)
		defer conn.Close()
		begin := time.Now()
		_, _ = io.WriteString(conn, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		if took := time.Since(begin); took != 30*time.Second || response.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%d after %s: %s", response.StatusCode, took, body)
		}
	})
}

// A request that takes long, with its body read, is not cancelled by the limit of the
// body; and a second one on its connection has limits of its own.
func TestLongWork(t *testing.T) {
	inTime(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := ReadBody(w, r, 100)
		time.Sleep(5 * time.Minute) //nolint:forbidigo // A false clock.
		if err != nil || r.Context().Err() != nil {
			t.Errorf("after five minutes: %v, %v", err, r.Context().Err())
		}
		_, _ = w.Write(body) //nolint:gosec // G705: a test.
	}), func(t *testing.T, f *fixture, listener *pipes) {
		conn := handshake(t, f, listener)
		defer conn.Close()
		reader := bufio.NewReader(conn)
		for range 2 {
			_, _ = io.WriteString(conn, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if body, _ := io.ReadAll(response.Body); string(body) != "abc" {
				t.Errorf("%d: %q", response.StatusCode, body)
			}
			time.Sleep(90 * time.Second) //nolint:forbidigo // A false clock.
		}
	})
}

// S_G03: a client that reads nothing ends its request; one that reads slowly, and a
// handler that writes slowly, do not.
func TestStalledReader(t *testing.T) {
	var failed chan time.Duration // of the bubble
	inTime(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		begin := time.Now()
		for i := range 20 {
			if r.URL.Path == "/slow" {
				time.Sleep(2 * time.Minute) //nolint:forbidigo // A false clock.
			}
			_, err := fmt.Fprintf(w, "%0100000d\n", i)
			if err == nil {
				err = controller.Flush()
			}
			if err != nil {
				failed <- time.Since(begin)
				Abort(w, r, err)
			}
		}
		if r.URL.Path == "/stalled" {
			t.Error("a stalled client got everything")
		}
	}), func(t *testing.T, f *fixture, listener *pipes) {
		failed = make(chan time.Duration, 1)
		for _, path := range []string{"/slow", "/read"} {
			conn := handshake(t, f, listener)
			_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			n, err := io.Copy(io.Discard, slowly{response.Body})
			if n != 20*100001 || err != nil {
				t.Errorf("%s: %d bytes, %v", path, n, err)
			}
			_ = conn.Close()
		}
		conn := handshake(t, f, listener)
		_, _ = io.WriteString(conn, "GET /stalled HTTP/1.1\r\nHost: x\r\n\r\n")
		// crypto/tls adds 5 s, in which it says goodbye.
		if took := <-failed; took < time.Minute || took > time.Minute+5*time.Second {
			t.Errorf("a stalled client was waited for %s", took)
		}
		_ = conn.Close()
		synctest.Wait()
		events := f.events(t)
		if last := events[len(events)-1]; last["result"] != "canceled" || last["status"] != 200.0 {
			t.Errorf("event %v", last)
		}
	})
}

// slowly waits before each read.
type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(time.Second) //nolint:forbidigo // A false clock.
	return s.Reader.Read(p)
}
