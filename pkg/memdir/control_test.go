package memdir_test

import (
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// TestControls are controls that are refused, with slapd's answers.
func TestControls(t *testing.T) {
	t.Parallel()
	both(t, 0, testControls)
}

func testControls(t *testing.T, d *place) {
	base, change := query{base: person(1)}.packet, modify(person(1))
	remove := octets(0x4a, person(1))
	bind := element(0x60, integer(0x02, 3), octets(0x04, ""), octets(0x80, ""))
	unknown := element(0x77, octets(0x80, "1.2.3"))
	names := string(element(0x30, octets(0x04, "cn")).Bytes())
	six := element(0x30)
	for range 6 {
		six.AppendChild(element(0x30, octets(0x04, "uidNumber")))
	}
	const notRecognized, notAvailable = "critical extension is not recognized", "critical extension is unavailable"
	for _, test := range []struct {
		name     string
		op       *ber.Packet
		controls []*ber.Packet
		code     int
		text     string
	}{
		{"Unknown", base(), []*ber.Packet{control("1.2.3", true)}, 12, notRecognized},
		{"UnknownNotCritical", base(), []*ber.Packet{control("1.2.3", false)}, 0, ""},
		{"UnknownOnBind", bind, []*ber.Packet{control("1.2.3", true)}, 12, notRecognized},
		{"UnknownOnExtended", whoAmI(), []*ber.Packet{control("1.2.3", true)}, 12, notRecognized},
		{"UnknownOnUnknown", unknown, []*ber.Packet{control("1.2.3", true)}, 12, notRecognized},
		{"UnknownExtended", unknown, nil, 2, "unsupported extended operation"},
		{"StartTLS", element(0x77, octets(0x80, ldapwire.OIDStartTLS)), nil, 1, "TLS already started"},
		{"ManageOnBind", bind, []*ber.Packet{control(ldapwire.OIDManageDsaIT, true)}, 12, notAvailable},
		{"Manage", base(), []*ber.Packet{control(ldapwire.OIDManageDsaIT, true)}, 0, ""},
		{"ManageTwice", base(), []*ber.Packet{control(ldapwire.OIDManageDsaIT, true), control(ldapwire.OIDManageDsaIT, true)}, 2, "manageDSAit control specified multiple times"},
		{"ManageWithValue", base(), []*ber.Packet{control(ldapwire.OIDManageDsaIT, true, "x")}, 2, "manageDSAit control value not absent"},
		{"NoOpOnWhoAmI", whoAmI(), []*ber.Packet{control(ldapwire.OIDNoOp, true)}, 12, notAvailable},
		{"NoOpOnSearch", base(), []*ber.Packet{control(ldapwire.OIDNoOp, true)}, 0, ""},
		{"NoOpWithValue", change, []*ber.Packet{control(ldapwire.OIDNoOp, true, "x")}, 2, "noop control value not empty"},
		{"NoOp", change, []*ber.Packet{control(ldapwire.OIDNoOp, true)}, 16654, ""},
		{"PermissiveOnSearch", base(), []*ber.Packet{control(ldapwire.OIDPermissiveModify, true)}, 12, notAvailable},
		{"PermissiveWithValue", change, []*ber.Packet{control(ldapwire.OIDPermissiveModify, true, "x")}, 2, "permissiveModify control value not absent"},
		{"PagingOnModify", change, []*ber.Packet{page(1, "")}, 12, notAvailable},
		{"PagingJunk", base(), []*ber.Packet{control(ldapwire.OIDPaging, false, "junk")}, 2, "paged results control could not be decoded"},
		{"PagingNoValue", base(), []*ber.Packet{control(ldapwire.OIDPaging, true)}, 2, "paged results control value is absent"},
		{"PagingEmpty", base(), []*ber.Packet{control(ldapwire.OIDPaging, true, "")}, 2, "paged results control value is empty"},
		{"PagingNegative", base(), []*ber.Packet{page(-1, "")}, 2, "paged results control size invalid"},
		{"PreReadOnSearch", base(), []*ber.Packet{control(ldapwire.OIDPreRead, true, names)}, 12, notAvailable},
		{"PreReadOnSearchNotCritical", base(), []*ber.Packet{control(ldapwire.OIDPreRead, false, names)}, 0, ""},
		{"PostReadOnDelete", remove, []*ber.Packet{control(ldapwire.OIDPostRead, true, names)}, 12, notAvailable},
		{"PreReadNoValue", change, []*ber.Packet{control(ldapwire.OIDPreRead, false)}, 2, "preread control: value is absent"},
		{"PreReadJunk", change, []*ber.Packet{control(ldapwire.OIDPreRead, false, "junk")}, 2, "preread control: decoding error"},
		{"SortOnModify", change, []*ber.Packet{control(ldapwire.OIDSort, true, "x")}, 12, notAvailable},
		{"SortJunk", base(), []*ber.Packet{control(ldapwire.OIDSort, false, "junk")}, 2, "serverSort control: decoding error"},
		{"SortNone", base(), []*ber.Packet{control(ldapwire.OIDSort, true, "\x30\x00")}, 2, "serverSort control: decoding error"},
		{"SortNoValue", base(), []*ber.Packet{control(ldapwire.OIDSort, true)}, 2, "sorted results control value is absent"},
		{"SortSixKeys", base(), []*ber.Packet{control(ldapwire.OIDSort, true, string(six.Bytes()))}, 53, "Too many sort keys"},
		{"AssertionOnWhoAmI", whoAmI(), []*ber.Packet{control(ldapwire.OIDAssertion, true, "\x87\x02cn")}, 12, notAvailable},
		{"AssertionOnSearch", base(), []*ber.Packet{control(ldapwire.OIDAssertion, true, "\x87\x09jpegPhoto")}, 122, ""},
		{"AssertionHolds", base(), []*ber.Packet{control(ldapwire.OIDAssertion, true, "\x87\x02cn")}, 0, ""},
		{"AssertionOnModify", change, []*ber.Packet{control(ldapwire.OIDAssertion, true, "\x87\x09jpegPhoto")}, 122, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := d.raw(t)
			r.bindRoot()
			result, _, _ := r.exchange(test.op, test.controls...)
			wantResult(t, result, test.code, test.text)
		})
	}
}

