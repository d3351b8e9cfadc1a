package integration_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// What each result code of the directory is for a client: the same with OpenLDAP, the directory
// in memory, and a server that only says the code, with a text and a name that are not for
// clients.
func TestResultCodes(t *testing.T) {
	rows := []struct {
		row, verb string
		code      int
		status    int
		kind      string
	}{
		{"R_L01", "patch", 122, http.StatusPreconditionFailed, "assertionFailed"},
		{"R_L03/F_43/ObjectClassViolation", "create", 65, http.StatusBadRequest, "objectClassViolation"},
		{"R_L03/F_43/UndefinedAttributeType", "create", 17, http.StatusBadRequest, "undefinedAttributeType"},
		{"R_L03/F_43/InvalidSyntax", "patch", 21, http.StatusBadRequest, "invalidAttributeSyntax"},
		{"R_L03/NamingViolation", "create", 64, http.StatusBadRequest, "namingViolation"},
		{"F_41/EntryAlreadyExists", "create", 68, http.StatusPreconditionFailed, "alreadyExists"},
		{"R_L05/F_36/Read", "read", 32, http.StatusNotFound, "notFound"},
		{"R_L05/F_36/Patch", "patch", 32, http.StatusNotFound, "notFound"},
		{"R_L05/F_36/Delete", "delete", 32, http.StatusNotFound, "notFound"},
		{"R_L05/F_36/Update", "update", 32, http.StatusNotFound, "notFound"},
		{"R_L05/F_36/Query", "query", 32, http.StatusNotFound, "notFound"},
		{"R_L07/F_29/SizeLimit", "read", 4, http.StatusRequestEntityTooLarge, "sizeLimit"},
		{"R_L07/F_30/AdminLimit", "read", 11, http.StatusRequestEntityTooLarge, "adminLimit"},
		{"R_L07/F_29/SizeLimit/Query", "query", 4, http.StatusRequestEntityTooLarge, "sizeLimit"},
		{"R_L07/F_30/AdminLimit/Query", "query", 11, http.StatusRequestEntityTooLarge, "adminLimit"},
		{"F_30/AdminLimitOfAChange", "patch", 11, http.StatusRequestEntityTooLarge, "adminLimit"},
		{"F_30/TimeLimit", "read", 3, http.StatusGatewayTimeout, "timeLimit"},
		{"F_30/TimeLimitOfAChange", "patch", 3, http.StatusGatewayTimeout, "timeLimit"},
		{"X19/Busy", "read", 51, http.StatusServiceUnavailable, "directoryBusy"},
		{"X19/Unavailable", "read", 52, http.StatusServiceUnavailable, "directoryUnavailable"},
		{"R_L09/Read", "read", 53, http.StatusBadRequest, "unwillingToPerform"},
		{"R_L09/Query", "query", 53, http.StatusBadRequest, "unwillingToPerform"},
		{"R_L09/Create", "create", 53, http.StatusBadRequest, "unwillingToPerform"},
		{"R_L09/Update", "update", 53, http.StatusBadRequest, "unwillingToPerform"},
		{"R_L09/Delete", "delete", 53, http.StatusBadRequest, "unwillingToPerform"},
		{"F_44/InsufficientAccess", "delete", 50, http.StatusForbidden, "insufficientAccessRights"},
		{"F_44/InsufficientAccess/Read", "read", 50, http.StatusForbidden, "insufficientAccessRights"},
		{"F_44/InsufficientAccess/Update", "update", 50, http.StatusForbidden, "insufficientAccessRights"},
		{"F_44/InsufficientAccess/Patch", "patch", 50, http.StatusForbidden, "insufficientAccessRights"},
		{"F_45/Read", "read", 123, http.StatusForbidden, "authorizationDenied"},
		{"F_45/Patch", "patch", 123, http.StatusForbidden, "authorizationDenied"},
		{"ConfidentialityRequired", "delete", 13, http.StatusForbidden, "confidentialityRequired"},
		{"NoSuchAttribute", "patch", 16, http.StatusBadRequest, "noSuchAttribute"},
		{"F_40/ConstraintViolation", "patch", 19, http.StatusBadRequest, "constraintViolation"},
		{"F_40/Unwilling", "patch", 53, http.StatusBadRequest, "unwillingToPerform"},
		{"F_42/NotOnNonLeaf", "delete", 66, http.StatusBadRequest, "notAllowedOnNonLeaf"},
		{"NotAllowedOnRDN", "patch", 67, http.StatusBadRequest, "notAllowedOnRDN"},
		{"InappropriateAuthentication", "read", 48, http.StatusUnauthorized, "inappropriateAuthentication"},
	}
	codes := make(map[string]int)
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = fmt.Sprint("item", i)
		codes[names[i]] = r.code
	}
	const ldif = "dn: uid=twin1,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: twin1\ncn: Twin\nsn: Twin\nmail: twin@example.com\n\n" +
		"dn: uid=twin2,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: twin2\ncn: Twin\nsn: Twin\nmail: twin@example.com\n"
	mapped := map[string]string{"api/v1.json": `{"format": 1, "version": "1.0", "resourceTypes": {
			"v1": {"subResources": {
				"items": {"type": "collection", "dnTemplate": "ou=Codes,dc=example,dc=com", "resource": "item", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "cn"}},
				"mails": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "mail", "namingStrategy": {"type": "clientNaming", "dnAttribute": "uid", "idAttribute": "mail"}}}},
			"item": {"objectClasses": ["device"], "properties": {"_id": {"type": "simple", "ldapAttribute": "cn", "isRequired": true, "writability": "createOnly"}, "description": {"type": "simple"}},
				"subResources": {"parts": {"type": "collection", "resource": "item", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "cn"}}}},
			"mail": {"objectClasses": ["inetOrgPerson"], "properties": {"_id": {"type": "simple", "ldapAttribute": "mail", "isRequired": true, "writability": "createOnly"}, "uid": {"type": "simple"}}}}}`}
	each := func(t *testing.T, g *gateway) {
		for i, row := range rows {
			t.Run(row.row, func(t *testing.T) {
				a := ask{path: "/api/items/" + names[i], as: "kvaughan"}
				switch row.verb {
				case "read":
					a.method = http.MethodGet
				case "query":
					a.method, a.path, a.query = http.MethodGet, a.path+"/parts", params("_queryFilter", "true")
				case "delete":
					a.method = http.MethodDelete
				case "create":
					a.method, a.body, a.header = http.MethodPut, `{"_id":"`+names[i]+`"}`, headers("If-None-Match", "*")
				case "update":
					a.method, a.body, a.header = http.MethodPut, `{"_id":"`+names[i]+`"}`, headers("If-Match", "*")
				case "patch":
					a.method, a.body = http.MethodPatch, `[{"operation":"replace","field":"/description","value":"x"}]`
				}
				r := g.send(t, a).fails(row.status, row.kind)
				told := r.body + fmt.Sprint(r.header)
				for _, secret := range []string{"operators", "dc=example", "ou=Codes", fakeldap.Secret, fakeldap.SecretDN} {
					if strings.Contains(told, secret) {
						t.Errorf("the reply tells what it must not: %s", told)
					}
				}
				if (r.header.Get("Retry-After") != "") != (row.status == http.StatusServiceUnavailable) {
					t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
				}
			})
		}
	}
	t.Run("Scripted", func(t *testing.T) {
		g, _ := scripted(t, func(r *fakeldap.Request) {
			name, _, _ := strings.Cut(strings.TrimPrefix(r.DN, "cn="), ",")
			if code, ok := codes[name]; ok {
				r.Done(code)
				return
			}
			person(r)
		}, settings{mappings: mapped})
		each(t, g)
	})
	slapd.Each(t, slapd.Options{Codes: codes, LDIF: ldif}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: mapped})
		each(t, g)
		t.Run("R_L11", func(t *testing.T) {
			if r := g.get(t, "kvaughan", "/api/mails/twin@example.com").fails(http.StatusInternalServerError, "ambiguousID"); !strings.Contains(r.body, "several entries have this id") {
				t.Errorf("%s", r.body)
			}
			g.send(t, ask{method: "DELETE", path: "/api/mails/twin@example.com", as: "kvaughan"}).fails(http.StatusInternalServerError, "ambiguousID")
			if entry := ldapEntry(t, server, "uid=twin1,ou=People,dc=example,dc=com"); !strings.Contains(entry, "uid: twin1") {
				t.Errorf("a deletion of two took one: %s", entry)
			}
			g.get(t, "kvaughan", "/api/mails/bjensen@example.com").want(http.StatusOK).has(`"bjensen"`, "uid")
		})
	})
}

