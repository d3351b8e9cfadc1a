package query

import (
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"
)

// Pointer is a JSON pointer (RFC 6901) as its reference tokens, unescaped. The
// empty Pointer is the whole resource.
type Pointer []string

// ParsePointer reads a pointer; the leading slash may be left out, and "/" is
// the whole resource, as clients of the mapped API write it. A percent sign is
// an ordinary character here; see ParseFields. The error is a *SyntaxError.
func ParsePointer(s string) (Pointer, error) {
	pointer, err := parsePointer(s, "~")
	if err != nil {
		return nil, err
	}
	return pointer, nil
}

// parsePointer reads a pointer whose escapes begin with one of the characters of
// escapes: "~", or "~%".
func parsePointer(s, escapes string) (Pointer, *SyntaxError) {
	rest := strings.TrimPrefix(s, "/")
	if rest == "" {
		return Pointer{}, nil
	}
	pointer := make(Pointer, 0, strings.Count(rest, "/")+1)
	for more := true; more; {
		offset := len(s) - len(rest)
		var token string
		token, rest, more = strings.Cut(rest, "/")
		if token == "" {
			return nil, failAt(s, offset, "a member name is expected in the pointer %q", s)
		}
		name, err := unescapeToken(token, escapes)
		if err != nil {
			return nil, failAt(s, offset, "the member name %q is wrong: %v", token, err)
		}
		pointer = append(pointer, name)
	}
	return pointer, nil
}

func unescapeToken(token, escapes string) (string, error) {
	if !strings.ContainsAny(token, escapes) {
		return token, nil
	}
	var b strings.Builder
	for i := strings.IndexAny(token, escapes); i >= 0; i = strings.IndexAny(token, escapes) {
		b.WriteString(token[:i])
		c, size, err := unescape(token[i:])
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
		token = token[i+size:]
	}
	b.WriteString(token)
	if !utf8.ValidString(b.String()) {
		return "", errors.New("it is not UTF-8 after decoding")
	}
	return b.String(), nil
}

// unescape reads the escape at the beginning of s: the octet that it stands for
// and the length of the escape.
func unescape(s string) (c byte, size int, err error) {
	switch {
	case strings.HasPrefix(s, "~0"):
		return '~', 2, nil
	case strings.HasPrefix(s, "~1"):
		return '/', 2, nil
	case s[0] == '~':
		return 0, 0, errors.New(`"~" is written "~0", and "/" in a name "~1"`)
	}
	var octet [1]byte
	if len(s) >= 3 {
		if _, err := hex.Decode(octet[:], []byte(s[1:3])); err == nil {
			return octet[0], 3, nil
		}
	}
	return 0, 0, errors.New(`"%" is written "%25"`)
}

// String returns the RFC 6901 form; the whole resource is "".
func (p Pointer) String() string {
	var b strings.Builder
	for _, token := range p {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// Child returns the pointer of a member of p. It shares nothing with p.
func (p Pointer) Child(name string) Pointer {
	return append(p[:len(p):len(p)], name)
}
