// Package control holds what the gateway is measured against: a bare HTTPS server
// and a bare LDAPS client, both without features and written by hand. They share no
// code with the gateway, so that they do not get faster or slower with it.
package control