// What the directory hides is not there, whatever is asked; what it tells to be there and does
// not let the caller read is forbidden, also to one who asks by a revision.
func TestDisclosed(t *testing.T) {
	const rule = "access to dn.base=\"uid=scarter,ou=People,dc=example,dc=com\"\n  by dn.base=\"uid=trigden,ou=People,dc=example,dc=com\" %s\n  by * break\n"
	for level, status := range map[string]int{"=d": http.StatusForbidden, "none": http.StatusNotFound} {
		t.Run(level, func(t *testing.T) {
			server := slapd.Start(t, slapd.Options{Kind: slapd.Process, Rules: fmt.Sprintf(rule, level)})
			g := start(t, server, settings{})
			const path = "/api/users/scarter"
			patch := `[{"operation":"replace","field":"/description","value":"x"}]`
			body := `{"_id":"scarter","_schema":"frapi:opendj:rest2ldap:posixUser:1.0","displayName":["x"],"name":{"familyName":"x"},"uidNumber":1,"gidNumber":1,"homeDirectory":"/x"}`
			for name, a := range map[string]ask{
				"Read": {method: "GET"}, "Head": {method: "HEAD"}, "Photo": {method: "GET", query: params("_fields", "photo", "_mimeType", "image/jpeg")},
				"Update": {method: "PUT", body: body, header: headers("If-Match", "*")}, "Upsert": {method: "PUT", body: body},
				"NoPatch": {method: "PATCH", body: "[]"}, "PatchAtRevision": {method: "PATCH", body: patch, header: headers("If-Match", "x")},
				"ModifyPassword": {method: "POST", query: params("_action", "modifyPassword"), body: `{"oldPassword":"sprain","newPassword":"x"}`},
				"ResetPassword":  {method: "POST", query: params("_action", "resetPassword"), body: "{}"},
				"Usability":      {method: "POST", query: params("_action", "accountUsability"), body: "{}"},
			} {
				t.Run(name, func(t *testing.T) {
					a.path, a.as = path, "trigden"
					g.send(t, a).want(status)
				})
			}
			g.get(t, "trigden", "/api/users/abarnes").want(http.StatusOK).has(`"scarter"`, "manager", "_id").lacks("manager", "displayName")
		})
	}
}

