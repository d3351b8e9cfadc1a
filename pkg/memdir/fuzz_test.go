package memdir_test

import (
	"io"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// FuzzServer sends any bytes as the root, who may do anything: the server ends the
// connection, and another one does not notice.
func FuzzServer(f *testing.F) {
	base := directory.MustParseDN(person(1))
	filter := directory.And(directory.Equal("uid", "gen001"), directory.Not(directory.Filter{Op: directory.FilterSubstrings, Attribute: "cn", Initial: "a", Any: []string{"b"}}))
	f.Add(ldapwire.AppendSearch(nil, 2, &directory.SearchRequest{Base: base, Scope: 2, Filter: filter, Attributes: []string{"*", "+", "@person"}}, ldapwire.Paging(1, "", true), ldapwire.Sort([]directory.SortKey{{Attribute: "cn", Rule: "2.5.13.3"}})))
	f.Add(ldapwire.AppendModify(nil, 2, &directory.ModifyRequest{DN: base, Changes: []directory.Change{{Op: 3, Attribute: "uidNumber", Values: []string{"1"}}}}, ldapwire.Assertion(&filter), ldapwire.PermissiveModify()))
	f.Add(ldapwire.AppendAdd(nil, 2, &directory.AddRequest{DN: directory.MustParseDN("cn=x+sn=y," + person(1)), Attributes: []directory.Attribute{
		{Name: "objectClass", Values: []string{"person"}}, {Name: "cn", Values: []string{"x"}}, {Name: "sn", Values: []string{"y"}},
	}}, ldapwire.PostRead([]string{"+"}, false)))
	f.Add(ldapwire.AppendDelete(nil, 2, base, ldapwire.PreRead([]string{"*"}, false), ldapwire.ProxiedAuthorization("dn:"+person(2))))
	f.Add(message(2, element(0x6c, octets(0x04, person(1)), octets(0x04, "uid=z"), octets(0x01, "\xff"), octets(0x80, suffix))))
	f.Add(message(2, element(0x6e, octets(0x04, person(1)), element(0x30, octets(0x04, "cn;lang-de"), octets(0x04, "x")))))
	f.Add(message(2, setPassword(octets(0x80, person(1)), octets(0x82, "x"))))
	f.Add(bindRequest(2, person(1), password(1)))
	d := start(f, nil)
	other := d.raw(f)
	f.Fuzz(func(t *testing.T, bytes []byte) {
		r := d.raw(t)
		r.bindRoot()
		if _, err := r.net.Write(bytes); err == nil {
			_ = r.net.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, r.net)
		_ = other.net.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := other.net.Write(message(77, whoAmI())); err != nil {
			t.Fatal(err)
		}
		other.tb = t
		other.result(77)
	})
}
