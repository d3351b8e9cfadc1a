package gateway

import (
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// located names the member of the body that the directory has something against, where it names
// the attribute. Where it does not, and the refused change is of one attribute alone, it is that.
func (c *call) located(err error, changed []string) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Detail.Field != "" {
		return err
	}
	attribute := e.Detail.Attribute
	if attribute == "" && len(changed) == 1 && isAboutValues(e.Detail.Kind) {
		attribute = changed[0]
	}
	if attribute == "" {
		return err
	}
	located := *e // The fault may be shared.
	located.Detail.Attribute, located.Detail.Field = attribute, c.target.FieldOf(attribute)
	return &located
}

// isAboutValues reports whether a refusal can only be about values of the change.
func isAboutValues(kind string) bool {
	switch kind {
	case "constraintViolation", "invalidAttributeSyntax", "attributeOrValueExists", "undefinedAttributeType", "noSuchAttribute":
		return true
	}
	return false
}