// scripted starts a gateway in front of a server that does what a test tells it. Every caller is
// who they say.
func scripted(t *testing.T, script fakeldap.Script, s settings) (*gateway, *fakeldap.Server) {
	t.Helper()
	trusting := s.auth == ""
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		if r.Name == "bind" && trusting {
			r.Done(0)
			return
		}
		script(r)
	})
	dir := t.TempDir()
	write(t, dir, "ca.pem", string(server.CA))
	if trusting {
		s.auth = basicTemplate
	}
	stand := &slapd.Server{URL: server.URL, CAFile: filepath.Join(dir, "ca.pem"), ServiceDN: fakeldap.ServiceDN, ServicePassword: fakeldap.Password}
	return start(t, stand, s), server
}

const basicTemplate = `
auth:
  basic: {mode: simple, dnTemplate: "uid={username},ou=People,dc=example,dc=com"}
`

// person answers a search with the person that it asks for, and all else with success.
func person(r *fakeldap.Request) {
	if r.Name == "search" {
		uid := strings.TrimPrefix(strings.SplitN(r.DN, ",", 2)[0], "uid=")
		r.Entry("uid="+uid+",ou=People,dc=example,dc=com", "objectClass", "top", "objectClass", "person", "objectClass", "organizationalPerson", "objectClass", "inetOrgPerson",
			"uid", uid, "cn", "A Person", "sn", "Person", "entryCSN", "1")
	}
	if r.Name != "abandon" {
		r.Done(0)
	}
}

