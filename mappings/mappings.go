// Package mappings holds the mapping files that come with the gateway. They serve
// when no folder of one's own is configured, and are examples to begin with.
//
//   - api/example-v1.json: users and groups of dc=example,dc=com on OpenLDAP.
//
// The folders lie as [github.com/rest2ldap/rest2ldap/pkg/mapping.Load] reads them:
// the folder is the base path, the file is named after its root resource type.
package mappings

import (
	"embed"
	"io/fs"
)

//go:embed api
var files embed.FS

// Files returns the folder of the mapping files.
func Files() fs.FS { return files }
