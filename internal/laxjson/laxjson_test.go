package laxjson_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/laxjson"
)

func TestStrict(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a": "b"}`:                    `{"a": "b"}`,
		`{'a': 'b"c'}`:                  `{"a": "b\"c"}`,
		`{'it\'s': "it\'s 'it'"}`:       `{"it's": "it's 'it'"}`,
		"{\"a\": \"x\ty\x01\"}":         `{"a": "x\u0009y\u0001"}`,
		"{\t'a'\t:\t1}":                 "{\t\"a\"\t:\t1}",
		`["\\", '\\', "\"'", '\u0041']`: `["\\", "\\", "\"'", "\u0041"]`,
		"// it's\n['a'] /* don't */":    "// it's\n[\"a\"] /* don't */",
		"[\"open\n'a']":                 "[\"open\n\"a\"]",
		`'`:                             `"`,
		`['\`:                           `["\`,
		``:                              ``,
	} {
		if got, _ := laxjson.Strict([]byte(in)); string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Offsets of the result lead to where the same thing stands in the document.
func TestOrigin(t *testing.T) {
	t.Parallel()
	in := []byte("{'a\"b': 'c\t\\'d', 'here': 1}")
	out, origin := laxjson.Strict(in)
	for _, mark := range []string{"here", "1}", ": "} {
		if got, want := origin(bytes.Index(out, []byte(mark))), bytes.Index(in, []byte(mark)); got != want {
			t.Errorf("%q is at %d, want %d", mark, got, want)
		}
	}
	if got := origin(len(out)); got != len(in) {
		t.Errorf("the end is at %d of %d", got, len(in))
	}
}

// What is JSON stays as it is, and lines stay lines.
func FuzzStrict(f *testing.F) {
	f.Add([]byte(`{"a": ["b", 'c"', "\'"], "d": 1} // 'e'`))
	f.Add([]byte("'\\"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, origin := laxjson.Strict(in)
		if json.Valid(in) && !bytes.Equal(in, out) {
			t.Errorf("%q became %q", in, out)
		}
		if bytes.Count(in, []byte("\n")) != bytes.Count(out, []byte("\n")) {
			t.Errorf("lines of %q: %q", in, out)
		}
		last := 0
		for i := range out {
			at := origin(i)
			if at < last || at > len(in) {
				t.Fatalf("offset %d stems from %d, after %d, of %d", i, at, last, len(in))
			}
			last = at
		}
	})
}
