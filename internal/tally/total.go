package tally

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Total is the number of tests that ran on a directory. A test that used it
// several times counts once.
type Total struct {
	Directory Directory
	Tests     int
}

// String returns a line such as "tests on slapd: 123".
func (t Total) String() string { return fmt.Sprintf("tests on %s: %d", t.Directory, t.Tests) }

// Read adds up the account in that folder. The directories of a real OpenLDAP
// are always in the result; another one is where a test used it.
func Read(folder string) ([]Total, error) {
	var totals []Total
	for _, directory := range []Directory{Memdir, Slapd, Container, DS389} {
		tests, err := count(filepath.Join(folder, string(directory)))
		if err != nil {
			return nil, fmt.Errorf("tally: %w", err)
		}
		if tests > 0 || directory.real() {
			totals = append(totals, Total{directory, tests})
		}
	}
	return totals, nil
}

// Real says whether any test ran on a real OpenLDAP, as a process or in a
// container.
func Real(totals []Total) bool {
	for _, total := range totals {
		if total.Directory.real() && total.Tests > 0 {
			return true
		}
	}
	return false
}

func (d Directory) real() bool { return d == Slapd || d == Container }

// count returns the number of different lines of a file, 0 when there is none.
func count(file string) (int, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	tests := make(map[string]bool)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		tests[lines.Text()] = true
	}
	return len(tests), lines.Err()
}
