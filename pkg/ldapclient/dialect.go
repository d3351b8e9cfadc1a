package ldapclient

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// dialect is what is known of a kind of server besides what its root DSE says.
type dialect struct {
	name string
	// is reports whether a root DSE is that of such a server.
	is func(root *directory.Entry) bool
	// unlisted are the controls that it takes without listing them in supportedControl.
	unlisted []string
}

// The names of the kinds of server.
const (
	memdir    = "memdir"
	openLDAP  = "OpenLDAP"
	ds389     = "389 Directory Server"
	openDJ    = "OpenDJ"
	activeDir = "Active Directory"
)

// featureIncrement is the modification that adds to a number (RFC 4525 §3).
const featureIncrement = "1.3.6.1.1.14"

// dialects is the table of the kinds of server. The first that fits counts; one that is
// not in it is taken at its word.
var dialects = []dialect{ //nolint:gochecknoglobals // A constant table.
	{memdir, vendor("rest2ldap memdir"), []string{ldapwire.OIDPermissiveModify, ldapwire.OIDNoOp}},
	// slapd registers these three as hidden.
	{openLDAP, hasValue("objectClass", "OpenLDAProotDSE"), []string{ldapwire.OIDPermissiveModify, ldapwire.OIDNoOp, ldapwire.OIDRelax}},
	{ds389, vendor("389 Project", "Red Hat"), nil},
	{openDJ, vendor("ForgeRock", "Ping Identity", "Open Identity Platform", "Wren Security"), nil},
	// The capability of every Active Directory (MS-ADTS §3.1.1.3.4.3.1).
	{activeDir, hasValue("supportedCapabilities", "1.2.840.113556.1.4.800"), nil},
}

// dialectOf finds out what kind of server has that root DSE.
func dialectOf(root *directory.Entry) dialect {
	for _, d := range dialects {
		if d.is(root) {
			return d
		}
	}
	return dialect{}
}

func vendor(prefixes ...string) func(*directory.Entry) bool {
	return func(root *directory.Entry) bool {
		name := root.Value("vendorName")
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	}
}

func hasValue(attribute, value string) func(*directory.Entry) bool {
	return func(root *directory.Entry) bool {
		return slices.ContainsFunc(root.Values(attribute), func(v string) bool { return strings.EqualFold(v, value) })
	}
}