// F_29: the directory returns a part of a list, and that it has reached its limit. What is held
// back becomes an error that names the limit, and a list that has begun breaks off.
func TestF_29CutShort(t *testing.T) {
	refused := func(t *testing.T, r *reply, limit int) {
		t.Helper()
		r.fails(http.StatusRequestEntityTooLarge, "sizeLimit").lacks("result").has(fmt.Sprint(limit), "detail", "limit")
	}
	everything := ask{method: "GET", path: "/api/users", as: "kvaughan", query: params("_queryFilter", "true")}
	slapd.Each(t, slapd.Options{Users: 700}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		refused(t, g.list(t, "kvaughan", "/api/users", "true", "_fields", "userName"), 500)
		// Whether the list has begun when the limit is reached, nobody can tell.
		if r, err := g.try(everything); err == nil {
			r.t = t
			refused(t, r, 500)
		} else if r == nil || r.status != http.StatusOK {
			t.Error(r, err)
		}
	})
	t.Run("Scripted", func(t *testing.T) {
		long := strings.Repeat("long ", 100)
		begun := make(chan struct{})
		g, _ := scripted(t, func(r *fakeldap.Request) {
			if !r.Paged {
				person(r)
				return
			}
			text := "short"
			if slices.Contains(r.Attributes, "cn") {
				text = long
			}
			for i := range 400 {
				r.Entry(fmt.Sprintf("uid=%s%d,ou=People,dc=example,dc=com", r.Cookie, i), "objectClass", "inetOrgPerson", "uid", fmt.Sprint(r.Cookie, i), "mail", "x@example.com", "cn", text, "sn", "x")
			}
			switch {
			case r.Cookie == "":
				r.DonePage("more")
				return
			case r.Cookie == "more":
				r.DonePage("yet more")
				return
			case text == long:
				<-begun
			}
			r.Done(4)
		}, settings{})
		refused(t, g.list(t, "kvaughan", "/api/users", "true", "_fields", "userName"), 1200)
		r, err := g.tryWithin(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotFirstResponseByte: func() { close(begun) }}), everything)
		if err == nil || r == nil || r.status != http.StatusOK || strings.Contains(r.body, "resultCount") {
			t.Errorf("%v: %v", err, r)
		}
	})
}

