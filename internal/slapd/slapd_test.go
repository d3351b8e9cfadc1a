package slapd_test

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// TestRecipe checks that both kinds give everyone what the recipe promises, and
// no more.
func TestRecipe(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, s *slapd.Server) {
		t.Run("Data", func(t *testing.T) {
			conn := asRoot(t, s)
			people, err := search(conn, exampledata.PeopleDN, "(objectClass=posixAccount)", []string{"uid"})
			if err != nil || len(people) != exampledata.DefaultUsers {
				t.Errorf("got %d people, %v; want %d", len(people), err, exampledata.DefaultUsers)
			}
			groups, err := search(conn, exampledata.GroupsDN, "(objectClass=groupOfUniqueNames)", []string{"cn"})
			if err != nil || len(groups) != 5 {
				t.Errorf("got %d groups, %v; want 5", len(groups), err)
			}
		})
		t.Run("EveryUserBinds", func(t *testing.T) {
			conn := dial(t, s)
			for _, id := range []string{"bjensen", "kvaughan", "tmorris", "gen001", "gen124"} {
				if err := conn.Bind(person(id), exampledata.Password(id)); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
		t.Run("AnonymousSeesNothing", func(t *testing.T) {
			entries, err := search(dial(t, s), s.BaseDN, "(objectClass=*)", nil)
			if len(entries) != 0 {
				t.Errorf("got %d entries", len(entries))
			}
			wantCode(t, "search", err, ldap.LDAPResultNoSuchObject)
		})
		t.Run("UserReads", func(t *testing.T) {
			entries, err := search(as(t, s, "bjensen"), exampledata.PeopleDN, "(uid=scarter)", []string{"*"})
			if err != nil || len(entries) != 1 {
				t.Fatalf("got %d entries, %v", len(entries), err)
			}
			if got := entries[0].GetAttributeValue("mail"); got != "scarter@example.com" {
				t.Errorf("mail is %q", got)
			}
			if entries[0].GetAttributeValue("userPassword") != "" {
				t.Error("the password can be read")
			}
		})
		t.Run("MemberOf", func(t *testing.T) {
			entries, err := search(as(t, s, "bjensen"), exampledata.PeopleDN, "(uid=kvaughan)", []string{"memberOf"})
			if err != nil {
				t.Fatal(err)
			}
			got := values(entries, "memberOf")
			// dynlist writes the names in lower case.
			want := []string{"cn=directory administrators,ou=groups,dc=example,dc=com", "cn=hr managers,ou=groups,dc=example,dc=com"}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			entries, err = search(as(t, s, "bjensen"), exampledata.PeopleDN, "(uid=kvaughan)", []string{"*"})
			if err != nil || len(values(entries, "memberOf")) != 0 {
				t.Errorf("memberOf is not operational: %q, %v", values(entries, "memberOf"), err)
			}
		})
		t.Run("Writes", func(t *testing.T) {
			bjensen, kvaughan := as(t, s, "bjensen"), as(t, s, "kvaughan")
			for _, attribute := range []string{"description", "telephoneNumber", "mail"} {
				wantCode(t, "own "+attribute, replace(bjensen, person("bjensen"), attribute, "1234"), ldap.LDAPResultSuccess)
				wantCode(t, "own "+attribute, replace(as(t, s, "scarter"), person("scarter"), attribute, "1234"), ldap.LDAPResultInsufficientAccessRights)
			}
			wantCode(t, "own sn", replace(bjensen, person("bjensen"), "sn", "X"), ldap.LDAPResultInsufficientAccessRights)
			wantCode(t, "another's mail", replace(bjensen, person("scarter"), "mail", "x"), ldap.LDAPResultInsufficientAccessRights)
			wantCode(t, "administrator", replace(kvaughan, person("scarter"), "mail", "scarter@example.com"), ldap.LDAPResultSuccess)

			add := ldap.NewAddRequest(person("newuser"), nil)
			add.Attribute("objectClass", []string{"inetOrgPerson"})
			add.Attribute("cn", []string{"New User"})
			add.Attribute("sn", []string{"User"})
			wantCode(t, "add by a user", bjensen.Add(add), ldap.LDAPResultInsufficientAccessRights)
			wantCode(t, "add by an administrator", kvaughan.Add(add), ldap.LDAPResultSuccess)
			wantCode(t, "delete by an administrator", kvaughan.Del(ldap.NewDelRequest(person("newuser"), nil)), ldap.LDAPResultSuccess)
		})
		t.Run("OwnPassword", func(t *testing.T) {
			gen := as(t, s, "gen002")
			if _, err := gen.PasswordModify(ldap.NewPasswordModifyRequest("", exampledata.Password("gen002"), "another-one")); err != nil {
				t.Fatal(err)
			}
			bind(t, s, person("gen002"), "another-one")
			_, err := gen.PasswordModify(ldap.NewPasswordModifyRequest(person("gen003"), "", "another-one"))
			wantCode(t, "another's password", err, ldap.LDAPResultInsufficientAccessRights)
			entries, err := search(asRoot(t, s), person("gen002"), "(objectClass=*)", []string{"userPassword"})
			if err != nil || !strings.HasPrefix(values(entries, "userPassword")[0], "{SSHA}") {
				t.Errorf("the password is not hashed: %q, %v", values(entries, "userPassword"), err)
			}
		})
	})
}

// TestServiceAccount checks what the gateway's account may do for itself and
// for others.
func TestServiceAccount(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, s *slapd.Server) {
		service := asService(t, s)
		t.Run("ActsForPeople", func(t *testing.T) {
			entries, err := search(service, exampledata.PeopleDN, "(uid=scarter)", []string{"cn"}, proxied(person("bjensen")))
			if err != nil || !slices.Equal(values(entries, "cn"), []string{"Sam Carter"}) {
				t.Errorf("got %q, %v", values(entries, "cn"), err)
			}
			wantCode(t, "write for a user", replace(service, person("scarter"), "description", "x", proxied(person("bjensen"))), ldap.LDAPResultInsufficientAccessRights)
			wantCode(t, "write for an administrator", replace(service, person("scarter"), "description", "x", proxied(person("kvaughan"))), ldap.LDAPResultSuccess)
		})
		t.Run("ActsForNobodyElse", func(t *testing.T) {
			for _, dn := range []string{s.RootDN, "cn=quantum dot," + person("nbohr"), exampledata.AdministratorsDN, exampledata.PeopleDN} {
				_, err := search(service, exampledata.PeopleDN, "(uid=scarter)", nil, proxied(dn))
				wantCode(t, dn, err, ldap.LDAPResultAuthorizationDenied)
			}
			_, err := search(as(t, s, "bjensen"), exampledata.PeopleDN, "(uid=scarter)", nil, proxied(person("kvaughan")))
			wantCode(t, "bjensen for kvaughan", err, ldap.LDAPResultAuthorizationDenied)
		})
		t.Run("SeesAccountsOnly", func(t *testing.T) {
			lock(t, s, "gen010")
			entries, err := search(service, exampledata.PeopleDN, "(uid=gen010)", []string{"*", "+"})
			if err != nil || len(entries) != 1 {
				t.Fatalf("got %d entries, %v", len(entries), err)
			}
			var got []string
			for _, a := range entries[0].Attributes {
				got = append(got, a.Name)
			}
			slices.Sort(got)
			if want := []string{"mail", "objectClass", "pwdAccountLockedTime", "uid"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			_, err = search(service, exampledata.GroupsDN, "(objectClass=*)", nil)
			wantCode(t, "groups", err, ldap.LDAPResultNoSuchObject)
			wantCode(t, "write", replace(service, person("gen010"), "mail", "x"), ldap.LDAPResultInsufficientAccessRights)
		})
		t.Run("CannotWidenItsRule", func(t *testing.T) {
			wantCode(t, "itself", replace(service, s.ServiceDN, "authzTo", "dn.regex:.*"), ldap.LDAPResultInsufficientAccessRights)
			wantCode(t, "a user", replace(as(t, s, "bjensen"), person("bjensen"), "authzTo", "dn.regex:.*"), ldap.LDAPResultInsufficientAccessRights)
			wantCode(t, "an administrator", replace(as(t, s, "kvaughan"), s.ServiceDN, "authzTo", exampledata.ServiceAuthzTo), ldap.LDAPResultSuccess)
		})
	})
}

