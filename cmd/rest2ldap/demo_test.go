package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// printedLines is how many lines a demo prints to paste.
const printedLines = 7

func startDemo(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("use status 1 rest2ldap demo")
	}
	for _, flag := range []string{"--https", "--ldaps"} {
		if !slices.Contains(args, flag) {
			args = append(args, flag, "127.0.0.1:0")
		}
	}
	ready := launch(ts, append([]string{"demo"}, args...))
	begin, ca, found := strings.Cut(ready, " ca=")
	var url, ldaps string
	if _, err := fmt.Sscanf(begin, "ready https=%s ldaps=%s", &url, &ldaps); err != nil || !found {
		ts.Fatalf("the ready line is %q", ready)
	}
	ts.Setenv("URL", url)
	ts.Setenv("ADDRESS", strings.TrimPrefix(url, "https://"))
	ts.Setenv("LDAPS", ldaps)
	ts.Setenv("CA", ca)
	r := storyOf(ts)
	r.lines = nil
	for range printedLines {
		line, err := r.stdout.ReadString('\n')
		ts.Check(err)
		r.lines = append(r.lines, strings.TrimSuffix(line, "\n"))
	}
}

func paste(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	lines := storyOf(ts).lines
	if n < 1 || n > len(lines) {
		ts.Fatalf("there are %d lines", len(lines))
	}
	if _, err := exec.LookPath("curl"); err != nil {
		ts.Fatalf("%v; install curl", err)
	}
	if err := ts.Exec("sh", "-c", lines[n-1]); (err != nil) != neg {
		ts.Fatalf("%s\n%v", lines[n-1], err)
	}
}
