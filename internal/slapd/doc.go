// Package slapd starts a real OpenLDAP server for tests, benchmarks and trials
// by hand: its own database in a folder of its own, the entries of exampledata,
// LDAPS on a free port with a certificate made for the occasion, and the
// configuration that the project recommends to operators (see config.go).
//
// A server comes in two kinds. [Process] runs the slapd installed on this
// machine and is ready in about a tenth of a second. [Container] runs the image
// of integration/openldap, and builds that image when it is missing.
//
// A third kind, [DS389], is 389 Directory Server, for tests of what differs between directories.
//
//	func TestSomething(t *testing.T) {
//		server := slapd.Start(t, slapd.Options{})
//		// dial server.URL, trusting server.CAPool
//	}
//
//	func TestOnBoth(t *testing.T) {
//		slapd.Each(t, slapd.Options{Users: 1000}, func(t *testing.T, server *slapd.Server) {
//			…
//		})
//	}
//
// A suite that wants one server for a whole package calls [Run] in TestMain and
// [Server.Use] in each test. Where a kind cannot be had, [Start] and [Each] skip
// the test with the reason, or fail it when REST2LDAP_TEST_REQUIRE names it (see
// package tally).
//
// Everything may be changed on the running server by [RootDN] with the server's
// RootPassword: the data, the password policy [PolicyDN], and the configuration
// below cn=config with [ConfigDN]. Access rules for servers of every kind go into
// [Options.Access]. More lines for slapd.conf go into [Options.Rules],
// [Options.Global] and [Options.Database], and keep the server in memory out; all
// overlays named in config.go are loaded and wait for such a line:
//
//	overlay unique
//	unique_uri ldap:///ou=People,dc=example,dc=com?mail?one
//
//	overlay constraint
//	constraint_attribute description size 1024
//
//	overlay retcode
//	retcode-parent ou=RetCodes,dc=example,dc=com
//	retcode-item cn=busy 51
//	retcode-item cn=slow 0 sleeptime=2
package slapd
