package mapping

import (
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Prune returns the changes without the deletion of values that are not there then, and
// without the addition of those that are, as the entry and the changes before show. Neither
// is a fault of the client, but a directory may refuse it: slapd 2.5 refuses a deletion whose
// last value is absent even with the permissive modify control. It reports whether anything
// was left out. A deletion stays as it is where the entry does not show the
// attribute, which may be hidden from the caller, unless a change has replaced it.
func (t *Target) Prune(entry *directory.Entry, changes []directory.Change) ([]directory.Change, bool) {
	progress := t.Progress(entry)
	pruned := make([]directory.Change, 0, len(changes))
	replaced := make(map[string]bool, len(changes))
	found := false
	for _, change := range changes {
		key := strings.ToLower(change.Attribute)
		replaced[key] = replaced[key] || change.Op == directory.ChangeReplace
		if change.Op == directory.ChangeDelete && len(change.Values) > 0 && (!progress.of(change.Attribute).isEmpty() || replaced[key]) {
			present := progress.present(change.Attribute, change.Values)
			found = found || len(present) < len(change.Values)
			if len(present) == 0 {
				continue
			}
			change.Values = present
		}
		if change.Op == directory.ChangeAdd {
			absent := progress.absent(change.Attribute, change.Values)
			found = found || len(absent) < len(change.Values)
			if len(absent) == 0 {
				continue
			}
			change.Values = absent
		}
		pruned = append(pruned, change)
		progress.Apply(change)
	}
	return pruned, found
}
