package integration_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the path of the program.
var built string //nolint:gochecknoglobals // TestMain makes it, once for all tests.

// program returns the path of the built program, and looks at its source: go test takes no result
// from its cache when a file has changed that a test has looked at, and knows nothing of what
// another process builds.
//
//nolint:gochecknoglobals // As built.
var program = sync.OnceValue(func() string {
	for _, folder := range []string{"../cmd", "../internal", "../mappings", "../pkg", "../go.sum"} {
		_ = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, _ error) error {
			_, _ = os.Stat(path) // It is looked at, whatever is there.
			return nil
		})
	}
	return built
})

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
	built = filepath.Join(dir, "rest2ldap")
	args := []string{"build", "-o", built}
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
