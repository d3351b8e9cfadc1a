// Package directory holds the words of LDAP without its wire: names, entries,
// filters, changes, the schema, and the [Session] through which the rest of
// the gateway speaks to a directory.
//
// Two things stand behind a Session: ldapclient, which talks to a server, and
// whatever a test puts there. Everything above this package (mapping, gateway,
// the edges) knows LDAP only through these types; nothing above it puts a DN or
// a filter together from strings. A DN is parsed or built from RDNs, a filter
// is a tree of values that the client's encoder writes as BER.
//
// Values are strings that may hold any octets. A Go string costs no copy when
// it is a slice of the message that brought it, and cannot be changed by
// anyone who keeps it.
package directory
