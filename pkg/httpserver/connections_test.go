package httpserver

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

// ask sends a request over HTTP/1.1, and returns the status of the answer, or "end".
func ask(conn *tls.Conn, path string) string {
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "end"
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.Status[:3]
}

// F_68: there are only so many connections. One more takes the place of the one that has been
// at rest for longest.
func TestF_68MaxConnections(t *testing.T) {
	t.Run("HTTP1", func(t *testing.T) {
		inTime(t, http.HandlerFunc(hello), func(t *testing.T, f *fixture, listener *pipes) {
			f.connections.max = 3
			conns := make([]*tls.Conn, 5)
			for i := range conns {
				conns[i] = handshake(t, f, listener)
				defer conns[i].Close()
				if got := ask(conns[i], "/"); got != "200" {
					t.Errorf("connection %d: %s", i, got)
				}
				synctest.Wait()
				if i == 2 { // The first is used once more, so that the second has rested for longest.
					if got := ask(conns[0], "/"); got != "200" {
						t.Error(got)
					}
				}
				time.Sleep(time.Second) //nolint:forbidigo // A false clock.
			}
			for i, want := range []string{"200", "end", "end", "200", "200"} {
				if got := ask(conns[i], "/"); got != want {
					t.Errorf("connection %d: %s, want %s", i, got, want)
				}
			}
		})
	})
	t.Run("HTTP2", func(t *testing.T) {
		overHTTP2(t, http.HandlerFunc(hello), func(t *testing.T, client *frames) {
			f, listener := client.of, client.listener
			f.connections.max = 1
			_ = client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("GET"), EndHeaders: true, EndStream: true})
			if status, err := client.ends(); status != "200" || err != nil {
				t.Fatalf("%s, %v", status, err)
			}
			synctest.Wait()
			other := handshake(t, f, listener)
			defer other.Close()
			if got := ask(other, "/"); got != "200" {
				t.Error(got)
			}
			if status, err := client.ends(); err == nil {
				t.Errorf("the first is still there: %s", status)
			}
		})
	})
}

// F_68: who connects and says nothing keeps nobody out.
func TestF_68SilentConnections(t *testing.T) {
	release := make(chan struct{})
	inTime(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		hello(w, r)
	}), func(t *testing.T, f *fixture, listener *pipes) {
		release = make(chan struct{})
		f.connections.max = 2
		before, answers := time.Now(), make(chan string)
		silent, shaken := listener.dial(), handshake(t, f, listener)
		for _, conn := range []net.Conn{silent, shaken} { // Each loses its place when a second is over.
			served := handshake(t, f, listener)
			defer served.Close()
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("a silent one was told something")
			}
			if took := time.Since(before); took != time.Second {
				t.Errorf("others waited for %s", took)
			}
			go func() { answers <- ask(served, "/") }()
			synctest.Wait()
		}
		close(release)
		for range 2 {
			if got := <-answers; got != "200" {
				t.Error(got)
			}
		}
	})
}

// F_68: a connection that has ended leaves its place to another one.
func TestF_68EndedConnections(t *testing.T) {
	inTime(t, http.HandlerFunc(hello), func(t *testing.T, f *fixture, listener *pipes) {
		f.connections.max = 2
		for range 5 {
			silent, served := listener.dial(), handshake(t, f, listener)
			if got := ask(served, "/"); got != "200" {
				t.Fatal(got)
			}
			_, _ = silent.Close(), served.Close()
			synctest.Wait()
		}
	})
}

// F_68: where all connections are at work, one more waits until one comes to rest, or ends; the
// log tells.
func TestF_68AllAtWork(t *testing.T) {
	release := make(chan struct{})
	inTime(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
		}
		hello(w, r)
	}), func(t *testing.T, f *fixture, listener *pipes) {
		release = make(chan struct{})
		f.connections.max = 2
		slow := make(chan string, 2)
		var conns [2]*tls.Conn
		for i := range conns {
			conns[i] = handshake(t, f, listener)
			defer conns[i].Close()
			go func() { slow <- ask(conns[i], "/slow") }()
		}
		synctest.Wait()
		next := make(chan string, 2)
		var work sync.WaitGroup
		defer work.Wait() // Else time stands still, and a farewell that nobody reads has no end.
		for range 2 {
			work.Go(func() {
				conn := tls.Client(listener.dial(), f.clientConfig("http/1.1"))
				next <- ask(conn, "/")
				_ = conn.Close()
			})
		}
		time.Sleep(5 * time.Second) //nolint:forbidigo // A false clock.
		if len(next) > 0 {
			t.Errorf("there are three connections: %s", <-next)
		}
		close(release)
		for range 2 {
			if got := <-slow; got != "200" {
				t.Errorf("a request at work: %s", got)
			}
			if got := <-next; got != "200" {
				t.Errorf("one that waited: %s", got)
			}
		}
		if got := strings.Count(f.log.String(), "another one waits"); got != 1 {
			t.Errorf("%d notices", got)
		}
	})
}

