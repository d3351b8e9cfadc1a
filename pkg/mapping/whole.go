package mapping

import (
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// A directory finds no single value of an attribute that has no equality rule, as jpegPhoto has
// none in OpenLDAP: it refuses to delete one, and to add one beside others. Such attributes are
// replaced as a whole.

// ChangesUncompared reports whether one of the changes adds or deletes single values that the
// directory cannot compare.
func (t *Target) ChangesUncompared(changes []directory.Change) bool {
	return slices.ContainsFunc(changes, t.isUncompared)
}

func (t *Target) isUncompared(change directory.Change) bool {
	single := change.Op == directory.ChangeAdd || change.Op == directory.ChangeDelete && len(change.Values) > 0
	return single && isUncompared(t.binding.capabilities.Schema.Attribute(change.Attribute))
}

// isUncompared tells an attribute whose values no directory compares.
func isUncompared(t *directory.AttributeType) bool { return t != nil && t.Equality == "" }

// Whole returns the changes with the whole attribute in place of single values that the directory
// cannot compare: what the entry and the changes before leave of it. It holds for the entry as it
// is, so that its revision has to be asserted. The addition of what is there and the deletion of
// what is not are left out; strict, they are Invalid, as the directory has it of other attributes.
// The addition to an attribute that the entry does not show stays as it is: the directory takes it
// where there is none.
func (t *Target) Whole(entry *directory.Entry, changes []directory.Change, strict bool) ([]directory.Change, error) {
	progress := t.Progress(entry)
	whole := make([]directory.Change, 0, len(changes))
	for _, change := range changes {
		before := progress.Values(change.Attribute)
		if !t.isUncompared(change) || len(before) == 0 && change.Op == directory.ChangeAdd {
			whole = append(whole, change)
			progress.Apply(change)
			continue
		}
		if strict {
			if err := checkPresence(change, progress.present(change.Attribute, change.Values)); err != nil {
				return nil, err
			}
		}
		progress.Apply(change)
		if values := progress.Values(change.Attribute); len(values) != len(before) {
			whole = append(whole, directory.Change{Op: directory.ChangeReplace, Attribute: change.Attribute, Values: values})
		}
	}
	return whole, nil
}

// checkPresence refuses to add values of which some are present, and to delete values of which
// some are not.
func checkPresence(change directory.Change, present []string) error {
	var e *fault.Error
	switch {
	case change.Op == directory.ChangeAdd && len(present) > 0:
		e = fault.New(fault.Invalid, "a value that is to be added is there already").Named("attributeOrValueExists")
	case change.Op == directory.ChangeDelete && len(present) < len(change.Values):
		e = fault.New(fault.Invalid, "the resource does not have the value that is to be removed").Named("noSuchAttribute")
	default:
		return nil
	}
	e.Detail.Attribute = change.Attribute
	return e
}
