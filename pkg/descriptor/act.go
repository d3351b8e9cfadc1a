package descriptor

import "github.com/rest2ldap/rest2ldap/pkg/mapping"

// act is an action of an instance.
type act struct {
	name, summary, answer string
	request               *schema
	// response is nil for the resource.
	response *schema
}

// acts are the actions that there are.
func acts() []act {
	nothing := func() *schema { return &schema{Type: "object", Additional: false} }
	return []act{
		{
			mapping.ModifyPassword, "Changes the password of the resource", "The password is changed.",
			passwordSchema(), nothing(),
		},
		{
			mapping.ResetPassword, "Makes a new password for the resource", "The new password, unless it gets to its owner in another way.",
			nothing(), generatedSchema(),
		},
		{
			mapping.AccountUsability, "Tells whether the account of the resource can be used", "The state of the account.",
			nothing(), usabilitySchema(),
		},
		{
			mapping.Rename, "Gives the resource another id, or another collection", "The resource as it is now.",
			renamingSchema(), nil,
		},
	}
}

// renamingSchema is the body of the action rename.
func renamingSchema() *schema {
	return &schema{Type: "object", Additional: false, Properties: ordered[*schema]{
		{"newId", &schema{Type: "string", MinLength: 1, Description: "The id that it gets; the present one stays when it is left out."}},
		{"newParent", &schema{Type: "string", Description: "The path of the collection that it goes to, from the API on; it stays where it is when it is left out."}},
	}}
}

// passwordSchema is the body of the action modifyPassword.
func passwordSchema() *schema {
	password := &schema{Type: "string", Format: "password", MinLength: 1}
	return &schema{Type: "object", Additional: false, Required: []string{"oldPassword", "newPassword"}, Properties: ordered[*schema]{
		{"oldPassword", password}, {"newPassword", password},
	}}
}

// generatedSchema is the answer of the action resetPassword.
func generatedSchema() *schema {
	return &schema{Type: "object", Properties: ordered[*schema]{
		{"generatedPassword", &schema{Type: "string", Format: "password"}},
	}}
}

// usabilitySchema is the answer of the action accountUsability.
func usabilitySchema() *schema {
	number := func(what string) *schema { return &schema{Type: "integer", Minimum: 0, Description: what} }
	return &schema{Type: "object", Required: []string{"status"}, Properties: ordered[*schema]{
		{"status", enumSchema("valid", "locked", "disabled", "passwordExpired", "mustChangePassword")},
		{"unlockIn", number("In how many seconds a locked account is open again by itself.")},
		{"passwordExpiresIn", number("In how many seconds the password expires.")},
		{"graceLoginsRemaining", number("How many more times an expired password is good.")},
	}}
}

// qualitySchema is by which criteria a new password was refused, and which it met.
func qualitySchema() *schema {
	criterion := &schema{Type: "object", Required: []string{"type", "parameters"}, Properties: ordered[*schema]{
		{"type", stringSchema("")}, {"parameters", &schema{Type: "object"}},
	}}
	criteria := func(what string) *schema { return &schema{Type: "array", Description: what, Items: criterion} }
	return &schema{Type: "object", Required: []string{"attributeType", "failingCriteria", "passingCriteria"}, Properties: ordered[*schema]{
		{"attributeType", stringSchema("")},
		{"failingCriteria", criteria("By which the password was refused.")},
		{"passingCriteria", criteria("Which it met.")},
	}}
}
