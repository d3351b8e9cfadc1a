// Command totals runs a test command and says at the end how many tests used
// each directory, so that a suite cannot lose one in silence:
//
//	go run ./internal/tally/totals go test ./...
//
//	tests on slapd: 123
//	tests on container: 45
//
// It hands the command a folder for the account (see package tally). Its exit
// code is that of the command; where that is 0 and no test at all used a real
// OpenLDAP, it is 1. After "go test" of all packages it is 1, too, where a document
// names a test that did not run, or was skipped (see package evidence).
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"

	"github.com/rest2ldap/rest2ldap/internal/evidence"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/internal/tally"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "totals:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run runs the command and returns its exit code.
func run(command []string) (code int, err error) {
	if len(command) == 0 {
		return 2, errors.New("name the command to run, such as go test")
	}
	folder, err := os.MkdirTemp("", "rest2ldap-tally-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	child := exec.Command(command[0], command[1:]...)
	var results *report
	marked := ""
	if os.Getenv(soak.Variable) != "" {
		marked = soak.Mark
	}
	if len(command) > 1 && command[0] == "go" && command[1] == "test" {
		child = exec.Command("go", append([]string{"test", "-json"}, command[2:]...)...)
		results = newReport(os.Stdout, marked)
	}
	child.Env = append(os.Environ(), tally.TallyVariable+"="+folder)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	if results != nil {
		child.Stdout = results
	}
	if err := child.Run(); err != nil {
		if code = child.ProcessState.ExitCode(); code <= 0 {
			return 1, err
		}
	}
	if results != nil {
		results.close()
	}

	totals, err := tally.Read(folder)
	if err != nil {
		return code, err
	}
	for _, total := range totals {
		fmt.Println(total)
	}
	if code == 0 && !tally.Real(totals) {
		return 1, errors.New("no test ran on a real OpenLDAP")
	}
	if code == 0 && results != nil && slices.Contains(command, "./...") {
		claims, err := evidence.Claims("docs")
		if err != nil {
			return 1, err
		}
		for _, claim := range evidence.Unproved(claims, results.passed) {
			fmt.Printf("docs/%s: no such test has passed\n", claim)
			code = 1
		}
	}
	return code, nil
}
