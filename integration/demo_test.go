package integration_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/tally"
)

// demo is the demo as a process.
type demo struct {
	command          *exec.Cmd
	https, ldaps, ca string
	lines            []string // to paste
	log              *logBuffer
	client           *http.Client
	stdout           *bufio.Reader
}

// startDemo starts a demo and reads what it prints.
func startDemo(t *testing.T, args ...string) *demo {
	t.Helper()
	d := &demo{log: &logBuffer{}}
	d.command = exec.Command(program(), append([]string{"demo", "--https", "127.0.0.1:0", "--ldaps", "127.0.0.1:0"}, args...)...)
	d.command.Stderr = d.log
	out, err := d.command.StdoutPipe()
	if err == nil {
		err = d.command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.command.ProcessState == nil {
			_ = d.command.Process.Kill()
			_ = d.command.Wait()
		}
		if log := d.log.String(); strings.Contains(log, "DATA RACE") || strings.Contains(log, "panic") {
			t.Errorf("the log of the demo:\n%s", log)
		}
	})
	d.stdout = bufio.NewReader(out)
	ready, err := d.stdout.ReadString('\n')
	begin, ca, found := strings.Cut(strings.TrimSuffix(ready, "\n"), " ca=")
	d.ca = ca
	if _, scanned := fmt.Sscanf(begin, "ready https=%s ldaps=%s", &d.https, &d.ldaps); err != nil || scanned != nil || !found {
		t.Fatalf("the ready line is %q: %v\n%s", ready, err, d.log)
	}
	for len(d.lines) < 7 {
		line, err := d.stdout.ReadString('\n')
		if err != nil {
			t.Fatalf("%d lines: %v", len(d.lines), err)
		}
		d.lines = append(d.lines, strings.TrimSuffix(line, "\n"))
	}
	d.client = &http.Client{Transport: &http.Transport{TLSClientConfig: d.trust(t)}, Timeout: time.Minute}
	t.Cleanup(d.client.CloseIdleConnections)
	return d
}

// trust is TLS with the authority that the ready line names.
func (d *demo) trust(t *testing.T) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(d.ca)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatalf("%s: %v", d.ca, err)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func (d *demo) get(path string) (int, error) {
	req, err := http.NewRequest(http.MethodGet, d.https+path, nil)
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth("bjensen", exampledata.Password("bjensen"))
	response, err := d.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// interrupt ends the demo as Ctrl-C does.
func (d *demo) interrupt(t *testing.T) {
	t.Helper()
	if err := d.command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, d.stdout)
	if err := d.command.Wait(); err != nil {
		t.Errorf("ended with %v\n%s", err, d.log)
	}
	if strings.Contains(d.log.String(), "i/o timeout") {
		t.Errorf("its end is told as a fault\n%s", d.log)
	}
}

