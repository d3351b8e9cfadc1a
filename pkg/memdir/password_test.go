package memdir_test

import (
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

func simpleBind(dn, password string) *ber.Packet {
	return element(0x60, integer(0x02, 3), octets(0x04, dn), octets(0x80, password))
}

func setPassword(parts ...*ber.Packet) *ber.Packet {
	return element(0x77, octets(0x80, ldapwire.OIDPasswordModify), octets(0x81, string(element(0x30, parts...).Bytes())))
}

// replace replaces the value of an attribute.
func replace(dn, attribute, value string) *ber.Packet {
	return element(0x66, octets(0x04, dn), element(0x30, element(0x30, integer(0x0a, 2), element(0x30, octets(0x04, attribute), element(0x31, octets(0x04, value))))))
}

// TestPolicyControl are requests with the control of the password policy: which of them
// have one in the answer, and what it says.
func TestPolicyControl(t *testing.T) {
	t.Parallel()
	both(t, 0, testPolicyControl)
}

func testPolicyControl(t *testing.T, d *place) {
	const none = "none"
	r, root := d.raw(t), d.raw(t)
	root.bindRoot()
	root.exchange(replace(person(2), "pwdAccountLockedTime", "000001010000Z"))
	for _, test := range []struct {
		name     string
		op       *ber.Packet
		critical bool
		code     int
		want     string
	}{
		{"Nobody", simpleBind("uid=nosuch,"+peopleDN, "x"), false, 49, none},
		{"Anonymous", simpleBind("", ""), false, 0, none},
		{"Root", simpleBind(rootDN, d.rootPassword), false, 0, none},
		{"WrongPassword", simpleBind(person(1), "x"), false, 49, ""},
		{"Locked", simpleBind(person(2), password(2)), false, 49, "\x81\x01\x01"},
		{"Good", simpleBind(person(1), password(1)), false, 0, ""},
		{"Critical", simpleBind(person(1), password(1)), true, 0, ""},
		{"Search", query{base: person(1)}.packet(), false, 0, none},
		{"SearchCritical", query{base: person(1)}.packet(), true, 12, none},
		{"WhoAmI", whoAmI(), false, 0, none},
		{"WhoAmICritical", whoAmI(), true, 12, none},
		{"SetPassword", setPassword(octets(0x81, password(1)), octets(0x82, "another")), true, 0, none},
		{"WrongOldPassword", setPassword(octets(0x81, "wrong"), octets(0x82, "another")), false, 53, none},
	} {
		result, _, m := r.exchange(test.op, control(ldapwire.OIDPasswordPolicy, test.critical))
		controls, err := m.Controls()
		got := none
		if len(controls) == 1 && controls[0].OID == ldapwire.OIDPasswordPolicy {
			value, err := ber.DecodePacketErr([]byte(controls[0].Value))
			if err != nil {
				t.Fatal(err)
			}
			got = ""
			for _, part := range value.Children {
				got += string(part.Bytes())
			}
		}
		if got != test.want || result.Code != test.code || err != nil {
			t.Errorf("%s: %+v, control %q, %v", test.name, result, got, err)
		}
	}
}

// TestMustChange is a client that may do nothing but change its password.
func TestMustChange(t *testing.T) {
	t.Parallel()
	both(t, 0, testMustChange)
}

func testMustChange(t *testing.T, d *place) {
	const text = "Operations are restricted to bind/unbind/abandon/StartTLS/modify password"
	root := d.raw(t)
	root.bindRoot()
	for n, change := range []*ber.Packet{
		replace(person(0), "userPassword", "another"),
		setPassword(octets(0x81, password(1)), octets(0x82, "another")),
	} {
		if result, _, _ := root.exchange(replace(person(n), "pwdReset", "TRUE")); result.Code != 0 {
			t.Fatalf("%+v", result)
		}
		r := d.raw(t)
		_, _, m := r.exchange(simpleBind(person(n), password(n)), control(ldapwire.OIDPasswordPolicy, false))
		if reason, err := m.PolicyError(); reason != ldapwire.ChangeAfterReset || err != nil {
			t.Errorf("reason %d, %v", reason, err)
		}
		for name, op := range map[string]*ber.Packet{
			"search":  query{base: person(n)}.packet(),
			"compare": element(0x6e, octets(0x04, person(n)), element(0x30, octets(0x04, "cn"), octets(0x04, "x"))),
			"modify":  replace(person(n), "description", "x"),
			"delete":  octets(0x4a, person(n)),
		} {
			result, _, m := r.exchange(op, control(ldapwire.OIDPasswordPolicy, false))
			if result.Code != 50 || result.Diagnostic != text {
				t.Errorf("%s: %+v", name, result)
			}
			if reason, err := m.PolicyError(); (reason == ldapwire.ChangeAfterReset) != (name == "modify") || err != nil {
				t.Errorf("%s: reason %d, %v", name, reason, err)
			}
		}
		// To set somebody else's does not help, where it is allowed at all.
		if result, _, _ := r.exchange(replace(person(9), "userPassword", "another")); result.Code != 50 || result.Diagnostic == text {
			t.Errorf("another's password: %+v", result)
		}
		r.whoAmI()
		if result, entries, _ := r.exchange(query{}.packet()); result.Code != 0 || entries != 1 {
			t.Errorf("root DSE: %+v", result)
		}
		if result, _, _ := r.exchange(change); result.Code != 0 {
			t.Errorf("password: %+v", result)
		}
		if result, entries, _ := r.exchange(query{base: person(n)}.packet()); result.Code != 0 || entries != 1 {
			t.Errorf("after it: %+v", result)
		}
	}
}

// TestReset: a password that the root sets has to be changed, one that others set has not.
func TestReset(t *testing.T) {
	t.Parallel()
	both(t, 0, testReset)
}

func testReset(t *testing.T, d *place) {
	root := d.as(t, rootDN, d.rootPassword)
	change := func(who *ldap.Conn, more func(*ldap.ModifyRequest)) func(dn string) error {
		return func(dn string) error {
			request := ldap.NewModifyRequest(dn, nil)
			request.Replace("userPassword", []string{"another"})
			if more != nil {
				more(request)
			}
			return who.Modify(request)
		}
	}
	says := func(values ...string) func(*ldap.ModifyRequest) {
		return func(r *ldap.ModifyRequest) { r.Replace("pwdReset", values) }
	}
	extended := func(who *ldap.Conn) func(dn string) error {
		return func(dn string) error {
			_, err := who.PasswordModify(ldap.NewPasswordModifyRequest(dn, "", "another"))
			return err
		}
	}
	admin := d.as(t, exampledata.Person{ID: "kvaughan"}.DN(), exampledata.Password("kvaughan"))
	for n, test := range []struct {
		name   string
		before string
		change func(dn string) error
		want   string
	}{
		{"Root", "", change(root, nil), "TRUE"},
		{"RootAgain", "TRUE", change(root, nil), "TRUE"},
		{"RootExtended", "", extended(root), "TRUE"},
		{"RootSaysNot", "", change(root, says("FALSE")), "FALSE"},
		{"RootSaysNothing", "TRUE", change(root, says()), ""},
		{"Administrator", "TRUE", change(admin, nil), ""},
		{"AdministratorExtended", "TRUE", extended(admin), ""},
		{"Self", "", change(d.as(t, person(17), password(17)), nil), ""},
	} {
		dn := person(10 + n)
		if test.before != "" {
			r := ldap.NewModifyRequest(dn, nil)
			r.Replace("pwdReset", []string{test.before})
			wantCode(t, test.name, root.Modify(r), 0)
		}
		wantCode(t, test.name, test.change(dn), 0)
		found, err := root.Search(ldap.NewSearchRequest(dn, 0, 0, 0, 0, false, "(objectClass=*)", []string{"pwdReset"}, nil))
		if err != nil || len(found.Entries) != 1 {
			t.Fatal(found, err)
		}
		if got := found.Entries[0].GetAttributeValue("pwdReset"); got != test.want {
			t.Errorf("%s: pwdReset %q, want %q", test.name, got, test.want)
		}
	}
}

// TestPasswordModify are requests that set a password, and how they are refused.
func TestPasswordModify(t *testing.T) {
	t.Parallel()
	both(t, 0, testPasswordModify)
}

func testPasswordModify(t *testing.T, d *place) {
	extended := func(value ...string) *ber.Packet {
		op := element(0x77, octets(0x80, ldapwire.OIDPasswordModify))
		for _, v := range value {
			op.AppendChild(octets(0x81, v))
		}
		return op
	}
	r := d.raw(t)
	result, _, _ := r.exchange(setPassword())
	wantResult(t, result, 8, "only authenticated users may change passwords")
	r.bind(person(1), password(1))
	for _, test := range []struct {
		name string
		op   *ber.Packet
		code int
		text string
	}{
		{"Empty", extended(""), 2, "empty request data field"},
		{"More", setPassword(octets(0x82, "x"), octets(0x83, "y")), 2, "data decoding error"},
		{"EmptyNew", setPassword(octets(0x82, "")), 53, "new password value is empty"},
		{"EmptyOld", setPassword(octets(0x81, ""), octets(0x82, "x")), 53, "old password value is empty"},
		{"WrongOld", setPassword(octets(0x81, "wrong"), octets(0x82, "x")), 53, "unwilling to verify old password"},
		{"NoName", setPassword(octets(0x80, "nonsense"), octets(0x82, "x")), 21, "Invalid DN"},
		{"Another", setPassword(octets(0x80, person(2)), octets(0x82, "x")), 50, ""},
		{"Mine", setPassword(octets(0x80, person(1)), octets(0x82, "mine")), 0, ""},
	} {
		result, _, _ := r.exchange(test.op)
		if result.Code != test.code || result.Diagnostic != test.text {
			t.Errorf("%s: %+v", test.name, result)
		}
	}
	d.raw(t).bind(person(1), "mine")
	for _, op := range []*ber.Packet{extended(), setPassword()} {
		result, _, m := r.exchange(op)
		value, err := m.ExtendedValue()
		if result.Code != 0 || err != nil || len(value) < 5 {
			t.Fatalf("%+v, %q, %v", result, value, err)
		}
		packet, err := ber.DecodePacketErr([]byte(value))
		if err != nil || len(packet.Children) != 1 {
			t.Fatal(err)
		}
		d.raw(t).bind(person(1), packet.Children[0].Data.String())
	}
}

// TestPasswordAge are logins with passwords that are about to expire, or have expired.
func TestPasswordAge(t *testing.T) {
	t.Parallel()
	now := time.Now()
	day := func(ago time.Duration) string { return now.Add(-ago).UTC().Format("20060102150405Z") }
	const hour = time.Hour
	policies := `
dn: cn=aged,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: aged
pwdAttribute: userPassword
pwdMaxAge: 86400
pwdExpireWarning: 43200
pwdGraceAuthNLimit: 2
pwdMustChange: TRUE

dn: cn=short,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: short
pwdAttribute: userPassword
pwdMaxAge: 86400
pwdGraceAuthNLimit: 2
pwdGraceExpiry: 3600

dn: cn=none,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: none
pwdAttribute: userPassword
pwdMaxAge: 86400
pwdLockout: TRUE
`
	none := ldapwire.PolicyAnswer{Error: ldapwire.NoPolicyError}
	reason := func(e ldapwire.PolicyError) ldapwire.PolicyAnswer { return ldapwire.PolicyAnswer{Error: e} }
	grace := func(n int32) ldapwire.PolicyAnswer {
		return ldapwire.PolicyAnswer{Error: ldapwire.NoPolicyError, Grace: n, HasGrace: true}
	}
	expired, locked := reason(ldapwire.PasswordExpired), reason(ldapwire.AccountLocked)
	soon := ldapwire.PolicyAnswer{Error: ldapwire.NoPolicyError, HasExpiry: true} // The time is looked at by itself.
	tests := []struct {
		name, attributes string
		code             int
		want             ldapwire.PolicyAnswer
	}{
		{"young", "pwdChangedTime: " + day(hour) + "\npwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com", 0, none},
		{"unknown", "pwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com", 0, none},
		{"soon", "pwdChangedTime: " + day(20*hour) + "\npwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com", 0, soon},
		{"grace", "pwdChangedTime: " + day(30*hour) + "\npwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com", 0, grace(1)},
		{"last", "pwdChangedTime: " + day(30*hour) + "\npwdGraceUseTime: 20200101000000Z\npwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com", 0, grace(0)},
		{"over", "pwdChangedTime: " + day(30*hour) + "\npwdGraceUseTime: 20200101000000Z\npwdGraceUseTime: 20200101000001Z\npwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com", 49, expired},
		{"within", "pwdChangedTime: " + day(24*hour+time.Minute) + "\npwdPolicySubentry: cn=short,ou=Policies,dc=example,dc=com", 0, grace(1)},
		{"beyond", "pwdChangedTime: " + day(26*hour) + "\npwdPolicySubentry: cn=short,ou=Policies,dc=example,dc=com", 49, expired},
		{"expired", "pwdChangedTime: " + day(30*hour) + "\npwdPolicySubentry: cn=none,ou=Policies,dc=example,dc=com", 49, expired},
		{"reset", "pwdChangedTime: " + day(hour) + "\npwdReset: TRUE\npwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com", 0, reason(ldapwire.ChangeAfterReset)},
		{"not reset", "pwdReset: TRUE\npwdPolicySubentry: cn=none,ou=Policies,dc=example,dc=com", 0, none},
		{"reset and expired", "pwdChangedTime: " + day(30*hour) + "\npwdReset: TRUE\npwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com", 0, ldapwire.PolicyAnswer{Error: ldapwire.ChangeAfterReset, HasExpiry: true}},
		{"later", "pwdStartTime: " + day(-hour) + "\npwdPolicySubentry: cn=none,ou=Policies,dc=example,dc=com", 49, locked},
		{"begun", "pwdStartTime: " + day(hour) + "\npwdPolicySubentry: cn=none,ou=Policies,dc=example,dc=com", 0, none},
		{"ended", "pwdEndTime: " + day(hour) + "\npwdPolicySubentry: cn=none,ou=Policies,dc=example,dc=com", 49, locked},
	}
	ldif := policies
	for _, test := range tests {
		ldif += "\ndn: uid=" + test.name + "," + peopleDN + "\nobjectClass: inetOrgPerson\nuid: x\ncn: x\nsn: x\nuserPassword: right\n" + test.attributes + "\n"
	}
	ldif = strings.ReplaceAll(ldif, "uid: x\n", "")
	for _, kind := range []slapd.Kind{slapd.Memory, slapd.Process} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := slapd.Start(t, slapd.Options{Kind: kind, Users: users(), LDIF: ldif})
			d := &place{s.Address, s.CAPool, s.RootPassword}
			for _, test := range tests {
				for _, wrong := range []bool{true, false} {
					password, code, want := "right", test.code, test.want
					if wrong && want != locked {
						password, code, want = "wrong", 49, none
					}
					result, _, m := d.raw(t).exchange(simpleBind("uid="+test.name+","+peopleDN, password), control(ldapwire.OIDPasswordPolicy, false))
					answer, err := m.PolicyAnswer()
					controls, err2 := m.Controls()
					if err != nil || err2 != nil || len(controls) != 1 || result.Code != code {
						t.Errorf("%s, %s: %+v, %d controls, %v, %v", test.name, password, result, len(controls), err, err2)
						continue
					}
					if answer.HasExpiry && answer.Expires > 3*3600 && answer.Expires <= 4*3600 {
						answer.Expires = 0
					}
					if answer != want {
						t.Errorf("%s, %s: %+v, want %+v", test.name, password, answer, want)
					}
				}
			}
		})
	}
}
