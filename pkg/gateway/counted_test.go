package gateway

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

func TestCounted(t *testing.T) {
	models, problems, err := mapping.Load(mappings.Files())
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	target, err := models[0].Bind(&directory.Capabilities{}).Locate(t.Context(), []string{"users", "a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stored, once := []string{"1", "-20000000000000000000"}, []string{"3", "-19999999999999999998"}
	entry := &directory.Entry{Attributes: []directory.Attribute{{Name: "n", Values: stored}, {Name: "word", Values: []string{"x"}}}}
	replace := func(attribute string, values ...string) directory.Change {
		return directory.Change{Op: directory.ChangeReplace, Attribute: attribute, Values: values}
	}
	step := func(attribute, n string) directory.Change {
		return directory.Change{Op: directory.ChangeIncrement, Attribute: attribute, Values: []string{n}}
	}
	exchange := func(old, sums []string) []directory.Change {
		return []directory.Change{{Op: directory.ChangeDelete, Attribute: "n", Values: old}, {Op: directory.ChangeAdd, Attribute: "n", Values: sums}}
	}
	for name, test := range map[string]struct{ changes, want []directory.Change }{
		"Once":    {[]directory.Change{replace("a", "b"), step("n", "2")}, slices.Concat([]directory.Change{replace("a", "b")}, exchange(stored, once))},
		"Twice":   {[]directory.Change{step("n", "2"), step("n", "-1")}, slices.Concat(exchange(stored, once), exchange(once, []string{"2", "-19999999999999999999"}))},
		"Changed": {[]directory.Change{replace("n", "7"), step("n", "2")}, slices.Concat([]directory.Change{replace("n", "7")}, exchange([]string{"7"}, []string{"9"}))},
	} {
		got, err := counted(target, entry, test.changes)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	for name, changes := range map[string][]directory.Change{
		"Word": {step("word", "1")}, "Absent": {step("absent", "1")}, "Removed": {replace("n"), step("n", "1")},
	} {
		if _, err := counted(target, entry, changes); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
