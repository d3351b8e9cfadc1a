package memdir_test

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledir"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/tally"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// plainPeople have passwords that SASL can verify, and such that it cannot.
const plainPeople = `
dn: uid=clear,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: clear
cn: x
sn: x
userPassword: in: clear
authzTo: dn.exact:uid=scheme,ou=People,dc=example,dc=com

dn: uid=scheme,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: scheme
cn: x
sn: x
userPassword: {CLEARTEXT}in: clear

dn: uid=several,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: several
cn: x
sn: x
userPassword: {SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
userPassword: first
userPassword: second

dn: uid=none,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: none
cn: x
sn: x

dn: uid=odd\, one,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: odd, one
cn: x
sn: x
userPassword: in: clear

dn: uid=locked,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: locked
cn: x
sn: x
userPassword: in: clear
pwdAccountLockedTime: 000001010000Z
`

// TestPlain are binds by SASL PLAIN (RFC 4616) with slapd's answers.
func TestPlain(t *testing.T) {
	t.Parallel()
	bothPlain(t, nil, testPlain)
}

// bothPlain runs a test on servers that take PLAIN, with access rules that come before all others.
func bothPlain(t *testing.T, access []memdir.Rule, test func(t *testing.T, d *place)) {
	t.Helper()
	t.Run("memdir", func(t *testing.T) {
		t.Parallel()
		s := start(t, func(o *memdir.Options) {
			o.PlainBase = peopleDN
			o.Rules = slices.Concat(access, []memdir.Rule{exampledir.PlainRule()}, o.Rules)
		})
		if err := s.Load(strings.NewReader(plainPeople)); err != nil {
			t.Fatal(err)
		}
		test(t, s.place)
	})
	t.Run("slapd", func(t *testing.T) {
		t.Parallel()
		s := slapd.Start(t, slapd.Options{Users: users(), Plain: true, Access: access, LDIF: plainPeople})
		d := &place{s.Address, s.CAPool, s.RootPassword}
		if !slices.Contains(mechanisms(t, d.dial(t)), "PLAIN") {
			tally.Unfit(t, errors.New("this OpenLDAP has no PLAIN; install libsasl2-modules"))
		}
		test(t, d)
	})
}

// mechanisms are those that the root DSE lists.
func mechanisms(t *testing.T, conn *ldap.Conn) []string {
	t.Helper()
	result, err := conn.Search(ldap.NewSearchRequest("", 0, 0, 0, 0, false, "(objectClass=*)", []string{"supportedSASLMechanisms"}, nil))
	if err != nil || len(result.Entries) != 1 {
		t.Fatal(result, err)
	}
	return result.Entries[0].GetAttributeValues("supportedSASLMechanisms")
}

func saslBind(mechanism string, credentials ...string) *ber.Packet {
	sasl := element(0xa3, octets(0x04, mechanism))
	for _, text := range credentials {
		sasl.AppendChild(octets(0x04, text))
	}
	return element(0x60, integer(0x02, 3), octets(0x04, ""), sasl)
}

