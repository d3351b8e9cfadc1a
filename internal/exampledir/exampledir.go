// Package exampledir is the example directory in memory: the data of package exampledata
// behind the access rules and the password policy of the project's OpenLDAP recipe. The
// demo and tests use it.
package exampledir

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"slices"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// Options are the settings of the directory. TLS is required.
type Options struct {
	TLS *tls.Config
	// Users is the number of people; exampledata.DefaultUsers when 0.
	Users int
	// Data is LDIF that takes the place of the example data; nil is the example data.
	Data []byte
	// Schema are definitions besides OpenLDAP's; see memdir.
	Schema string
	// SizeLimit is that of ordinary callers; OpenLDAP's 500 when 0, none when negative.
	SizeLimit int
	// Access are access rules that come before those of Rules.
	Access []memdir.Rule
	// Plain has people bind by SASL PLAIN; PlainRule is then among the rules.
	Plain bool
	// RootPassword is that of exampledata.RootDN; nobody can bind so when it is "".
	RootPassword string
	// Logger may be nil.
	Logger *slog.Logger
	// Intercept may be nil; see memdir.
	Intercept func(*memdir.Operation)
}

// New makes the directory with its data. The caller serves it.
func New(o Options) (*memdir.Server, error) {
	if o.Users == 0 {
		o.Users = exampledata.DefaultUsers
	}
	options := memdir.Options{
		Suffix: exampledata.BaseDN, Schema: o.Schema, TLS: o.TLS, Rules: Rules(), Limits: memdir.Limits{SizeLimit: o.SizeLimit}, Logger: o.Logger, Intercept: o.Intercept,
		Policy: memdir.Policy{MaxFailure: 5, LockoutDuration: 5 * time.Minute, MustChange: true}, PolicyDN: exampledata.PolicyDN,
		RootDN: exampledata.RootDN, RootPassword: o.RootPassword,
	}
	if o.Plain {
		options.PlainBase = exampledata.PeopleDN
		options.Rules = append([]memdir.Rule{PlainRule()}, options.Rules...)
	}
	options.Rules = append(slices.Clone(o.Access), options.Rules...)
	server, err := memdir.New(options)
	if err != nil {
		return nil, err
	}
	if o.Data == nil {
		o.Data = slices.Concat(exampledata.LDIF(o.Users), []byte("\n"), exampledata.PolicyLDIF())
	}
	return server, server.Load(bytes.NewReader(o.Data))
}

// Rules are the access rules: administrators write everything, bjensen some attributes of
// her own, everybody the own password; who has authenticated reads; the gateway's account
// acts for people, and finds them.
func Rules() []memdir.Rule {
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
			Base: exampledata.PeopleDN, Attributes: append([]string{"entry", "objectClass", "uid", "mail"}, exampledata.AccountStateAttributes()...),
			By: []memdir.Grant{service(memdir.LevelRead), others},
		},
		{Base: exampledata.PoliciesDN, By: []memdir.Grant{service(memdir.LevelRead), others}},
		{By: []memdir.Grant{service(memdir.LevelNone), administrators, others}},
		{
			Base: "uid=bjensen," + exampledata.PeopleDN, Scope: memdir.Exact, Attributes: []string{"description", "telephoneNumber", "mail"},
			By: []memdir.Grant{{Subject: memdir.Self, Level: memdir.LevelWrite}, others},
		},
		{By: []memdir.Grant{{Subject: memdir.Users, Level: memdir.LevelRead}}},
	}
}

// PlainRule lets the directory find those who bind by SASL PLAIN, and use their passwords.
func PlainRule() memdir.Rule {
	return memdir.Rule{
		Base: exampledata.PeopleDN, Scope: memdir.OneLevel, Attributes: []string{"entry", "objectClass", "userPassword"},
		By: []memdir.Grant{{Subject: memdir.Anonymous, Level: memdir.LevelAuth}, {Subject: memdir.Anyone, Break: true}},
	}
}
