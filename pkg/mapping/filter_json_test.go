package mapping

import (
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// In arrays inside of arrays a pointer comes to the same place in more ways than anybody could
// try one after the other, and any caller may send such a value and such a filter.
func TestJSONFilterOverDeepArrays(t *testing.T) {
	const depth = 60
	value, err := DecodeJSON([]byte(strings.Repeat("[", depth)+"1"+strings.Repeat("]", depth)), maxJSONDepth)
	if err != nil {
		t.Fatal(err)
	}
	field := "a" + strings.Repeat("/0", depth/2)
	brackets := func(comparison string) string {
		return strings.Repeat("0[", depth/3) + comparison + strings.Repeat("]", depth/3)
	}
	for text, want := range map[string]bool{
		field + " eq 1":                        true,
		field + " eq 2":                        false,
		"!(" + field + " eq 2)":                true,
		brackets("0 eq 1"):                     true,
		brackets("0 eq 2"):                     false,
		brackets("!(0 eq 2) and 0 eq 3"):       false,
		"a" + strings.Repeat("/0", 61) + " pr": false,
	} {
		f, err := query.ParseFilter(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		inside := value
		if strings.Contains(text, "a/0") {
			inside = &Object{Members: []Member{{Name: "a", Value: value}}}
		}
		if got := jsonMatches(inside, &f, false); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}
