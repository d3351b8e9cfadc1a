// Package auth decides who a request comes from.
//
// A [Chain] asks its authenticators in turn; each looks at one kind of
// credential. One that finds no credential of its kind answers
// [ErrNotApplicable], and the next is asked; any other error ends the matter. The
// result is a [Principal]: who the caller is for us, how that was shown, and as
// whom the gateway acts in the directory.
//
// The order of events for a request:
//
//  1. The Chain looks at the Authorization header (RFC 9110 §11.6.2). Two
//     headers, or two credentials in one, are a malformed request. A header that
//     is there and that no authenticator can use is refused: it never counts as
//     no credentials, and nothing weaker is tried in its place. Only a request
//     without any is [Anonymous], where the operator wants that.
//  2. The authenticator for the scheme verifies the credentials, in the
//     directory (package basic) or against the keys of an issuer (package bearer).
//  3. It asks [Accounts] whether the account in the directory is usable, since a
//     directory does not look at the account of an identity that it is told of by
//     proxied authorization.
//
// Every refusal of credentials has the same message, whatever the reason
// ([Refuse]); the [Reason] is for the audit event. A dependency that does not
// answer is fault.Unavailable and never a refusal.
//
// A caller that must change the password before anything else is a Forbidden
// error with the detail passwordMustChange and, beside it, the Principal:
// whoever serves the change of a password may go on with that one ([MustChange]),
// all others see an error.
package auth
