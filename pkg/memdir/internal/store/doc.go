// Package store is the directory half of memdir: entries, matching, access rules and
// operations in memory. It knows nothing of the wire, and uses the types of package
// directory as plain data only.
//
// It has no schema yet: values compare without regard to case and to spaces, any
// attribute may be in any entry, and only a sort key that names its rule can be sorted by.
// There is no password policy and no time limit yet either: New refuses the former.
package store
