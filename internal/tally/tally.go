package tally

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Directory names a kind of directory that tests run on.
type Directory string

// The directories of the test bed.
const (
	// Memdir is the directory in the memory of the test itself.
	Memdir Directory = "memdir"
	// Slapd is an OpenLDAP process on this machine.
	Slapd Directory = "slapd"
	// Container is an OpenLDAP in a container of our own image.
	Container Directory = "container"
	// DS389 is 389 Directory Server in a container of our own image.
	DS389 Directory = "389ds"
)

// Environment variables that this package reads.
const (
	// RequireVariable lists the directories that must not be missing.
	RequireVariable = "REST2LDAP_TEST_REQUIRE"
	// TallyVariable names the folder that holds the account.
	TallyVariable = "REST2LDAP_TEST_TALLY"
)

// announced holds the lines that this test binary has printed.
//
//nolint:gochecknoglobals // "Once per test binary" is a fact about the process.
var announced sync.Map

// Use records that the test runs on a directory. The detail says which one it
// is exactly, such as "slapd 2.5.13 process".
func Use(tb testing.TB, directory Directory, detail string) {
	tb.Helper()
	if _, known := announced.LoadOrStore(directory, true); !known {
		_, _ = fmt.Fprintf(os.Stdout, "directory: %s\n", detail)
	}
	if err := record(os.Getenv(TallyVariable), directory, tb.Name()); err != nil {
		tb.Fatalf("tally: %v", err)
	}
}

// Missing ends the test: it fails where the directory is required, and is
// skipped with the reason elsewhere.
func Missing(tb testing.TB, directory Directory, reason error) {
	tb.Helper()
	required, err := parse(os.Getenv(RequireVariable))
	switch {
	case err != nil:
		tb.Fatal(err)
	case slices.Contains(required, directory):
		tb.Fatalf("%s is required by %s: %v", directory, RequireVariable, reason)
	default:
		tb.Skipf("no %s: %v", directory, reason)
	}
}

// Unfit ends the test for want of something that is no directory, such as a program: it fails
// where directories are required, because nothing is to be left out there, and is skipped with
// the reason elsewhere.
func Unfit(tb testing.TB, reason error) {
	tb.Helper()
	if os.Getenv(RequireVariable) != "" {
		tb.Fatalf("nothing is left out where %s is set: %v", RequireVariable, reason)
	}
	tb.Skip(reason)
}

// parse reads a list of directories. An unknown name is an error, so that a
// typing mistake does not make a directory optional.
func parse(list string) ([]Directory, error) {
	var directories []Directory
	for name := range strings.SplitSeq(list, ",") {
		switch d := Directory(strings.TrimSpace(name)); d {
		case Memdir, Slapd, Container, DS389:
			directories = append(directories, d)
		case "":
		default:
			return nil, fmt.Errorf("%s names %q; it takes memdir, slapd, container and 389ds", RequireVariable, name)
		}
	}
	return directories, nil
}

// record adds a line to the account in that folder: a file per directory, and
// a line per test with the folder of its package. Lines are short and the file
// is opened for appending, so test binaries may write at the same time.
func record(folder string, directory Directory, test string) error {
	if folder == "" {
		return nil
	}
	pkg, err := os.Getwd()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(folder, string(directory)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f, "%s\t%s\n", pkg, test); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
