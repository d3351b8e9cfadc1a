package query_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{
		`userName eq 'bjensen@example.com'`, `(_id co "jensen" and name/given sw 'b\u0061') or !true`,
		`a in [1, -2.5e3, "x"] and !/b~1c/d%20e pr`, `((a lt 1) or b x.y false)`, `a eq "\ud83d\ude00\`, `é pr`, `a/b[x eq 1 and y[z pr]]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := query.ParseFilter(text)
		if err != nil {
			return
		}
		// An "or" of "and"s is two levels of the tree for one of the text.
		if depth, nodes := measure(filter); depth > 2*query.MaxFilterDepth+4 || nodes > query.MaxFilterNodes {
			t.Errorf("depth %d, %d nodes", depth, nodes)
		}
		printed := filter.String()
		again, err := query.Limits{Length: len(printed)}.ParseFilter(printed)
		if err != nil {
			t.Fatalf("%q was printed as %q: %v", text, printed, err)
		}
		if diff := cmp.Diff(filter, again, ignorePosition); diff != "" {
			t.Errorf("%q was printed as %q, -first +second:\n%s", text, printed, diff)
		}
	})
}

// measure returns the height of the tree and the number of its nodes.
func measure(f query.Filter) (depth, nodes int) {
	for _, child := range f.Children {
		d, n := measure(child)
		depth, nodes = max(depth, d), nodes+n
	}
	return depth + 1, nodes + 1
}

func FuzzParsePointer(f *testing.F) {
	for _, seed := range []string{"", "/", "a/b", "/a~1b/~0", "/a%2Fb", "//", "é, b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if fields, err := query.ParseFields(text); err == nil && len(fields) > query.MaxFields {
			t.Errorf("%d fields", len(fields))
		}
		pointer, err := query.ParsePointer(text)
		if err != nil {
			return
		}
		again, err := query.ParsePointer(pointer.String())
		if diff := cmp.Diff(pointer, again); err != nil || diff != "" {
			t.Errorf("%q was printed as %q: %v\n%s", text, pointer, err, diff)
		}
	})
}

// filters generates trees as the parser makes them.
func filters(depth int) *rapid.Generator[query.Filter] {
	leaves := rapid.OneOf(
		rapid.Just(query.Filter{Op: query.True}), rapid.Just(query.Filter{Op: query.False}),
		rapid.Custom(comparison),
	)
	if depth == 0 {
		return leaves
	}
	return rapid.OneOf(leaves, rapid.Custom(func(t *rapid.T) query.Filter {
		op := rapid.SampledFrom([]query.Op{query.And, query.Or, query.Not, query.Element}).Draw(t, "op")
		least, most := 2, 4
		if op == query.Not || op == query.Element {
			least, most = 1, 1
		}
		var field query.Pointer
		if op == query.Element {
			field = rapid.SliceOfN(rapid.StringN(1, 6, -1), 1, 3).Draw(t, "field")
		}
		return query.Filter{Op: op, Field: field, Children: rapid.SliceOfN(filters(depth-1), least, most).Draw(t, "children")}
	}))
}

func comparison(t *rapid.T) query.Filter {
	f := query.Filter{
		Op:    query.Op(rapid.IntRange(int(query.Present), int(query.Extended)).Draw(t, "op")),
		Field: rapid.SliceOfN(rapid.StringN(1, 6, -1), 0, 3).Draw(t, "field"),
	}
	if f.Op == query.Extended {
		f.Name = rapid.StringMatching(`x[A-Za-z0-9_.]{0,5}`).Draw(t, "name")
	}
	if f.Op != query.Present {
		f.Value = rapid.OneOf(
			rapid.String().AsAny(), rapid.Bool().AsAny(),
			rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?`),
				func(s string) query.Number { return query.Number(s) }).AsAny(),
		).Draw(t, "value")
	}
	return f
}

func TestAnyFilterIsReadAsItWasPrinted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := filters(3).Draw(t, "filter")
		got, err := query.ParseFilter(f.String())
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if diff := cmp.Diff(f, got, ignorePosition); diff != "" {
			t.Errorf("%s, -want +got:\n%s", f, diff)
		}
	})
}
