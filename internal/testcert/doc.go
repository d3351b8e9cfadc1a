// Package testcert makes certificates at run time, so that no key is ever kept
// in the repository: an authority, and whatever certificates it is asked for,
// also the ones that a careful peer must refuse (expired, for another host).
//
//	ca, err := testcert.NewCA()
//	pair, err := ca.Issue(testcert.Leaf{})                                       // this machine
//	old, err := ca.Issue(testcert.Leaf{NotAfter: time.Now().Add(-time.Hour)})    // expired
//	other, err := ca.Issue(testcert.Leaf{Hosts: []string{"other.example.com"}})  // wrong host
//
// Keys are ECDSA P-256. Nothing here is meant for anything but tests,
// benchmarks and demonstrations.
package testcert
