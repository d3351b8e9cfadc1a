// Package laxjson reads JSON as the files of the reference product may be written: its
// parser took texts in single quotes, an escaped single quote, and control characters
// within texts. Comments are left to the parser that comes after.
package laxjson

import (
	"fmt"
	"sort"
)

// Strict returns the same document as a strict parser, one that takes comments, wants it,
// and a function that tells where in data an offset of the result stems from. Lines stay
// lines: a line break within a text is not taken, because it is a quote forgotten more
// often than not. What is strict already is returned as it is. It never fails; what is
// wrong in the document stays so.
func Strict(data []byte) (strict []byte, origin func(offset int) int) {
	s := scanner{in: data}
	for s.at < len(data) {
		switch c := data[s.at]; {
		case c == '"' || c == '\'':
			s.text(c)
		case c == '/' && s.at+1 < len(data) && (data[s.at+1] == '/' || data[s.at+1] == '*'):
			s.comment(data[s.at+1])
		default:
			s.copy(1)
		}
	}
	return s.out, s.origin
}

// scanner copies a document and notes where lengths change.
type scanner struct {
	in, out []byte
	at      int
	shifts  []shift
}

// shift says that the result from an offset on stems from another offset on; all of it from
// there where it is the replacement.
type shift struct {
	from, origin int
	replacement  bool
}

func (s *scanner) copy(n int) {
	n = min(n, len(s.in)-s.at)
	s.out = append(s.out, s.in[s.at:s.at+n]...)
	s.at += n
}

// replace writes a text in place of the next n bytes.
func (s *scanner) replace(n int, with string) {
	from, at := len(s.out), s.at
	s.out = append(s.out, with...)
	s.at += n
	if len(with) != n {
		s.shifts = append(s.shifts, shift{from, at, true}, shift{from: len(s.out), origin: s.at})
	}
}

// text copies a text between quotes, up to its end or that of the line.
func (s *scanner) text(quote byte) {
	s.replace(1, `"`)
	for s.at < len(s.in) && s.in[s.at] != '\n' {
		switch c := s.in[s.at]; {
		case c == quote:
			s.replace(1, `"`)
			return
		case c == '\\' && s.at+1 < len(s.in) && s.in[s.at+1] == '\'':
			s.replace(2, "'")
		case c == '\\' && s.at+1 < len(s.in) && s.in[s.at+1] != '\n':
			s.copy(2)
		case c == '"':
			s.replace(1, `\"`)
		case c < ' ' && c != '\r':
			s.replace(1, fmt.Sprintf(`\u%04x`, c))
		default:
			s.copy(1)
		}
	}
}

// comment copies a comment, up to the end of the line or its own.
func (s *scanner) comment(kind byte) {
	s.copy(2)
	for s.at < len(s.in) {
		switch c := s.in[s.at]; {
		case kind == '/' && c == '\n':
			return
		case kind == '*' && c == '*' && s.at+1 < len(s.in) && s.in[s.at+1] == '/':
			s.copy(2)
			return
		}
		s.copy(1)
	}
}

func (s *scanner) origin(offset int) int {
	i := sort.Search(len(s.shifts), func(i int) bool { return s.shifts[i].from > offset })
	if i == 0 {
		return offset
	}
	last := s.shifts[i-1]
	if last.replacement {
		return last.origin
	}
	return last.origin + offset - last.from
}
