package slapd_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// Control OIDs that go-ldap has no constant for.
const (
	proxiedOID    = "2.16.840.1.113730.3.4.18"
	permissiveOID = "1.2.840.113556.1.4.1413"
	preReadOID    = "1.3.6.1.1.13.1"
	postReadOID   = "1.3.6.1.1.13.2"
)

// person returns the DN of a user.
func person(id string) string { return exampledata.Person{ID: id}.DN() }

// dial connects without an identity.
func dial(t *testing.T, s *slapd.Server) *ldap.Conn {
	t.Helper()
	conn, err := ldap.DialURL(s.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: s.CAPool}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// bind connects with a DN and its password.
func bind(t *testing.T, s *slapd.Server, dn, password string) *ldap.Conn {
	t.Helper()
	conn := dial(t, s)
	if err := conn.Bind(dn, password); err != nil {
		t.Fatalf("bind as %s: %v", dn, err)
	}
	return conn
}

// as connects as a user.
func as(t *testing.T, s *slapd.Server, id string) *ldap.Conn {
	t.Helper()
	return bind(t, s, person(id), exampledata.Password(id))
}

func asRoot(t *testing.T, s *slapd.Server) *ldap.Conn {
	t.Helper()
	return bind(t, s, s.RootDN, s.RootPassword)
}

func asService(t *testing.T, s *slapd.Server) *ldap.Conn {
	t.Helper()
	return bind(t, s, s.ServiceDN, s.ServicePassword)
}

// proxied is the critical control that makes an operation act for a DN.
func proxied(dn string) ldap.Control { return ldap.NewControlString(proxiedOID, true, "dn:"+dn) }

// search returns the entries below the base.
func search(conn *ldap.Conn, base, filter string, attributes []string, controls ...ldap.Control) ([]*ldap.Entry, error) {
	result, err := conn.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		0, 0, false, filter, attributes, controls))
	if result == nil {
		return nil, err
	}
	return result.Entries, err
}

// values returns the values of one attribute over all entries, in order.
func values(entries []*ldap.Entry, attribute string) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.GetAttributeValues(attribute)...)
	}
	slices.Sort(all)
	return all
}

// replace changes one attribute.
func replace(conn *ldap.Conn, dn, attribute, value string, controls ...ldap.Control) error {
	request := ldap.NewModifyRequest(dn, controls)
	request.Replace(attribute, []string{value})
	return conn.Modify(request)
}

// wantCode fails unless the error carries that result code.
func wantCode(t *testing.T, what string, err error, code uint16) {
	t.Helper()
	if got := resultCode(err); got != code {
		t.Errorf("%s: got %s, want %s", what, codeName(got), codeName(code))
	}
}

func resultCode(err error) uint16 {
	var failure *ldap.Error
	switch {
	case err == nil:
		return ldap.LDAPResultSuccess
	case errors.As(err, &failure):
		return failure.ResultCode
	default:
		return ldap.LDAPResultOther
	}
}

func codeName(code uint16) string {
	return fmt.Sprintf("%d (%s)", code, ldap.LDAPResultCodeMap[code])
}
