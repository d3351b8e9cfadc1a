package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
)

// F_44: an entry that a caller may not see is not there for it, with the very answer that an
// absent one gets; one that it sees and may not change is forbidden.
func TestF_44HiddenEntries(t *testing.T) {
	const rules = `access to dn.exact="uid=scarter,ou=People,dc=example,dc=com"
  by dn.exact="cn=rest2ldap,ou=Services,dc=example,dc=com" read
  by dn.exact="uid=kvaughan,ou=People,dc=example,dc=com" write
  by * none
`
	for _, kind := range []slapd.Kind{slapd.Process, slapd.Container} {
		t.Run(string(kind), func(t *testing.T) {
			g := start(t, slapd.Start(t, slapd.Options{Kind: kind, Rules: rules}), settings{})
			const hidden, absent, seen = "/api/users/scarter", "/api/users/nobody", "/api/users/ajensen"
			g.get(t, "kvaughan", hidden).want(http.StatusOK)
			change := `[{"operation":"replace","field":"/description","value":"x"}]`
			for name, a := range map[string]ask{
				"Read":   {method: http.MethodGet},
				"Patch":  {method: http.MethodPatch, body: change},
				"Delete": {method: http.MethodDelete},
			} {
				a.as = "bjensen"
				at := func(path string) *reply { a.path = path; return g.send(t, a) }
				one, other := at(hidden).fails(http.StatusNotFound, ""), at(absent).fails(http.StatusNotFound, "")
				if one.body != other.body {
					t.Errorf("%s: a hidden entry %s, an absent one %s", name, one.body, other.body)
				}
				if a.method != http.MethodGet {
					at(seen).fails(http.StatusForbidden, "")
				}
			}
			g.list(t, "bjensen", "/api/users", `userName eq "scarter@example.com"`).finds()
			// References to it keep the spelling that the pointer has, and tell no more.
			r := g.get(t, "bjensen", "/api/users/jjensen").want(http.StatusOK).has(`"scarter"`, "manager", "_id")
			if got := r.members("manager"); len(got) != 1 {
				t.Errorf("of a hidden manager the caller sees %q", got)
			}
		})
	}
}

// F_50: octets that are no text are shown as Base64 and never as something else, and what was
// read can be written as it is.
func TestF_50ValuesThatAreNoText(t *testing.T) {
	const mapping = `{"format": 1, "version": "1.0", "resourceTypes": {
		"v1": {"subResources": {"users": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}},
		"user": {"objectClasses": ["inetOrgPerson"], "properties": {
			"_id": {"type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly"},
			"cn": {"type": "simple", "isMultiValued": true}, "sn": {"type": "simple"},
			"sound": {"type": "simple", "ldapAttribute": "audio"}, "noise": {"type": "simple", "ldapAttribute": "x500UniqueIdentifier", "isMultiValued": true}}}}}`
	const ldif = "dn: uid=loud,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: loud\ncn: Loud\nsn: Loud\naudio:: /wD+gA==\n"
	slapd.Each(t, slapd.Options{LDIF: ldif}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/v1.json": mapping}})
		const path = "/api/users/loud"
		r := g.get(t, "kvaughan", path).want(http.StatusOK).has(`"/wD+gA=="`, "sound")
		if strings.Contains(r.body, "\ufffd") {
			t.Errorf("a replacement character stands for octets: %s", r.body)
		}
		again := g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: r.body}).want(http.StatusOK)
		if again.etag() != r.etag() {
			t.Error("a PUT of what was read has changed the entry")
		}
		if entry := ldapEntry(t, server, "uid=loud,ou=People,dc=example,dc=com"); !strings.Contains(entry, "audio:: /wD+gA==") {
			t.Errorf("%s", entry)
		}
	})
}

