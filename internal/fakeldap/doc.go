// Package fakeldap is an LDAPS server on this machine that does what a test tells it:
// answer, say nothing, send nonsense, or hang up in the middle of a message.
//
//	server := fakeldap.Start(t, func(r *fakeldap.Request) {
//		r.Entry("uid=a,dc=example,dc=com", "cn", "A")
//		r.Close() // The entry is there, its end is not.
//	})
//	…
//	if n := server.Count("search"); n != 2 { … }
//
// It is no directory: there is no data but what the script sends. By itself it takes
// the bind of the account [ServiceDN], and answers searches of the root DSE and of the
// subschema, as a server does that has every control. Its messages are read and written
// with another library than the product's, so that the two cannot share a mistake.
package fakeldap
