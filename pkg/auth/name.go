package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the greatest length of a name of a caller, in bytes.
const MaxName = 1024

// IsName reports whether s can name a caller: UTF-8, not empty, at most [MaxName]
// bytes, no control characters. Format characters and spaces at either end are
// refused too: directories ignore them when they compare (RFC 4518 §2.2, §2.6.1),
// so that with them somebody else's name would pass for the caller's.
func IsName(s string) bool {
	if s == "" || len(s) > MaxName || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || ignored(r) })
}

// ignored tells characters outside the categories above that RFC 4518 §2.2 maps to
// nothing: variation selectors and fillers.
func ignored(r rune) bool {
	return r == 0x034f || r == 0x1806 || 0x180b <= r && r <= 0x180f || 0xfe00 <= r && r <= 0xfe0f || r == 0xfffc
}
