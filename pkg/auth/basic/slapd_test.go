package basic_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/basic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// Names and passwords that are hard to carry, on a real directory.
const hard = `
dn: uid=zo\C3\AB,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid:: em/Dqw==
cn: Zoe
sn: Zoe
userPassword: a:b ☃:

dn: uid=\#41\,ou\3Dx,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: #41,ou=x
cn: Hard
sn: Hard
userPassword: secret

dn: cn=twin 1,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: twin
cn: twin 1
sn: Twin
userPassword: secret

dn: cn=twin 2,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: twin
cn: twin 2
sn: Twin
userPassword: secret
`

func TestSlapd(t *testing.T) {
	slapd.Each(t, slapd.Options{LDIF: hard}, func(t *testing.T, s *slapd.Server) {
		client := connect(t, s, s.ServiceDN, s.ServicePassword)
		root := connect(t, s, s.RootDN, s.RootPassword).Service()
		accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: client})
		if err != nil {
			t.Fatal(err)
		}
		change := directory.Change{Op: directory.ChangeReplace, Attribute: "pwdReset", Values: []string{"TRUE"}}
		if _, err := root.Modify(t.Context(), &directory.ModifyRequest{DN: dn("gen001"), Changes: []directory.Change{change}}); err != nil {
			t.Fatal(err)
		}
		filter, err := directory.ParseFilterTemplate("(&(uid={username})(objectClass=inetOrgPerson))")
		if err != nil {
			t.Fatal(err)
		}
		template, err := directory.ParseDNTemplate("uid={username},ou=People,dc=example,dc=com")
		if err != nil {
			t.Fatal(err)
		}
		for mode, o := range map[string]basic.Options{
			"search":   {Search: &basic.Search{Base: directory.MustParseDN(exampledata.PeopleDN), Scope: directory.ScopeSubtree, Filter: filter}},
			"template": {DNTemplate: template},
		} {
			o.Directory, o.Accounts = client, accounts
			a, err := basic.New(o)
			if err != nil {
				t.Fatal(err)
			}
			login := func(name, password string) (*auth.Principal, error) {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
				r.SetBasicAuth(name, password)
				return a.Authenticate(r)
			}
			t.Run(mode, func(t *testing.T) {
				for name, password := range map[string]string{
					"bjensen": "hifalutin", "BJensen": "hifalutin", "zoë": "a:b ☃:", "#41,ou=x": "secret",
				} {
					principal, err := login(name, password)
					if err != nil || principal.Name != name {
						t.Errorf("%s: %v, %v", name, principal, err)
						continue
					}
					if err := accounts.Verify(t.Context(), principal.Identity); err != nil {
						t.Errorf("%s: the account of %+v: %v", name, principal.Identity, err)
					}
				}
				for name, password := range map[string]string{
					"bjensen": "wrong", "nobody": "hifalutin", "*": "hifalutin", "bjensen)(uid=*": "hifalutin", "twin": "secret", "scarter": "",
				} {
					principal, err := login(name, password)
					var e *fault.Error
					if principal != nil || !errors.As(err, &e) || e.Kind != fault.Unauthenticated || e.Message != auth.Refuse(nil).Message || e.Detail != (fault.Detail{}) {
						t.Errorf("%s: %v, %v", name, principal, err)
					}
				}
				if principal, err := login("gen001", exampledata.Password("gen001")); principal == nil || !auth.MustChange(err) {
					t.Errorf("must change: %v, %v", principal, err)
				}
			})
		}
	})
}

func connect(t *testing.T, s *slapd.Server, name, password string) *ldapclient.Client {
	t.Helper()
	client, err := ldapclient.New(ldapclient.Options{
		Servers: []ldapclient.Server{{URL: s.URL}}, TLS: tlspolicy.Client(s.CAPool),
		BindDN: directory.MustParseDN(name), Password: password,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return client
}
