// Package tlspolicy holds the TLS settings of both sides of the gateway, in one
// place: TLS 1.2 and 1.3 with the suites and groups of Mozilla's intermediate
// profile (https://wiki.mozilla.org/Security/Server_Side_TLS), set explicitly so
// that they do not change with the release of Go.
package tlspolicy
