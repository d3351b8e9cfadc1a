// Package basic authenticates by user name and password (RFC 7617), which it
// verifies with a bind in the directory.
//
// A password that was right is remembered for a short time as a keyed hash, in
// memory, so that not every request costs a bind. A wrong one is not remembered:
// each attempt reaches the directory, whose policy counts it; only those that are
// the same and come at the same moment share one bind.
//
// A name that nobody has, a name that several have and a wrong password are one
// answer, and each of them costs a search and a bind. With a DN template there is no
// search, and the directory alone decides.
package basic
