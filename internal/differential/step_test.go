package differential

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
)

// step is an operation, as data, so that a run can be repeated without some of them.
type step struct {
	kind string
	// as is who asks: "" is nobody, "root" the administrator, else a person; behind "for "
	// the gateway's account asks for that person.
	as string
	dn string
	// A search.
	scope, size int
	filter      string
	attributes  []string
	sort        []string // attribute, rule, and "-" for the reverse order
	// A change.
	changes   []change
	rdn       string
	deleteOld bool
	superior  string
	// Controls.
	assert, postRead, preRead, permissive, noOp bool
	// A comparison, a bind, a password.
	attribute, value string
}

type change struct {
	op        int
	attribute string
	values    []string
}

func (s step) String() string {
	type plain step
	return strings.ReplaceAll(fmt.Sprintf("%+v", plain(s)), " sort:[]", "")
}

// maker makes random steps.
type maker struct{ *rand.Rand }

func pick[T any](m maker, from ...T) T { return from[m.IntN(len(from))] }

func (m maker) chance(percent int) bool { return m.IntN(100) < percent }

// who is weighted towards those who may do something.
func (m maker) who() string {
	return pick(m, "root", "root", "kvaughan", "kvaughan", "kvaughan", "bjensen", "bjensen", "scarter", "", "for bjensen", "for kvaughan", "for scarter", "for ghost")
}

func (m maker) uid() string {
	if m.chance(50) {
		return pick(m, "new1", "new2", "new3", "new4", `odd\, one`, `o\2bdd`, "Ünicode", "nobody")
	}
	people := exampledata.People()
	return people[m.IntN(len(people))].ID
}

// dn is the name of an entry, in one of its spellings.
func (m maker) dn() string {
	dn := "uid=" + m.uid() + "," + exampledata.PeopleDN
	switch m.IntN(14) {
	case 0:
		dn = exampledata.BaseDN
	case 1:
		dn = exampledata.PeopleDN
	case 2:
		dn = exampledata.Groups()[m.IntN(5)].DN()
	case 3:
		dn = "cn=" + pick(m, "group1", "group2", "quantum dot") + "," + exampledata.GroupsDN
	case 4:
		dn = "cn=quantum dot,uid=nbohr," + exampledata.PeopleDN
	case 5:
		dn = "uid=" + m.uid() + ",ou=Nowhere," + exampledata.BaseDN
	}
	switch m.IntN(12) {
	case 0:
		return strings.ToUpper(dn)
	case 1:
		return strings.ReplaceAll(dn, ",", " , ")
	case 2:
		return pick(m, "", "nonsense", "uid=", "nosuch=x,"+exampledata.BaseDN, "dc=example,dc=org", "uid=a+uid=b,"+exampledata.PeopleDN, dn+",")
	}
	return dn
}

func (m maker) attribute() string {
	return pick(m, "uid", "cn", "sn", "mail", "description", "telephoneNumber", "uidNumber", "gidNumber", "manager", "uniqueMember", "objectClass",
		"givenName", "displayName", "employeeNumber", "seeAlso", "homeDirectory", "gecos", "postalAddress", "preferredLanguage", "labeledURI", "roomNumber",
		"cn;lang-en", "description;lang-de", "name", "title", "st", "commonName", "2.5.4.4", "nosuch", "businessCategory", "destinationIndicator")
}

// filterAttribute is one for filters and selections only.
func (m maker) filterAttribute() string {
	if m.chance(15) {
		return pick(m, "entryUUID", "createTimestamp", "modifiersName", "hasSubordinates", "structuralObjectClass", "memberOf", "entryDN", "subschemaSubentry", "userPassword", "ou", "dc", "creatorsName")
	}
	return m.attribute()
}

