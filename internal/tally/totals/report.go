package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
)

// report reads what "go test -json" writes, writes what "go test" would have written, and
// remembers which tests have passed.
type report struct {
	out    io.Writer
	marked string              // what passed tests have logged with this mark is written, too; "" for none
	rest   []byte              // of a line that is not complete
	open   map[string][]string // what tests have said that have not ended, by package and name
	passed []string
}

// event is a line of "go test -json" (go doc test2json).
type event struct {
	Action, Package, Test, Output string
}

func newReport(out io.Writer, marked string) *report {
	return &report{out: out, marked: marked, open: make(map[string][]string)}
}

// Write takes the output of the command.
func (r *report) Write(p []byte) (int, error) {
	r.rest = append(r.rest, p...)
	for {
		line, rest, ok := bytes.Cut(r.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		r.take(line)
		r.rest = rest
	}
}

// close takes what stands behind the last line.
func (r *report) close() {
	if len(r.rest) > 0 {
		r.take(r.rest)
	}
}

func (r *report) take(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		_, _ = fmt.Fprintf(r.out, "%s\n", line)
		return
	}
	key := e.Package + "\t" + e.Test
	switch e.Action {
	case "output", "build-output":
		r.say(key, e)
	case "pass":
		if e.Test != "" {
			r.passed = append(r.passed, e.Test)
			r.account(e.Test, r.open[key])
		}
		delete(r.open, key)
	case "skip":
		delete(r.open, key)
	case "fail":
		r.tell(key)
		if e.Test == "" { // What had not ended is why.
			for other := range r.open {
				if strings.HasPrefix(other, e.Package+"\t") {
					r.tell(other)
				}
			}
		}
	}
}

// say writes what no test said, and keeps the rest until it is known how the test ends.
func (r *report) say(key string, e event) {
	switch {
	case strings.HasPrefix(e.Output, "=== "), e.Test == "" && e.Output == "PASS\n":
	case e.Test == "", strings.HasPrefix(e.Output, "directory: "):
		_, _ = fmt.Fprint(r.out, e.Output)
	default:
		r.open[key] = append(r.open[key], e.Output)
	}
}

// account writes the seeds and counts of a test that has passed.
func (r *report) account(test string, lines []string) {
	for _, line := range lines {
		if _, text, ok := strings.Cut(line, r.marked); ok && r.marked != "" {
			_, _ = fmt.Fprintf(r.out, "%s: %s", test, text)
		}
	}
}

func (r *report) tell(key string) {
	for _, text := range r.open[key] {
		_, _ = fmt.Fprint(r.out, text)
	}
	delete(r.open, key)
}