// TestProxiedAuthorization has the service account act for others.
func TestProxiedAuthorization(t *testing.T) {
	t.Parallel()
	both(t, 0, testProxiedAuthorization)
}

func testProxiedAuthorization(t *testing.T, d *place) {
	proxied := func(critical bool, value ...string) *ber.Packet {
		return control(ldapwire.OIDProxiedAuthorization, critical, value...)
	}
	r := d.raw(t)
	for _, test := range []struct{ authzID, who string }{
		{"dn:" + person(3), "dn:" + person(3)}, {"dn:" + person(39), "dn:" + person(39)}, {"", ""}, {"dn:", ""},
	} {
		r.bind(exampledata.ServiceDN, exampledata.ServicePassword)
		if who := r.whoAmI(proxied(true, test.authzID)); !strings.EqualFold(who, test.who) {
			t.Errorf("%q acts as %q", test.authzID, who)
		}
		if who := r.whoAmI(); !strings.EqualFold(who, "dn:"+exampledata.ServiceDN) {
			t.Errorf("after it the connection acts as %q", who)
		}
	}
	// Who may not act for anybody, or for nobody in particular, is refused before the
	// operation is looked at.
	for _, test := range []struct {
		name     string
		controls []*ber.Packet
		code     int
	}{
		{"Outside", []*ber.Packet{proxied(true, "dn:dc=other")}, 123},
		{"Junk", []*ber.Packet{proxied(true, "junk")}, 123},
		{"NotCritical", []*ber.Packet{proxied(false, "dn:dc=other")}, 123},
		{"NoValue", []*ber.Packet{proxied(true)}, 2},
		{"Twice", []*ber.Packet{proxied(true, "dn:"+person(3)), proxied(true, "dn:"+person(3))}, 2},
		{"BeforeUnknown", []*ber.Packet{proxied(true, "dn:dc=other"), control("1.2.3", true)}, 123},
		{"AfterUnknown", []*ber.Packet{control("1.2.3", true), proxied(true, "dn:dc=other")}, 12},
	} {
		for name, op := range map[string]*ber.Packet{
			"whoAmI": whoAmI(), "search": query{base: peopleDN}.packet(), "modify": modify(person(3)), "delete": octets(0x4a, person(3)),
			"add":      element(0x68, octets(0x04, "uid=new,"+peopleDN), element(0x30)),
			"compare":  element(0x6e, octets(0x04, person(3)), element(0x30, octets(0x04, "cn"), octets(0x04, "x"))),
			"modifyDN": element(0x6c, octets(0x04, person(3)), octets(0x04, "uid=c"), octets(0x01, "\xff")),
			"password": element(0x77, octets(0x80, ldapwire.OIDPasswordModify)),
		} {
			if result, _, _ := r.exchange(op, test.controls...); result.Code != test.code {
				t.Errorf("%s, %s: %+v", test.name, name, result)
			}
		}
	}
	anonymous := d.raw(t)
	result, _, _ := anonymous.exchange(whoAmI(), proxied(true, "dn:"+person(3)))
	wantResult(t, result, 123, "anonymous proxied authorization not allowed")
	result, _, _ = r.exchange(element(0x60, integer(0x02, 3), octets(0x04, ""), octets(0x80, "")), proxied(true, "dn:"+person(3)))
	wantResult(t, result, 12, "critical extension is unavailable")
}

// TestReadEntry returns the entry before and after a change.
func TestReadEntry(t *testing.T) {
	t.Parallel()
	both(t, 0, testReadEntry)
}

func testReadEntry(t *testing.T, d *place) {
	r := d.raw(t)
	r.bindRoot()
	names := string(element(0x30, octets(0x04, "description")).Bytes())
	for _, want := range []map[string]string{{ldapwire.OIDPostRead: "x"}, {ldapwire.OIDPostRead: "x", ldapwire.OIDPreRead: "x"}} {
		var asked []*ber.Packet
		for oid := range want {
			asked = append(asked, control(oid, true, names))
		}
		result, _, m := r.exchange(modify(person(1)), asked...)
		controls, err := m.Controls()
		if result.Code != 0 || err != nil || len(controls) != len(want) {
			t.Fatalf("%+v, %d controls, %v", result, len(controls), err)
		}
		for _, c := range controls {
			if !strings.Contains(c.Value, want[c.OID]) || !strings.Contains(c.Value, "description") {
				t.Errorf("%s: %q", c.OID, c.Value)
			}
		}
	}
}
