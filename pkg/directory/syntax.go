package directory

import (
	"encoding/hex"
	"fmt"
	"unicode/utf8"
)

// SyntaxError tells why a text is not a DN, a filter, or a template of one.
type SyntaxError struct {
	// What is "DN" or "filter".
	What string
	// Text is the whole text.
	Text string
	// Position is where the fault is, in characters from 1; 0 is the text as a whole.
	Position int
	// Message tells what is wrong there.
	Message string
}

// Error returns all of it.
func (e *SyntaxError) Error() string {
	if e.Position == 0 {
		return fmt.Sprintf("%s %q: %s", e.What, e.Text, e.Message)
	}
	return fmt.Sprintf("%s %q, position %d: %s", e.What, e.Text, e.Position, e.Message)
}

// failAt makes a SyntaxError at an offset in bytes.
func failAt(what, text string, offset int, format string, args ...any) *SyntaxError {
	return &SyntaxError{
		What:     what,
		Text:     text,
		Position: utf8.RuneCountInString(text[:offset]) + 1,
		Message:  fmt.Sprintf(format, args...),
	}
}

// hexPair reads an octet as two hexadecimal digits at the beginning of s.
func hexPair(s string) (string, bool) {
	if len(s) < 2 {
		return "", false
	}
	octet, err := hex.DecodeString(s[:2])
	return string(octet), err == nil
}
