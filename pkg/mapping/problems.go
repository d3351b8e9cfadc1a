package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/internal/nearest"
)

// Problem is something in a mapping file that is wrong, or that has no effect, at
// its place.
type Problem struct {
	// File is the file's path below the folder that was loaded.
	File string
	// Line and Column count from 1, columns in characters; 0 when the problem is the
	// file's as a whole.
	Line, Column int
	// Path is the JSON pointer (RFC 6901) of the value; "" is the whole file.
	Path string
	// Message is one sentence without the place: what is wrong, and what would be right.
	Message string
}

// String returns "file:line:column: path: message", without the parts that are
// not known.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems are all the problems of a set of mapping files, in the order of the
// files and of the places in them. It is an error when there is one at least.
type Problems []Problem

// Error returns the problems, one line each.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// sortProblems puts problems in the order in which a reader meets them, once each.
func sortProblems(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column,
			strings.Compare(a.Path, b.Path), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}

// didYouMean returns the end of a sentence that proposes the nearest of the known
// names, or "" when none is near.
func didYouMean(name string, known []string) string {
	if best := nearest.Name(name, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}