// lock fails to bind until the policy locks the account.
func lock(t *testing.T, s *slapd.Server, id string) {
	t.Helper()
	conn := dial(t, s)
	for range 5 {
		wantCode(t, "wrong password", conn.Bind(person(id), "wrong"), ldap.LDAPResultInvalidCredentials)
	}
	wantCode(t, "right password, locked", conn.Bind(person(id), exampledata.Password(id)), ldap.LDAPResultInvalidCredentials)
}

// TestMustChange checks that pwdReset leaves a user nothing but the change of
// the password.
func TestMustChange(t *testing.T) {
	s := slapd.Start(t, slapd.Options{})
	wantCode(t, "reset", replace(asRoot(t, s), person("gen011"), "pwdReset", "TRUE"), ldap.LDAPResultSuccess)
	conn := as(t, s, "gen011")
	_, err := search(conn, exampledata.PeopleDN, "(uid=scarter)", nil)
	wantCode(t, "search before the change", err, ldap.LDAPResultInsufficientAccessRights)
	if _, err := conn.PasswordModify(ldap.NewPasswordModifyRequest("", exampledata.Password("gen011"), "another-one")); err != nil {
		t.Fatal(err)
	}
	_, err = search(bind(t, s, person("gen011"), "another-one"), exampledata.PeopleDN, "(uid=scarter)", nil)
	wantCode(t, "search after the change", err, ldap.LDAPResultSuccess)
}

