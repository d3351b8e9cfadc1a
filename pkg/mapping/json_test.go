package mapping_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

func object(members ...any) *mapping.Object {
	o := &mapping.Object{}
	for pair := range slices.Chunk(members, 2) {
		name, _ := pair[0].(string)
		o.Members = append(o.Members, mapping.Member{Name: name, Value: pair[1]})
	}
	return o
}

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want any
	}{
		{`null`, nil},
		{` true `, true},
		{`false`, false},
		{`""`, ""},
		{`"aé\u00e9\ud83d\ude00\n\/"`, "aéé😀\n/"},
		{`12345678901234567890123.10e-7`, query.Number("12345678901234567890123.10e-7")},
		{`-0`, query.Number("-0")},
		{`[]`, []any{}},
		{`[1,"2",[null,[]],{}]`, []any{query.Number("1"), "2", []any{nil, []any{}}, object()}},
		{`{}`, object()},
		{"\t{ \"b\" : 1 ,\r\n\"a\" : { \"b\" : [ { \"b\" : 2 } ] } }\n", object("b", query.Number("1"), "a", object("b", []any{object("b", query.Number("2"))}))},
		{`{"":{"":""}}`, object("", object("", ""))},
		{`{"a":[1,2],"b":[{"c":[3]},4],"d":5}`, object("a", []any{query.Number("1"), query.Number("2")},
			"b", []any{object("c", []any{query.Number("3")}), query.Number("4")}, "d", query.Number("5"))},
	} {
		got, err := mapping.DecodeJSON([]byte(test.text), 8)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, diff)
		}
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	t.Parallel()
	many := func(last string) string {
		var b strings.Builder
		b.WriteString("{")
		for i := range 40 {
			fmt.Fprintf(&b, "\"m%d\":1,", i)
		}
		return b.String() + `"` + last + `":2}`
	}
	for _, test := range []struct {
		text, kind, field string
		position          int
	}{
		{``, "malformedJSON", "", 1},
		{` `, "malformedJSON", "", 2},
		{"\ufeff{}", "malformedJSON", "", 1},
		{`{`, "malformedJSON", "", 2},
		{`{"a"`, "malformedJSON", "/a", 5},
		{`{"a":`, "malformedJSON", "/a", 6},
		{`{"a":1`, "malformedJSON", "", 7},
		{`{"a":1,}`, "malformedJSON", "", 7},
		{`{"a" 1}`, "malformedJSON", "/a", 6},
		{`{a:1}`, "malformedJSON", "", 2},
		{`{1:1}`, "malformedJSON", "", 2},
		{`{"a":{"b":[1,x]}}`, "malformedJSON", "/a/b/1", 14},
		{`[1 2]`, "malformedJSON", "", 4},
		{`[1}`, "malformedJSON", "", 3},
		{`1 2`, "malformedJSON", "", 3},
		{`{} x`, "malformedJSON", "", 4},
		{`{"a":1}}`, "malformedJSON", "", 8},
		{`// c
		1`, "malformedJSON", "", 1},
		{`'a'`, "malformedJSON", "", 1},
		{`01`, "malformedJSON", "", 2},
		{`1.`, "malformedJSON", "", 3},
		{`+1`, "malformedJSON", "", 1},
		{`NaN`, "malformedJSON", "", 1},
		{`nul`, "malformedJSON", "", 4},
		{`True`, "malformedJSON", "", 1},
		{"\"a\nb\"", "malformedJSON", "", 3},
		{`"\x"`, "malformedJSON", "", 2},
		{`"\ud800"`, "malformedJSON", "", 2},
		{`{"a":"\udc00\ud800"}`, "malformedJSON", "/a", 7},
		{"\"a\xff\"", "invalidUTF8", "", 3},
		{"{\"a\":[\"\xc0\xaf\"]}", "invalidUTF8", "/a/0", 8},
		{"{\"\xff\":1}", "invalidUTF8", "", 3},
		{"\xff", "invalidUTF8", "", 1},
		{`{"a":1,"a":2}`, "duplicateMember", "/a", 8},
		{`{"a":1,"\u0061":2}`, "duplicateMember", "/a", 8},
		{`{"Straße":1,"b":{"x":1},"STRAßE":2}`, "duplicateMember", "/STRAßE", 26},
		{`{"k":1,"K":2}`, "duplicateMember", "/K", 8}, // the Kelvin sign
		{`{"o":{"userName":1,"USERNAME":2}}`, "duplicateMember", "/o/USERNAME", 20},
		{many("m7"), "duplicateMember", "/m7", 0},
		{many("M39"), "duplicateMember", "/M39", 0},
		{`[[[[[[[[[]]]]]]]]]`, "tooDeep", "/0/0/0/0/0/0/0", 9},
		{`{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a": {"a":1}}}}}}}}}`, "tooDeep", "/a/a/a/a/a/a/a/a", 42},
		{strings.Repeat("[", 1_000_000), "tooDeep", "/0/0/0/0/0/0/0", 9},
	} {
		value, err := mapping.DecodeJSON([]byte(test.text), 8)
		var f *fault.Error
		if !errors.As(err, &f) || value != nil {
			t.Errorf("%.40s = %v, %v", test.text, value, err)
			continue
		}
		want := fault.Detail{Kind: test.kind, Field: test.field, Position: test.position}
		if test.position == 0 {
			want.Position = f.Detail.Position
		}
		if diff := cmp.Diff(want, f.Detail); diff != "" || f.Kind != fault.Invalid {
			t.Errorf("%.40q: %v (-want +got):\n%s", test.text, err, diff)
		}
		if f.Message == "" || strings.Contains(f.Message, "jsontext") {
			t.Errorf("%.40q: message %q", test.text, f.Message)
		}
	}
}

