// Package ds389 holds the image of 389 Directory Server that tests run as a second dialect
// of LDAP, beside OpenLDAP. The image is built where it is missing.
package ds389

import (
	"context"
	"embed"

	"github.com/rest2ldap/rest2ldap/integration/openldap"
)

// What a container of the image expects.
const (
	// Root is the folder for the certificate and the password.
	Root = "/srv/ds389"
	// Port is the port of LDAPS.
	Port = "3636"
)

//go:embed Dockerfile entrypoint.sh
var sources embed.FS

// Image returns the name of the image, and builds it first where it is missing. That
// takes two minutes or three, once per machine.
func Image(ctx context.Context) (string, error) { return openldap.Build(ctx, "ds389", sources) }