// F_35: what another server has is an error of its own, or left out and counted; nobody calls
// that server.
func TestF_35NeverFollowed(t *testing.T) {
	elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	go func() {
		for {
			conn, err := elsewhere.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = elsewhere.Close()
		if n := calls.Load(); n > 0 {
			t.Errorf("the other server was called %d times", n)
		}
	})
	there := elsewhere.Addr().String() + "/uid=away,ou=People,dc=example,dc=com"
	check := func(t *testing.T, g *gateway) {
		t.Helper()
		const path = "/api/users/away"
		for name, a := range map[string]ask{
			"Read":   {method: "GET"},
			"Put":    {method: "PUT", body: newUser("away"), header: headers("If-None-Match", "*")},
			"Patch":  {method: "PATCH", body: `[{"operation":"replace","field":"/description","value":"x"}]`},
			"Delete": {method: "DELETE"},
		} {
			t.Run(name, func(t *testing.T) {
				a.path, a.as = path, "kvaughan"
				if r := g.send(t, a).fails(http.StatusBadGateway, "referral"); strings.Contains(r.body, "ldap") || strings.Contains(r.body, "127.0.0.1") {
					t.Errorf("the reply tells where: %s", r.body)
				}
			})
		}
		t.Run("List", func(t *testing.T) {
			r := g.list(t, "kvaughan", "/api/users", `_id sw "a" or _id eq "bjensen"`, "_fields", "_id").want(http.StatusOK)
			ids := r.ids("result")
			if slices.Contains(ids, "away") || !slices.Contains(ids, "bjensen") {
				t.Errorf("%q", ids)
			}
			if events := g.eventsOf(t, r); len(events) != 1 || events[0]["leftOut"] != 1.0 {
				t.Errorf("nobody is told: %v", events)
			}
		})
	}
	for scheme, kinds := range map[string][]slapd.Kind{"ldap": {slapd.Process}, "ldaps": {slapd.Process, slapd.Container}} {
		for _, kind := range kinds {
			t.Run(scheme+string(kind), func(t *testing.T) {
				server := slapd.Start(t, slapd.Options{Kind: kind, LDIF: "dn: uid=away,ou=People,dc=example,dc=com\nobjectClass: referral\nobjectClass: extensibleObject\nuid: away\nref: " + scheme + "://" + there + "\n"})
				check(t, start(t, server, settings{}))
			})
		}
	}
	t.Run("Scripted", func(t *testing.T) {
		g, _ := scripted(t, func(r *fakeldap.Request) {
			urls := []*ber.Packet{fakeldap.Octets(0x04, "ldap://"+there), fakeldap.Octets(0x04, "ldaps://"+there)}
			switch {
			case strings.HasPrefix(r.DN, "uid=away,"):
				r.Send(fakeldap.Message(r.ID, fakeldap.Element(r.Tag(), fakeldap.Integer(0x0a, 10), fakeldap.Octets(0x04, ""), fakeldap.Octets(0x04, ""), fakeldap.Element(0xa3, urls...))))
			case r.Paged:
				r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x73, urls...)))
				r.Entry("uid=bjensen,ou=People,dc=example,dc=com", "objectClass", "inetOrgPerson", "uid", "bjensen", "cn", "x", "sn", "x")
				r.DonePage("")
			default:
				person(r)
			}
		}, settings{})
		check(t, g)
	})
}

// F_36: the name of the nearest entry that there is comes with a refusal of the directory, and is
// not for clients.
func TestF_36MatchedName(t *testing.T) {
	check := func(t *testing.T, g *gateway) {
		t.Helper()
		for name, a := range map[string]ask{
			"Read": {method: "GET"}, "Head": {method: "HEAD"}, "Delete": {method: "DELETE"},
			"Update": {method: "PUT", body: newUser("nobody"), header: headers("If-Match", "*")},
			"Patch":  {method: "PATCH", body: `[{"operation":"replace","field":"/description","value":"x"}]`},
			"Action": {method: "POST", query: params("_action", "resetPassword"), body: "{}"},
		} {
			t.Run(name, func(t *testing.T) {
				a.path, a.as = "/api/users/nobody", "kvaughan"
				r := g.send(t, a).want(http.StatusNotFound)
				if told := strings.ToLower(r.body + fmt.Sprint(r.header)); strings.Contains(told, "ou=") || strings.Contains(told, "dc=") {
					t.Errorf("the reply tells %s", told)
				}
			})
		}
	}
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		var refused *ldap.Error
		_, err := dialRoot(t, server).Search(ldap.NewSearchRequest(exampledata.Person{ID: "nobody"}.DN(), ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", nil, nil))
		if !errors.As(err, &refused) || refused.MatchedDN == "" {
			t.Fatalf("the directory tells no such name: %v", err)
		}
		check(t, start(t, server, settings{}))
	})
	t.Run("Scripted", func(t *testing.T) {
		g, _ := scripted(t, func(r *fakeldap.Request) {
			if strings.HasPrefix(r.DN, "uid=nobody,") {
				r.Done(32)
				return
			}
			person(r)
		}, settings{})
		check(t, g)
	})
}

