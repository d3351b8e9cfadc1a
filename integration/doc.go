// Package integration holds the black-box tests: the program as users run it, on
// a real OpenLDAP, spoken to over HTTPS and nothing else.
//
// Each suite runs on every kind of directory that slapd.Each knows. The program
// is built once, with the race detector when the tests have it; it has to end
// with status 0, and its log must not hold a data race.
//
// A test of a specification row carries the row's id: R_A01 is row A01 of the
// REST protocol's cases, S_F01 of the security cases, F_37 a fault case.
package integration
