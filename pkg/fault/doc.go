// Package fault is the one error type of the gateway.
//
// Every room returns errors; those that a client should understand are an
// [Error]: a [Kind] that the edge maps to a status, a Message that may leave
// the house, a Detail that names the place (a JSON pointer, a parameter, a
// position), and a private cause that only the log sees. An error of any other
// type counts as [Internal], and its text never reaches a client.
//
// A fault is translated once at each boundary: LDAP result codes become kinds
// in ldapclient and nowhere else, kinds become HTTP statuses in httpserver and
// nowhere else. In between, code returns the fault as it is, or wraps it with
// fmt.Errorf("…: %w").
//
// This package imports nothing of ours and no net/http.
package fault
