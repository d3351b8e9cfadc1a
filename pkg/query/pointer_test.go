package query_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

func TestParsePointer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]query.Pointer{
		"":              {},
		"/":             {},
		"a":             {"a"},
		"/a":            {"a"},
		"/a/b":          {"a", "b"},
		"name/given":    {"name", "given"},
		"/a~1b/m~0n":    {"a/b", "m~n"},
		"/~01":          {"~1"},
		"/c%d":          {"c%d"},
		"/%2F":          {"%2F"},
		"/ ":            {" "},
		`/k"l`:          {`k"l`},
		"/members/0/é ": {"members", "0", "é "},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := query.ParsePointer(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParsePointerErrors(t *testing.T) {
	t.Parallel()
	for text, position := range map[string]int{
		"//":     2,
		"/a/":    4,
		"é//b":   3,
		"/a~":    2,
		"/é/b~2": 4,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := query.ParsePointer(text)
			if got := syntaxError(t, err).Position; got != position {
				t.Errorf("%v: position %d, want %d", err, got, position)
			}
		})
	}
}

func TestPointerChildSharesNothing(t *testing.T) {
	t.Parallel()
	parent := append(make(query.Pointer, 0, 8), "a")
	first, second := parent.Child("b"), parent.Child("c")
	if first.String() != "/a/b" || second.String() != "/a/c" || parent.String() != "/a" {
		t.Errorf("got %s, %s and %s", first, second, parent)
	}
}

func TestParseFields(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]query.Pointer{
		"":                           nil,
		" ":                          nil,
		"/":                          {{}},
		"_id":                        {{"_id"}},
		"name/familyName, /mail ,/":  {{"name", "familyName"}, {"mail"}, {}},
		"/,/manager":                 {{}, {"manager"}},
		"a%2Cb/c%2fd,100%25,x~1y":    {{"a,b", "c/d"}, {"100%"}, {"x/y"}},
		"/displayName,/manager/name": {{"displayName"}, {"manager", "name"}},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := query.ParseFields(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseFieldsErrors(t *testing.T) {
	t.Parallel()
	for text, position := range map[string]int{
		"a,,b":        3,
		"a,":          3,
		",":           1,
		"é, a//b":     6,
		"a, x/50%":    6,
		"é,\xff":      3,
		"a,b~,c":      3,
		" , a":        1,
		"mail,/a/~9 ": 9,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := query.ParseFields(text)
			if got := syntaxError(t, err).Position; got != position {
				t.Errorf("%v: position %d, want %d", err, got, position)
			}
		})
	}
}

func TestParseFieldsLimits(t *testing.T) {
	t.Parallel()
	if _, err := query.ParseFields("a" + strings.Repeat(",a", query.MaxFields-1)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	_, err := query.ParseFields("a" + strings.Repeat(",a", query.MaxFields))
	if got := syntaxError(t, err).Limit; got != query.MaxFields {
		t.Errorf("%v, want the limit", err)
	}
}
