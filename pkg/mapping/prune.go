package mapping

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Prune returns the changes without the deletion of values that the entry shows it
// does not have. To remove what is not there is no fault of the client, but a
// directory may refuse it: slapd 2.5 does so even with the permissive modify
// control when the last value of a deletion is absent. It reports whether anything
// was left out. A deletion stays as it is where the entry does not show the
// attribute, which may be hidden from the caller, and behind another change of the
// same attribute.
func (t *Target) Prune(entry *directory.Entry, changes []directory.Change) ([]directory.Change, bool) {
	matcher := directory.NewMatcher(t.binding.capabilities.Schema)
	pruned := make([]directory.Change, 0, len(changes))
	found := false
	for i, change := range changes {
		touched := slices.ContainsFunc(changes[:i], func(c directory.Change) bool { return strings.EqualFold(c.Attribute, change.Attribute) })
		if change.Op == directory.ChangeDelete && !touched && len(entry.Values(change.Attribute)) > 0 {
			present := slices.DeleteFunc(slices.Clone(change.Values), func(value string) bool {
				has, err := matcher.Matches(directory.Equal(change.Attribute, value), entry)
				return err == nil && !has
			})
			found = found || len(present) < len(change.Values)
			if len(present) == 0 {
				continue
			}
			change.Values = present
		}
		pruned = append(pruned, change)
	}
	return pruned, found
}