// F_37: a wrong password, a name that nobody has, and one that two have: the same reply, header
// for header, after the same requests to the directory.
func TestF_37OneAnswer(t *testing.T) {
	const twins = "dn: uid=twin,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: twin\ncn: Twin\nsn: Twin\nuserPassword: twin\n\n" +
		"dn: cn=Second,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: twin\ncn: Second\nsn: Twin\nuserPassword: twin\n"
	// check compares the replies; made tells how many searches and binds there were so far.
	check := func(t *testing.T, g *gateway, names []string, made func() [2]int) {
		t.Helper()
		var first, firstMade string
		for _, name := range slices.Concat(names, names) { // What is remembered makes no difference.
			before := made()
			r := g.send(t, ask{method: "GET", path: "/api/users/bjensen", as: name, password: "wrong"}).fails(http.StatusUnauthorized, "unauthenticated")
			after := made()
			r.header.Del("Date")
			r.header.Del("X-ForgeRock-TransactionId")
			got, gotMade := fmt.Sprint(r.status, r.header, r.body), fmt.Sprint(after[0]-before[0], " searches, ", after[1]-before[1], " binds")
			if first == "" {
				first, firstMade = got, gotMade
			}
			if got != first || gotMade != firstMade || strings.HasSuffix(gotMade, ", 0 binds") {
				t.Errorf("%s: %s\n%s\nwant %s\n%s", name, gotMade, got, firstMade, first)
			}
		}
	}
	for name, test := range map[string]struct {
		auth  string
		names []string
	}{"Search": {basicSearch, []string{"bjensen", "nobody", "twin", "kvaughan"}}, "Template": {basicTemplate, []string{"bjensen", "nobody", "kvaughan"}}} {
		t.Run(name, func(t *testing.T) {
			slapd.Each(t, slapd.Options{LDIF: twins}, func(t *testing.T, server *slapd.Server) {
				g := start(t, server, settings{auth: test.auth})
				g.get(t, "scarter", "/api/users/scarter").want(http.StatusOK) // The connections are there.
				check(t, g, test.names, func() [2]int {
					log := logOf(server)
					return [2]int{strings.Count(log, " SRCH base="), strings.Count(log, " BIND dn=") - strings.Count(log, " mech=SIMPLE")}
				})
			})
			t.Run("Scripted", func(t *testing.T) {
				g, server := scripted(t, func(r *fakeldap.Request) {
					switch {
					case r.Name == "bind" && r.DN != "uid=scarter,ou=People,dc=example,dc=com":
						r.Done(49)
					case r.Name == "search" && strings.HasPrefix(r.DN, "ou="):
						for _, uid := range []string{"scarter", "bjensen", "kvaughan", "twin", "twin"} {
							if strings.Contains(r.Filter, uid) {
								r.Entry("uid="+uid+",ou=People,dc=example,dc=com", "uid", uid)
							}
						}
						r.Done(0)
					default:
						person(r)
					}
				}, settings{auth: test.auth})
				g.get(t, "scarter", "/api/users/scarter").want(http.StatusOK)
				check(t, g, test.names, func() [2]int { return [2]int{server.Count("search"), server.Count("bind")} })
			})
		})
	}
}

// F_38: a directory that takes a bind without a password, and lets the caller in as nobody
// (RFC 4513 §5.1.2), is not asked for one.
func TestF_38EmptyPassword(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Kind: slapd.Process, Global: "allow bind_anon_dn"})
	conn, err := ldap.DialURL(server.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12}))
	if err == nil {
		err = conn.UnauthenticatedBind(exampledata.Person{ID: "bjensen"}.DN())
		_ = conn.Close()
	}
	if err != nil {
		t.Fatalf("this directory has no such trap: %v", err)
	}
	binds := func() int {
		return strings.Count(server.Logs(), ` BIND dn="uid=bjensen,ou=People,dc=example,dc=com" method=`)
	}
	for name, auth := range map[string]string{"Search": basicSearch, "Template": basicTemplate} {
		t.Run(name, func(t *testing.T) {
			g := start(t, server, settings{auth: auth})
			wrong := g.send(t, ask{method: "GET", path: "/api/users/bjensen", as: "bjensen", password: "wrong"}).fails(http.StatusUnauthorized, "unauthenticated")
			before := binds()
			for _, credentials := range []string{"bjensen:", "bjensen:\x00"} {
				r := g.send(t, ask{method: "GET", path: "/api/users/bjensen", header: basic(credentials)}).fails(http.StatusUnauthorized, "unauthenticated")
				if r.body != wrong.body {
					t.Errorf("%q: %s", credentials, r.body)
				}
			}
			g.modifyPassword(t, "bjensen", "", "bjensen", "", "a new password").want(http.StatusBadRequest)
			if n := binds() - before; n > 1 { // Her own, with the right password.
				t.Errorf("%d binds", n)
			}
			g.get(t, "bjensen", "/api/users/bjensen").want(http.StatusOK)
		})
	}
}

