// Package tally keeps the account of which directory each test ran on.
//
// A suite that runs on several directories (memdir, slapd, container) must not
// grow thinner in silence because one of them is missing on a machine. So every
// test that uses a directory says so here:
//
//   - [Use] prints one line "directory: …" per test binary and directory, and
//     adds the test to the account when REST2LDAP_TEST_TALLY names a folder. The
//     command in folder totals runs the tests and prints the totals.
//   - [Missing] skips the test with the reason, or fails it when
//     REST2LDAP_TEST_REQUIRE, a comma-separated list, names the directory.
package tally
