package ldapclient_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// What a directory tells of an account with a bind. Only with the right password an error
// is named after the state.
func TestAccountStateOfBind(t *testing.T) {
	t.Parallel()
	type outcome struct {
		State  directory.AccountState
		Kind   fault.Kind // Internal for none
		Detail string
	}
	policy := func(code int, value string) fakeldap.Script {
		return func(r *fakeldap.Request) {
			control := fakeldap.Element(0x30, fakeldap.Octets(0x04, "1.3.6.1.4.1.42.2.27.8.5.1"), fakeldap.Octets(0x04, value))
			r.Send(fakeldap.Message(r.ID, r.Result(code), control))
		}
	}
	windows := func(subCode string) fakeldap.Script {
		return func(r *fakeldap.Request) {
			text := "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data " + subCode + ", v4563\x00"
			r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x61, fakeldap.Integer(0x0a, 49), fakeldap.Octets(0x04, ""), fakeldap.Octets(0x04, text))))
		}
	}
	const generic = "invalidCredentials"
	state := func(status directory.AccountStatus) directory.AccountState {
		return directory.AccountState{Status: status}
	}
	grace := directory.AccountState{Status: directory.PasswordExpired, HasGrace: true, GraceLogins: 2}
	for name, test := range map[string]struct {
		answer fakeldap.Script
		want   outcome
	}{
		"good":            {policy(0, "\x30\x00"), outcome{}},
		"grace":           {policy(0, "\x30\x05\xa0\x03\x81\x01\x02"), outcome{State: grace}},
		"must change":     {policy(0, "\x30\x03\x81\x01\x02"), outcome{state(directory.PasswordMustChange), fault.Forbidden, "passwordMustChange"}},
		"other error":     {policy(0, "\x30\x03\x81\x01\x63"), outcome{}},
		"nonsense":        {policy(0, "\x30\x03"), outcome{Kind: fault.BadGateway, Detail: "malformedAnswer"}},
		"wrong":           {policy(49, "\x30\x00"), outcome{Kind: fault.Unauthenticated, Detail: generic}},
		"expired":         {policy(49, "\x30\x03\x81\x01\x00"), outcome{state(directory.PasswordExpired), fault.Unauthenticated, "passwordExpired"}},
		"expired, 53":     {policy(53, "\x30\x03\x81\x01\x00"), outcome{state(directory.PasswordExpired), fault.Unauthenticated, "passwordExpired"}},
		"locked":          {policy(49, "\x30\x03\x81\x01\x01"), outcome{state(directory.AccountLocked), fault.Unauthenticated, generic}},
		"reset, refused":  {policy(49, "\x30\x03\x81\x01\x02"), outcome{state(directory.PasswordMustChange), fault.Unauthenticated, generic}},
		"wrong, nonsense": {policy(49, "\x30\x03"), outcome{Kind: fault.Unauthenticated, Detail: generic}},
		"busy, expired":   {policy(51, "\x30\x03\x81\x01\x00"), outcome{Kind: fault.Unavailable, Detail: "directoryBusy"}},
		"AD wrong":        {windows("52e"), outcome{Kind: fault.Unauthenticated, Detail: generic}},
		"AD unknown":      {windows("525"), outcome{Kind: fault.Unauthenticated, Detail: generic}},
		"AD expired":      {windows("532"), outcome{state(directory.PasswordExpired), fault.Unauthenticated, "passwordExpired"}},
		"AD disabled":     {windows("533"), outcome{state(directory.AccountDisabled), fault.Unauthenticated, "accountDisabled"}},
		"AD over":         {windows("701"), outcome{state(directory.AccountExpired), fault.Unauthenticated, "accountExpired"}},
		"AD must change":  {windows("773"), outcome{state(directory.PasswordMustChange), fault.Forbidden, "passwordMustChange"}},
		"AD locked":       {windows("775"), outcome{state(directory.AccountLocked), fault.Unauthenticated, generic}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, test.answer)
			var got outcome
			var err error
			got.State, err = fakeClient(t, server, nil).Authenticate(within(t, 0), userDN("a"), "password", nil)
			var e *fault.Error
			if errors.As(err, &e) {
				got.Kind, got.Detail = e.Kind, e.Detail.Kind
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			silent(t, err)
		})
	}
}

// An account whose password expires says when, in the time of the gateway.
func TestPasswordExpires(t *testing.T) {
	since := time.Now().Add(-20 * time.Hour).UTC().Format("20060102150405Z")
	data := `
dn: cn=aged,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: aged
pwdAttribute: userPassword
pwdMaxAge: 86400
pwdExpireWarning: 43200

dn: uid=soon,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
cn: Soon
sn: Soon
userPassword: secret
pwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com
pwdChangedTime: ` + since + "\n"
	slapd.Each(t, slapd.Options{LDIF: data}, func(t *testing.T, server *slapd.Server) {
		state, err := newClient(t, server, nil).Authenticate(t.Context(), userDN("soon"), "secret", nil)
		if left := time.Until(state.PasswordExpires); err != nil || state.Status != directory.AccountValid || left < 3*time.Hour || left > 4*time.Hour {
			t.Errorf("%+v, %v", state, err)
		}
	})
}
