package memdir

import "github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"

// The settings that are those of the directory.
type (
	// Rule is an access rule; see slapd.access(5).
	Rule = store.Rule
	// Grant is what a Rule gives to some.
	Grant = store.Grant
	// Level is what a Grant gives.
	Level = store.Level
	// Subject is to whom a Grant gives it.
	Subject = store.Subject
	// Scope is to which entries a Rule applies.
	Scope = store.Scope
	// Limits bound the searches of ordinary callers.
	Limits = store.Limits
	// Policy is the password policy.
	Policy = store.Policy
)

// The scopes of a Rule.
const (
	Subtree  = store.Subtree
	Exact    = store.Exact
	OneLevel = store.OneLevel
)

// The subjects of a Grant.
const (
	Anyone    = store.Anyone
	Users     = store.Users
	Anonymous = store.Anonymous
	Self      = store.Self
	DN        = store.DN
	Group     = store.Group
)

// The levels of a Grant.
const (
	LevelNone     = store.LevelNone
	LevelDisclose = store.LevelDisclose
	LevelAuth     = store.LevelAuth
	LevelCompare  = store.LevelCompare
	LevelSearch   = store.LevelSearch
	LevelRead     = store.LevelRead
	LevelWrite    = store.LevelWrite
	LevelChange   = store.LevelChange
)
