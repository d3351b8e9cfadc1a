package query

import (
	"fmt"
	"unicode/utf8"
)

// SyntaxError tells why a text is not a filter, a pointer or a list of fields.
type SyntaxError struct {
	// Position is where the fault is, in characters from 1; 0 is the text as a whole.
	Position int
	// Message tells what was expected and what was found.
	Message string
	// Limit is the limit that the text is beyond; 0 when the text is wrong in itself.
	Limit int
}

// Error returns the message with its position.
func (e *SyntaxError) Error() string {
	if e.Position == 0 {
		return e.Message
	}
	return fmt.Sprintf("position %d: %s", e.Position, e.Message)
}

// failAt makes a SyntaxError at an offset of the text, in bytes.
func failAt(text string, offset int, format string, args ...any) *SyntaxError {
	return &SyntaxError{
		Position: utf8.RuneCountInString(text[:offset]) + 1,
		Message:  fmt.Sprintf(format, args...),
	}
}

// checkText refuses a text that is too long or is not UTF-8.
func checkText(text string, limit int) error {
	if len(text) > limit {
		return &SyntaxError{
			Message: fmt.Sprintf("the text is %d bytes long, and %d is the limit", len(text), limit),
			Limit:   limit,
		}
	}
	for i, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
			return failAt(text, i, "the text is not UTF-8")
		}
	}
	return nil
}
