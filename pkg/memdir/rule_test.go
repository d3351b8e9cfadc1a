package memdir_test

import "github.com/rest2ldap/rest2ldap/pkg/memdir"

// rules let users read everything but passwords, change their own description, and
// nobody else anything.
func rules() []memdir.Rule {
	return []memdir.Rule{
		{Attributes: []string{"authzTo"}, By: []memdir.Grant{{Subject: memdir.Anyone, Level: memdir.LevelAuth}}},
		{Attributes: []string{"userPassword"}, By: []memdir.Grant{
			{Subject: memdir.Self, Level: memdir.LevelChange}, {Subject: memdir.Anonymous, Level: memdir.LevelAuth},
		}},
		{Attributes: []string{"description"}, By: []memdir.Grant{
			{Subject: memdir.Self, Level: memdir.LevelWrite}, {Subject: memdir.Users, Level: memdir.LevelRead},
		}},
		{By: []memdir.Grant{{Subject: memdir.Users, Level: memdir.LevelRead}}},
	}
}