// writes is a log that does something with each line.
type writes func()

func (w writes) Write(p []byte) (int, error) { w(); return len(p), nil }

// F_68: a log that takes its time holds up no connection that there is.
func TestF_68SlowLog(t *testing.T) {
	t.Parallel()
	var c *connections
	told := 0
	c = newConnections(1, slog.New(slog.NewTextHandler(writes(func() {
		if told++; !c.mu.TryLock() {
			t.Error("others wait for the log")
			return
		}
		c.mu.Unlock()
	}), nil)))
	c.enter()
	c.close()
	if c.enter() || told != 1 {
		t.Errorf("%d notices", told)
	}
}

// F_68: a listener that is closed takes nobody, also while it has no room.
func TestF_68ClosedWhileFull(t *testing.T) {
	release := make(chan struct{})
	inTime(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }), func(t *testing.T, f *fixture, listener *pipes) {
		release = make(chan struct{})
		f.connections.max = 1
		conn := handshake(t, f, listener)
		defer conn.Close()
		answer := make(chan string)
		go func() { answer <- ask(conn, "/") }()
		synctest.Wait()
		other := listener.dial()
		defer other.Close()
		synctest.Wait()
		ended := make(chan error)
		go func() { ended <- f.Shutdown(context.Background()) }()
		if _, err := other.Read(make([]byte, 1)); err == nil {
			t.Error("an answer to nothing")
		}
		close(release)
		if got := <-answer; got != "200" {
			t.Error(got)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A request that came as its connection had to make room is not begun: nobody would know of it.
func TestEvicted(t *testing.T) {
	t.Parallel()
	ours, theirs := newPipes(), make(chan struct{})
	go func() { defer close(theirs); conn := ours.dial(); _, _ = conn.Read(make([]byte, 1)) }()
	inner, err := ours.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := &tlsConn{Conn: inner, leave: func() { t.Error("it gave up its place twice") }}
	begun := 0
	handler := secured(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun++ }))
	request := httptest.NewRequestWithContext(withConn(t.Context(), tls.Server(conn, nil)), http.MethodPost, "/", nil)
	handler.ServeHTTP(httptest.NewRecorder(), request)
	conn.evict()
	<-theirs // The client sees the end.
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler { //nolint:errorlint // The very value.
				t.Error("it was answered")
			}
		}()
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}()
	_ = conn.Close()
	if begun != 1 {
		t.Errorf("%d requests were begun", begun)
	}
}

// F_68: a connection at rest ends, and net/http has yet to tell, while one more comes. It has
// one place to give up, and neither waits for the other for ever.
func TestF_68EndsAsItIsEvicted(t *testing.T) {
	t.Parallel()
	atRest := func() (*connections, *tlsConn) {
		c := newConnections(1, slog.New(slog.DiscardHandler))
		inner, _ := net.Pipe()
		conn := &tlsConn{Conn: inner, leave: c.leave}
		c.enter()
		c.note(tls.Server(conn, nil), http.StateIdle)
		return c, conn
	}
	t.Run("Before", func(t *testing.T) {
		t.Parallel()
		c, conn := atRest()
		_ = conn.Close()
		c.enter()
		go c.close() // Nobody else ends the wait.
		if c.enter() {
			t.Error("there are two connections")
		}
	})
	t.Run("AtOnce", func(t *testing.T) {
		t.Parallel()
		for range 20_000 {
			c, conn := atRest()
			both := make(chan struct{}, 2)
			go func() { _ = conn.Close(); both <- struct{}{} }()
			go func() { c.enter(); both <- struct{}{} }()
			for range 2 {
				select {
				case <-both:
				case <-time.After(time.Minute): // As good as for ever.
					t.Fatal("they wait for each other")
				}
			}
			if c.open != 1 {
				t.Fatalf("%d connections", c.open)
			}
		}
	})
}

// A request knows its connection, by both versions of HTTP.
func TestConnectionOfARequest(t *testing.T) {
	var known int
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connKey{}).(*tlsConn); ok && !conn.evicted.Load() {
			known += r.ProtoMajor
		}
	})
	inTime(t, handler, func(t *testing.T, f *fixture, listener *pipes) {
		conn := handshake(t, f, listener)
		defer conn.Close()
		if got := ask(conn, "/"); got != "200" || known != 1 {
			t.Errorf("%s, %d", got, known)
		}
	})
	overHTTP2(t, handler, func(t *testing.T, client *frames) {
		_ = client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("GET"), EndHeaders: true, EndStream: true})
		if status, err := client.ends(); status != "200" || err != nil || known != 3 {
			t.Errorf("%s, %v, %d", status, err, known)
		}
	})
}
