package ldapclient_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// policies are password policies, each of which refuses something else.
const policies = `
dn: cn=strict,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: strict
pwdAttribute: userPassword
pwdMinLength: 8
pwdCheckQuality: 2
pwdInHistory: 3

dn: cn=frozen,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: frozen
pwdAttribute: userPassword
pwdAllowUserChange: FALSE

dn: cn=slow,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: slow
pwdAttribute: userPassword
pwdMinAge: 86400
`

// What a refused change of a password tells on OpenLDAP, whose result codes alone tell
// little.
func TestModifyPassword(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{LDIF: policies}, func(t *testing.T, server *slapd.Server) {
		client := newClient(t, server, nil)
		root := newClient(t, server, func(o *ldapclient.Options) {
			o.BindDN, o.Password = directory.MustParseDN(server.RootDN), server.RootPassword
		})
		for uid, policy := range map[string]string{"scarter": "strict", "trigden": "frozen", "hmiller": "slow"} {
			_, err := root.Service().Modify(t.Context(), &directory.ModifyRequest{DN: userDN(uid), Changes: []directory.Change{
				{Op: directory.ChangeReplace, Attribute: "pwdPolicySubentry", Values: []string{"cn=" + policy + ",ou=Policies,dc=example,dc=com"}},
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		type outcome struct {
			Kind           fault.Kind
			Detail, Policy string
		}
		done := outcome{}
		for _, test := range []struct {
			name, as, of, old, password string
			want                        outcome
		}{
			{"wrong", "bjensen", "bjensen", "wrong", "password", outcome{fault.Invalid, "wrongPassword", ""}},
			{"right", "bjensen", "bjensen", "hifalutin", "password", done},
			{"of somebody else", "bjensen", "abergin", "inflict", "password", outcome{fault.Invalid, "wrongPassword", ""}},
			{"by an administrator", "kvaughan", "abergin", "inflict", "password", done},
			{"of nobody", "kvaughan", "nobody", "x", "password", outcome{fault.Invalid, "wrongPassword", ""}},
			{"too short", "scarter", "scarter", "sprain", "short", outcome{fault.Invalid, "passwordPolicy", "passwordTooShort"}},
			{"long enough", "scarter", "scarter", "sprain", "long enough", done},
			{"used before", "scarter", "scarter", "long enough", "long enough", outcome{fault.Invalid, "passwordPolicy", "passwordInHistory"}},
			{"not allowed", "trigden", "trigden", "sensitive", "password", outcome{fault.Forbidden, "passwordPolicy", "passwordModNotAllowed"}},
			{"first change", "hmiller", "hmiller", "hillock", "password", done},
			{"too young", "hmiller", "hmiller", "password", "another", outcome{fault.Invalid, "passwordPolicy", "passwordTooYoung"}},
		} {
			t.Run(test.name, func(t *testing.T) {
				_, err := client.As(as(test.as)).ModifyPassword(t.Context(), &directory.PasswordRequest{DN: userDN(test.of), Old: test.old, New: test.password})
				var got outcome
				var e *fault.Error
				if errors.As(err, &e) {
					got = outcome{e.Kind, e.Detail.Kind, e.Detail.PasswordPolicy}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
				if test.want != done {
					return
				}
				if _, err := client.Authenticate(t.Context(), userDN(test.of), test.password, nil); err != nil {
					t.Errorf("the new password: %v", err)
				}
				_, err = client.Authenticate(t.Context(), userDN(test.of), test.old, nil)
				kindOf(t, err, fault.Unauthenticated, "")
			})
		}
	})
}

// A refusal by a directory of another kind.
func TestPasswordFaults(t *testing.T) {
	leakFree(t)
	policy := func(value string) fakeldap.Script {
		return func(r *fakeldap.Request) {
			control := fakeldap.Element(0x30, fakeldap.Octets(0x04, "1.3.6.1.4.1.42.2.27.8.5.1"), fakeldap.Octets(0x04, value))
			r.Send(fakeldap.Message(r.ID, r.Result(53), control))
		}
	}
	code := func(code int) fakeldap.Script { return func(r *fakeldap.Request) { r.Done(code) } }
	for name, test := range map[string]struct {
		answer fakeldap.Script
		kind   fault.Kind
		detail string
	}{
		"no operation":         {code(2), fault.Unsupported, "passwordModify"},
		"wrong password":       {code(49), fault.Invalid, "wrongPassword"},
		"unwilling":            {code(53), fault.Invalid, "unwillingToPerform"},
		"no right":             {code(50), fault.Forbidden, "insufficientAccessRights"},
		"unwilling policy":     {policy("\x30\x03\x81\x01\x05"), fault.Forbidden, "passwordPolicy"},
		"policy without a say": {policy("\x30\x00"), fault.Invalid, "unwillingToPerform"},
		"policy of its own":    {policy("\x30\x03\x81\x01\x63"), fault.Forbidden, "passwordPolicy"},
		"nonsense of a policy": {policy("\x30\x03"), fault.Invalid, "unwillingToPerform"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, test.answer)
			session := fakeClient(t, server, nil).As(as("a"))
			_, err := session.ModifyPassword(within(t, 0), &directory.PasswordRequest{DN: userDN("a"), Old: "old", New: "new"})
			kindOf(t, err, test.kind, test.detail)
			silent(t, err)
			if n := server.Count("extended"); n != 1 {
				t.Errorf("the request was sent %d times", n)
			}
		})
	}
}