// TestRestart checks that a server comes back at the same place with its data.
func TestRestart(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, s *slapd.Server) {
		wantCode(t, "write", replace(as(t, s, "bjensen"), person("bjensen"), "description", "kept"), ldap.LDAPResultSuccess)
		if running := s.PID() != 0; running != (s.Kind == slapd.Process) {
			t.Errorf("the process id of a running %s is %d", s.Kind, s.PID())
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if s.PID() != 0 {
			t.Errorf("the stopped server has the process id %d", s.PID())
		}
		if conn, err := net.DialTimeout("tcp", s.Address, time.Second); err == nil {
			_ = conn.Close()
			t.Error("the stopped server still listens")
		}
		for _, how := range []string{"stopped", "running", "frozen"} {
			if how == "frozen" {
				if err := s.Pause(); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Restart(); err != nil {
				t.Fatalf("restart while %s: %v", how, err)
			}
			entries, err := search(as(t, s, "bjensen"), person("bjensen"), "(objectClass=*)", []string{"description"})
			if err != nil || !slices.Equal(values(entries, "description"), []string{"kept"}) {
				t.Errorf("after a restart while %s: %q, %v", how, values(entries, "description"), err)
			}
		}
	})
}

// TestPause checks that a frozen server keeps its connections and is silent.
func TestPause(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, s *slapd.Server) {
		conn := as(t, s, "bjensen")
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
		answered := make(chan error, 1)
		go func() {
			_, err := conn.WhoAmI(nil)
			answered <- err
		}()
		select {
		case err := <-answered:
			t.Errorf("the frozen server answered: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
		if err := <-answered; err != nil {
			t.Errorf("after it went on: %v", err)
		}
	})
}

