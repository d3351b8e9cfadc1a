package httpserver

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// What clients do that mean no good: fault rows 68 to 71, 80 and 82.

// frames is a client of HTTP/2 that sends what it likes.
type frames struct {
	*http2.Framer

	of       *fixture
	listener *pipes
	work     sync.WaitGroup // what goes on beside the test
}

// newFrames opens a connection of HTTP/2.
func newFrames(t *testing.T, conn *tls.Conn) *frames {
	t.Helper()
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := &frames{Framer: http2.NewFramer(conn, conn)}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := errors.Join(f.WriteSettings(), f.WriteSettingsAck()); err != nil {
		t.Fatal(err)
	}
	return f
}

// block encodes the header of a request.
func block(method string, more ...string) []byte {
	return encoded(append([]string{":method", method, ":scheme", "https", ":authority", "localhost", ":path", "/"}, more...)...)
}

// encoded encodes names and values, which take turns.
func encoded(fields ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1], Sensitive: true}) // To memory.
	}
	return b.Bytes()
}

// ends reads frames until one that ends stream 1, or the connection. It returns the status.
func (f *frames) ends() (status string, err error) {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return status, err
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			status = frame.PseudoValue("status")
			if frame.StreamEnded() {
				return status, nil
			}
		case *http2.DataFrame:
			if frame.StreamEnded() {
				return status, nil
			}
		case *http2.RSTStreamFrame:
			return status, http2.StreamError{StreamID: frame.StreamID, Code: frame.ErrCode}
		}
	}
}

// overHTTP2 runs a test in a bubble, on a connection of HTTP/2 in memory.
func overHTTP2(t *testing.T, handler http.Handler, test func(t *testing.T, client *frames)) {
	t.Helper()
	inTime(t, handler, func(t *testing.T, f *fixture, listener *pipes) {
		conn := tls.Client(listener.dial(), f.clientConfig("h2"))
		client := newFrames(t, conn)
		client.of, client.listener = f, listener
		defer client.work.Wait()
		defer conn.Close()
		test(t, client)
	})
}

// F_68: a connection on which nothing happens ends after two minutes.
func TestF_68IdleConnection(t *testing.T) {
	t.Run("HTTP1", func(t *testing.T) {
		inTime(t, http.HandlerFunc(hello), func(t *testing.T, f *fixture, listener *pipes) {
			conn := handshake(t, f, listener)
			defer conn.Close()
			reader := bufio.NewReader(conn)
			for range 3 {
				_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				time.Sleep(119 * time.Second) //nolint:forbidigo // A false clock.
			}
			_, err := reader.ReadByte()
			if took := time.Since(begun()); took != 3*119*time.Second+time.Second || err == nil {
				t.Errorf("it ended after %s: %v", took, err)
			}
		})
	})
	t.Run("HTTP2", func(t *testing.T) {
		overHTTP2(t, http.HandlerFunc(hello), func(t *testing.T, client *frames) {
			_ = client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("GET"), EndHeaders: true, EndStream: true})
			if status, err := client.ends(); status != "200" || err != nil {
				t.Fatalf("%s, %v", status, err)
			}
			_, err := client.ends()
			if took := time.Since(begun()); took < 45*time.Second || took > 3*time.Minute || err == nil {
				t.Errorf("it ended after %s: %v", took, err)
			}
		})
	})
}

// begun is when the clock of a bubble begins.
func begun() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// drops sends octets one a second, for as long as they are taken.
func drops(w io.Writer, text string) {
	for i := range len(text) {
		if _, err := w.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(time.Second) //nolint:forbidigo // A false clock.
	}
}

