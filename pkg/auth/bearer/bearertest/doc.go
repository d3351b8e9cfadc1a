// Package bearertest is an issuer of access tokens for tests: keys of every
// algorithm, a key set over HTTPS that can be made to fail, and tokens with any
// header and claims, good or bad.
//
//	issuer := bearertest.Start(t)
//	issuer.Add("k1", "ES256")
//	keys, err := bearer.FetchKeys(bearer.FetchOptions{URL: issuer.KeysURL, Transport: issuer.Transport()})
//	…
//	token := issuer.Token(issuer.Header("k1"), issuer.Claims("bjensen"))
//
// Keys and tokens are written out here with the standard library alone, so that
// nothing is shared with the library that the gateway verifies them with.
package bearertest
