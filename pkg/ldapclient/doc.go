// Package ldapclient is a directory.Directory over LDAPS.
//
// A connection is dialled, with TLS verified, and bound once: as the gateway's own account,
// or, in the modes that want it, as a caller. Every operation is ours (package ldapwire):
// in the mode Proxied the request carries the caller's identity as a control (RFC 4370), a
// goroutine of the connection collects what comes back, and the operation ends with the
// server's own result, or with an error. Nobody but that goroutine reads, and it waits for
// nobody, so that the server is never kept waiting.
//
// The connections to a server that are bound as the same identity are a pool, and of two
// sorts. Searches whose answer is bounded share some, several in flight on each. Lists and
// changes have one to themselves while they run; a list is fetched in pages, between which
// nothing is outstanding. The verification of a password has a connection of its own, which
// is closed behind it: a bind among other operations would make slapd drop their answers.
//
// Before anybody gets a fresh connection of the gateway's own account, it is asked whether
// the control of proxied authorization arrives, and what the server can do. What all servers
// have in common is what counts. A control that one of them refuses all the same is not sent
// to it again in that naming context until its root DSE is read anew; the request is sent
// again without it where it makes sense so, since the refusal is that nothing was done.
//
// Servers are asked in the order of the Balance, primaries first. One that cannot be
// reached, that loses every connection at the first request, or that says nothing when it
// is asked, is down: it is tried again in the background, with growing pauses, and nobody
// who has another server to go to waits for it. While all are down, requests fail at once
// and say when the next attempt is due.
//
// The health of a connection is looked at when it is new; when it is lent, after it has been at
// rest; when it is given back; in a sweep from time to time; and after every result that tells
// that the server has lost its way. TestHealth has an example of each. A server that answers
// questions about itself and nothing else, or too late, is stopped by a breaker, which user
// binds feed and obey as well. One that comes and goes is asked after the others for a while.
//
// An error tells what became of the request, by directory.OutcomeOf. No change is ever sent
// twice. A search is sent again, once, when its connection
// turned out to be dead before all of the answer came, preferably to another server. A
// password is sent once.
package ldapclient
