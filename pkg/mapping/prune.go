package mapping

import (
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Prune returns the changes without the deletion of values that are not there then, as
// the entry and the changes before show. To remove what is not there is no fault of the
// client, but a directory may refuse it: slapd 2.5 does so even with the permissive modify
// control when the last value of a deletion is absent. It reports whether anything
// was left out. A deletion stays as it is where the entry does not show the
// attribute, which may be hidden from the caller, unless a change has replaced it.
func (t *Target) Prune(entry *directory.Entry, changes []directory.Change) ([]directory.Change, bool) {
	matcher := directory.NewMatcher(t.binding.capabilities.Schema)
	pruned := make([]directory.Change, 0, len(changes))
	replaced := make(map[string]bool, len(changes))
	found := false
	for _, change := range changes {
		key := strings.ToLower(change.Attribute)
		replaced[key] = replaced[key] || change.Op == directory.ChangeReplace
		stored := entry.Values(change.Attribute)
		if change.Op == directory.ChangeDelete && len(change.Values) > 0 && (len(stored) > 0 || replaced[key]) {
			present := which(change.Values, matcher.Among(change.Attribute, change.Values, stored), true)
			found = found || len(present) < len(change.Values)
			if len(present) == 0 {
				continue
			}
			change.Values = present
		}
		pruned = append(pruned, change)
		entry = t.Changed(entry, []directory.Change{change})
	}
	return pruned, found
}

// which returns the values that are chosen, or those that are not.
func which(values []string, chosen []bool, wanted bool) []string {
	rest := make([]string, 0, len(values))
	for i, value := range values {
		if chosen[i] == wanted {
			rest = append(rest, value)
		}
	}
	return rest
}
