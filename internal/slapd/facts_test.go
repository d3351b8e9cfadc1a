package slapd_test

import (
	"slices"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// The tests of this file hold facts about OpenLDAP on which the gateway relies.
// When one fails on a newer version, look for the code that trusts it.

// Controls that read an entry before or after a change do not carry dynlist's
// memberOf; a search does.
func TestFactReadControlsLackMemberOf(t *testing.T) {
	s := slapd.Start(t, slapd.Options{})
	conn := as(t, s, "kvaughan")
	for _, oid := range []string{preReadOID, postReadOID} {
		attributes := readControl(t, conn, oid, "description", "memberOf")
		if slices.Contains(attributes, "memberOf") || !slices.Contains(attributes, "description") {
			t.Errorf("%s returned %q", oid, attributes)
		}
	}
}

// readControl changes kvaughan's description and returns the names of the
// attributes in the answer's control.
func readControl(t *testing.T, conn *ldap.Conn, oid string, attributes ...string) []string {
	t.Helper()
	wantCode(t, "first value", replace(conn, person("kvaughan"), "description", "before"), ldap.LDAPResultSuccess)
	list := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "attributes")
	for _, a := range attributes {
		list.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, a, "attribute"))
	}
	request := ldap.NewModifyRequest(person("kvaughan"), []ldap.Control{ldap.NewControlString(oid, true, string(list.Bytes()))})
	request.Replace("description", []string{"after"})
	result, err := conn.ModifyWithResult(request)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range result.Controls {
		raw, ok := c.(*ldap.ControlString)
		if !ok || raw.ControlType != oid {
			continue
		}
		entry := ber.DecodePacket([]byte(raw.ControlValue))
		for _, attribute := range entry.Children[1].Children {
			names = append(names, attribute.Children[0].Data.String())
		}
	}
	return names
}

// An ordering rule given in the filter means "less than" where it fits the
// attribute's syntax. Where it does not (mail is an IA5 string) the assertion is
// Undefined, and so is its negation: an empty success and no error.
func TestFactOrderingMatch(t *testing.T) {
	s := slapd.Start(t, slapd.Options{Users: 1})
	conn := as(t, s, "bjensen")
	for _, test := range []struct {
		filter, attribute string
		want              []string
	}{
		{"(uid:caseIgnoreOrderingMatch:=ad)", "uid", []string{"abarnes", "abergin", "achassin"}},
		{"(uid:caseIgnoreOrderingMatch:=ABERGIN)", "uid", []string{"abarnes"}},
		{"(!(uid:caseIgnoreOrderingMatch:=ttully))", "uid", []string{"ttully", "tward", "wlutz"}},
		{"(cn:caseIgnoreOrderingMatch:=allison j)", "cn", []string{"Allison Hunter"}},
		{"(uidNumber:integerOrderingMatch:=1003)", "uidNumber", []string{"1001", "1002"}},
		{"(telephoneNumber:caseIgnoreOrderingMatch:=+1 408 555 1296)", "telephoneNumber", []string{"+1 408 555 1212"}},
		{"(mail:caseIgnoreOrderingMatch:=zz)", "mail", nil},
		{"(!(mail:caseIgnoreOrderingMatch:=zz))", "mail", nil},
		{"(uid<=zz)", "uid", nil},
		{"(mail>=a)", "mail", nil},
	} {
		entries, err := search(conn, exampledata.PeopleDN, test.filter, []string{test.attribute})
		if err != nil {
			t.Errorf("%s: %v", test.filter, err)
		}
		if got := values(entries, test.attribute); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.filter, got, test.want)
		}
	}
}

// The permissive modify control is taken as critical though the root DSE does
// not list it. It forgives adding a value that is there, deleting from an
// attribute that is not there, and deleting an absent value together with a
// present one that comes later; but when the last value of the list is absent
// the answer is still 16, and nothing is changed.
func TestFactPermissiveModify(t *testing.T) {
	s := slapd.Start(t, slapd.Options{})
	conn := asService(t, s)
	root, err := conn.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=*)", []string{"supportedControl"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(values(root.Entries, "supportedControl"), permissiveOID) {
		t.Error("the root DSE lists it")
	}
	permissive := ldap.NewControlString(permissiveOID, true, "")
	for _, test := range []struct {
		name   string
		change func(*ldap.ModifyRequest)
		strict uint16
		code   uint16
	}{
		{"AddPresent", func(r *ldap.ModifyRequest) { r.Add("cn", []string{"Barbara Jensen"}) }, ldap.LDAPResultAttributeOrValueExists, ldap.LDAPResultSuccess},
		{"DeleteAbsentAttribute", func(r *ldap.ModifyRequest) { r.Delete("title", nil) }, ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultSuccess},
		{"DeleteValueOfAbsentAttribute", func(r *ldap.ModifyRequest) { r.Delete("title", []string{"x"}) }, ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultSuccess},
		{"DeleteAbsentValue", func(r *ldap.ModifyRequest) { r.Delete("cn", []string{"Nobody"}) }, ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultNoSuchAttribute},
		{"DeletePresentAndAbsentValue", func(r *ldap.ModifyRequest) { r.Delete("cn", []string{"Babs Jensen", "Nobody"}) }, ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultNoSuchAttribute},
		{"DeleteAbsentAndPresentValue", func(r *ldap.ModifyRequest) { r.Delete("cn", []string{"Nobody", "Babs Jensen"}) }, ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultSuccess},
	} {
		t.Run(test.name, func(t *testing.T) {
			strict := ldap.NewModifyRequest(person("bjensen"), []ldap.Control{proxied(person("kvaughan"))})
			test.change(strict)
			wantCode(t, "without the control", conn.Modify(strict), test.strict)
			request := ldap.NewModifyRequest(person("bjensen"), []ldap.Control{proxied(person("kvaughan")), permissive})
			test.change(request)
			wantCode(t, "with the control", conn.Modify(request), test.code)
		})
	}
}

