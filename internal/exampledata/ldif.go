package exampledata

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // {SSHA} is the scheme every LDAP server verifies; the passwords are public.
	"encoding/base64"
	"fmt"
)

// Names of the example directory.
const (
	// BaseDN is the suffix above everything else.
	BaseDN = "dc=example,dc=com"
	// PeopleDN holds the people, directly below it.
	PeopleDN = "ou=People," + BaseDN
	// GroupsDN holds the groups, directly below it.
	GroupsDN = "ou=Groups," + BaseDN
	// AdministratorsDN is the group whose members may write everything.
	AdministratorsDN = "cn=Directory Administrators," + GroupsDN
	// ServiceDN is the account of the gateway, which may act for anyone directly
	// below [PeopleDN] and do little else.
	ServiceDN = "cn=rest2ldap,ou=Services," + BaseDN
	// ServicePassword is the clear-text password of [ServiceDN].
	ServicePassword = "gateway-service"
	// ServiceAuthzTo is the rule by which [ServiceDN] acts for others.
	ServiceAuthzTo = "dn.onelevel:" + PeopleDN
	// DefaultUsers is the number of people in the usual data, generated ones
	// included.
	DefaultUsers = 150
)

// RootDN is the administrator to whom nothing is forbidden.
const RootDN = "cn=Manager," + BaseDN

// AccountStateAttributes returns the operational attributes that tell whether an account
// is usable. [ServiceDN] may read them.
func AccountStateAttributes() []string {
	return []string{
		"pwdAccountLockedTime", "pwdAccountTmpLockoutEnd", "pwdReset", "pwdStartTime", "pwdEndTime",
		"pwdChangedTime", "pwdGraceUseTime", "pwdPolicySubentry",
	}
}

// PolicyDN is the password policy of everyone: five wrong passwords lock an account for
// five minutes, and pwdReset makes the user change the password. [ServiceDN] may read it.
const PolicyDN = "cn=default," + PoliciesDN

// PoliciesDN is the entry above all password policies.
const PoliciesDN = "ou=Policies," + BaseDN

// PolicyLDIF returns the password policy and the entry above it.
func PolicyLDIF() []byte {
	var w writer
	w.unit(PoliciesDN, "Policies")
	w.entry(PolicyDN, "objectClass", "top", "objectClass", "applicationProcess", "objectClass", "pwdPolicy",
		"cn", "default", "description", "Applies to every account that names no other policy",
		"pwdAttribute", "userPassword", "pwdLockout", "TRUE", "pwdMaxFailure", "5", "pwdLockoutDuration", "300",
		"pwdMustChange", "TRUE", "pwdAllowUserChange", "TRUE")
	return w.buf.Bytes()
}

// LDIF returns the example directory with that many people, in an order in
// which it can be loaded. All named people are always there, so a smaller
// number means just them.
func LDIF(users int) []byte {
	var w writer
	w.entry(BaseDN, "objectClass", "top", "objectClass", "domain", "dc", "example")
	w.unit(PeopleDN, "People")
	w.unit(GroupsDN, "Groups")
	w.unit("ou=Services,"+BaseDN, "Services")
	w.entry(ServiceDN,
		"objectClass", "top", "objectClass", "applicationProcess", "objectClass", "simpleSecurityObject",
		"cn", "rest2ldap",
		"description", "The gateway: acts for people, and reads what it needs to find them",
		"userPassword", hash("rest2ldap", ServicePassword),
		"authzTo", ServiceAuthzTo)

	people := People()
	for _, p := range people {
		w.person(p, Photo(p.ID))
	}
	for n := 1; n <= users-len(people); n++ {
		w.person(Generated(n), nil)
	}
	for _, device := range []string{"quantum dot", "qubit generator"} {
		w.entry("cn="+device+",uid=nbohr,"+PeopleDN, "objectClass", "top", "objectClass", "device", "cn", device)
	}

	for _, g := range Groups() {
		pairs := []string{"objectClass", "top", "objectClass", "groupOfUniqueNames", "cn", g.CN}
		for _, id := range g.Members {
			pairs = append(pairs, "uniqueMember", Person{ID: id}.DN())
		}
		w.entry(g.DN(), pairs...)
	}
	return w.buf.Bytes()
}

// photoAttribute holds a JPEG (RFC 2798 §2.6).
const photoAttribute = "jpegPhoto"

// writer collects entries. Photos are the only values that need base64.
type writer struct{ buf bytes.Buffer }

// entry writes one entry from attribute names and values that take turns.
// Empty values are left out.
func (w *writer) entry(dn string, pairs ...string) {
	fmt.Fprintf(&w.buf, "dn: %s\n", dn)
	for i := 0; i+1 < len(pairs); i += 2 {
		switch {
		case pairs[i] == photoAttribute && pairs[i+1] != "":
			fmt.Fprintf(&w.buf, "%s:: %s\n", pairs[i], base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
		case pairs[i+1] != "":
			fmt.Fprintf(&w.buf, "%s: %s\n", pairs[i], pairs[i+1])
		}
	}
	w.buf.WriteByte('\n')
}

func (w *writer) unit(dn, name string) {
	w.entry(dn, "objectClass", "top", "objectClass", "organizationalUnit", "ou", name)
}

func (w *writer) person(p Person, photo []byte) {
	pairs := []string{
		"objectClass", "top", "objectClass", "person", "objectClass", "organizationalPerson",
		"objectClass", "inetOrgPerson", "objectClass", "posixAccount",
		"uid", p.ID,
	}
	for _, cn := range p.CN {
		pairs = append(pairs, "cn", cn)
	}
	manager := ""
	if p.Manager != "" {
		manager = Person{ID: p.Manager}.DN()
	}
	w.entry(p.DN(), append(pairs,
		"sn", p.SN,
		"givenName", p.GivenName,
		"mail", p.Mail(),
		"telephoneNumber", p.Telephone,
		"manager", manager,
		"description", p.Description,
		"uidNumber", fmt.Sprint(p.UIDNumber),
		"gidNumber", "1000",
		"homeDirectory", "/home/"+p.ID,
		photoAttribute, string(photo),
		"userPassword", hash(p.ID, p.Password))...)
}

// hash returns the {SSHA} form of a password. The salt comes from the name, so
// that the same data is the same bytes every time.
func hash(name, password string) string {
	seed := sha1.Sum([]byte("salt of " + name)) //nolint:gosec // Only spreads the salts.
	salt := seed[:8]
	sum := sha1.Sum(append([]byte(password), salt...)) //nolint:gosec // See the import.
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}
