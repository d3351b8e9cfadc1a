package integration_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/tally"
)

// curlLine is a comment with a status, and the command behind it.
var curlLine = regexp.MustCompile(`(?m)^# ([1-5][0-9][0-9]): .*\n(curl (?:.*\\\n)*.*)\n`)

// The README is followed by its text alone: every block of commands, in order, in a
// copy of the checkout. Only the ports are others, since tests run beside each other.
func TestReadme(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "openssl", "make", "slapadd", "slappasswd"} {
		if _, err := exec.LookPath(tool); err != nil {
			tally.Unfit(t, err)
		}
	}
	dir := copyCheckout(t)
	https, ldaps := freePort(t), freePort(t)
	ports := strings.NewReplacer("8443", https, "1636", ldaps)
	for _, name := range []string{"README.md", "gateway.example.yaml"} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(ports.Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, curls := readmeScript(string(text))
	if curls < 10 {
		t.Fatalf("the README has %d curl lines", curls)
	}
	command := exec.Command("bash", "-c", script)
	command.Dir = dir
	command.Env = append(os.Environ(), "REST2LDAP_SERVER__LISTEN=127.0.0.1:"+https)
	output, err := command.CombinedOutput()
	if pid, readErr := os.ReadFile(filepath.Join(dir, "try/slapd/slapd.pid")); readErr == nil {
		_ = exec.Command("kill", strings.TrimSpace(string(pid))).Run() // Only where the script did not get so far.
	}
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "try/gateway.log"))
		t.Fatalf("%v\n%s\n%s", err, output, log)
	}
	if got := strings.Count(string(output), "answered as told"); got != curls {
		t.Errorf("%d of %d curl lines were run\n%s", got, curls, output)
	}
}

// copyCheckout copies what a clone of the repository holds.
func copyCheckout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if output, err := exec.Command("bash", "-c", `cd .. && find . -mindepth 1 -maxdepth 1 ! -name .git ! -name bin ! -name try -exec cp -r {} "$0" \;`, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return dir
}

// readmeScript joins the blocks, with each curl line made to compare its status with
// the one in the comment above it.
func readmeScript(text string) (script string, curls int) {
	var b strings.Builder
	b.WriteString("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n")
	b.WriteString(`told() {
  want=$1; shift
  got=$("$@" -sS -o body.txt -w '%{http_code}')
  if [ "$got" != "$want" ]; then echo "status $got, the text tells $want: $*"; cat body.txt; exit 1; fi
  echo "answered as told: $want"
}
`)
	for _, block := range strings.Split(text, "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		curls += len(curlLine.FindAllString(block, -1))
		b.WriteString(curlLine.ReplaceAllString(block, "told $1 $2\n"))
	}
	return b.String(), curls
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
}
