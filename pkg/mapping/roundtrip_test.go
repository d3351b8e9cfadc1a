package mapping_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// typesPlanner is the mapping of testdata/plan/types.txtar, which has a property of every
// type of values.
func typesPlanner(t testing.TB) *planner {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/plan/types.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return newPlanner(t, archive)
}

// encodeOne returns the resource of an entry.
func (p *planner) encodeOne(t *rapid.T, target *mapping.Target, entry *directory.Entry) string {
	encoder := target.Encoder(&mapping.Request{})
	if err := encoder.Resolve(t.Context(), p.dir.find, []*directory.Entry{entry}); err != nil {
		t.Fatal(err)
	}
	return string(encoder.Append(nil, entry))
}

// TestWhatIsReadCanBeWrittenBack: a resource that is put back as it was read changes
// nothing, whatever octets the directory holds under an attribute of whatever type.
func TestWhatIsReadCanBeWrittenBack(t *testing.T) {
	t.Parallel()
	p := typesPlanner(t)
	rapid.Check(t, func(t *rapid.T) {
		target, err := p.locate("/users/a")
		if err != nil {
			t.Fatal(err)
		}
		stored := rapid.OneOf(
			rapid.SampledFrom([]string{"0", "-0", "007", "9223372036854775807", "9223372036854775806", "TRUE", "true", "20240101000000Z", "S-1-5", "cn=a", "{}", "AP8=", `"`, " "}),
			rapid.StringN(1, 8, 20), rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 20), func(b []byte) string { return string(b) }),
			rapid.Map(rapid.Int64(), func(n int64) string { return fmt.Sprint(n) }))
		entry := &directory.Entry{DN: "uid=a,dc=test", Attributes: []directory.Attribute{{Name: "objectClass", Values: []string{"top", "x"}}, {Name: "uid", Values: []string{"a"}}}}
		for _, name := range target.UpdateAttributes() {
			if slices.Contains([]string{"objectClass", "uid", "manager", "entryCSN"}, name) || rapid.IntRange(0, 3).Draw(t, "absent") == 0 {
				continue
			}
			values := rapid.SliceOfNDistinct(stored, 1, 3, rapid.ID).Draw(t, name)
			entry.Attributes = append(entry.Attributes, directory.Attribute{Name: name, Values: values})
		}
		resource := p.encodeOne(t, target, entry)
		object, err := decodeObject(resource)
		if err != nil {
			t.Fatalf("%s: %v", resource, err)
		}
		changes, err := target.Update(t.Context(), entry, object, p.dir.find)
		if err != nil || len(changes) > 0 {
			t.Fatalf("%s\n%+v\nplans %+v, %v", resource, entry, changes, err)
		}
	})
}

// jsonValues generates JSON values other than null.
func jsonValues(depth int) *rapid.Generator[any] {
	numbers := rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`), func(s string) any { return query.Number(s) })
	leaves := rapid.OneOf(numbers, rapid.String().AsAny(), rapid.Bool().AsAny())
	if depth == 0 {
		return leaves
	}
	inner := jsonValues(depth - 1)
	return rapid.OneOf(leaves, rapid.Map(rapid.SliceOfN(inner, 0, 3), func(list []any) any { return list }),
		rapid.Custom(func(t *rapid.T) any {
			object := &mapping.Object{}
			for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9é"]{0,3}`), 0, 3, strings.ToLower).Draw(t, "names") {
				object.Members = append(object.Members, mapping.Member{Name: name, Value: inner.Draw(t, "value")})
			}
			return object
		}))
}

// TestWhatIsWrittenIsReadBack: a value of the type of a property that is taken is shown as it
// was sent, or in the one form that stands for the same.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	p := typesPlanner(t)
	octet := rapid.Byte()
	text := func(s *rapid.Generator[string]) *rapid.Generator[any] {
		return rapid.Map(s, func(s string) any { return s })
	}
	times := rapid.Map(rapid.Int64Range(math.MinInt32, 1<<35), func(n int64) any {
		return time.Unix(n, n&0xffff*100).UTC().Format(time.RFC3339Nano)
	})
	octets := rapid.Map(rapid.SliceOfN(octet, 3, 12), func(b []byte) any { return base64.StdEncoding.EncodeToString(b) })
	uuid := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	kinds := map[string]*rapid.Generator[any]{
		"sid": text(rapid.Map(rapid.SliceOfN(rapid.Uint32(), 1, 15), func(parts []uint32) string {
			return "S-1-5-" + strings.Trim(strings.ReplaceAll(fmt.Sprint(parts), " ", "-"), "[]")
		})),
		"expires": times,
		"octets":  octets, "photo": octets, "crl": octets,
		"phone":  text(rapid.StringMatching(`\+[0-9]{1,3}( [0-9()/-]{1,8}){1,3}`)),
		"digits": text(rapid.StringMatching(`[0-9]{1,20}`)),
		"uuid":   text(uuid), "key": text(uuid),
		"owner":  text(rapid.StringMatching(`cn=[a-z ]{1,9}[a-z],dc=test`)),
		"doc":    rapid.Map(jsonValues(3), func(v any) any { return v }),
		"active": rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	}
	names := sortedKeys(kinds)
	rapid.Check(t, func(t *rapid.T) {
		target, err := p.locate("/users/a")
		if err != nil {
			t.Fatal(err)
		}
		body := &mapping.Object{Members: []mapping.Member{{Name: "_id", Value: "a"}, {Name: "uid", Value: "a"}}}
		for _, name := range names {
			if rapid.Bool().Draw(t, "has "+name) {
				body.Members = append(body.Members, mapping.Member{Name: name, Value: kinds[name].Draw(t, name)})
			}
		}
		creation, err := target.Create(t.Context(), body, p.dir.find)
		if err != nil {
			t.Fatal(err)
		}
		entry := &directory.Entry{DN: creation.Entry.DN.String(), Attributes: creation.Entry.Attributes}
		got, err := decodeObject(p.encodeOne(t, target, entry))
		if err != nil {
			t.Fatal(err)
		}
		byName := func(a, b mapping.Member) int { return strings.Compare(a.Name, b.Name) }
		slices.SortFunc(got.Members, byName)
		slices.SortFunc(body.Members, byName)
		if got, want := string(mapping.AppendJSON(nil, got)), string(mapping.AppendJSON(nil, body)); got != want {
			t.Fatalf("wrote %s, read %s", want, got)
		}
	})
}
