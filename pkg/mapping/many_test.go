package mapping_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// TestManyValues: a body that is as long as bodies may be holds some 100,000 values, and what
// is done with them takes as many steps, not the square of them.
func TestManyValues(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	values := make([]string, 100_000)
	for i := range values {
		values[i] = fmt.Sprintf("%05x", i)
	}
	quoted := `["` + strings.Join(append(slices.Clone(values), values[:1000]...), `","`) + `"]`
	body := func(more string) string {
		return `{"displayName":` + quoted + `,"name":{"familyName":"x"}` + more + `}`
	}
	created, err := decodeObject(body(`,"_schema":"frapi:opendj:rest2ldap:user:1.0","_id":"a"`))
	if err != nil {
		t.Fatal(err)
	}
	creation, err := p.at(t, "/users").Create(t.Context(), created, p.dir.find)
	if err != nil {
		t.Fatal(err)
	}
	stored := &directory.Entry{DN: creation.Entry.DN.String(), Attributes: creation.Entry.Attributes}
	if got := stored.Values("cn"); !slices.Equal(got, values) {
		t.Fatalf("%d values, not %d", len(got), len(values))
	}
	target := p.at(t, "/users/a")
	slices.Reverse(stored.Values("cn"))
	same, err := decodeObject(body(""))
	if err != nil {
		t.Fatal(err)
	}
	if changes, err := target.Update(t.Context(), stored, same, p.dir.find); err != nil || len(changes) > 0 {
		t.Errorf("a PUT of what is there plans %d changes, %v", len(changes), err)
	}
	for _, verb := range []string{"add", "remove"} {
		ops, err := patchOps(`[{"operation":"` + verb + `","field":"/displayName","value":` + quoted + `}]`)
		if err != nil {
			t.Fatal(err)
		}
		changes, err := target.Patch(t.Context(), stored, ops, p.dir.find)
		if err != nil {
			t.Fatal(err)
		}
		pruned, found := target.Prune(stored, changes) // All values are there, so that those to be added need not be.
		left := len(target.Changed(stored, changes).Values("cn"))
		adds := verb == "add"
		if want := map[bool]int{true: len(values), false: 0}[adds]; found != adds || (len(pruned) == 0) != adds || left != want {
			t.Errorf("%s: %d changes, pruned %t, %d values are left, want %d", verb, len(pruned), found, left, want)
		}
	}
}
