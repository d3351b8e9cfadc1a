package mapping

import "strings"

// Names of actions, as "supportedActions" has them.
const (
	// ModifyPassword changes the password of a resource, whose old one is known.
	ModifyPassword = "modifyPassword"
	// ResetPassword makes a new password for a resource.
	ResetPassword = "resetPassword"
	// AccountUsability tells whether the account of a resource may be used.
	AccountUsability = "accountUsability"
	// Rename gives a resource another id, or another place, or both.
	Rename = "rename"
)

// Actions returns the names of all actions that a mapping may have.
func Actions() []string { return []string{ModifyPassword, ResetPassword, AccountUsability, Rename} }

// ActionNamed returns the action of that name in any case, "" when there is none.
func ActionNamed(name string) string {
	for _, action := range Actions() {
		if strings.EqualFold(action, name) {
			return action
		}
	}
	return ""
}

// PasswordChange is what ModifyPassword changes. Neither text is empty.
type PasswordChange struct{ Old, New string }

// Renaming is what Rename does.
type Renaming struct {
	// ID is the new id; "" keeps the present one.
	ID string
	// Collection is the path, below the base path, of the collection that the resource
	// goes to; nil leaves it where it is.
	Collection []string
}

// Supports reports whether the declared type of the target, or one of its super-types,
// has the action. A collection has none.
func (t *Target) Supports(action string) bool {
	return !t.IsCollection() && containsFold(t.typ.Actions, action)
}
