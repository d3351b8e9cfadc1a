package memdir_test

import (
	"slices"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// TestRootDSE reads what the server tells of itself, without an identity.
func TestRootDSE(t *testing.T) {
	t.Parallel()
	conn := start(t, nil).dial(t)
	read := func(attributes ...string) map[string][]string {
		t.Helper()
		result, err := conn.Search(ldap.NewSearchRequest("", 0, 0, 0, 0, false, "(objectClass=*)", attributes, nil))
		if err != nil || len(result.Entries) != 1 {
			t.Fatalf("%v, %v", result, err)
		}
		all := map[string][]string{}
		for _, attribute := range result.Entries[0].Attributes {
			all[attribute.Name] = attribute.Values
		}
		return all
	}
	if diff := cmp.Diff(map[string][]string{"objectClass": {"top", "OpenLDAProotDSE"}}, read()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"namingContexts": {suffix}, "supportedLDAPVersion": {"3"}}, read("namingcontexts", "SUPPORTEDLDAPVERSION", "supportedSASLMechanisms")); diff != "" {
		t.Error(diff)
	}
	all := read("*", "+")
	if diff := cmp.Diff([]string{"cn=Subschema"}, all["subschemaSubentry"]); diff != "" {
		t.Error(diff)
	}
	for attribute, values := range map[string][]string{
		"supportedControl": {
			ldapwire.OIDPaging, ldapwire.OIDSort, ldapwire.OIDProxiedAuthorization, ldapwire.OIDAssertion,
			ldapwire.OIDPreRead, ldapwire.OIDPostRead, ldapwire.OIDManageDsaIT,
		},
		"supportedExtension": {ldapwire.OIDWhoAmI, ldapwire.OIDPasswordModify},
		"supportedFeatures":  {"1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.3"},
		"vendorName":         {"rest2ldap memdir, for demos and tests"},
	} {
		for _, value := range values {
			if !slices.Contains(all[attribute], value) {
				t.Errorf("%s lacks %s: %v", attribute, value, all[attribute])
			}
		}
	}
}

// TestSpecialFilters search the root DSE; slapd finds the same.
func TestSpecialFilters(t *testing.T) {
	t.Parallel()
	both(t, 0, testSpecialFilters)
}

func testSpecialFilters(t *testing.T, d *place) {
	r := d.raw(t)
	equal := func(attribute, value string) *ber.Packet {
		return element(0xa3, octets(0x04, attribute), octets(0x04, value))
	}
	unknown := octets(0x8a, "x")
	for _, test := range []struct {
		name   string
		base   string
		scope  int64
		filter *ber.Packet
		code   int
		found  int
	}{
		{"Class", "", 0, equal("objectClass", "openldaprootdse"), 0, 1},
		{"Absent", "", 0, octets(0x87, "uid"), 0, 0},
		{"NotAbsent", "", 0, element(0xa2, octets(0x87, "uid")), 0, 1},
		{"Or", "", 0, element(0xa1, octets(0x87, "uid"), octets(0x87, "namingContexts")), 0, 1},
		{"And", "", 0, element(0xa0, octets(0x87, "uid"), octets(0x87, "namingContexts")), 0, 0},
		{"AbsoluteTrue", "", 0, element(0xa0), 0, 1},
		{"AbsoluteFalse", "", 0, element(0xa1), 0, 0},
		{"Undefined", "", 0, unknown, 0, 0},
		{"NotUndefined", "", 0, element(0xa2, unknown), 0, 0},
		{"OneLevel", "", 1, nil, 32, 0},
		{"Subtree", "", 2, nil, 32, 0},
		{"Subschema", "CN=subschema", 0, nil, 0, 1},
		{"SubschemaBelow", "cn=Subschema", 1, nil, 32, 0},
		{"Elsewhere", "dc=other", 2, nil, 32, 0},
	} {
		result, entries, _ := r.exchange(query{base: test.base, scope: test.scope, filter: test.filter}.packet())
		if result.Code != test.code || entries != test.found {
			t.Errorf("%s: %+v, %d entries", test.name, result, entries)
		}
	}
	result, _, _ := r.exchange(query{}.packet(), control(ldapwire.OIDSort, true, sortBy("cn", "caseIgnoreOrderingMatch")))
	wantResult(t, result, 12, "critical control unavailable in context")
}

// TestSpecialChanges tries to change what is not of the data.
func TestSpecialChanges(t *testing.T) {
	t.Parallel()
	both(t, 0, testSpecialChanges)
}

func testSpecialChanges(t *testing.T, d *place) {
	r := d.raw(t)
	compare := func(dn, attribute, value string) *ber.Packet {
		return element(0x6e, octets(0x04, dn), element(0x30, octets(0x04, attribute), octets(0x04, value)))
	}
	for _, bound := range []bool{false, true} {
		if bound {
			r.bindRoot()
		}
		for _, test := range []struct {
			name string
			op   *ber.Packet
			code int
		}{
			{"Add", element(0x68, octets(0x04, ""), element(0x30, element(0x30, octets(0x04, "cn"), element(0x31, octets(0x04, "x"))))), 68},
			{"Modify", modify(""), 53},
			{"ModifySubschema", modify("cn=subschema"), 53},
			{"Delete", octets(0x4a, ""), 53},
			{"Rename", element(0x6c, octets(0x04, ""), octets(0x04, "cn=x"), octets(0x01, "\xff")), 53},
		} {
			if result, _, _ := r.exchange(test.op); result.Code != test.code {
				t.Errorf("%s: %+v", test.name, result)
			}
		}
	}
	for _, op := range []*ber.Packet{modify(person(1)), octets(0x4a, person(1))} {
		result, _, _ := d.raw(t).exchange(op)
		wantResult(t, result, 8, "modifications require authentication")
	}
	for _, test := range []struct {
		op   *ber.Packet
		code int
	}{
		{compare("", "objectClass", "TOP"), 6}, {compare("", "objectClass", "person"), 5}, {compare("", "mail", "x"), 16},
	} {
		if result, _, _ := r.exchange(test.op); result.Code != test.code {
			t.Errorf("%+v, want code %d", result, test.code)
		}
	}
}
