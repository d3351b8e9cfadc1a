package memdir_test

import (
	"github.com/rest2ldap/rest2ldap/internal/exampledir"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// rules are those of the recipe for OpenLDAP.
func rules() []memdir.Rule { return exampledir.Rules() }