// F_69: who sends a request in drops has no more time than who sends nothing; others are
// answered meanwhile.
func TestF_69Drops(t *testing.T) {
	reads := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := ReadBody(w, r, 1<<20); err != nil {
			WriteError(w, r, err)
			return
		}
		hello(w, r)
	})
	long := strings.Repeat("x", 1000)
	for name, test := range map[string]struct {
		text   string // sent at once
		drops  string
		answer string // what it begins with; "" is none
		time   time.Duration
	}{
		"Line":   {"", "GET /" + long + " HTTP/1.1\r\n", "HTTP/1.1 400 ", 10 * time.Second},
		"Header": {"GET / HTTP/1.1\r\nHost: x\r\n", "A: " + long, "", 10 * time.Second},
		"Body":   {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", long, "HTTP/1.1 408 ", 30 * time.Second},
		"Chunks": {"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\nx\r\n", 200), "HTTP/1.1 408 ", 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, reads, func(t *testing.T, f *fixture, listener *pipes) {
				var work sync.WaitGroup
				defer work.Wait()
				conn, other := handshake(t, f, listener), handshake(t, f, listener)
				defer conn.Close()
				defer other.Close()
				_, _ = io.WriteString(conn, test.text)
				work.Go(func() { drops(conn, test.drops) })
				time.Sleep(5 * time.Second) //nolint:forbidigo // A false clock.
				_, _ = io.WriteString(other, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if answer := make([]byte, 15); !readsFull(other, answer) || string(answer) != "HTTP/1.1 200 OK" {
					t.Errorf("another client has %q", answer)
				}
				answer, _ := io.ReadAll(conn)
				took := time.Since(begun())
				if !strings.HasPrefix(string(answer), test.answer) || test.answer == "" && len(answer) > 0 {
					t.Errorf("answer %q", answer)
				}
				if took < test.time || took > test.time+6*time.Second { // TLS and TCP say goodbye.
					t.Errorf("it took %s", took)
				}
			})
		})
	}
	t.Run("HTTP2Header", func(t *testing.T) {
		overHTTP2(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was reached") }), func(t *testing.T, client *frames) {
			_ = client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("GET")})
			client.work.Go(func() {
				for client.WriteContinuation(1, false, block("x")[:1]) == nil {
					time.Sleep(time.Second) //nolint:forbidigo // A false clock.
				}
			})
			_, err := client.ends()
			if took := time.Since(begun()); took > 3*time.Minute || err == nil {
				t.Errorf("it ended after %s: %v", took, err)
			}
		})
	})
	t.Run("HTTP2Body", func(t *testing.T) {
		overHTTP2(t, reads, func(t *testing.T, client *frames) {
			_ = client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("PUT"), EndHeaders: true})
			client.work.Go(func() {
				for client.WriteData(1, false, []byte("x")) == nil {
					time.Sleep(time.Second) //nolint:forbidigo // A false clock.
				}
			})
			status, err := client.ends()
			if took := time.Since(begun()); status != "408" || took != 30*time.Second {
				t.Errorf("%s, %v after %s", status, err, took)
			}
		})
	})
}

func readsFull(r io.Reader, p []byte) bool {
	_, err := io.ReadFull(r, p)
	return err == nil
}

// F_70: a client may have 250 requests at work on a connection of HTTP/2. One that takes its
// requests back at once has no more of them than that begun, and loses its connection.
func TestF_70RequestsTakenBack(t *testing.T) {
	release := make(chan struct{})
	var running, most, all int
	gate := make(chan struct{}, 1)
	f := newFixture(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		gate <- struct{}{}
		running, all = running+1, all+1
		most = max(most, running)
		<-gate
		<-release
		gate <- struct{}{}
		running--
		<-gate
	}), Options{})
	address := f.run(t)
	defer close(release)
	conn, err := tls.Dial("tcp", address, f.clientConfig("h2"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := newFrames(t, conn)
	ended := make(chan http2.ErrCode, 1)
	offered := make(chan uint32, 1)
	go func() {
		for {
			frame, err := client.ReadFrame()
			switch frame := frame.(type) {
			case *http2.SettingsFrame:
				if n, ok := frame.Value(http2.SettingMaxConcurrentStreams); ok {
					offered <- n
				}
			case *http2.GoAwayFrame:
				ended <- frame.ErrCode
			}
			if err != nil {
				close(ended)
				return
			}
		}
	}()
	if n := <-offered; n != maxStreams {
		t.Errorf("%d streams are offered", n)
	}
	header, sent := block("GET"), 0
	for id := uint32(1); sent < 20_000; id += 2 {
		if errors.Join(client.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: header, EndHeaders: true, EndStream: true}), client.WriteRSTStream(id, http2.ErrCodeCancel)) != nil {
			break
		}
		sent++
	}
	if code := <-ended; code != http2.ErrCodeEnhanceYourCalm {
		t.Errorf("the connection ended with %v", code)
	}
	gate <- struct{}{}
	if most > maxStreams || all > maxStreams {
		t.Errorf("of %d requests %d were begun, %d at once", sent, all, most)
	}
	<-gate
}