// F_45: a directory that does not let the gateway act for a caller: the caller is told, the
// operator is warned, and nothing is sent without the caller's identity, which no server may pass
// over.
func TestF_45NotWithoutTheCaller(t *testing.T) {
	const caller = "dn:uid=kvaughan,ou=People,dc=example,dc=com"
	g, server := scripted(t, func(r *fakeldap.Request) {
		if r.Values[ldapwire.OIDProxiedAuthorization] == caller {
			r.Done(123)
			return
		}
		person(r)
	}, settings{})
	const path = "/api/users/bjensen"
	for name, a := range map[string]ask{
		"Read":   {method: "GET", path: path},
		"List":   {method: "GET", path: "/api/users", query: params("_queryFilter", "true")},
		"Page":   {method: "GET", path: "/api/users", query: params("_queryFilter", "true", "_pageSize", "5")},
		"Create": {method: "PUT", path: path, body: newUser("bjensen"), header: headers("If-None-Match", "*")},
		"Update": {method: "PUT", path: path, body: newUser("bjensen")},
		"Patch":  {method: "PATCH", path: path, body: `[{"operation":"replace","field":"/description","value":"x"}]`},
		"Delete": {method: "DELETE", path: path},
		"Action": {method: "POST", path: path, query: params("_action", "resetPassword"), body: "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			a.as = "kvaughan"
			g.send(t, a).fails(http.StatusForbidden, "authorizationDenied")
		})
	}
	asked := 0
	for _, name := range []string{"search", "add", "modify", "delete", "modifyDN", "extended"} {
		for _, r := range server.Requests(name) {
			if r.DN == caller[len("dn:"):] && name == "search" && r.Values[ldapwire.OIDProxiedAuthorization] == "" {
				continue // The gateway's own look at the state of the account.
			}
			if asked++; r.Values[ldapwire.OIDProxiedAuthorization] != caller || !slices.Contains(r.Critical, ldapwire.OIDProxiedAuthorization) {
				t.Errorf("a %s of %q came with %q, critical %q", name, r.DN, r.Values, r.Critical)
			}
		}
	}
	if asked < 8 {
		t.Errorf("%d requests as the caller", asked)
	}
	if n := strings.Count(g.log.String(), `"level":"WARN","msg":"the directory does not let the gateway act for a caller`); n != 1 && n != 2 { // A minute may end meanwhile.
		t.Errorf("the operator was told %d times:\n%s", n, g.log)
	}
}

// F_65: an entry that a server has renamed because two replicas had made one of that name: never
// taken for the one that kept the name, and no harm to the rest.
func TestF_65ConflictEntries(t *testing.T) {
	conflicts := []string{
		"nsuniqueid=66446001-1dd211b2-66225011-2ee211db+uid=bjensen,ou=People,dc=example,dc=com",
		"uid=bjensen+nsuniqueid=66446001-1dd211b2-66225011-2ee211db,ou=People,dc=example,dc=com",
		`uid=bjensen\0ACNF:11111111-2222-3333-4444-555555555555,ou=People,dc=example,dc=com`,
		"entryuuid=11111111-2222-3333-4444-555555555555+uid=bjensen,ou=People,dc=example,dc=com",
	}
	g, server := scripted(t, func(r *fakeldap.Request) {
		if !r.Paged {
			person(r)
			return
		}
		for i, dn := range append([]string{"uid=bjensen,ou=People,dc=example,dc=com"}, conflicts...) {
			uid := "bjensen"
			if strings.Contains(dn, "CNF:") {
				uid += "\nCNF:11111111-2222-3333-4444-555555555555"
			}
			r.Entry(dn, "objectClass", "inetOrgPerson", "objectClass", "ldapSubEntry", "uid", uid, "cn", fmt.Sprint("Number ", i), "sn", "x", "nsds5ReplConflict", "namingConflict "+dn)
		}
		r.DonePage("")
	}, settings{})
	r := g.list(t, "kvaughan", "/api/users", "true", "_fields", "_id,displayName").want(http.StatusOK)
	got := map[string]string{}
	list, _ := r.at("result").([]any)
	for i := range list {
		got[fmt.Sprint(r.at("result", i, "_id"))] = fmt.Sprint(r.at("result", i, "displayName", 0))
	}
	if want := map[string]string{"bjensen": "Number 0", "bjensen\nCNF:11111111-2222-3333-4444-555555555555": "Number 3"}; fmt.Sprint(got) != fmt.Sprint(want) || len(list) != 2 {
		t.Errorf("%d rows: %q", len(list), got)
	}
	if events := g.eventsOf(t, r); len(events) != 1 || events[0]["leftOut"] != 3.0 {
		t.Errorf("nobody is told: %v", events)
	}
	g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK).has(`"bjensen"`, "_id")
	for _, request := range server.Requests("search") {
		if strings.Contains(request.DN, "nsuniqueid") {
			t.Errorf("%s was asked for", request.DN)
		}
	}
}

