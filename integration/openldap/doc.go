// Package openldap is the OpenLDAP image of the tests: a Dockerfile, the entry
// point of its containers, and image.sh, which builds it wherever a Docker
// engine answers, with or without an image registry.
//
//	image, err := openldap.Image(ctx) // "rest2ldap/openldap:91c48d4dc2cc"
//
// The image holds no configuration and no secrets. Package slapd copies both
// into [Root] and starts the container.
package openldap
