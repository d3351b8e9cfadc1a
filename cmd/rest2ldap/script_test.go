package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rest2ldap": main})
}

// TestScripts runs the stories of testdata. Each begins in a folder with a certificate
// (tls/gateway.pem, .key), its authority (tls/ca.pem), a password (secrets/password) and
// a gateway.yaml, where the archive has none of its own. Besides the usual commands:
//
//	status n command…    run a command that ends with that status
//	start args…          run the program until it is ready; $URL, $ADDRESS and $ADMIN tell where
//	demo args…           run a demo on free ports likewise; $CA and $LDAPS tell the rest
//	paste n              run the n-th line that the demo has printed, in a shell
//	signal TERM|INT|HUP  send a signal to it
//	ended status         wait until it has ended; standard error is in the file log
//	await text file      wait until a file holds a text
//	request path file    send a request with a password, and keep the reply
//	ask path             send such a request and leave it at work
//	asked file           keep its reply
//	hole open|close      a directory that takes connections and is silent, as $HOLE
//	refused              wait until no connection is taken
//	columns n            fail when a line of standard output is longer
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": exits, "start": start, "demo": startDemo, "paste": paste, "signal": signal, "ended": ended, "await": await, "columns": columns,
			"request": request, "ask": ask, "asked": asked, "hole": hole, "refused": refused,
		},
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
	})
}

// usual is a configuration in front of a directory that is not there.
const usual = `version: 1
server:
  listen: 127.0.0.1:0
  certificates:
    - cert: tls/gateway.pem
      key: tls/gateway.key
directory:
  servers:
    - url: ldaps://127.0.0.1:1
  ca: tls/ca.pem
  bind:
    dn: cn=rest2ldap,ou=Services,dc=example,dc=com
    password: file:secrets/password
auth:
  basic:
    mode: search
    baseDn: ou=People,dc=example,dc=com
    filter: (uid={username})
audit:
  file: events.jsonl
`

type storyKey struct{}

// story is what the commands of one script know of each other.
type story struct {
	// command is the program that start has started.
	command *exec.Cmd
	stdout  *bufio.Reader
	// reply gets the outcome of the request that ask has sent.
	reply chan reply
	// lines are what the demo has printed to paste.
	lines []string
	// hole is the silent directory.
	hole net.Listener
}

func storyOf(ts *testscript.TestScript) *story { return ts.Value(storyKey{}).(*story) }

func setUp(env *testscript.Env) error {
	env.Values[storyKey{}] = &story{}
	example, err := filepath.Abs("../../gateway.example.yaml")
	if err != nil {
		return err
	}
	env.Setenv("EXAMPLE", example)
	env.Setenv("GORACE", "atexit_sleep_ms=10") // With the race detector each program would sleep for a second at its end.
	for _, name := range []string{"tls", "secrets"} {
		if err := os.MkdirAll(filepath.Join(env.WorkDir, name), 0o700); err != nil {
			return err
		}
	}
	ca, err := testcert.NewCA()
	if err != nil {
		return err
	}
	pair, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"gateway.yaml": usual, "tls/gateway.pem": string(pair.Cert), "tls/gateway.key": string(pair.Key),
		"tls/ca.pem": string(ca.PEM()), "secrets/password": "hunter2\n",
	} {
		path := filepath.Join(env.WorkDir, name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("status %d, want %d\n%s", got, want, ts.ReadFile("stderr"))
	}
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("use ! exec rest2ldap serve")
	}
	line := launch(ts, append([]string{"serve"}, args...))
	url, admin, _ := strings.Cut(strings.TrimPrefix(line, "ready https="), " admin=")
	if !strings.HasPrefix(line, "ready https=https://127.0.0.1:") || strings.Contains(url+admin, " ") {
		ts.Fatalf("the ready line is %q", line)
	}
	ts.Setenv("URL", url)
	ts.Setenv("ADMIN", admin)
	ts.Setenv("ADDRESS", strings.TrimPrefix(url, "https://"))
}

// launch runs the program and returns the first line of its standard output.
func launch(ts *testscript.TestScript, args []string) string {
	log, err := os.Create(ts.MkAbs("log"))
	ts.Check(err)
	ts.Defer(func() { _ = log.Close() })
	command := exec.Command("rest2ldap", args...)
	command.Path, err = exec.LookPath("rest2ldap")
	ts.Check(err)
	command.Err = nil
	command.Dir, command.Stderr = ts.MkAbs("."), log
	for _, name := range []string{"PATH", "HOME", "GOCOVERDIR", "TMPDIR"} {
		if value := ts.Getenv(name); value != "" {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	out, err := command.StdoutPipe()
	ts.Check(err)
	ts.Check(command.Start())
	ts.Defer(func() {
		if command.ProcessState == nil {
			_ = command.Process.Kill()
			_ = command.Wait()
		}
	})
	r := storyOf(ts)
	r.command, r.stdout = command, bufio.NewReader(out)
	line, err := r.stdout.ReadString('\n')
	if err != nil {
		ts.Fatalf("not ready: %v\n%s", err, ts.ReadFile("log"))
	}
	return strings.TrimSuffix(line, "\n")
}

func signal(ts *testscript.TestScript, _ bool, args []string) {
	number, known := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP}[args[0]]
	if !known {
		ts.Fatalf("the signal %s is not known", args[0])
	}
	ts.Check(storyOf(ts).command.Process.Signal(number))
}

func ended(ts *testscript.TestScript, _ bool, args []string) {
	r := storyOf(ts)
	rest, err := io.ReadAll(r.stdout)
	ts.Check(err)
	if len(rest) > 0 {
		ts.Fatalf("standard output goes on after the ready line: %q", rest)
	}
	_ = r.command.Wait() // The status is judged.
	if status := strconv.Itoa(r.command.ProcessState.ExitCode()); status != args[0] {
		ts.Fatalf("ended with %s, want %s\n%s", r.command.ProcessState, args[0], ts.ReadFile("log"))
	}
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(5 * time.Millisecond) {
		text, err := os.ReadFile(ts.MkAbs(args[1]))
		if err == nil && strings.Contains(string(text), args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never held %q:\n%s", args[1], args[0], text)
		}
	}
}

func columns(ts *testscript.TestScript, _ bool, args []string) {
	width, err := strconv.Atoi(args[0])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
			ts.Fatalf("%d columns: %s", n, line)
		}
	}
}
