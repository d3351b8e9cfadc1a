package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Claim is the name of a test in a document.
type Claim struct {
	// File and Line are where it stands.
	File string
	Line int
	// Test is the name as "go test" prints it, but for parts that may be left out: a test
	// that runs on several directories has the name of the directory in it.
	Test string
}

// String returns the claim with its place.
func (c Claim) String() string { return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.Test) }

var namePattern = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][^`]*)`")

// Claims returns the tests that the tables of the documents in a folder name.
func Claims(folder string) ([]Claim, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		return nil, err
	}
	var claims []Claim
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if !strings.HasPrefix(line, "|") {
				continue
			}
			for _, found := range namePattern.FindAllStringSubmatch(line, -1) {
				claims = append(claims, Claim{filepath.Base(file), i + 1, found[1]})
			}
		}
	}
	return claims, nil
}

// Is reports whether a test that ran is the one of the claim: the test itself, below it, or
// with more parts in between.
func (c Claim) Is(test string) bool {
	wanted, parts := strings.Split(c.Test, "/"), strings.Split(test, "/")
	if wanted[0] != parts[0] {
		return false
	}
	for _, part := range parts {
		if len(wanted) > 0 && wanted[0] == part {
			wanted = wanted[1:]
		}
	}
	return len(wanted) == 0
}

// Unproved returns the claims of which no test has passed, in the order of the documents.
func Unproved(claims []Claim, passed []string) []Claim {
	return slices.DeleteFunc(slices.Clone(claims), func(c Claim) bool { return slices.ContainsFunc(passed, c.Is) })
}
