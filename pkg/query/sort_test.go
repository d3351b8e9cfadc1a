package query_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

func TestParseSortKeys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]query.SortKey{
		"a":            {{Field: query.Pointer{"a"}, Position: 1}},
		"+a":           {{Field: query.Pointer{"a"}, Position: 1}},
		"\x20a":        {{Field: query.Pointer{"a"}, Position: 1}}, // "+a" in a URL
		"-/name/first": {{Field: query.Pointer{"name", "first"}, Reverse: true, Position: 1}},
		"a,-b~1c,+/d":  {{Field: query.Pointer{"a"}, Position: 1}, {Field: query.Pointer{"b/c"}, Reverse: true, Position: 3}, {Field: query.Pointer{"d"}, Position: 9}},
		"\u00e9,b":     {{Field: query.Pointer{"\u00e9"}, Position: 1}, {Field: query.Pointer{"b"}, Position: 3}},
		"a,a":          {{Field: query.Pointer{"a"}, Position: 1}, {Field: query.Pointer{"a"}, Position: 3}},
		"--a":          {{Field: query.Pointer{"-a"}, Reverse: true, Position: 1}},
	} {
		got, err := query.ParseSortKeys(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v, -want +got:\n%s", text, err, diff)
		}
	}
	for text, position := range map[string]int{
		"": 1, "-": 1, "/": 1, "a,": 3, ",a": 1, "a,,b": 3, "a,b//c": 3, "a~": 1, "\xff": 1, strings.Repeat("a,", 8) + "a": 17,
		strings.Repeat("a", query.MaxFilterLength+1): 0,
	} {
		_, err := query.ParseSortKeys(text)
		var syntax *query.SyntaxError
		if !errors.As(err, &syntax) || syntax.Position != position {
			t.Errorf("%.20q: %v, want an error at %d", text, err, position)
		}
	}
}

func FuzzParseSortKeys(f *testing.F) {
	for _, seed := range []string{"a", "-name/familyName,+_id", "a~1b", ",", "- a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := query.ParseSortKeys(text)
		if err != nil {
			return
		}
		var again []string
		for _, key := range keys {
			sign := "+"
			if key.Reverse {
				sign = "-"
			}
			again = append(again, sign+key.Field.String())
		}
		reparsed, err := query.ParseSortKeys(strings.Join(again, ","))
		for i := range reparsed {
			reparsed[i].Position = keys[i].Position
		}
		if diff := cmp.Diff(keys, reparsed); diff != "" || err != nil {
			t.Errorf("%q: %v, -first +second:\n%s", text, err, diff)
		}
	})
}
