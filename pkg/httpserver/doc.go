// Package httpserver is what all protocols of the gateway share: the HTTPS
// listener, the middleware around every request, and the one answer to a fault.
// It knows no protocol.
//
// A request passes, from the outside in:
//
//  1. [Server]: TLS and HTTP/2, time limits, the security headers of every answer. A
//     connection that does not begin with a TLS record is closed without a word.
//  2. [Record]: the transaction id and the audit event. A panic ends as a 500.
//  3. [Authenticate]: the principal.
//  4. The protocol's handler, which reads a body with [ReadBody], and answers a fault
//     with [WriteError], or with [Abort] when the answer has begun.
//
// Kinds of faults become HTTP statuses here ([Status]) and nowhere else.
package httpserver
