package auth

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{
		"bjensen":                        true,
		"Barbara Jensen":                 true,
		"jürgen":                         true,
		"小笠原":                            true,
		"*)(uid=*":                       true, // a value, which filters and DNs escape
		"":                               false,
		" bjensen":                       false,
		"bjensen ":                       false,
		"bjensen\u00a0":                  false,
		"bjen\x00sen":                    false,
		"bjen\nsen":                      false,
		"bjen\u0085sen":                  false,
		"bjen\u200bsen":                  false,
		"\ufeffbjensen":                  false,
		"bjen\u00adsen":                  false,
		"bjen\u034fsen":                  false,
		"bjen\ufe0fsen":                  false,
		"bjen\u180bsen":                  false,
		"bjen\ufffcsen":                  false,
		"bjen\xffsen":                    false,
		strings.Repeat("a", MaxName):     true,
		strings.Repeat("a", MaxName+1):   false,
		strings.Repeat("ü", MaxName/2):   true,
		strings.Repeat("ü", MaxName/2+1): false,
	} {
		if got := IsName(name); got != want {
			t.Errorf("%.40q: got %v", name, got)
		}
	}
}

func FuzzIsName(f *testing.F) {
	for _, seed := range []string{"bjensen", "", " a", "a\u200b", "\xff", "a\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !IsName(s) {
			return
		}
		if s == "" || len(s) > MaxName || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
			t.Fatalf("%q is taken", s)
		}
		for _, r := range s {
			if unicode.In(r, unicode.Cc, unicode.Cf) || strings.ContainsRune("\u034f\u1806\u180b\u180c\u180d\ufe00\ufe0f\ufffc", r) {
				t.Fatalf("%q holds %U", s, r)
			}
		}
	})
}
