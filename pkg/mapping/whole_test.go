package mapping_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// TestWhole: an attribute that the directory cannot compare is replaced, by what the changes leave
// of its values, which are the same octet for octet alone.
func TestWhole(t *testing.T) {
	t.Parallel()
	p := newPlanner(t, &txtar.Archive{Files: []txtar.File{{Name: "schema", Data: []byte("( 1.1.1 NAME 'odd' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )")}}})
	target := p.at(t, "/users/x")
	entry := &directory.Entry{Attributes: []directory.Attribute{{Name: "odd", Values: []string{"a", "A", "b"}}, {Name: "cn", Values: []string{"x"}}}}
	change := func(op directory.ChangeOp, attribute string, values ...string) directory.Change {
		return directory.Change{Op: op, Attribute: attribute, Values: values}
	}
	const add, remove, replace = directory.ChangeAdd, directory.ChangeDelete, directory.ChangeReplace
	for name, test := range map[string]struct {
		changes, want []directory.Change
		strict        string // the kind of the refusal
	}{
		"Add":             {[]directory.Change{change(add, "odd", "B")}, []directory.Change{change(replace, "odd", "a", "A", "b", "B")}, ""},
		"Delete":          {[]directory.Change{change(remove, "ODD", "A")}, []directory.Change{change(replace, "ODD", "a", "b")}, ""},
		"DeleteLast":      {[]directory.Change{change(remove, "odd", "a", "A", "b")}, []directory.Change{change(replace, "odd")}, ""},
		"InOrder":         {[]directory.Change{change(add, "odd", "c"), change(remove, "odd", "a", "c")}, []directory.Change{change(replace, "odd", "a", "A", "b", "c"), change(replace, "odd", "A", "b")}, ""},
		"BehindAReplace":  {[]directory.Change{change(replace, "odd", "c"), change(remove, "odd", "c")}, []directory.Change{change(replace, "odd", "c"), change(replace, "odd")}, ""},
		"ThereAlready":    {[]directory.Change{change(add, "odd", "b")}, nil, "attributeOrValueExists"},
		"PartlyThere":     {[]directory.Change{change(add, "odd", "b", "c")}, []directory.Change{change(replace, "odd", "a", "A", "b", "c")}, "attributeOrValueExists"},
		"NotThere":        {[]directory.Change{change(remove, "odd", "B")}, nil, "noSuchAttribute"},
		"PartlyNotThere":  {[]directory.Change{change(remove, "odd", "B", "b")}, []directory.Change{change(replace, "odd", "a", "A")}, "noSuchAttribute"},
		"FirstValue":      {[]directory.Change{change(replace, "odd"), change(add, "odd", "c")}, []directory.Change{change(replace, "odd"), change(add, "odd", "c")}, ""},
		"NothingToDelete": {[]directory.Change{change(replace, "odd"), change(remove, "odd", "c")}, []directory.Change{change(replace, "odd")}, "noSuchAttribute"},
		"WholeRemoval":    {[]directory.Change{change(remove, "odd")}, []directory.Change{change(remove, "odd")}, ""},
		"Compared":        {[]directory.Change{change(add, "cn", "y"), change(remove, "cn", "x")}, []directory.Change{change(add, "cn", "y"), change(remove, "cn", "x")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := target.Whole(entry, test.changes, false)
			if diff := cmp.Diff(append([]directory.Change{}, test.want...), got, cmp.Comparer(slices.Equal[[]string])); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			_, err = target.Whole(entry, test.changes, true)
			var e *fault.Error
			if errors.As(err, &e) != (test.strict != "") || e != nil && (e.Kind != fault.Invalid || e.Detail.Kind != test.strict || e.Detail.Attribute != "odd") {
				t.Errorf("strict: %v, want %q", err, test.strict)
			}
		})
	}
	for attribute, want := range map[string]bool{"odd": true, "cn": false, "jpegPhoto": true} {
		for op, single := range map[directory.ChangeOp]bool{add: true, remove: true, replace: false} {
			if got := target.ChangesUncompared([]directory.Change{change(op, attribute, "v")}); got != (want && single) {
				t.Errorf("%s, %v: %t", attribute, op, got)
			}
		}
	}
}
