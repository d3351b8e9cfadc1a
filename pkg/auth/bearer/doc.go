// Package bearer authenticates by access tokens (RFC 6750) that are signed JWTs of
// one issuer (RFC 9068, RFC 8725).
//
// The signature is verified with the issuer's keys, from a file or fetched from a
// URL; nothing in the token tells where a key is. The algorithm has to be one of
// those allowed, and fit the key. A token that was good is remembered for a minute
// at most; its end and the caller's account are looked at with every request.
//
// The directory identity is made of claims, as values: no claim can lead to another
// place in the directory than the template says.
package bearer
