// Package gateway is the engine: it takes what a client wants
// (mapping.Request) and who the client is (auth.Principal), plans, runs the
// plan in the directory as that principal, and hands back a resource.
//
// It knows no HTTP and no LDAP wire. For a change the audit event is on disk
// before the first operation that changes anything leaves (audit.Event.Attempt);
// when it cannot be stored, nothing is changed.
package gateway
