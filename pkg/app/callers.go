package app

import (
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/basic"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)