// F_71: a header that is too long is refused, however it comes, and costs no more than its limit.
func TestF_71LongHeaders(t *testing.T) {
	never := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was reached") })
	many := strings.Repeat("A: "+strings.Repeat("x", 100)+"\r\n", 1000)
	for name, text := range map[string]string{
		"OneHeader":   "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 80<<10) + "\r\n\r\n",
		"ManyHeaders": "GET / HTTP/1.1\r\nHost: x\r\n" + many + "\r\n",
		"Path":        "GET /" + strings.Repeat("x", 80<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"NoEnd":       "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat(many, 10),
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, never, func(t *testing.T, f *fixture, listener *pipes) {
				conn := handshake(t, f, listener)
				var work sync.WaitGroup
				defer work.Wait()
				defer conn.Close()
				work.Go(func() { _, _ = io.WriteString(conn, text) })
				answer, _ := io.ReadAll(conn)
				if !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") || strings.Count(string(answer), "HTTP/1.1 ") != 1 {
					t.Errorf("answer %.100q", answer)
				}
			})
		})
	}
	for name, test := range map[string]struct {
		header []byte
		status string // "": the connection ends
	}{
		// A tilde is one that Huffman's code does not make shorter.
		"HTTP2Many":     {block("GET", slices.Repeat([]string{"a", strings.Repeat("~", 16900)}, 4)...), "431"},
		"HTTP2ManyMore": {block("GET", slices.Repeat([]string{"a", strings.Repeat("~", 1<<10)}, 200)...), ""},
		"HTTP2One":      {block("GET", "a", strings.Repeat("~", 80<<10)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			overHTTP2(t, never, func(t *testing.T, client *frames) {
				client.work.Go(func() {
					rest := test.header
					err := client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: rest[:1<<14], EndStream: true})
					for rest = rest[1<<14:]; err == nil && len(rest) > 0; rest = rest[min(len(rest), 1<<14):] {
						err = client.WriteContinuation(1, len(rest) <= 1<<14, rest[:min(len(rest), 1<<14)])
					}
				})
				if status, err := client.ends(); status != test.status || status == "" && err == nil {
					t.Errorf("%s, %v", status, err)
				}
			})
		})
	}
	t.Run("HTTP2Continuations", func(t *testing.T) {
		overHTTP2(t, never, func(t *testing.T, client *frames) {
			field := encoded("a", strings.Repeat("~", 10<<10))
			client.work.Go(func() {
				for {
					if _, err := client.ends(); err != nil {
						return
					}
				}
			})
			err, sent := client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("GET"), EndStream: true}), 0
			for ; err == nil && sent < 100<<20; sent += len(field) {
				err = client.WriteContinuation(1, false, field)
			}
			if sent > 1<<20 {
				t.Errorf("%d octets of one header were taken", sent)
			}
		})
	})
}

// F_80: of what two readers could take for different requests there is one answer, and nothing
// else on the connection.
func TestF_80OneAnswer(t *testing.T) {
	const second = "GET /second HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, test := range map[string]struct {
		text   string
		status string // of the one answer
	}{
		"LengthAndChunks":  {"PUT /first HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, "200"},
		"ChunksAndLength":  {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n0\r\n\r\n" + second, "200"},
		"FoldedChunks":     {"PUT /first HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + second, "200"},
		"TwoLengths":       {"PUT /first HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n" + second, "400"},
		"SignedLength":     {"PUT /first HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n" + second, "400"},
		"LengthList":       {"PUT /first HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n" + second, "400"},
		"TwoCodings":       {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + second, "501"},
		"CodingList":       {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + second, "501"},
		"OddCoding":        {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + second, "400"},
		"SpaceBeforeColon": {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + second, "400"},
		"FoldFirst":        {"PUT /first HTTP/1.1\r\n Host: x\r\n\r\n" + second, "400"},
		"BareCR":           {"PUT /first HTTP/1.1\r\nHost: x\r\nA: b\rTransfer-Encoding: chunked\r\n\r\n" + second, "400"},
		"OddChunk":         {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n" + second, "400"},
		"NegativeChunk":    {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n" + second, "400"},
		"HugeChunk":        {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n" + second, "400"},
		"NoCRLF":           {"PUT /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n" + second, "400"},
		"OldWithChunks":    {"PUT /first HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, "200"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/first" {
					t.Errorf("the handler got %s", r.URL)
				}
				if _, err := ReadBody(w, r, 1000); err != nil {
					WriteError(w, r, err)
				}
			}), func(t *testing.T, f *fixture, listener *pipes) {
				conn := handshake(t, f, listener)
				defer conn.Close()
				_, _ = io.WriteString(conn, test.text)
				answer, _ := io.ReadAll(conn)
				if n := strings.Count(string(answer), "HTTP/1."); n != 1 || len(answer) < 12 || string(answer[9:12]) != test.status {
					t.Errorf("%d answers: %q", n, answer)
				}
				if took := time.Since(begun()); took > 10*time.Second {
					t.Errorf("the connection was kept for %s", took)
				}
			})
		})
	}
}

// F_82: a handler that panics costs its own request, and its connection; the log has the id of
// the answer.
func TestF_82Panic(t *testing.T) {
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP", version), func(t *testing.T) {
			ports := make(chan string, 3)
			f := newFixture(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ports <- r.RemoteAddr
				if r.URL.Path == "/panic" {
					oops()
				}
				hello(w, r)
			}), Options{})
			address, client := f.run(t), f.client(t, version == 2)
			var ids []string
			for _, path := range []string{"/", "/panic", "/"} {
				response, err := client.Get("https://" + address + path)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if want := map[string]int{"/": 200, "/panic": 500}[path]; response.StatusCode != want || bytes.Contains(body, []byte("oops")) {
					t.Errorf("%s: %d %s", path, response.StatusCode, body)
				}
				ids = append(ids, response.Header.Get("X-ForgeRock-TransactionId"))
			}
			if first, second, third := <-ports, <-ports, <-ports; first != second || second == third {
				t.Errorf("connections %s, %s, %s", first, second, third)
			}
			if log := f.log.String(); !strings.Contains(log, "transactionId="+ids[1]) || strings.Contains(log, ids[0]) || strings.Contains(log, ids[2]) {
				t.Errorf("ids %q, log:\n%s", ids, log)
			}
		})
	}
}
