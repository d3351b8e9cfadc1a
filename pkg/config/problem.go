package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Place is where a value stands.
type Place struct {
	// File, Line and Column are a place in a file, counted from 1; line 0 is the whole file.
	File         string
	Line, Column int
	// Source is any other place: "environment REST2LDAP_…", "--set …" or "default".
	Source string
}

// String returns "file:line:column" or the source.
func (p Place) String() string {
	switch {
	case p.Source != "":
		return p.Source
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// compare orders places: files from the top down, then the other sources.
func (p Place) compare(other Place) int {
	return cmp.Or(
		cmp.Compare(p.Source, other.Source),
		cmp.Compare(p.File, other.File),
		cmp.Compare(p.Line, other.Line),
		cmp.Compare(p.Column, other.Column),
	)
}

// Problem is one thing that is wrong.
type Problem struct {
	Place Place
	// Path is the key, as directory.servers[0].url; it may be empty.
	Path string
	// Message is a sentence: what is wrong and what to write instead.
	Message string
	// Warning marks what does not keep the gateway from starting.
	Warning bool
}

// String returns the problem on one line: "place: path: sentence". The path is left
// out behind a flag that has just named it.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Place.String())
	b.WriteString(": ")
	if p.Path != "" && dotted(p.Place.Source) != "--set "+dotted(p.Path) {
		b.WriteString(p.Path + ": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	return strings.Map(printable, b.String())
}

// printable keeps control characters out of logs and terminals: keys are repeated as they
// were written.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return unicode.ReplacementChar
	}
	return r
}

// Problems are all that is wrong, in the order of their places.
type Problems []Problem

// Error returns the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors returns the problems that keep the gateway from starting.
func (ps Problems) Errors() Problems { return ps.only(false) }

// Warnings returns the others.
func (ps Problems) Warnings() Problems { return ps.only(true) }

func (ps Problems) only(warning bool) Problems {
	var some Problems
	for _, p := range ps {
		if p.Warning == warning {
			some = append(some, p)
		}
	}
	return some
}

// Sort puts the problems in the order of their places.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int { return a.Place.compare(b.Place) })
}
