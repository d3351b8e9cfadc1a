package memdir_test

import (
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// TestSearchRefused are searches that make no sense, and some that look so.
func TestSearchRefused(t *testing.T) {
	t.Parallel()
	both(t, 0, testSearchRefused)
}

func testSearchRefused(t *testing.T, d *place) {
	substrings := func(parts ...*ber.Packet) *ber.Packet {
		return element(0xa4, octets(0x04, "cn"), element(0x30, parts...))
	}
	not := func(filter *ber.Packet) query { return query{base: person(1), filter: element(0xa2, filter)} }
	r := d.raw(t)
	r.bind(person(1), password(1))
	for _, test := range []struct {
		name    string
		query   query
		code    int
		text    string
		entries int
	}{
		{"Scope", query{base: person(1), scope: 9}, 2, "invalid scope", 0},
		{"NegativeScope", query{base: person(1), scope: -1}, 2, "invalid scope", 0},
		{"Deref", query{base: person(1), deref: 7}, 2, "invalid deref", 0},
		{"DerefAlways", query{base: person(1), deref: 3}, 0, "", 1},
		{"SizeLimit", query{base: person(1), size: -1}, 2, "invalid size limit", 0},
		{"TimeLimit", query{base: person(1), time: -1}, 2, "invalid time limit", 0},
		{"Base", query{base: "nonsense"}, 34, "invalid DN", 0},
		{"Nowhere", query{base: "dc=other", scope: 2}, 32, "", 0},
		{"SizeLimitReached", query{base: peopleDN, scope: 1, size: 3}, 4, "", 3},
		{"SizeLimitExact", query{base: person(1), scope: 2, size: 1}, 0, "", 1},
		{"AbsoluteTrue", query{base: person(1), filter: element(0xa0)}, 0, "", 1},
		{"AbsoluteFalse", query{base: person(1), filter: element(0xa1)}, 0, "", 0},
		{"NotUnknownFilter", not(octets(0x8a, "x")), 0, "", 0},
		{"NotEmptySubstring", not(substrings(octets(0x81, ""))), 0, "", 0},
		{"NotNoSubstring", not(substrings()), 0, "", 0},
		{"NotSubstringsInWrongOrder", not(substrings(octets(0x82, "a"), octets(0x80, "b"))), 0, "", 0},
		{"NotUnknownAttribute", not(octets(0x87, "a b")), 0, "", 0},
		{"NotNothing", not(element(0xa9, octets(0x83, "a"))), 0, "", 0},
		{"NotAbsent", not(octets(0x87, "jpegPhoto")), 0, "", 1},
	} {
		result, entries, _ := r.exchange(test.query.packet())
		if result.Code != test.code || result.Diagnostic != test.text || entries != test.entries {
			t.Errorf("%s: %+v, %d entries", test.name, result, entries)
		}
	}
}

// TestChangesRefused are changes that make no sense.
func TestChangesRefused(t *testing.T) {
	t.Parallel()
	both(t, 0, testChangesRefused)
}

func testChangesRefused(t *testing.T, d *place) {
	const fresh = "uid=fresh," + peopleDN
	add := func(dn string, attributes ...*ber.Packet) *ber.Packet {
		return element(0x68, octets(0x04, dn), element(0x30, attributes...))
	}
	person1 := person(1)
	change := func(op int64, values ...*ber.Packet) *ber.Packet {
		return element(0x66, octets(0x04, person1), element(0x30, element(0x30, integer(0x0a, op), element(0x30, octets(0x04, "description"), element(0x31, values...)))))
	}
	rename := func(newRDN string, more ...*ber.Packet) *ber.Packet {
		return element(0x6c, append([]*ber.Packet{octets(0x04, person1), octets(0x04, newRDN), octets(0x01, "\xff")}, more...)...)
	}
	compare := element(0x6e, octets(0x04, person1), element(0x30, octets(0x04, "cn"), octets(0x04, "gen 002")))
	fails := control(ldapwire.OIDAssertion, true, "\x87\x09jpegPhoto")
	holds := control(ldapwire.OIDAssertion, true, "\x87\x02cn")
	r := d.raw(t)
	r.bindRoot()
	for _, test := range []struct {
		name    string
		op      *ber.Packet
		control *ber.Packet
		code    int
	}{
		{"AddNothing", add(fresh), nil, 2},
		{"AddNoValues", add(fresh, element(0x30, octets(0x04, "objectClass"), element(0x31))), nil, 2},
		{"AddNoName", add("nonsense", element(0x30, octets(0x04, "cn"), element(0x31, octets(0x04, "x")))), nil, 34},
		{"ModifyNothing", element(0x66, octets(0x04, person1), element(0x30)), nil, 0},
		{"ModifyUnknown", change(9, octets(0x04, "x")), nil, 2},
		{"ModifyAddNone", change(0), nil, 2},
		{"ModifyAssertion", change(2, octets(0x04, "x")), fails, 122},
		{"ModifyOutside", modify("dc=other"), nil, 53},
		{"DeleteAssertion", octets(0x4a, person1), fails, 122},
		{"DeleteNoName", octets(0x4a, "nonsense"), nil, 34},
		{"RenameAssertion", rename("uid=fresh"), fails, 122},
		{"RenameNoName", rename("nonsense"), nil, 34},
		{"RenameTwoLevels", rename("uid=a,ou=b"), nil, 34},
		{"RenameBelowRoot", rename("uid=fresh", octets(0x80, "")), nil, 71},
		{"RenameElsewhere", rename("uid=fresh", octets(0x80, "dc=other")), nil, 71},
		{"RenameBelowNothing", rename("uid=fresh", octets(0x80, "ou=no,"+suffix)), nil, 32},
		{"CompareTrue", compare, holds, 6},
		{"CompareAssertion", compare, fails, 122},
	} {
		var controls []*ber.Packet
		if test.control != nil {
			controls = append(controls, test.control)
		}
		if result, _, _ := r.exchange(test.op, controls...); result.Code != test.code {
			t.Errorf("%s: %+v", test.name, result)
		}
	}
}
