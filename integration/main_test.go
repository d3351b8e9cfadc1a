package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the path of the built program.
var program string //nolint:gochecknoglobals // TestMain makes it, once for all tests.

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rest2ldap-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "rest2ldap")
	args := []string{"build", "-o", program}
	if raceDetector {
		args = append(args, "-race")
		// Each program that ends would sleep for a second, in case that a race comes late.
		if os.Getenv("GORACE") == "" {
			_ = os.Setenv("GORACE", "atexit_sleep_ms=10") // Fails for malformed names only.
		}
	}
	build := exec.Command("go", append(args, "github.com/rest2ldap/rest2ldap/cmd/rest2ldap")...)
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}