// F_52: a pointer names its entry in every spelling that a name may have.
func TestF_52SpellingsOfNames(t *testing.T) {
	spellings := []string{
		"uid=bjensen,ou=People,dc=example,dc=com", "UID=BJENSEN,OU=PEOPLE,DC=EXAMPLE,DC=COM", "uid = bjensen , ou = People , dc = example , dc = com",
		`uid=\62jensen,ou=People,dc=example,dc=com`, `uid=b\6aensen,ou=P\65ople,dc=example,dc=com`, "0.9.2342.19200300.100.1.1=bjensen,ou=People,dc=example,dc=com",
		"userid=bjensen,2.5.4.11=People,domainComponent=example,dc=com", "uid=bjensen;ou=People;dc=example;dc=com",
	}
	var ldif strings.Builder
	for i, spelling := range spellings {
		fmt.Fprintf(&ldif, "dn: cn=spelt%d,ou=Groups,dc=example,dc=com\nobjectClass: groupOfUniqueNames\ncn: spelt%d\nuniqueMember: %s\n\n", i, i, spelling)
	}
	slapd.Each(t, slapd.Options{LDIF: ldif.String()}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		var groups []string
		for i := range spellings {
			id := fmt.Sprintf("spelt%d", i)
			groups = append(groups, id)
			g.get(t, "kvaughan", "/api/groups/"+id, "_fields", "/members/displayName").want(http.StatusOK).
				has(`"bjensen"`, "members", 0, "_id").has(`["Barbara Jensen","Babs Jensen"]`, "members", 0, "displayName")
			// It is there already, so that adding it changes nothing.
			before := g.get(t, "kvaughan", "/api/groups/"+id)
			after := g.send(t, ask{method: "PATCH", path: "/api/groups/" + id, as: "kvaughan", body: `[{"operation":"add","field":"/members/-","value":{"_id":"bjensen"}}]`}).want(http.StatusOK)
			if a, b := len(before.ids("members")), len(after.ids("members")); a != 1 || b != 1 {
				t.Errorf("%s: %d members before, %d after", spellings[i], a, b)
			}
		}
		g.list(t, "kvaughan", "/api/groups", `members/_id eq "bjensen"`).finds(groups...)
	})
}

// F_53: while somebody renames an entry back and forth, each id leads to its own entry or to
// none.
func TestF_53RenamedWhileRead(t *testing.T) {
	const ldif = "dn: uid=swap1,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: swap1\ncn: One\nsn: One\ndescription: one\n\n" +
		"dn: uid=other,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: other\ncn: Other\nsn: Other\nmanager: uid=swap1,ou=People,dc=example,dc=com\n"
	slapd.Each(t, slapd.Options{LDIF: ldif, LogLevel: "none"}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		var work sync.WaitGroup
		done := make(chan struct{})
		for _, id := range []string{"swap1", "swap2"} {
			work.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					for _, a := range []ask{
						{method: "GET", path: "/api/users/" + id, as: "kvaughan"},
						{method: "PATCH", path: "/api/users/" + id, as: "kvaughan", body: `[{"operation":"replace","field":"/description","value":"` + id + `"}]`},
					} {
						r, err := g.try(a)
						if err != nil || r.status != http.StatusOK && r.status != http.StatusNotFound {
							t.Errorf("%s %s: %v %v", a.method, a.path, err, r)
						} else if r.status == http.StatusOK && r.at("_id") != id && r.at("_id") != nil {
							t.Errorf("%s answers with %s", id, r.body)
						}
					}
				}
			})
		}
		for i := range 40 {
			from, to := "swap1", "swap2"
			if i%2 == 1 {
				from, to = to, from
			}
			ldapModify(t, server, "dn: uid="+from+","+exampledata.PeopleDN+"\nchangetype: modrdn\nnewrdn: uid="+to+"\ndeleteoldrdn: 1\n")
		}
		close(done)
		work.Wait()
		g.get(t, "kvaughan", "/api/users/swap1").want(http.StatusOK).has(`"swap1"`, "_id")
		g.get(t, "kvaughan", "/api/users/swap2").fails(http.StatusNotFound, "")
	})
}

// F_06: the way to the directory goes silent under a request that is on its way.
func TestF_06SilentWay(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g, way := behind(t, server, "limits.requestTimeout=2s")
	const path = "/api/users/bjensen"
	g.get(t, "kvaughan", path).want(http.StatusOK)
	way.Add(toxic.Downstream, "timeout", map[string]any{"timeout": 0})
	g.get(t, "kvaughan", path).fails(http.StatusGatewayTimeout, "")
	recovered := func() { way.Clear(); recovers(t, g, "kvaughan", path) }
	recovered()
	way.Add(toxic.Downstream, "timeout", map[string]any{"timeout": 0})
	r := g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: `[{"operation":"replace","field":"/description","value":"lost"}]`})
	if r.status != http.StatusGatewayTimeout && r.status != http.StatusServiceUnavailable {
		t.Errorf("status %d: %s", r.status, r.body)
	}
	recovered()
}
