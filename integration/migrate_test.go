package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/tally"
)

// The guide for old gateways is followed by its text alone, after the steps of the README
// on which it stands: a folder in the shape of 6.5 in front of a real OpenLDAP.
func TestMigrationGuide(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "openssl", "make", "slapadd", "slappasswd"} {
		if _, err := exec.LookPath(tool); err != nil {
			tally.Unfit(t, err)
		}
	}
	dir := copyCheckout(t)
	https, ldaps := freePort(t), freePort(t)
	ports := strings.NewReplacer("8443", https, "1636", ldaps)
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return ports.Replace(string(text))
	}
	before, _, found := strings.Cut(read("README.md"), "### 4. ")
	if !found {
		t.Fatal("the README has no fourth step")
	}
	prepare, _ := readmeScript(before)
	all := steps(t, read("docs/migrate.md"))
	outputs := t.TempDir()
	output := func(i int) string { return filepath.Join(outputs, fmt.Sprint(i)) }
	var script strings.Builder
	script.WriteString(prepare + "set +e\n")
	for i, s := range all {
		want := 0
		if s.fails {
			want = 1
		}
		// A signal that the text sends to a gateway ends it well, but not as a success.
		fmt.Fprintf(&script, "{ %s\n} > '%s' 2>&1; got=$?\n[ $got = %d ] || { echo \"line %d ended with $got\"; cat '%s'; exit 1; }\n",
			strings.TrimSuffix(s.commands, "\n"), output(i), want, s.line, output(i))
	}
	command := exec.Command("bash", "-c", script.String())
	command.Dir = dir
	command.Env = append(os.Environ(), "REST2LDAP_SERVER__LISTEN=127.0.0.1:"+https)
	printed, err := command.CombinedOutput()
	if pid, readErr := os.ReadFile(filepath.Join(dir, "try/slapd/slapd.pid")); readErr == nil {
		_ = exec.Command("kill", strings.TrimSpace(string(pid))).Run() // Only where the script did not get so far.
	}
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "try/gateway.log"))
		t.Fatalf("%v\n%s\n%s", err, printed, log)
	}
	told := 0
	for i, s := range all {
		if !s.told {
			continue
		}
		told++
		got, err := os.ReadFile(output(i))
		if err != nil {
			t.Fatal(err)
		}
		if want := shownPattern(s.shown); !want.MatchString(strings.TrimRight(string(got), "\n")) {
			t.Errorf("docs/migrate.md:%d shows\n%s\nbut it is\n%s", s.line, s.shown, got)
		}
	}
	if told < 5 {
		t.Errorf("the guide shows %d outputs", told)
	}
	if _, err := os.Stat(filepath.Join(dir, "try")); err == nil {
		t.Error("the guide leaves its folder")
	}
}
