package memdir_test

import (
	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// rules are those of the recipe for OpenLDAP.
func rules() []memdir.Rule {
	administrators := memdir.Grant{Subject: memdir.Group, DN: exampledata.AdministratorsDN, Attribute: "uniqueMember", Level: memdir.LevelWrite}
	change := administrators
	change.Level = memdir.LevelChange
	service := func(level memdir.Level) memdir.Grant {
		return memdir.Grant{Subject: memdir.DN, DN: exampledata.ServiceDN, Level: level}
	}
	others := memdir.Grant{Subject: memdir.Anyone, Break: true}
	return []memdir.Rule{
		{Attributes: []string{"authzTo", "authzFrom"}, By: []memdir.Grant{administrators, {Subject: memdir.Anyone, Level: memdir.LevelAuth}}},
		{Attributes: []string{"userPassword"}, By: []memdir.Grant{change, {Subject: memdir.Self, Level: memdir.LevelChange}, {Subject: memdir.Anonymous, Level: memdir.LevelAuth}}},
		{
			Base: exampledata.PeopleDN, Attributes: append([]string{"entry", "objectClass", "uid", "mail"}, slapd.AccountStateAttributes()...),
			By: []memdir.Grant{service(memdir.LevelRead), others},
		},
		{By: []memdir.Grant{service(memdir.LevelNone), administrators, others}},
		{
			Base: "uid=bjensen," + exampledata.PeopleDN, Scope: memdir.Exact, Attributes: []string{"description", "telephoneNumber", "mail"},
			By: []memdir.Grant{{Subject: memdir.Self, Level: memdir.LevelWrite}, others},
		},
		{By: []memdir.Grant{{Subject: memdir.Users, Level: memdir.LevelRead}}},
	}
}