// TestDecodeJSONManyMembers makes sure that a long object costs no more than its length.
func TestDecodeJSONManyMembers(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("{")
	const n = 50_000
	for i := range n {
		fmt.Fprintf(&b, "\"name-of-a-member-%d\":[{}],", i)
	}
	b.WriteString(`"last":null}`)
	value, err := mapping.DecodeJSON([]byte(b.String()), 4)
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := value.(*mapping.Object); !ok || len(o.Members) != n+1 || o.Members[n].Name != "last" {
		t.Errorf("not the object that was sent: %T", value)
	}
}

func TestLookupIgnoresCase(t *testing.T) {
	t.Parallel()
	o := object("a", nil, "Straße", "x")
	for name, want := range map[string]bool{"A": true, "strasse": false, "STRAßE": true, "b": false, "": false} {
		if _, ok := o.Lookup(name); ok != want {
			t.Errorf("Lookup(%q) finds %t", name, ok)
		}
	}
	if _, ok := (*mapping.Object)(nil).Lookup("a"); ok {
		t.Error("a nil object has a member")
	}
}

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{"a\"\\\n\u2028é\x00", "\"a\\\"\\\\\\n\u2028é\\u0000\""},
		{"a\xff", `"a` + "\ufffd" + `"`},
		{query.Number("1.50"), `1.50`},
		{[]any{}, `[]`},
		{object(), `{}`},
		{object("a", []any{query.Number("1"), nil}, "a\"", object("b", false)), `{"a":[1,null],"a\"":{"b":false}}`},
	} {
		if got := string(mapping.AppendJSON([]byte("x"), test.value)); got != "x"+test.want {
			t.Errorf("%#v = %s, want %s", test.value, got, test.want)
		}
	}
}

// FuzzDecodeJSON holds the decoder against the library's own: what one takes the other
// takes, with the same meaning. The exceptions are depth, which is ours, and names
// that differ only in case.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,"\u0061é\ud83d\ude00",null,true,{"b":-1.5e+7}]}`, `{"a":1,"A":2}`, `{"a":1,"a":2}`, "\"\xff\"", `"\ud800"`, `[[[[[[]]]]]]`, `1 2`, `{"k":1,"K":2}`, ``, `{"a":1,}`, "\ufeff1",
	} {
		f.Add([]byte(seed))
	}
	const depth = 16
	f.Fuzz(func(t *testing.T, data []byte) {
		original := bytes.Clone(data)
		value, err := mapping.DecodeJSON(data, depth)
		if !bytes.Equal(original, data) {
			t.Fatal("the text was changed")
		}
		var control any
		controlErr := json.Unmarshal(data, &control)
		var refused *fault.Error
		if err != nil && (!errors.As(err, &refused) || refused.Detail.Position < 1 || refused.Detail.Position > len(data)+1) {
			t.Fatalf("%q: %+v", data, err)
		}
		switch {
		case err != nil && controlErr != nil:
			return
		case err != nil:
			if kind := refused.Detail.Kind; kind != "tooDeep" && kind != "duplicateMember" {
				t.Fatalf("%q is refused: %v", data, err)
			}
			return
		case controlErr != nil:
			// A number beyond float64 is no fault of its syntax.
			if !jsontext.Value(data).IsValid() {
				t.Fatalf("%q is taken; the control says %v", data, controlErr)
			}
			return
		}
		again := jsontext.Value(mapping.AppendJSON(nil, value))
		want := jsontext.Value(bytes.Clone(data))
		if err := want.Compact(); err != nil {
			t.Fatal(err)
		}
		if err := want.Canonicalize(); err != nil {
			t.Fatal(err)
		}
		if err := again.Canonicalize(); err != nil {
			t.Fatalf("%q gives %q: %v", data, again, err)
		}
		if !bytes.Equal(want, again) {
			t.Fatalf("%q becomes %s, want %s", data, again, want)
		}
	})
}

// FuzzAppendJSON makes values of all shapes, writes them, and reads them back.
func FuzzAppendJSON(f *testing.F) {
	f.Add(uint64(1), "a\"é")
	f.Add(uint64(7), "\x00\u2028")
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // Values for a test.
		value := randomValue(random, strings.ToValidUTF8(text, "?"), 4)
		written := mapping.AppendJSON(nil, value)
		got, err := mapping.DecodeJSON(written, 8)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if diff := cmp.Diff(value, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", written, diff)
		}
	})
}

func randomValue(random *rand.Rand, text string, depth int) any {
	switch kind := random.IntN(7); {
	case kind == 0:
		return nil
	case kind == 1:
		return random.IntN(2) == 0
	case kind == 2 || depth == 0:
		return text
	case kind == 3:
		return query.Number(fmt.Sprint(random.Float64()))
	case kind == 4:
		list := []any{}
		for range random.IntN(4) {
			list = append(list, randomValue(random, text, depth-1))
		}
		return list
	default:
		o := &mapping.Object{}
		for i := range random.IntN(20) {
			o.Members = append(o.Members, mapping.Member{Name: fmt.Sprint(text, i), Value: randomValue(random, text, depth-1)})
		}
		return o
	}
}
