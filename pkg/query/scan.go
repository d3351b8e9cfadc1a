package query

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// space is what may stand between the words of a filter.
	space = " \t\r\n"
	// delimiters end a field or an unquoted value.
	delimiters = space + `()[],"'`
	// foundLength is how many characters of the text a message shows.
	foundLength = 20
)

func (p *parser) spaces() {
	p.next = len(p.text) - len(strings.TrimLeft(p.text[p.next:], space))
}

func (p *parser) atEnd() bool {
	p.spaces()
	return p.next == len(p.text)
}

// take reads the character when it comes next, after spaces.
func (p *parser) take(c byte) bool {
	if p.atEnd() || p.text[p.next] != c {
		return false
	}
	p.next++
	return true
}

// takeWord reads the word when it comes next, in either case, after spaces.
func (p *parser) takeWord(word string) bool {
	p.spaces()
	start := p.next
	if strings.EqualFold(p.name(), word) {
		return true
	}
	p.next = start
	return false
}

// name reads letters, digits, "_" and ".", maybe none.
func (p *parser) name() string {
	start := p.next
	for p.next < len(p.text) && isNameByte(p.text[p.next]) {
		p.next++
	}
	return p.text[start:p.next]
}

func isNameByte(c byte) bool {
	return c == '_' || c == '.' || isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// token reads up to a delimiter, maybe nothing.
func (p *parser) token() string {
	rest := p.text[p.next:]
	if i := strings.IndexAny(rest, delimiters); i >= 0 {
		rest = rest[:i]
	}
	p.next += len(rest)
	return rest
}

// expected returns the error that something else comes next.
func (p *parser) expected(what string) error {
	if p.atEnd() {
		return failAt(p.text, p.next, "%s is expected, but the filter ends", what)
	}
	rest := p.text[p.next:]
	found := p.token()
	if found == "" {
		_, size := utf8.DecodeRuneInString(rest)
		found = rest[:size]
	}
	p.next = len(p.text) - len(rest)
	return failAt(p.text, p.next, "%s is expected, but %s comes next", what, shown(found))
}

// shown quotes a part of the text for a message, shortened.
func shown(s string) string {
	count := 0
	for i := range s {
		if count == foundLength {
			return strconv.Quote(s[:i]) + "…"
		}
		count++
	}
	return strconv.Quote(s)
}

// value reads a string, a number, true or false.
func (p *parser) value() (any, error) {
	if !p.atEnd() && (p.text[p.next] == '"' || p.text[p.next] == '\'') {
		return p.quoted()
	}
	start := p.next
	token := p.token()
	switch {
	case strings.EqualFold(token, "true"):
		return true, nil
	case strings.EqualFold(token, "false"):
		return false, nil
	case isNumber(token):
		return Number(token), nil
	}
	p.next = start
	return nil, p.expected("a string in quotes, a number, true or false")
}

// isNumber tells a number of RFC 8259 §6.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		fraction := digits(s[1:])
		if fraction == 0 {
			return false
		}
		s = s[1+fraction:]
	}
	if s == "" || s[0]|0x20 != 'e' {
		return s == ""
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// digits counts the digits at the beginning of s.
func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// quoted reads the string whose opening quote comes next.
func (p *parser) quoted() (string, error) {
	start := p.next
	stops := p.text[start:start+1] + `\`
	p.next++
	var b strings.Builder
	for {
		i := strings.IndexAny(p.text[p.next:], stops)
		if i < 0 || p.next+i+1 == len(p.text) && p.text[p.next+i] == '\\' {
			return "", failAt(p.text, start, "the string that begins here has no closing quote")
		}
		b.WriteString(p.text[p.next : p.next+i])
		p.next += i
		if p.text[p.next] != '\\' {
			p.next++
			return b.String(), nil
		}
		if err := p.escape(&b); err != nil {
			return "", err
		}
	}
}

// escape reads a backslash and what it escapes.
func (p *parser) escape(b *strings.Builder) error {
	c, size := utf8.DecodeRuneInString(p.text[p.next+1:])
	switch c {
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return p.unicode(b)
	}
	b.WriteRune(c)
	p.next += len(`\`) + size
	return nil
}

// unicode reads \uXXXX, two of them for a surrogate pair.
func (p *parser) unicode(b *strings.Builder) error {
	const length = len(`\uXXXX`)
	c, ok := codeUnit(p.text[p.next:])
	size := length
	if ok && utf16.IsSurrogate(c) {
		low, _ := codeUnit(p.text[p.next+length:])
		c = utf16.DecodeRune(c, low)
		ok = c != utf8.RuneError
		size += length
	}
	if !ok {
		return failAt(p.text, p.next, `"\u" takes four hexadecimal digits, and a surrogate needs its pair`)
	}
	b.WriteRune(c)
	p.next += size
	return nil
}

// codeUnit reads \uXXXX at the beginning of s.
func codeUnit(s string) (rune, bool) {
	if len(s) < len(`\uXXXX`) || s[:2] != `\u` {
		return 0, false
	}
	unit, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return 0, false
	}
	return rune(unit), true
}

// quote writes a string as the grammar takes it.
func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}
