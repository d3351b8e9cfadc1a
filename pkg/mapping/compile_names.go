package mapping

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// attribute reads an attribute description; fallback is what an absent one is.
func (f *fileFields) attribute(name, fallback string) string {
	node := f.text(name)
	switch {
	case node == nil && f.value(name) != nil: // not a string, which is reported
		return ""
	case node == nil && directory.IsAttributeDescription(fallback):
		return fallback
	case node == nil:
		f.problem(f.node.filePlace, "%s needs %q: its name %q cannot be the name of an attribute", f.what, name, shorten(fallback))
	case !directory.IsAttributeDescription(node.text):
		f.problem(node.filePlace, "%q must be an attribute description such as \"mail\" (RFC 4512 §2.5), not %q", name, shorten(node.text))
	default:
		return node.text
	}
	return ""
}

// attributeType reads an attribute type that must be there: a description without options.
func (f *fileFields) attributeType(name string) string {
	node := f.requiredText(name)
	if node == nil {
		return ""
	}
	if !isAttributeName(node.text) {
		f.problem(node.filePlace, "%q must be an attribute type such as \"uid\", not %q", name, shorten(node.text))
	} else if IsCredential(node.text) {
		f.problem(node.filePlace, "%q must not be %q, which holds credentials", name, node.text)
	}
	return node.text
}

// classes reads a list of object classes.
func (f *fileFields) classes(name string) []string { return f.names(name, "object classes") }

// attributeTypes reads a list of attribute types.
func (f *fileFields) attributeTypes(name string) []string { return f.names(name, "attribute types") }

func (f *fileFields) names(name, what string) []string {
	var names []string
	for _, item := range f.list(name) {
		switch {
		case !isAttributeName(item.text):
			f.problem(item.filePlace, "%q takes names of %s, not %q", name, what, shorten(item.text))
		case containsFold(names, item.text):
			f.problem(item.filePlace, "%q names %q twice", name, item.text)
		default:
			names = append(names, item.text)
		}
	}
	return names
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(have string) bool { return strings.EqualFold(have, s) })
}

// isAttributeName tells an attribute description without options, which is how
// object classes are written too.
func isAttributeName(s string) bool {
	return directory.IsAttributeDescription(s) && !strings.Contains(s, ";")
}

// IsCredential tells the attributes that hold passwords, their hashes, or keys.
func IsCredential(description string) bool {
	name, _, _ := strings.Cut(strings.ToLower(description), ";")
	switch name {
	case "userpassword", "2.5.4.35", "authpassword", "1.3.6.1.4.1.4203.1.3.4", "pwdhistory",
		"unicodepwd", "dbcspwd", "ntpwdhistory", "lmpwdhistory", "supplementalcredentials",
		"ms-mcs-admpwd", "mslaps-password", "mslaps-encryptedpassword", "msds-managedpassword",
		"krbprincipalkey", "krbmkey", "krbpwdhistory",
		"sambantpassword", "sambalmpassword", "sambapasswordhistory", "ipanthash",
		"olcrootpw", "nsslapd-rootpw", "nsds5replicacredentials", "oathsecret", "userpkcs12":
		return true
	}
	return false
}