func (m maker) text() string {
	return pick(m, "Jensen", "JENSEN", " jensen ", "Barbara  Jensen", "x", "a*b(c)\\", "Ümlaut", "üMLAUT", "0", "7", "007", "-5", "1004", "99999999999999999999", "TRUE", "true",
		"20260101000000Z", "202601010000Z", "20260101000000.5+0100", "2026", "+1 408 555 1862", "+14085551862", "person", "inetOrgPerson", "2.5.6.6", "device", "nosuch",
		"a", "ab", "Sam", "/home/bjensen", "/HOME/bjensen", "uid=scarter,ou=People,dc=example,dc=com", "UID = scarter, ou=people,dc=example,dc=com", "cn=HR Managers,ou=Groups,dc=example,dc=com",
		"uid=nobody,ou=People,dc=example,dc=com", "not a dn", "bjensen@example.com", "BJENSEN@example.com", "d\u00e9j\u00e0", "1000", "1", " ", "en", "Original description", "$", "a$b")
}

// fitting is a value that often is one of the attribute's syntax.
func (m maker) fitting(attribute string) string {
	if m.chance(15) {
		return m.text()
	}
	switch attribute {
	case "uidNumber", "gidNumber":
		return pick(m, "0", "7", "1004", "-5", "1000", "99999999999999999999")
	case "manager", "uniqueMember", "seeAlso":
		return "uid=" + m.uid() + "," + exampledata.PeopleDN
	case "objectClass":
		return pick(m, "top", "person", "inetOrgPerson", "posixAccount", "organizationalPerson", "device", "extensibleObject", "groupOfUniqueNames", "nosuch")
	case "telephoneNumber":
		return pick(m, "+1 408 555 1862", "+14085551862", "+1 408-555 9999", "1")
	}
	return pick(m, "Jensen", "JENSEN", " jensen ", "Barbara  Jensen", "x", "Ümlaut", "a", "ab", "Sam", "y", "z", "1", "en")
}

