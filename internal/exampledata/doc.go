// Package exampledata is the example directory of the project: the entries
// below dc=example,dc=com that tests, benchmarks and the demo share.
//
// The named people and groups are those that documentation and acceptance
// cases speak of; [LDIF] fills up with generated people (gen001, gen002, …)
// until it has as many as were asked for. Generated people have no manager and
// are in no group, and nothing in their names collides with a search for a
// named person: none starts with "a", sorts after "tv", or contains "jensen",
// "sam" or "babs".
//
// Every password is public. The data is for machines that hold nothing else,
// and the package must not be imported by anything that serves other data.
//
//	ldif := exampledata.LDIF(exampledata.DefaultUsers)
//	password := exampledata.Password("bjensen") // "hifalutin"
package exampledata
