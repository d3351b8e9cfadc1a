package crest

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// S_G07: one reading of every path.
func TestSplitPath(t *testing.T) {
	for raw, want := range map[string][]string{
		"/": nil, "/a": {"a"}, "/a/b%2Fc": {"a", "b/c"}, "/a%252F": {"a%2F"}, "/a;b=c": {"a;b=c"}, "/a+b": {"a+b"}, "/%C3%A4": {"ä"}, "/ä": {"ä"},
		"/...": {"..."}, "/%2e%2e%2e": {"..."}, "/%23%5C": {`#\`}, "/%20": {" "}, `/"|^[]`: {`"|^[]`},
	} {
		got, err := splitPath(raw)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", raw, err, diff)
		}
	}
	for raw, message := range map[string]string{
		"": "no slash", "*": "no slash", "a/b": "no slash", "//": "segment 1", "/a/": "segment 2", "/a//b": "segment 2", "/.": "dot", "/a/..": "segment 2",
		"/%2e": "dot", "/.%2E": "dot", "/a%00": "NUL", "/%ff": "UTF-8", "/%C0%AE": "UTF-8", "/%": "%25", "/%zz": "%25", "/a#b": "%23", `/a\b`: "%5C",
	} {
		_, err := splitPath(raw)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func FuzzSplitPath(f *testing.F) {
	for _, seed := range []string{"/", "/api/users/a%2Fb", "/a/../b", "/%ff", "/a%252F", "/%", "/a#b", "/ä"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		segments, err := splitPath(raw)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		for _, s := range segments {
			if s == "" || s == "." || s == ".." || strings.Contains(s, "\x00") || !utf8.ValidString(s) {
				t.Errorf("%q has the segment %q", raw, s)
			}
		}
		again, err := splitPath("/" + strings.TrimPrefix(joinPath(segments), "/"))
		if diff := cmp.Diff(segments, again); diff != "" || err != nil {
			t.Errorf("%q: the canonical form differs: %v %s", raw, err, diff)
		}
		// What net/http makes of a path must be read in the same way.
		if u, err := url.ParseRequestURI(raw); err == nil && u.Host == "" && u.RawQuery == "" && !strings.HasSuffix(raw, "?") {
			if through, err := splitPath(httpserver.RawPath(u)); err != nil || !cmp.Equal(through, segments) {
				t.Errorf("%q: through net/http %q, %v", raw, through, err)
			}
		}
	})
}

func TestParseTags(t *testing.T) {
	for text, want := range map[string]tags{
		`"a"`: {present: true, list: []tag{{"a", false}}}, ` W/"a" `: {present: true, list: []tag{{"a", true}}}, `a`: {present: true, list: []tag{{"a", false}}},
		`*`: {present: true, any: true}, `"*"`: {present: true, list: []tag{{"*", false}}}, `"a,b" , c`: {present: true, list: []tag{{"a,b", false}, {"c", false}}},
		`"a",`: {present: true, list: []tag{{"a", false}}}, `, ,W/"a" ,,b`: {present: true, list: []tag{{"a", true}, {"b", false}}},
		`20240101000000.123456Z#000000#000#000000`: {present: true, list: []tag{{"20240101000000.123456Z#000000#000#000000", false}}},
	} {
		got, err := parseTags([]string{text})
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(tags{}, tag{})); diff != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
	if got, err := parseTags([]string{`"a"`, `"b"`}); err != nil || len(got.list) != 2 {
		t.Errorf("two headers: %v, %v", got, err)
	}
	if got, err := parseTags(nil); err != nil || got.present {
		t.Errorf("no header: %v, %v", got, err)
	}
	for _, text := range []string{"", `"`, `""`, `"a`, `a"b`, `W/a`, `w/"a"`, `"a""b"`, ",", " , ,", `*,"a"`, `"a",*`, "\"a\x7f\"", `"a b"`, `"a" "b"`} {
		if got, err := parseTags([]string{text}); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzParseTags(f *testing.F) {
	for _, seed := range []string{`"a"`, `W/"a", b`, `*`, `"a`, ``, `,`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTags([]string{text})
		if err != nil {
			return
		}
		if got.any == (len(got.list) > 0) {
			t.Errorf("%q is %v", text, got)
		}
		for _, one := range got.list {
			if one.value == "" || !isTagText(one.value) || !strings.Contains(text, one.value) {
				t.Errorf("%q has the tag %q", text, one.value)
			}
			again, err := parseTags([]string{`"` + one.value + `"`})
			if err != nil || again.list[0].value != one.value {
				t.Errorf("%q: %v, %v", one.value, again, err)
			}
		}
	})
}

func FuzzParseParams(f *testing.F) {
	for _, seed := range []string{"", "_fields=a,b&_prettyPrint=true", "_queryFilter=a+eq+%22b;c%22", "_queryFilter=(", "%zz=1", "_x=1", "_fields=%ff", "a=b&A=c", "_pageSize=-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parseParams(raw, false)
		if err != nil {
			if !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Unsupported) {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		// Where the standard library can read it too, both see the same.
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		for name, value := range values {
			if strings.EqualFold(name, "_action") && value[0] != p.action || strings.EqualFold(name, "_queryFilter") && !p.hasFilter {
				t.Errorf("%q: %v and %v", raw, p, values)
			}
		}
	})
}

func decode(t testing.TB, text string) any {
	value, err := mapping.DecodeJSON([]byte(text), 64)
	if err != nil {
		t.Skip(err)
	}
	return value
}

func TestParseChanges(t *testing.T) {
	got, err := parseChanges(decode(t, `[{"operation":"add","field":"/a/-","value":[1]},{"operation":"REMOVE","field":"b"},{"operation":"remove","field":"c","value":null},
		{"operation":"replace","field":"","value":{}},{"operation":"increment","field":"n","value":-1}]`))
	want := []mapping.PatchOp{
		{Verb: mapping.PatchAdd, Field: query.Pointer{"a", "-"}, Value: []any{query.Number("1")}, HasValue: true},
		{Verb: mapping.PatchRemove, Field: query.Pointer{"b"}},
		{Verb: mapping.PatchRemove, Field: query.Pointer{"c"}, HasValue: true},
		{Verb: mapping.PatchReplace, Field: query.Pointer{}, Value: &mapping.Object{}, HasValue: true},
		{Verb: mapping.PatchIncrement, Field: query.Pointer{"n"}, Value: query.Number("-1"), HasValue: true},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	for name, test := range map[string]struct {
		text, kind, field string
		class             fault.Kind
	}{
		"Scalar":        {`1`, "wrongType", "", fault.Invalid},
		"Item":          {`["x"]`, "wrongType", "/0", fault.Invalid},
		"NoOperation":   {`[{"field":"a","value":1}]`, "missingMember", "/0/operation", fault.Invalid},
		"OperationType": {`[{"operation":1,"field":"a","value":1}]`, "wrongType", "/0/operation", fault.Invalid},
		"NoField":       {`[{"operation":"add","value":1}]`, "missingMember", "/0/field", fault.Invalid},
		"FieldType":     {`[{"operation":"add","field":[],"value":1}]`, "wrongType", "/0/field", fault.Invalid},
		"Pointer":       {`[{"operation":"remove","field":"a"},{"operation":"remove","field":"/a~2"}]`, "malformedPointer", "/1/field", fault.Invalid},
		"NoValue":       {`[{"operation":"add","field":"a"}]`, "missingMember", "/0/value", fault.Invalid},
		"NullValue":     {`[{"operation":"replace","field":"a","value":null}]`, "missingMember", "/0/value", fault.Invalid},
		"Member":        {`[{"operation":"add","field":"a","value":1,"a/b":1}]`, "unknownMember", "/0/a~1b", fault.Invalid},
		"From":          {`[{"operation":"add","field":"a","from":"b","value":1}]`, "unknownMember", "/0/from", fault.Invalid},
		"CopyNoFrom":    {`[{"operation":"copy","field":"a"}]`, "missingMember", "/0/from", fault.Invalid},
		"MoveValue":     {`[{"operation":"move","field":"a","from":"b","value":1}]`, "unknownMember", "/0/value", fault.Invalid},
		"Copy":          {`[{"operation":"copy","field":"a","from":"b"}]`, "unavailableOperation", "/0/operation", fault.Unsupported},
		"R_E31":         {`[{"operation":"transform","field":"a","value":1}]`, "unavailableOperation", "/0/operation", fault.Unsupported},
		"Unknown":       {`[{"operation":"nosuch","field":"a"}]`, "unknownOperation", "/0/operation", fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseChanges(decode(t, test.text))
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != test.class || e.Detail.Kind != test.kind || e.Detail.Field != test.field {
				t.Errorf("%#v", err)
			}
		})
	}
}

func FuzzParseChanges(f *testing.F) {
	for _, seed := range []string{`[]`, `[{"operation":"add","field":"/a","value":1}]`, `[{"operation":"copy","from":"a","field":"b"}]`, `[[]]`, `{}`, `[{"field":"~"}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ops, err := parseChanges(decode(t, text))
		if err != nil && !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Unsupported) {
			t.Errorf("%q: %v", text, err)
		}
		for _, op := range ops {
			if op.Verb != mapping.PatchRemove && op.Value == nil {
				t.Errorf("%q: an operation without a value", text)
			}
		}
	})
}

func TestUnknownParameter(t *testing.T) {
	for name, want := range map[string]string{"_feilds": `"_fields"`, "_pagesize_": `"_pageSize"`, "_sortkey": `"_sortKeys"`, "_" + strings.Repeat("x", 1<<20): "_queryFilter"} {
		if err := unknownParameter(name); !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v", name, err)
		}
	}
}