// F_50: octets where the mapping says that there is text: shown as Base64, told from no
// replacement character, and a change that sends back what was read leaves them as they are.
func TestF_50OctetsInText(t *testing.T) {
	const octets = "\xff\x00\x80"
	mapped := map[string]string{"api/v1.json": `{"format": 1, "version": "1.0", "resourceTypes": {
		"v1": {"subResources": {"users": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}},
		"user": {"objectClasses": ["inetOrgPerson"], "properties": {
			"_id": {"type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly"},
			"cn": {"type": "simple", "isMultiValued": true}, "sn": {"type": "simple"}, "text": {"type": "simple", "ldapAttribute": "jpegPhoto", "valueType": "string"}}}}}`}
	check := func(t *testing.T, g *gateway) {
		t.Helper()
		const path = "/api/users/loud"
		r := g.get(t, "kvaughan", path).want(http.StatusOK).has(`"/wCA"`, "text")
		list := g.list(t, "kvaughan", "/api/users", `_id eq "loud"`).want(http.StatusOK).has(`"/wCA"`, "result", 0, "text")
		if strings.Contains(r.body+list.body, "\ufffd") || strings.Contains(r.body+list.body, `\ufffd`) {
			t.Errorf("a replacement character stands for octets: %s %s", r.body, list.body)
		}
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: r.body}).want(http.StatusOK).has(`"/wCA"`, "text")
		changed := strings.Replace(r.body, `"sn":"Loud"`, `"sn":"Louder"`, 1)
		if changed == r.body {
			t.Fatal(r.body)
		}
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: changed}).want(http.StatusOK).has(`"/wCA"`, "text")
	}
	slapd.Each(t, slapd.Options{LDIF: "dn: uid=loud,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: loud\ncn: Loud\nsn: Loud\njpegPhoto:: /wCA\n"}, func(t *testing.T, server *slapd.Server) {
		check(t, start(t, server, settings{mappings: mapped}))
		if entry := ldapEntry(t, server, "uid=loud,ou=People,dc=example,dc=com"); !strings.Contains(entry, "jpegPhoto:: /wCA") || !strings.Contains(entry, "sn: Louder") {
			t.Errorf("%s", entry)
		}
	})
	t.Run("Scripted", func(t *testing.T) {
		g, server := scripted(t, func(r *fakeldap.Request) {
			switch r.Name {
			case "search":
				r.Entry("uid=loud,ou=People,dc=example,dc=com", "objectClass", "inetOrgPerson", "uid", "loud", "cn", "Loud", "sn", "Loud", "jpegPhoto", octets, "entryCSN", "1")
				if r.Paged {
					r.DonePage("")
				} else {
					r.Done(0)
				}
			default:
				person(r)
			}
		}, settings{mappings: mapped})
		check(t, g)
		if n := server.Count("modify"); n != 1 {
			t.Errorf("%d modifications, want that of the other field", n)
		}
	})
}
