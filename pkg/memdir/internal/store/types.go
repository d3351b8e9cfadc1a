package store

import (
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Result is the outcome of an operation (RFC 4511 §4.1.9).
type Result struct {
	Code               int
	MatchedDN, Message string
}

// Who is as whom an operation runs. The zero Who is anonymous.
type Who struct {
	DN string
	// Root passes over access rules and limits, as slapd's rootdn.
	Root bool
}

// Options are the settings of a Store.
type Options struct {
	// Suffix is the name at the top of the data, as "dc=example,dc=com".
	Suffix string
	// RootDN is who passes over rules and limits; "" is nobody.
	RootDN, RootPassword string
	// Rules say who may do what; without any only the root may do anything.
	Rules  []Rule
	Limits Limits
	Policy Policy
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Limits bound the searches of ordinary callers. 0 is slapd's default, 500 entries and
// 3600 seconds; a negative number is no limit.
type Limits struct {
	SizeLimit, TimeLimit int
}

// Policy is a password policy; the zero Policy asks for nothing.
type Policy struct {
	// MaxFailure is how many wrong passwords in a row lock an account for
	// LockoutDuration; 0 is never.
	MaxFailure      int
	LockoutDuration time.Duration
	// MinLength is how many characters a new password has at least.
	MinLength int
	// MustChange makes users change a password that an administrator has set.
	MustChange bool
}

// Scope is to which entries a Rule applies.
type Scope int

// The scopes of a Rule.
const (
	// Subtree is the base and all below it.
	Subtree Scope = iota
	// Exact is the base alone.
	Exact
	// OneLevel is what is immediately below the base.
	OneLevel
)

// Level is what may be done with an attribute, or an entry. Each level includes those
// before it, except Change.
type Level int

// The levels, as in slapd.access(5).
const (
	LevelNone Level = iota
	// LevelAuth lets a password be verified; it also lets the entry be known to exist.
	LevelAuth
	LevelCompare
	LevelSearch
	LevelRead
	LevelWrite
	// LevelChange is slapd's =xw: to verify and to write, and neither to read nor to
	// search.
	LevelChange
)

// Subject is to whom a Grant gives something.
type Subject int

// The subjects, as in slapd.access(5).
const (
	// Anyone is everybody.
	Anyone Subject = iota
	// Users are all that are not anonymous.
	Users
	Anonymous
	// Self is whom the entry is of.
	Self
	// DN is the one whom Grant.DN names.
	DN
	// Group are the members of the group that Grant.DN names, in Grant.Attribute.
	Group
)

// Rule is an access rule. The first that applies to an entry and an attribute decides.
type Rule struct {
	// Base and Scope tell to which entries it applies; "" with Subtree is all.
	Base  string
	Scope Scope
	// Attributes are those to which it applies, among them slapd's pseudo attributes
	// "entry" and "children"; none is all.
	Attributes []string
	// By are tried in their order; the first that fits the caller decides. Who fits none
	// has no access.
	By []Grant
}

// Grant gives a level to a subject.
type Grant struct {
	Subject Subject
	// DN and Attribute belong to the subjects DN and Group.
	DN, Attribute string
	Level         Level
	// Break goes on with the rules after this one instead of granting Level.
	Break bool
}

// SearchRequest asks for entries.
type SearchRequest struct {
	Base string
	// Scope is that of directory.Scope, or 3 for all entries below the base.
	Scope  int
	Filter directory.Filter
	// Attributes are descriptions, "*", "+" and "1.1"; none is "*".
	Attributes []string
	TypesOnly  bool
	// SizeLimit and TimeLimit (seconds) are the caller's own; 0 is none.
	SizeLimit, TimeLimit int
	Sort                 []SortKey
}

// SortKey is one key of a sorted search (RFC 2891 §1.1).
type SortKey struct {
	Attribute, Rule string
	Reverse         bool
}

// Write goes with every change.
type Write struct {
	// Assert must hold for the entry (RFC 4528); nil asserts nothing.
	Assert *directory.Filter
	// NoOp tries the change and does not make it; the result is 16654.
	NoOp bool
	// PreRead and PostRead are the attributes to return (RFC 4527); nil is no entry.
	PreRead, PostRead []string
	// Permissive lets the addition of a present value and the deletion of an absent one
	// succeed.
	Permissive bool
}

// Outcome is the result of a change, with the entries that were asked for.
type Outcome struct {
	Result
	Before, After *directory.Entry
}
