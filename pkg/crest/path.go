package crest

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// splitPath returns the decoded segments of a path as it was received; "/" has none.
// What two readers could take for different paths is refused.
func splitPath(raw string) ([]string, error) {
	rest, ok := strings.CutPrefix(raw, "/")
	if !ok {
		return nil, badPath("the path begins with no slash")
	}
	if rest == "" {
		return nil, nil
	}
	segments := make([]string, 0, strings.Count(rest, "/")+1)
	for part := range strings.SplitSeq(rest, "/") {
		segment, err := decodeSegment(part)
		if err != nil {
			return nil, badPath("segment %d of the path, %q, %v", len(segments)+1, part, err)
		}
		segments = append(segments, segment)
	}
	return segments, nil
}

func badPath(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).Named("malformedPath")
}

// decodeSegment decodes the percent escapes of a segment (RFC 3986 §2.1), once.
func decodeSegment(part string) (string, error) {
	if i := strings.IndexAny(part, `#\`); i >= 0 {
		return "", errors.New("has a character that is written " + escapeSegment(part[i:i+1]) + " in a path")
	}
	segment, err := url.PathUnescape(part)
	if err != nil {
		return "", errors.New(`has a percent sign that begins no escape; "%" itself is "%25"`)
	}
	return segment, checkSegment(segment)
}

func checkSegment(segment string) error {
	switch {
	case segment == "":
		return errors.New("is empty; a path has no double and no trailing slash")
	case segment == "." || segment == "..":
		return errors.New("is a dot segment, which no path may have")
	case strings.IndexByte(segment, 0) >= 0:
		return errors.New("holds NUL, which no name may")
	case !utf8.ValidString(segment):
		return errors.New("is not UTF-8")
	}
	return nil
}

// segmentsOf returns the segments of a configured path, which has no escapes.
func segmentsOf(path string) ([]string, error) {
	path = strings.TrimPrefix(strings.TrimSuffix(path, "/"), "/")
	if path == "" {
		return nil, nil
	}
	segments := strings.Split(path, "/")
	for _, segment := range segments {
		if err := checkSegment(segment); err != nil {
			return nil, errors.New("a segment " + err.Error())
		}
	}
	return segments, nil
}

// escapeSegment returns the form in which a segment stands in a URL.
func escapeSegment(segment string) string { return url.PathEscape(segment) }

// joinPath is the reverse of splitPath.
func joinPath(segments []string) string {
	var b strings.Builder
	for _, segment := range segments {
		b.WriteByte('/')
		b.WriteString(escapeSegment(segment))
	}
	return b.String()
}

// isURLText tells a text that may stand in a header as a URL, as it is.
func isURLText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}
