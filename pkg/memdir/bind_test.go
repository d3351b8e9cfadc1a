package memdir_test

import (
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// TestBind are binds with slapd's answers. After one that failed the client is
// anonymous.
func TestBind(t *testing.T) {
	t.Parallel()
	both(t, 0, testBind)
}

func testBind(t *testing.T, d *place) {
	simple := func(version int64, dn, password string) *ber.Packet {
		return element(0x60, integer(0x02, version), octets(0x04, dn), octets(0x80, password))
	}
	for _, test := range []struct {
		name string
		bind *ber.Packet
		code int
		text string
		who  string
	}{
		{"Person", simple(3, person(1), password(1)), 0, "", "dn:" + person(1)},
		{"Root", simple(3, rootDN, d.rootPassword), 0, "", "dn:" + rootDN},
		{"Anonymous", simple(3, "", ""), 0, "", ""},
		{"WrongPassword", simple(3, person(1), password(2)), 49, "", ""},
		{"NoSuchEntry", simple(3, "uid=nosuch,"+peopleDN, password(2)), 49, "", ""},
		{"PasswordWithoutName", simple(3, "", password(1)), 49, "", ""},
		{"NameWithoutPassword", simple(3, person(1), ""), 53, "unauthenticated bind (DN with no password) disallowed", ""},
		{"Version2", simple(2, person(1), password(1)), 2, "historical protocol version requested, use LDAPv3 instead", ""},
		{"Version4", simple(4, person(1), password(1)), 2, "requested protocol version not supported", ""},
		{"SASL", element(0x60, integer(0x02, 3), octets(0x04, ""), element(0xa3, octets(0x04, "EXTERNAL"))), 7, "", ""},
		{"Unknown", element(0x60, integer(0x02, 3), octets(0x04, person(1)), octets(0x87, "x")), 7, "unknown authentication method", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := d.raw(t)
			r.bind(person(2), password(2))
			result, _, m := r.exchange(test.bind)
			if test.name == "SASL" {
				result.Diagnostic = "" // It is the Cyrus library's.
			}
			wantResult(t, result, test.code, test.text)
			if m.Op != ldapwire.BindResponse {
				t.Errorf("answer %#x", m.Op)
			}
			if who := r.whoAmI(); !strings.EqualFold(who, test.who) {
				t.Errorf("acts as %q", who)
			}
		})
	}
}
