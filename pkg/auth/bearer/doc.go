// Package bearer authenticates by access tokens (RFC 6750) of one issuer: signed JWTs
// (RFC 9068, RFC 8725), or any that the issuer's server tells about (RFC 7662).
//
// The signature is verified with the issuer's keys, from a file or fetched from a
// URL; nothing in the token tells where a key is. The algorithm has to be one of
// those allowed, and fit the key. A token that was good is remembered for a minute
// at most; its end and the caller's account are looked at with every request.
//
// An introspection is remembered as long as the operator says, and not beyond the end of
// the token. A server that does not answer is Unavailable, never a refusal, and is left
// alone for a while when that happens again and again.
//
// The directory identity is made of claims, as values: no claim can lead to another
// place in the directory than the template says.
package bearer
