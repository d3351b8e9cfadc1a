// Package ldapwire is LDAPv3 as bytes (RFC 4511), for both sides: requests and answers
// are appended to a buffer, messages are read from a stream. It opens no connections and
// decides nothing; packages ldapclient and memdir do.
//
// Names, filters and values go in as values, and are never put together as text.
// A message is read into one string, and everything that is decoded from it is a
// part of that string: an entry costs as many allocations whether its values are
// few or many, and fewer than one where short messages share memory (Reader.Pack). Decoding takes definite lengths only (RFC 4511 §5.1), never reads
// past a message, and answers nonsense with ErrMalformed.
package ldapwire