// The size limit binds the identity for which the service account acts, and
// simple paged results do not get past it, unless size.prtotal says so.
func TestFactSizeLimit(t *testing.T) {
	const users = 1000
	for _, test := range []struct {
		name         string
		options      slapd.Options
		plain, paged int
	}{
		{"Default", slapd.Options{Users: users}, 500, 500},
		{"Caller", slapd.Options{Users: users, CallerSizeLimit: 300}, 300, 300},
		{"Unlimited", slapd.Options{Users: users, CallerSizeLimit: slapd.Unlimited}, users, users},
		{"PagedTotal", slapd.Options{Users: users, Database: "limits users size.prtotal=unlimited"}, 500, users},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := slapd.Start(t, test.options)
			conn := asService(t, s)
			proxy := proxied(person("bjensen"))

			entries, err := search(conn, exampledata.PeopleDN, "(uid=*)", []string{"1.1"}, proxy)
			if len(entries) != test.plain {
				t.Errorf("plain: %d entries, want %d", len(entries), test.plain)
			}
			wantCode(t, "plain", err, limitCode(test.plain, users))

			for _, size := range []uint32{100, 400} {
				got, err := pages(conn, size, proxy)
				if got != test.paged {
					t.Errorf("pages of %d: %d entries, want %d", size, got, test.paged)
				}
				wantCode(t, "paged", err, limitCode(test.paged, users))
			}
		})
	}
}

// limitCode is the result of a search that found so many of all.
func limitCode(found, all int) uint16 {
	if found < all {
		return ldap.LDAPResultSizeLimitExceeded
	}
	return ldap.LDAPResultSuccess
}

// pages walks all pages and counts what it gets, also in the last one.
func pages(conn *ldap.Conn, size uint32, controls ...ldap.Control) (int, error) {
	paging := ldap.NewControlPaging(size)
	count := 0
	for {
		result, err := conn.Search(ldap.NewSearchRequest(exampledata.PeopleDN, ldap.ScopeSingleLevel, ldap.NeverDerefAliases,
			0, 0, false, "(uid=*)", []string{"1.1"}, append([]ldap.Control{paging}, controls...)))
		if result != nil {
			count += len(result.Entries)
		}
		if err != nil {
			return count, err
		}
		answer, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(answer.Cookie) == 0 {
			return count, nil
		}
		paging.SetCookie(answer.Cookie)
	}
}

// Proxied authorization looks at the name, not at the account: an identity that
// does not exist, or is locked, reads like any user.
func TestFactProxiedGhost(t *testing.T) {
	s := slapd.Start(t, slapd.Options{})
	lock(t, s, "gen012")
	for _, id := range []string{"nosuch", "gen012"} {
		entries, err := search(asService(t, s), exampledata.PeopleDN, "(uid=scarter)", []string{"cn"}, proxied(person(id)))
		if err != nil || len(entries) != 1 {
			t.Errorf("as %s: %d entries, %v", id, len(entries), err)
		}
	}
}

// An empty proxied identity is anonymous, not the service account.
func TestFactProxiedAnonymous(t *testing.T) {
	s := slapd.Start(t, slapd.Options{})
	_, err := search(asService(t, s), exampledata.PeopleDN, "(uid=scarter)", nil, emptyAuthzID{})
	wantCode(t, "empty identity", err, ldap.LDAPResultNoSuchObject)
}

// emptyAuthzID is the proxied authorization control with an empty value, which
// go-ldap would leave out.
type emptyAuthzID struct{}

// GetControlType returns the control's OID.
func (emptyAuthzID) GetControlType() string { return proxiedOID }

// String describes the control.
func (emptyAuthzID) String() string { return "proxied authorization as anonymous" }

// Encode returns the control in BER.
func (emptyAuthzID) Encode() *ber.Packet {
	packet := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "Control")
	packet.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, proxiedOID, "type"))
	packet.AppendChild(ber.NewBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, true, "criticality"))
	packet.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", "value"))
	return packet
}
