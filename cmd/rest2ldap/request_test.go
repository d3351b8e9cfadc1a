package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// reply is the outcome of a request: status line, header and body.
type reply struct {
	text string
	err  error
}

// send sends a request in the background. It returns once the request has left.
func send(ts *testscript.TestScript, path string) chan reply {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ts.ReadFile(cmp.Or(ts.Getenv("CA"), "tls/ca.pem"))))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	left := make(chan struct{}, 2)
	req, err := http.NewRequest(http.MethodGet, ts.Getenv("URL")+path, nil)
	ts.Check(err)
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { left <- struct{}{} },
	}))
	req.SetBasicAuth("bjensen", "hifalutin")
	replies := make(chan reply, 1)
	go func() {
		defer transport.CloseIdleConnections()
		defer func() { left <- struct{}{} }()
		text, err := roundTrip(&http.Client{Transport: transport, Timeout: time.Minute}, req)
		replies <- reply{text, err}
	}()
	<-left
	return replies
}

func roundTrip(client *http.Client, req *http.Request) (string, error) {
	response, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n", response.Status)
	err = response.Header.Write(&text)
	fmt.Fprintf(&text, "\n%s\n", body)
	return text.String(), err
}

func request(ts *testscript.TestScript, _ bool, args []string) {
	keep(ts, <-send(ts, args[0]), args[1])
}

func ask(ts *testscript.TestScript, _ bool, args []string) {
	storyOf(ts).reply = send(ts, args[0])
	// The request has left; that the other side has read it cannot be seen. One that it
	// has not when it begins to end is refused, as it should be, and is another story.
	<-time.After(300 * time.Millisecond)
}

func asked(ts *testscript.TestScript, _ bool, args []string) {
	keep(ts, <-storyOf(ts).reply, args[0])
}

func keep(ts *testscript.TestScript, r reply, file string) {
	ts.Check(r.err)
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(r.text), 0o600))
}

func hole(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	if args[0] == "close" {
		ts.Check(s.hole.Close())
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
	s.hole = listener
	ts.Setenv("HOLE", "ldaps://"+listener.Addr().String())
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			// It ends with the listener.
			defer func() { _ = conn.Close() }()
		}
	}()
}

func refused(ts *testscript.TestScript, _ bool, _ []string) {
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(5 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", ts.Getenv("ADDRESS"), time.Second)
		if err != nil {
			return
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			ts.Fatalf("%s still takes connections", ts.Getenv("ADDRESS"))
		}
	}
}