// Each printed line does what it shows, pasted into a shell in its order.
func TestDemoLines(t *testing.T) {
	d := startDemo(t)
	for i, want := range []struct{ command, part string }{
		{"", `"_id": "bjensen"`},
		{"_queryFilter=manager", `"resultCount": 2`},
		{"-X PUT", `"_id": "newuser"`},
		{"-X PATCH", `"telephoneNumber": "+1 408 555 0000"`},
		{"-X DELETE", `"_id": "newuser"`},
		{"tmorris:wrong", " 401"},
		{"_pageSize=5", `"pagedResultsCookie": "`},
	} {
		output, err := exec.Command("sh", "-c", d.lines[i]).CombinedOutput()
		if err != nil || !strings.Contains(d.lines[i], want.command) || !bytes.Contains(output, []byte(want.part)) {
			t.Errorf("%s\n%v\n%s", d.lines[i], err, output)
		}
	}
	// Everybody of the data can bind, and nobody without encryption.
	conn, err := ldap.DialURL(d.ldaps, ldap.DialWithTLSConfig(d.trust(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, p := range exampledata.People() {
		if err := conn.Bind(p.DN(), p.Password); err != nil {
			t.Errorf("%s: %v", p.ID, err)
		}
	}
	if plain, err := ldap.DialURL(strings.Replace(d.ldaps, "ldaps:", "ldap:", 1)); err == nil {
		plain.SetTimeout(10 * time.Second)
		if err := plain.Bind(exampledata.People()[0].DN(), exampledata.People()[0].Password); err == nil {
			t.Error("a bind without TLS")
		}
		_ = plain.Close()
	}
	d.interrupt(t)
	if _, err := os.Stat(d.ca); err == nil {
		t.Errorf("%s is left", d.ca)
	}
}

// What the README begins with.
func TestMakeDemo(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil || !strings.Contains(string(readme), "\n    make demo\n") {
		t.Fatalf("the README does not begin with make demo: %v", err)
	}
	if _, err := exec.LookPath("make"); err != nil {
		tally.Unfit(t, err)
	}
	var log logBuffer
	command := exec.Command("make", "--no-print-directory", "demo", "ARGS=--https 127.0.0.1:0 --ldaps 127.0.0.1:0")
	command.Dir, command.Stderr = "..", &log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C goes to all of them.
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if command.ProcessState == nil {
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
			_ = command.Wait()
		}
	})
	stdout := bufio.NewReader(out)
	if ready, err := stdout.ReadString('\n'); err != nil || !strings.HasPrefix(ready, "ready https=") {
		t.Fatalf("the ready line is %q: %v\n%s", ready, err, &log)
	}
	line, err := stdout.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil || !bytes.Contains(output, []byte("bjensen")) {
		t.Errorf("%v: %s", err, output)
	}
	if err := syscall.Kill(-command.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stdout) // Until the demo has ended.
	_ = command.Wait()                 // Make ends by the signal, whatever the demo ends with.
	if strings.Contains(log.String(), "panic") {
		t.Errorf("%s", &log)
	}
}

// The photo of a person comes as a picture; who has none has none.
func TestDemoPhoto(t *testing.T) {
	d := startDemo(t)
	for id, status := range map[string]int{"bjensen": http.StatusOK, "gen001": http.StatusNotFound} {
		request, err := http.NewRequest(http.MethodGet, d.https+"/api/users/"+id+"?_fields=photo&_mimeType=image/jpeg", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("bjensen", exampledata.Password("bjensen"))
		response, err := d.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != status {
			t.Fatalf("%s: %s, %v\n%s", id, response.Status, err, body)
		}
		if status == http.StatusOK && (!bytes.Equal(body, exampledata.Photo(id)) || response.Header.Get("Content-Type") != "image/jpeg") {
			t.Errorf("%s: %d bytes of %s", id, len(body), response.Header.Get("Content-Type"))
		}
	}
	d.interrupt(t)
}

// Ctrl-C under load: every request is answered or was never taken, and the status is 0.
func TestDemoEndsUnderLoad(t *testing.T) {
	events := filepath.Join(t.TempDir(), "events.jsonl")
	d := startDemo(t, "--events", events)
	var answered, odd atomic.Int64
	var group sync.WaitGroup
	warm := make(chan struct{}, 1000)
	for range 8 {
		group.Go(func() {
			for {
				status, err := d.get("/api/users?_queryFilter=true")
				switch {
				case err != nil:
					return // No connection is taken any more.
				case status != http.StatusOK:
					odd.Add(1)
					return
				}
				answered.Add(1)
				select {
				case warm <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 40 {
		<-warm
	}
	d.interrupt(t)
	group.Wait()
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	if ok := int64(bytes.Count(text, []byte(`"result":"ok"`))); ok < answered.Load() || odd.Load() > 0 {
		t.Errorf("%d answers, %d events of good ones, %d odd answers", answered.Load(), ok, odd.Load())
	}
}

// Ctrl-C before the demo is ready ends it as well, and leaves nothing behind.
func TestDemoEndsEarly(t *testing.T) {
	for name, args := range map[string][]string{"Few": nil, "Many": {"--entries", "20000"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var log logBuffer
			command := exec.Command(program(), append([]string{"demo", "--https", "127.0.0.1:0", "--ldaps", "127.0.0.1:0"}, args...)...)
			command.Stderr, command.Env = &log, append(os.Environ(), "TMPDIR="+dir)
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			made := func() bool { entries, err := os.ReadDir(dir); return err == nil && len(entries) > 0 }
			for !made() {
				time.Sleep(time.Millisecond)
			}
			if err := command.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if err := command.Wait(); err != nil || made() {
				t.Errorf("ended with %v, files are left: %t\n%s", err, made(), &log)
			}
		})
	}
}

// The folder is used again, with its authority.
func TestDemoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder", "it's")
	first := startDemo(t, "--dir", dir)
	before, err := os.ReadFile(first.ca)
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("sh", "-c", first.lines[0]).CombinedOutput(); err != nil || !bytes.Contains(output, []byte("bjensen")) {
		t.Errorf("%v: %s", err, output)
	}
	first.interrupt(t)
	second := startDemo(t, "--dir", dir, "--entries", "30")
	after, err := os.ReadFile(second.ca)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("another authority: %v", err)
	}
	if status, err := second.get("/api/users/gen001"); status != http.StatusOK || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	for _, name := range []string{"ca.key", "gateway.key", "directory.key", "service.password", "gateway.yaml"} {
		if stat, err := os.Stat(filepath.Join(dir, name)); err != nil || stat.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, stat, err)
		}
	}
	second.interrupt(t)
}

func TestDemoRefuses(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	taken := listener.Addr().String()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		part string
	}{
		"HTTPSTaken": {[]string{"--https", taken, "--ldaps", "127.0.0.1:0"}, "--https " + taken + ": the port is taken"},
		"LDAPSTaken": {[]string{"--https", "127.0.0.1:0", "--ldaps", taken}, "--ldaps " + taken + ": the port is taken"},
		"Dir":        {[]string{"--https", "127.0.0.1:0", "--ldaps", "127.0.0.1:0", "--dir", filepath.Join(file, "x")}, "not a directory; name a folder that you may write to"},
		"Address":    {[]string{"--https", "nowhere"}, "--https nowhere: not host:port"},
		"Port":       {[]string{"--ldaps", "127.0.0.1:70000"}, "--ldaps 127.0.0.1:70000: not host:port"},
		"Events":     {[]string{"--https", "127.0.0.1:0", "--ldaps", "127.0.0.1:0", "--events", filepath.Join(file, "x")}, "--events " + file},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.Command(program(), append([]string{"demo"}, test.args...)...)
			var stdout, stderr bytes.Buffer
			command.Stdout, command.Stderr = &stdout, &stderr
			err := command.Run()
			if command.ProcessState.ExitCode() != 1 || stdout.Len() > 0 || !strings.Contains(stderr.String(), test.part) || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("%v\n%s%s", err, &stdout, &stderr)
			}
		})
	}
}