func testPlain(t *testing.T, d *place) {
	if !slices.Contains(mechanisms(t, d.dial(t)), "PLAIN") {
		t.Error("PLAIN is not listed")
	}
	const (
		wrong   = "SASL(-13): authentication failure: Password verification failed"
		unknown = "SASL(-1): generic failure: Password verification failed"
		none    = "SASL(-13): user not found: Password verification failed"
		refused = "SASL(-14): authorization failure: not authorized"
	)
	dn := func(uid string) string { return "dn:uid=" + uid + ",ou=people,dc=example,dc=com" }
	for _, test := range []struct {
		name, authzID, user, password string
		code                          int
		text, who                     string
	}{
		{"Good", "", "clear", "in: clear", 0, "", dn("clear")},
		{"OtherCase", "", "CLEAR", "in: clear", 0, "", dn("clear")},
		{"Scheme", "", "scheme", "in: clear", 0, "", dn("scheme")},
		{"FirstInClear", "", "several", "first", 0, "", dn("several")},
		{"SecondInClear", "", "several", "second", 49, wrong, ""},
		{"HashedBeside", "", "several", "secret", 49, wrong, ""},
		{"OddName", "", "odd, one", "in: clear", 0, "", dn(`odd\2C one`)},
		{"Locked", "", "locked", "in: clear", 0, "", dn("locked")}, // No policy looks at the account.
		{"WrongPassword", "", "clear", "in: Clear", 49, wrong, ""},
		{"PasswordWithTail", "", "clear", "in: clear ", 49, wrong, ""},
		{"Hashed", "", "bjensen", "hifalutin", 49, none, ""},
		{"NoPassword", "", "none", "x", 49, none, ""},
		{"NoSuchUser", "", "nosuch", "x", 80, unknown, ""},
		{"NameOfAnEntry", "", "uid=clear,ou=People,dc=example,dc=com", "in: clear", 80, unknown, ""},
		{"AsThemselves", "dn:uid=Clear, ou=People,dc=example,dc=com", "clear", "in: clear", 0, "", dn("clear")},
		{"AsThemselvesByName", "u:clear", "clear", "in: clear", 0, "", dn("clear")},
		{"AsWhomTheyMay", dn("scheme"), "clear", "in: clear", 0, "", dn("scheme")},
		{"AsWhomTheyMayByName", "u:scheme", "clear", "in: clear", 0, "", dn("scheme")},
		{"AsThemselvesBare", "clear", "clear", "in: clear", 0, "", dn("clear")},
		{"AsThemselvesInCapitals", "DN:uid=clear,ou=People,dc=example,dc=com", "clear", "in: clear", 0, "", dn("clear")},
		{"AsWhomTheyMayInCapitals", "U:scheme", "clear", "in: clear", 0, "", dn("scheme")},
		{"AsNobody", "dn:", "clear", "in: clear", 0, "", ""},
		{"AsAnother", dn("bjensen"), "clear", "in: clear", 50, refused, ""},
		{"AsAnotherByName", "u:bjensen", "clear", "in: clear", 50, refused, ""},
		{"TheOtherWay", dn("clear"), "scheme", "in: clear", 50, refused, ""},
		{"AsRoot", "dn:" + rootDN, "clear", "in: clear", 50, refused, ""},
		{"AsAnotherWithWrongPassword", dn("scheme"), "clear", "wrong", 49, wrong, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := d.raw(t)
			r.bind(person(2), password(2)) // Who fails to bind is nobody.
			result, _, m := r.exchange(saslBind("PLAIN", test.authzID+"\x00"+test.user+"\x00"+test.password), control(ldapwire.OIDPasswordPolicy, false))
			wantResult(t, result, test.code, test.text)
			if controls, err := m.Controls(); m.Op != ldapwire.BindResponse || len(controls) > 0 || err != nil {
				t.Errorf("answer %#x with controls %v, %v", m.Op, controls, err)
			}
			if who := r.whoAmI(); who != test.who {
				t.Errorf("acts as %q", who)
			}
		})
	}
	const malformed = "SASL(-5): bad protocol / cancel: "
	for _, test := range []struct {
		name string
		bind *ber.Packet
		code int
		text string // with which the message begins
	}{
		{"Nothing", saslBind("PLAIN", ""), 80, malformed},
		{"OnePart", saslBind("PLAIN", "clear"), 80, malformed},
		{"TwoParts", saslBind("PLAIN", "clear\x00in: clear"), 80, malformed},
		{"FourParts", saslBind("PLAIN", "\x00clear\x00in: clear\x00"), 80, malformed},
		{"EmptyUser", saslBind("PLAIN", "\x00\x00x"), 50, "SASL(-14): authorization failure: "},
		{"UserThatIsNoText", saslBind("PLAIN", "\x00\xff\x00x"), 50, "SASL(-14): authorization failure: "},
		{"AsBareName", saslBind("PLAIN", "scheme\x00clear\x00in: clear"), 50, "SASL(-14): authorization failure: "},
		{"AsNoName", saslBind("PLAIN", "dn:nonsense\x00clear\x00in: clear"), 50, "SASL(-14): authorization failure: "},
		{"EmptyPassword", saslBind("PLAIN", "\x00clear\x00"), 49, wrong},
		{"OtherMechanism", saslBind("EXTERNAL"), 7, "SASL(-4): no mechanism available: "},
		{"UnknownMechanism", saslBind("NOSUCH", "x"), 7, "SASL(-4): no mechanism available: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := d.raw(t)
			r.bind(person(2), password(2))
			if result, _, _ := r.exchange(test.bind); result.Code != test.code || !strings.HasPrefix(result.Diagnostic, test.text) {
				t.Errorf("%+v, want code %d, %q", result, test.code, test.text)
			}
			if who := r.whoAmI(); who != "" {
				t.Errorf("acts as %q", who)
			}
		})
	}
}

// TestPlainRights are binds where anonymous may not find the entry, or not use its password.
func TestPlainRights(t *testing.T) {
	t.Parallel()
	for attribute, code := range map[string]int{"entry": 80, "objectClass": 49, "userPassword": 49} {
		t.Run(attribute, func(t *testing.T) {
			t.Parallel()
			hidden := memdir.Rule{
				Base: peopleDN, Attributes: []string{attribute},
				By: []memdir.Grant{{Subject: memdir.Anonymous, Level: memdir.LevelNone}, {Subject: memdir.Anyone, Break: true}},
			}
			bothPlain(t, []memdir.Rule{hidden}, func(t *testing.T, d *place) {
				if result, _, _ := d.raw(t).exchange(saslBind("PLAIN", "\x00clear\x00in: clear")); result.Code != code {
					t.Errorf("%+v, want code %d", result, code)
				}
			})
		})
	}
}

// TestWithoutPlain: the mechanism is not there where it is not asked for.
func TestWithoutPlain(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	if got := mechanisms(t, s.dial(t)); len(got) > 0 {
		t.Errorf("mechanisms %q", got)
	}
	result, _, _ := s.raw(t).exchange(saslBind("PLAIN", "\x00bjensen\x00hifalutin"))
	wantResult(t, result, 7, "SASL(-4): no mechanism available: ")
	config := &tls.Config{Certificates: make([]tls.Certificate, 1), MinVersion: tls.VersionTLS12}
	if _, err := memdir.New(memdir.Options{Suffix: suffix, TLS: config, PlainBase: "nonsense"}); err == nil {
		t.Error("a base that is no name was taken")
	}
}
