package gateway

import (
	"errors"
	"math/big"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// A directory without the assertion control cannot be told what revision an entry has to
// have. There a modification guards itself: it deletes the very values that were read,
// which fails when they are not there any more, and adds the new ones. It notices every
// change of the values that it changes, and no other.

// guard returns the changes in a form that fails where what they change is not as the entry
// has it. What cannot be guarded is an error: an attribute whose values cannot be read or
// compared, and a first value that a second one may stand beside.
func guard(entry *directory.Entry, changes []directory.Change, schema *directory.Schema) ([]directory.Change, error) {
	var guarded []directory.Change
	touched := make(map[string]bool, len(changes))
	for _, change := range changes {
		key := strings.ToLower(change.Attribute)
		if touched[key] {
			guarded = append(guarded, change) // It is about what the change before it leaves.
			continue
		}
		touched[key] = true
		t := schema.Attribute(change.Attribute)
		if t == nil || t.Equality == "" || mapping.IsCredential(change.Attribute) {
			return nil, unguarded(change.Attribute)
		}
		old := entry.Values(change.Attribute)
		isWhole := change.Op == directory.ChangeReplace || change.Op == directory.ChangeDelete && len(change.Values) == 0
		switch {
		case change.Op == directory.ChangeIncrement:
			return nil, unguarded(change.Attribute)
		case !isWhole:
			guarded = append(guarded, change) // It fails by itself.
			continue
		case len(old) > 0:
			guarded = append(guarded, directory.Change{Op: directory.ChangeDelete, Attribute: change.Attribute, Values: old})
		case !t.SingleValue:
			return nil, unguarded(change.Attribute)
		}
		if len(change.Values) > 0 {
			guarded = append(guarded, directory.Change{Op: directory.ChangeAdd, Attribute: change.Attribute, Values: change.Values})
		}
	}
	return guarded, nil
}

func isIncrement(change directory.Change) bool { return change.Op == directory.ChangeIncrement }

// counted returns changes in which numbers are worked out here: the very values that are there
// then, as the entry and the changes before show, are deleted, and the sums are added, so that a
// number is counted once, or the change fails.
func counted(target *mapping.Target, entry *directory.Entry, changes []directory.Change) ([]directory.Change, error) {
	var all []directory.Change
	progress := target.Progress(entry)
	for _, change := range changes {
		steps := []directory.Change{change}
		if isIncrement(change) {
			var err error
			if steps, err = exchange(progress.Values(change.Attribute), change); err != nil {
				return nil, err
			}
		}
		all = append(all, steps...)
		progress.Apply(change)
	}
	return all, nil
}

// exchange deletes numbers, and adds the sums of each and the increment.
func exchange(old []string, increment directory.Change) ([]directory.Change, error) {
	step, isNumber := new(big.Int).SetString(strings.Join(increment.Values, ""), 10)
	sums := make([]string, len(old))
	for i, value := range old {
		number, ok := new(big.Int).SetString(value, 10)
		if isNumber = isNumber && ok; isNumber {
			sums[i] = number.Add(number, step).String()
		}
	}
	if len(old) == 0 || !isNumber {
		e := fault.New(fault.Invalid, "the resource has no number there that could be incremented").Named("noSuchAttribute")
		e.Detail.Attribute = increment.Attribute
		return nil, e
	}
	return []directory.Change{
		{Op: directory.ChangeDelete, Attribute: increment.Attribute, Values: old},
		{Op: directory.ChangeAdd, Attribute: increment.Attribute, Values: sums},
	}, nil
}

func unguarded(attribute string) error {
	e := fault.New(fault.Unsupported, "this directory cannot compare revisions in the moment of a change, and a change of this attribute cannot be guarded in another way; send it without If-Match").Named("revision")
	e.Detail.Attribute = attribute
	return e
}

// isOvertaken reports whether a guarded change was refused because the entry is not as it was.
func isOvertaken(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && (e.Detail.Kind == "noSuchAttribute" || e.Detail.Kind == "attributeOrValueExists")
}
