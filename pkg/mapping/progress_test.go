package mapping_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

func progressTarget(t *testing.T) *mapping.Target {
	t.Helper()
	models, problems, err := mapping.Load(mappings.Files())
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	target, err := models[0].Bind(&directory.Capabilities{}).Locate(t.Context(), []string{"users", "a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// Each change is of what those before it leave, and the entry stays as it was.
func TestChanged(t *testing.T) {
	t.Parallel()
	target := progressTarget(t)
	change := func(op directory.ChangeOp, values ...string) directory.Change {
		return directory.Change{Op: op, Attribute: "CN", Values: values}
	}
	const add, remove, replace, increment = directory.ChangeAdd, directory.ChangeDelete, directory.ChangeReplace, directory.ChangeIncrement
	for name, test := range map[string]struct {
		changes []directory.Change
		want    string
	}{
		"Add":           {[]directory.Change{change(add, "c", "a", "c")}, "a b c"},
		"Remove":        {[]directory.Change{change(remove, "A", "x")}, "b"},
		"RemoveTwice":   {[]directory.Change{change(remove, "a"), change(remove, "a")}, "b"},
		"AddAgain":      {[]directory.Change{change(remove, "a"), change(add, "a")}, "b a"},
		"RemoveAdded":   {[]directory.Change{change(add, "c", "C"), change(remove, "c")}, "a b"},
		"Replace":       {[]directory.Change{change(remove, "a"), change(replace, "d", "e"), change(remove, "b", "D")}, "e"},
		"RemoveAll":     {[]directory.Change{change(add, "c"), change(remove)}, ""},
		"AddBehind":     {[]directory.Change{change(replace), change(add, "a")}, "a"},
		"Increment":     {[]directory.Change{change(replace, "1", "x"), change(increment, "2"), change(remove, "3")}, "x"},
		"IncrementMore": {[]directory.Change{change(replace, "1"), change(add, "7"), change(increment, "2"), change(add, "3"), change(increment, "-1")}, "2 8"},
	} {
		entry := &directory.Entry{DN: "uid=a", Attributes: []directory.Attribute{{Name: "cn", Values: []string{"a", "b"}}}}
		if got := strings.Join(target.Changed(entry, test.changes).Values("cn"), " "); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if !slices.Equal(entry.Values("cn"), []string{"a", "b"}) {
			t.Errorf("%s: the entry has %q", name, entry.Values("cn"))
		}
	}
}

// What many changes of an attribute with many values cost is in proportion to both: one request
// holds thousands of changes.
func TestChangesCostWhatTheyHold(t *testing.T) {
	target := progressTarget(t)
	const values, removals = 4000, 1000
	entry := &directory.Entry{DN: "uid=a", Attributes: []directory.Attribute{{Name: "cn"}}}
	var changes []directory.Change
	for i := range values {
		entry.Attributes[0].Values = append(entry.Attributes[0].Values, fmt.Sprint("v", i))
	}
	for i := range removals {
		changes = append(changes,
			directory.Change{Op: directory.ChangeDelete, Attribute: "cn", Values: []string{fmt.Sprint("V", i)}},
			directory.Change{Op: directory.ChangeAdd, Attribute: "cn", Values: []string{fmt.Sprint("w", i)}})
	}
	n := testing.AllocsPerRun(1, func() {
		if pruned, found := target.Prune(entry, changes); found || len(pruned) != len(changes) {
			t.Errorf("%d changes of %d are left", len(pruned), len(changes))
		}
		if got := len(target.Changed(entry, changes).Values("cn")); got != values {
			t.Errorf("%d values", got)
		}
	})
	if n > 30*(values+2*removals) { // Without an index it would be a thousand times as many.
		t.Errorf("%v allocations", n)
	}
}