// TestOptions checks the options that add something.
func TestOptions(t *testing.T) {
	slapd.Each(t, slapd.Options{
		Users:     30,
		LDIF:      "dn: ou=Extra,dc=example,dc=com\nobjectClass: organizationalUnit\nou: Extra\n",
		AccessLog: true,
		Durable:   true,
		Global:    "idletimeout 600",
		Database: "overlay unique\nunique_uri ldap:///ou=People,dc=example,dc=com?mail?one\n" +
			"overlay constraint\nconstraint_attribute description size 20\n" +
			"overlay retcode\nretcode-parent ou=RetCodes,dc=example,dc=com\nretcode-item cn=busy 51\n",
	}, func(t *testing.T, s *slapd.Server) {
		root, kvaughan := asRoot(t, s), as(t, s, "kvaughan")
		people, err := search(root, exampledata.PeopleDN, "(objectClass=person)", nil)
		if err != nil || len(people) != 30 {
			t.Errorf("got %d people, %v", len(people), err)
		}
		_, err = search(root, "ou=Extra,"+s.BaseDN, "(objectClass=*)", nil)
		wantCode(t, "the extra entry", err, ldap.LDAPResultSuccess)
		wantCode(t, "a mail address twice", replace(kvaughan, person("scarter"), "mail", "bjensen@example.com"), ldap.LDAPResultConstraintViolation)
		wantCode(t, "a long description", replace(kvaughan, person("scarter"), "description", strings.Repeat("x", 21)), ldap.LDAPResultConstraintViolation)
		_, err = search(kvaughan, "cn=busy,ou=RetCodes,"+s.BaseDN, "(objectClass=*)", nil)
		wantCode(t, "a scripted result", err, ldap.LDAPResultBusy)

		wantCode(t, "write", replace(asService(t, s), person("scarter"), "description", "logged", proxied(person("kvaughan"))), ldap.LDAPResultSuccess)
		logged, err := search(root, slapd.AccessLogDN, "(reqMod=description:= logged)", []string{"reqAuthzID"})
		if err != nil || len(logged) != 1 || !strings.EqualFold(logged[0].GetAttributeValue("reqAuthzID"), person("kvaughan")) {
			t.Errorf("access log: %q, %v", values(logged, "reqAuthzID"), err)
		}
	})
}

// TestTLS checks the certificate and the lowest version of the protocol.
func TestTLS(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, s *slapd.Server) {
		old := &tls.Config{RootCAs: s.CAPool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // To be refused.
		if conn, err := tls.Dial("tcp", s.Address, old); err == nil {
			_ = conn.Close()
			t.Error("TLS 1.1 is accepted")
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			conn, err := tls.Dial("tcp", s.Address, &tls.Config{RootCAs: s.CAPool, MinVersion: version, MaxVersion: version})
			if err != nil {
				t.Errorf("%s: %v", tls.VersionName(version), err)
				continue
			}
			_ = conn.Close()
		}
		if _, err := tls.Dial("tcp", s.Address, &tls.Config{MinVersion: tls.VersionTLS12}); err == nil {
			t.Error("the certificate is trusted without its authority")
		}
	})
}

// TestRun checks the form that needs no test, and that nothing is left behind.
func TestRun(t *testing.T) {
	s, err := slapd.Run(t.Context(), slapd.Options{LogLevel: "none"})
	if err != nil {
		t.Skip(err) // TestRecipe says which kinds must be there.
	}
	if s.Version == "" || !strings.Contains(s.String(), s.Version) {
		t.Errorf("version %q of %q", s.Version, s)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Dir(s.CAFile)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	if _, err := net.DialTimeout("tcp", s.Address, time.Second); err == nil {
		t.Error("still listening")
	}
}

// TestRunFails checks that a server that cannot start says why, and that the
// context bounds the start.
func TestRunFails(t *testing.T) {
	s := slapd.Start(t, slapd.Options{}) // To know that one can be had.
	_, err := slapd.Run(t.Context(), slapd.Options{Kind: s.Kind, Global: "nonsense here"})
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
	if _, err = slapd.Run(t.Context(), slapd.Options{Kind: "cloud"}); err == nil {
		t.Error("an unknown kind starts")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = slapd.Run(ended, slapd.Options{Kind: s.Kind}); err == nil {
		t.Error("the context does not bound the start")
	}
}
