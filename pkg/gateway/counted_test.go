package gateway

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func TestCounted(t *testing.T) {
	entry := &directory.Entry{Attributes: []directory.Attribute{{Name: "n", Values: []string{"1", "-20000000000000000000"}}, {Name: "word", Values: []string{"x"}}}}
	step := func(attribute, n string) []directory.Change {
		return []directory.Change{{Op: directory.ChangeReplace, Attribute: "a", Values: []string{"b"}}, {Op: directory.ChangeIncrement, Attribute: attribute, Values: []string{n}}}
	}
	got, err := counted(entry, step("n", "2"))
	want := []directory.Change{
		{Op: directory.ChangeReplace, Attribute: "a", Values: []string{"b"}},
		{Op: directory.ChangeDelete, Attribute: "n", Values: []string{"1", "-20000000000000000000"}},
		{Op: directory.ChangeAdd, Attribute: "n", Values: []string{"3", "-19999999999999999998"}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, attribute := range []string{"word", "absent"} {
		if _, err := counted(entry, step(attribute, "1")); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", attribute, err)
		}
	}
}
