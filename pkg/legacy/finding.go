package legacy

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// Status is what becomes of a setting.
type Status int

const (
	// Kept settings mean the same in gateway.yaml.
	Kept Status = iota
	// Changed settings mean something else from now on, or nothing.
	Changed
	// Decision settings are for the operator to decide; until then there is a proposal in
	// gateway.yaml at best.
	Decision
)

// String returns the word for the report.
func (s Status) String() string { return [...]string{"kept", "changed", "decision"}[s] }

// Place is where a setting stands in the old configuration.
type Place struct {
	// File is the path of the file.
	File string
	// Line and Column count from 1; line 0 is the whole file.
	Line, Column int
}

// String returns "file:line:column".
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// short is the place without the folder, for comments.
func (p Place) short() string {
	p.File = filepath.Base(p.File)
	return p.String()
}

// Finding is what becomes of one setting.
type Finding struct {
	Status Status
	Place  Place
	// Path is the setting, as ldapConnectionFactories.root.connectionPoolSize.
	Path string
	// Keys are those of gateway.yaml that the setting became. Whoever sets one of them has
	// made the decision.
	Keys []string
	// Message is a sentence: why something changes, or what to decide and how. Empty for
	// what is merely kept.
	Message string
}

// String returns the finding on one line: "place: path: status: sentence".
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", f.Place)
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Status.String())
	if f.Status == Kept && len(f.Keys) > 0 {
		b.WriteString(" as " + strings.Join(f.Keys, ", "))
	}
	if f.Message != "" {
		b.WriteString(": " + f.Message)
	}
	return strings.Map(printable, b.String())
}

// printable keeps control characters out of terminals: names are repeated as they were
// written.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return unicode.ReplacementChar
	}
	return r
}

// sortFindings puts findings in the order of their places.
func sortFindings(fs []Finding) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Place.File, b.Place.File), cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
}
