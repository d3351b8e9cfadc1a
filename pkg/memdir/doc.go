// Package memdir is an LDAPv3 server over TLS whose directory is in memory, for demos
// and tests. It has the schema, the access rules, the result codes and the traps of
// OpenLDAP as the project recommends to set it up; where the two disagree, OpenLDAP is
// right. It shares the codec with the gateway, and nothing else: no name, filter or value
// is parsed or compared by code that the gateway uses.
//
//	server, err := memdir.New(memdir.Options{Suffix: "dc=example,dc=com", TLS: config, …})
//	err = server.Load(ldif)
//	go server.Serve(listener)
//	…
//	err = server.Shutdown(ctx)
//
// Of a connection one goroutine reads requests; each runs in a goroutine of its own, up
// to a bound. A Bind gives up what is outstanding, without an answer. What is no LDAP ends
// its connection with a notice of disconnection and disturbs no other. Pages are snapshots,
// held by the connection until the next one is asked for.
//
// It differs from OpenLDAP where that is safer for tests: a cookie is good for nothing but
// the search that it comes from; what is no LDAP is always answered with a notice, and so is
// the message id 0. Of SASL there is PLAIN alone, where Options.PlainBase says so. There is no
// StartTLS, since every connection is TLS from its start, and no access log. Of what OpenLDAP
// 2.5 lists in its root DSE with the recommended overlays, the following is neither listed nor
// taken, so that a client finds out as on any server without it: other SASL mechanisms, virtual
// list views, content synchronization (there is nothing to replicate), matched values,
// subentries, don't-use-copy, account usability, the password controls of Netscape, Cancel,
// transactions, and language tags and their ranges as features. A critical control of them is
// answered with unavailableCriticalExtension, an operation with protocolError, a mechanism with
// authMethodNotSupported.
//
// Options.Intercept makes the server misbehave, operation by operation.
package memdir
