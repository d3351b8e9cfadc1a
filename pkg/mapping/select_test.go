package mapping_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// TestSelectIsExact makes filters of every shape over fields that the directory can
// compare and fields that it cannot, and holds what they select against a directory
// that had all matching rules: deep in an or below a not, a superset is easily lost.
func TestSelectIsExact(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	models, _, err := mapping.Load(mappings.Files())
	if err != nil {
		t.Fatal(err)
	}
	control := &planner{dir: p.dir, binding: models[0].Bind(&directory.Capabilities{Schema: withAllRules(t), Revision: "entryCSN"})}
	random := soak.Rand(t)
	filters := soak.Size(5000, 200_000)
	matched, local := 0, 0
	for range filters {
		text := randomFilter(random, 4)
		filter, err := query.ParseFilter(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := p.selected(t, "/users", filter)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want, err := control.selected(t, "/users", filter)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s selects %q, want %q", text, got, want)
		}
		selection, err := p.at(t, "/users").Select(t.Context(), filter, p.dir.find)
		if err == nil && selection.Residual != nil {
			local++
		}
		if len(got) > 0 && len(got) < 3 {
			matched++
		}
	}
	if matched < filters/20 || local < filters/20 {
		t.Errorf("of %d filters %d select some entries and %d are decided by the gateway: the test tests nothing", filters, matched, local)
	}
	t.Logf("%d filters, %d select some entries, %d are decided by the gateway", filters, matched, local)
}

func randomFilter(random *rand.Rand, depth int) string {
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	switch kind := random.IntN(8); {
	case depth > 0 && kind < 2:
		return fmt.Sprintf("(%s and %s)", randomFilter(random, depth-1), randomFilter(random, depth-1))
	case depth > 0 && kind < 4:
		return fmt.Sprintf("(%s or %s)", randomFilter(random, depth-1), randomFilter(random, depth-1))
	case depth > 0 && kind == 4:
		return fmt.Sprintf("!(%s)", randomFilter(random, depth-1))
	case kind == 5:
		return pick("true", "false", "_schema pr", "name pr", "manager pr", "description pr", "loginShell pr")
	case kind == 6:
		return fmt.Sprintf("uidNumber %s %d", pick("eq", "lt", "le", "gt", "ge"), 1000+random.IntN(80))
	default:
		field := pick("_id", "userName", "displayName", "name/familyName", "name/givenName", "manager/_id", "manager/userName")
		return fmt.Sprintf("%s %s %q", field, pick("eq", "co", "sw", "lt", "le", "gt", "ge"), pick("b", "bjensen", "s", "t", "trigden", "torrey rigden", "Carter", "sam", "jensen"))
	}
}