func escape(value string) string {
	return strings.NewReplacer(`\`, `\5c`, `*`, `\2a`, `(`, `\28`, `)`, `\29`, "\x00", `\00`).Replace(value)
}

func (m maker) filter(depth int) string {
	switch kind := m.IntN(10); {
	case depth > 0 && kind == 0:
		return "(&" + m.filters(depth) + ")"
	case depth > 0 && kind == 1:
		return "(|" + m.filters(depth) + ")"
	case depth > 0 && kind < 4:
		return "(!" + m.filter(depth-1) + ")"
	}
	attribute := m.filterAttribute()
	value := escape(m.fitting(attribute))
	switch m.IntN(9) {
	case 0:
		return "(" + attribute + "=*)"
	case 1:
		return "(" + attribute + ">=" + value + ")"
	case 2:
		return "(" + attribute + "<=" + value + ")"
	case 3:
		part := func() string { return escape(pick(m, "", "", "j", "Jen", "sen", "a", " ", " b", "a ", "5", "b", "e")) }
		text := part() + "*" + part() + "*" + part()
		text = strings.ReplaceAll(text, "**", "*")
		if text == "*" {
			text = "*a*"
		}
		return "(" + attribute + "=" + text + ")"
	case 4:
		rule := pick(m, "caseIgnoreMatch", "caseExactMatch", "caseIgnoreOrderingMatch", "integerMatch", "integerOrderingMatch", "distinguishedNameMatch", "objectIdentifierMatch", "nosuchMatch", "caseIgnoreIA5Match", "2.5.13.2", "octetStringMatch", "telephoneNumberMatch")
		dn := pick(m, "", "", ":dn")
		// OpenLDAP gives no reason for what it makes of this rule without an attribute.
		if m.chance(20) && rule != "objectIdentifierMatch" {
			return "(" + dn + ":" + rule + ":=" + value + ")"
		}
		return "(" + attribute + dn + ":" + rule + ":=" + value + ")"
	}
	return "(" + attribute + "=" + value + ")"
}

func (m maker) filters(depth int) string {
	var all string
	for range m.IntN(4) {
		all += m.filter(depth - 1)
	}
	return all
}

func (m maker) values(attribute string) []string {
	values := make([]string, pick(m, 0, 1, 1, 1, 1, 2, 3))
	for i := range values {
		values[i] = m.fitting(attribute)
	}
	return values
}

// make makes a step.
func (m maker) make() step {
	s := step{as: m.who(), dn: m.entry()}
	s.assert, s.preRead, s.postRead, s.permissive, s.noOp = m.chance(8), m.chance(8), m.chance(8), m.chance(10), m.chance(5)
	switch kind := m.IntN(100); {
	case kind < 50:
		m.search(&s)
	case kind < 72:
		s.kind = "modify"
		for range 1 + m.IntN(3) {
			c := change{op: pick(m, 0, 0, 1, 1, 2, 2, 3), attribute: m.attribute()}
			c.values = m.values(c.attribute)
			if c.op == 0 && len(c.values) == 0 || c.op == 3 {
				c.values = []string{pick(m, "1", "-1", "x")}
			}
			s.changes = append(s.changes, c)
		}
	case kind < 82:
		m.add(&s)
	case kind < 88:
		s.kind = "delete"
	case kind < 92:
		s.kind, s.deleteOld = "rename", m.chance(50)
		s.rdn = pick(m, "uid="+m.uid(), "uid="+m.uid(), "cn="+pick(m, "group1", "group2"), "sn=x", "nosuch=x", "uid=new1+cn=two", "nonsense")
		s.superior = pick(m, "", "", "", exampledata.GroupsDN, exampledata.PeopleDN, "ou=Nowhere,"+exampledata.BaseDN)
	case kind < 97:
		s.kind, s.attribute = "compare", m.filterAttribute()
		s.value = m.fitting(s.attribute)
		if s.attribute == "memberOf" || s.attribute == "hasSubordinates" {
			s.attribute = "creatorsName" // The others end the OpenLDAP of Debian 12.
		}
	default:
		s.kind = "bind"
		s.value = pick(m, "wrong", "hifalutin", "bribery")
		s.dn = pick(m, s.dn, "uid=bjensen,"+exampledata.PeopleDN)
	}
	return s
}

// entry is a name for a change: the root DSE, which nothing changes, is left out, because
// both refuse it at different moments.
func (m maker) entry() string {
	for {
		if dn := m.dn(); dn != "" {
			return dn
		}
	}
}

func (m maker) search(s *step) {
	s.kind, s.scope, s.filter = "search", m.IntN(4), m.filter(3)
	s.size = pick(m, 0, 0, 0, 1, 5, 26)
	if m.chance(60) {
		s.dn = pick(m, exampledata.PeopleDN, exampledata.BaseDN)
		s.scope = pick(m, 1, 2)
	}
	for range m.IntN(4) {
		s.attributes = append(s.attributes, pick(m, "*", "+", "1.1", m.filterAttribute(), m.filterAttribute(), "@person"))
	}
	if m.chance(10) {
		s.sort = []string{pick(m, "uid", "cn", "uidNumber", "entryUUID", "mail", "nosuch", "description"), pick(m, "", "caseIgnoreOrderingMatch", "integerOrderingMatch"), pick(m, "", "-")}
	}
}

func (m maker) add(s *step) {
	s.kind, s.noOp = "add", false // Such an add upsets answers of the OpenLDAP of Debian 12.
	uid := m.uid()
	s.dn = "uid=" + uid + "," + pick(m, exampledata.PeopleDN, exampledata.PeopleDN, exampledata.PeopleDN, exampledata.GroupsDN, "ou=Nowhere,"+exampledata.BaseDN)
	give := func(attribute string, values ...string) {
		if m.chance(93) {
			s.changes = append(s.changes, change{attribute: attribute, values: values})
		}
	}
	give("objectClass", pick(m, "inetOrgPerson", "inetOrgPerson", "inetOrgPerson", "person", "device", "organizationalPerson", "top"))
	give("sn", m.fitting("sn"))
	give("cn", m.fitting("cn"))
	for range m.IntN(3) {
		attribute := m.attribute()
		if values := m.values(attribute); len(values) > 0 {
			give(attribute, values...)
		}
	}
}
