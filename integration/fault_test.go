package integration_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
)

// What clients see of faults behind the gateway. The faults themselves are looked at more
// closely in pkg/ldapclient.

// behind starts a gateway whose way to the directory can be made bad.
func behind(t *testing.T, server *slapd.Server, set ...string) (*gateway, *toxic.Way) {
	t.Helper()
	way := toxic.New(t, server.Address)
	return start(t, server, settings{set: append([]string{"directory.servers.0.url=" + way.URL}, set...)}), way
}

// F_04: the way to the directory ends when a part of a list is with the client already. The
// reply breaks off, and nobody can take it for a whole one.
func TestF_04ListBreaksOff(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Users: 5000, CallerSizeLimit: slapd.Unlimited, LogLevel: "none"})
	g, way := behind(t, server)
	g.list(t, "kvaughan", "/api/users", "true", "_fields", "userName").want(http.StatusOK)
	for name, transport := range map[string]*http.Transport{
		"HTTP/1.1": {TLSClientConfig: g.trust()},
		"HTTP/2":   {TLSClientConfig: g.trust(), ForceAttemptHTTP2: true},
	} {
		t.Run("F_04/"+name, func(t *testing.T) {
			recovers(t, g, "kvaughan", "/api/users/bjensen")
			client := &http.Client{Transport: transport, Timeout: time.Minute}
			defer client.CloseIdleConnections()
			req, err := http.NewRequest(http.MethodGet, g.url+"/api/users?"+params("_queryFilter", "true").Encode(), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth("kvaughan", exampledata.Password("kvaughan"))
			way.Add(toxic.Downstream, "bandwidth", map[string]any{"rate": 2000})
			defer way.Clear()
			response, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK || response.Proto[:6] != name[:6] {
				t.Fatalf("%s %s", response.Proto, response.Status)
			}
			way.Down() // A part is here, the rest is not.
			body, err := io.ReadAll(response.Body)
			way.Up()
			if err == nil {
				t.Errorf("the reply came to its end, %d octets: …%s", len(body), body[max(0, len(body)-80):])
			}
			if len(body) == 0 || bytes.HasSuffix(bytes.TrimSpace(body), []byte("}]")) {
				t.Errorf("%d octets, which end with %q", len(body), body[max(0, len(body)-20):])
			}
		})
	}
}

// F_03: the way to the directory ends in the middle of a list nothing of which is with the
// client yet, again and again, though it lets everybody in. The list comes whole, over the other
// way.
func TestF_03ListOnceMore(t *testing.T) {
	slapd.Each(t, slapd.Options{Users: 2000, CallerSizeLimit: slapd.Unlimited, LogLevel: "none"}, func(t *testing.T, server *slapd.Server) {
		second := toxic.New(t, server.Address)
		g, first := behind(t, server, "directory.servers.1.url="+second.URL)
		const path = "/api/users"
		whole := g.list(t, "kvaughan", path, "true", "_fields", "_id").want(http.StatusOK).ids("result")
		first.Add(toxic.Downstream, "limit_data", map[string]any{"bytes": 60_000}) // A page is longer, a login is not.
		for range 3 {
			got := g.list(t, "kvaughan", path, "true", "_fields", "_id").want(http.StatusOK).ids("result")
			if len(got) != 2000 || len(whole) != 2000 {
				t.Errorf("%d of %d", len(got), len(whole))
			}
		}
	})
}

// trust returns settings with the authority of the gateway.
func (g *gateway) trust() *tls.Config {
	return &tls.Config{RootCAs: g.client.Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12} //nolint:forcetypeassert // We made it.
}

// F_14: the directory gets a certificate of another authority, and the gateway the file of
// that authority. Nobody restarts the gateway.
func TestF_14OtherAuthority(t *testing.T) {
	first, second := slapd.Start(t, slapd.Options{}), slapd.Start(t, slapd.Options{})
	dir := t.TempDir()
	trust := func(server *slapd.Server) {
		write(t, dir, "new.pem", string(server.CA.PEM()))
		if err := os.Rename(filepath.Join(dir, "new.pem"), filepath.Join(dir, "ca.pem")); err != nil {
			t.Fatal(err)
		}
	}
	trust(first)
	// The passwords of the gateway's account are the same; what lies behind the way is not.
	g, way := behind(t, first, "directory.ca="+filepath.Join(dir, "ca.pem"))
	const path = "/api/users/bjensen"
	g.get(t, "kvaughan", path).want(http.StatusOK)
	way.To(second.Address)
	refused := func() bool { r := g.get(t, "kvaughan", path); return r.status == http.StatusBadGateway }
	if !eventually(refused) {
		t.Fatal("the certificate of nobody's authority is good enough")
	}
	trust(second)
	recovers(t, g, "kvaughan", path)
	write(t, dir, "ca.pem", "nonsense")
	way.Down()
	way.Up()
	recovers(t, g, "kvaughan", path)
	if !eventually(func() bool { return strings.Contains(g.log.String(), "what was read before stays in force") }) {
		t.Errorf("nobody is told of the file that makes no sense:\n%s", g.log)
	}
}

// eventually asks for half a minute at least: machines may be busy.
func eventually(is func() bool) bool {
	for range 1500 {
		if is() {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// F_28: the gateway may open no more files. Connections that there are go on, and when others
// have left there is room again.
func TestF_28NoMoreFiles(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{within: []string{"prlimit", "--nofile=80:80"}})
	const path = "/api/users/bjensen"
	g.get(t, "kvaughan", path).want(http.StatusOK)
	var crowd []net.Conn
	for range 200 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, conn)
	}
	// The newest of them gets no answer, because nobody takes it.
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := tls.Client(crowd[len(crowd)-1], g.trust()).HandshakeContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the 200th connection: %v", err)
	}
	for range 20 {
		g.get(t, "kvaughan", path).want(http.StatusOK) // On the connection from before.
	}
	for _, conn := range crowd {
		_ = conn.Close()
	}
	fresh := &gateway{url: g.url, client: &http.Client{Transport: &http.Transport{TLSClientConfig: g.trust()}, Timeout: 20 * time.Second}}
	defer fresh.client.CloseIdleConnections()
	fresh.get(t, "kvaughan", path).want(http.StatusOK)
}

// result codes that the overlay retcode of OpenLDAP gives, and what clients see of them.
func TestResults(t *testing.T) {
	items := map[string]struct {
		code   int
		more   string
		status int
		kind   string
	}{
		"F_21/Busy":               {51, "", 503, "directoryBusy"},
		"F_21/Unavailable":        {52, "", 503, "directoryUnavailable"},
		"F_21/Unwilling":          {53, "", 400, "unwillingToPerform"},
		"F_22/OperationsError":    {1, "", 500, ""},
		"F_22/Other":              {80, "", 500, ""},
		"F_29/SizeLimit":          {4, "", 413, "sizeLimit"},
		"F_30/TimeLimit":          {3, "", 504, ""},
		"F_30/AdminLimit":         {11, "", 413, ""},
		"F_34/CriticalExtension":  {12, "", 501, ""},
		"F_35/Referral":           {10, `ref="ldap://other.example.com/dc=x"`, 502, "referral"},
		"F_36/NoSuchObject":       {32, `matched="ou=Secret,dc=example,dc=com"`, 404, ""},
		"F_40/Constraint":         {19, "", 400, "constraintViolation"},
		"F_41/AlreadyExists":      {68, "", 412, "alreadyExists"},
		"F_42/NotOnNonLeaf":       {66, "", 400, "notAllowedOnNonLeaf"},
		"F_43/ObjectClass":        {65, "", 400, "objectClassViolation"},
		"F_43/Syntax":             {21, "", 400, "invalidAttributeSyntax"},
		"F_43/UndefinedAttribute": {17, "", 400, ""},
		"F_44/InsufficientAccess": {50, "", 403, "insufficientAccessRights"},
		"F_45/Authorization":      {123, "", 403, "authorizationDenied"},
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range items {
			if !yield(name) {
				return
			}
		}
	})
	text := "overlay retcode\nretcode-parent \"ou=RetCodes,dc=example,dc=com\"\n"
	for i, name := range names {
		text += fmt.Sprintf("retcode-item \"cn=item%d\" %d text=\"for operators only\" %s\n", i, items[name].code, items[name].more)
	}
	server := slapd.Start(t, slapd.Options{Database: text})
	g := start(t, server, settings{mappings: map[string]string{"api/v1.json": `{"format": 1, "version": "1.0", "resourceTypes": {
		"v1": {"subResources": {"items": {"type": "collection", "dnTemplate": "ou=RetCodes,dc=example,dc=com", "resource": "item", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "cn"}}}},
		"item": {"objectClasses": ["device"], "properties": {"_id": {"type": "simple", "ldapAttribute": "cn", "isRequired": true, "writability": "createOnly"}, "description": {"type": "simple"}}}}}`}})
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			path := fmt.Sprintf("/api/items/item%d", i)
			read := g.get(t, "kvaughan", path)
			if !strings.HasPrefix(name, "F_36") {
				read.fails(items[name].status, items[name].kind)
			}
			change := g.send(t, ask{method: "DELETE", path: path, as: "kvaughan"}).fails(items[name].status, items[name].kind)
			for _, r := range []*reply{read, change} {
				if strings.Contains(r.body, "operators") || strings.Contains(r.body, "Secret") || strings.Contains(r.body, "dc=example") {
					t.Errorf("the reply tells what it must not: %s", r.body)
				}
				if r.status == 503 && r.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			}
		})
	}
	g.get(t, "kvaughan", "/api/items/item999").fails(http.StatusNotFound, "")
}

// The overlays constraint, unique and refint, and entries with something below them, on a
// real OpenLDAP.
func TestOverlays(t *testing.T) {
	server := slapd.Start(t, slapd.Options{
		Database: "overlay constraint\nconstraint_attribute description size 20\noverlay unique\nunique_uri ldap:///ou=People,dc=example,dc=com?mail?sub\n",
		LDIF:     "dn: cn=below,uid=nbohr,ou=People,dc=example,dc=com\nobjectClass: device\ncn: below\n",
	})
	g := start(t, server, settings{})
	patch := func(field, value string) *reply {
		return g.send(t, ask{method: "PATCH", path: "/api/users/bjensen", as: "kvaughan", body: fmt.Sprintf(`[{"operation":"replace","field":%q,"value":%q}]`, field, value)})
	}
	t.Run("F_40/Constraint", func(t *testing.T) {
		patch("/description", strings.Repeat("long ", 10)).fails(http.StatusBadRequest, "constraintViolation").
			has(`"/description"`, "detail", "field").has(`"description"`, "detail", "attribute")
		patch("/description", "short").want(http.StatusOK)
	})
	t.Run("F_40/Unique", func(t *testing.T) {
		patch("/userName", "scarter@example.com").fails(http.StatusBadRequest, "constraintViolation").has(`"/userName"`, "detail", "field")
	})
	t.Run("F_43/Syntax", func(t *testing.T) {
		// The one of several members at fault is the one that slapd names.
		body := `{"_id":"odd","_schema":"frapi:opendj:rest2ldap:user:1.0","userName":"","displayName":["Odd"],"name":{"familyName":"Odd"},"manager":null,"contactInformation":{"telephoneNumber":"+1 1"}}`
		r := g.send(t, ask{method: "POST", path: "/api/users", as: "kvaughan", query: params("_action", "create"), body: strings.Replace(body, `"userName":""`, `"userName":"\u00e4@example.com"`, 1)})
		r.fails(http.StatusBadRequest, "invalidAttributeSyntax").has(`"/userName"`, "detail", "field").has(`"mail"`, "detail", "attribute")
	})
	t.Run("F_42", func(t *testing.T) {
		g.send(t, ask{method: "DELETE", path: "/api/users/nbohr", as: "kvaughan"}).fails(http.StatusBadRequest, "notAllowedOnNonLeaf")
		g.get(t, "kvaughan", "/api/users/nbohr").want(http.StatusOK)
	})
}

// Entries as other programs leave them: odd names, odd values, options, aliases.
func TestOddEntries(t *testing.T) {
	const person = "objectClass: inetOrgPerson\ncn: Odd\nsn: Odd\n"
	ldif := "dn: uid=double+cn=Odd,ou=People,dc=example,dc=com\n" + person + "uid: double\n\n" +
		"dn: uid=torn\\0ACNF:11111111-2222-3333-4444-555555555555,ou=People,dc=example,dc=com\n" + person + "uid:: dG9ybgpDTkY6MTExMTExMTEtMjIyMi0zMzMzLTQ0NDQtNTU1NTU1NTU1NTU1\n\n" +
		"dn: uid=options,ou=People,dc=example,dc=com\n" + person + "uid: options\ndescription: plain\ndescription;lang-de: deutsch\ntelephoneNumber;lang-en: +1 1\n\n" +
		"dn: uid=loop1,ou=People,dc=example,dc=com\nobjectClass: alias\nobjectClass: extensibleObject\nuid: loop1\naliasedObjectName: uid=loop2,ou=People,dc=example,dc=com\n\n" +
		"dn: uid=loop2,ou=People,dc=example,dc=com\nobjectClass: alias\nobjectClass: extensibleObject\nuid: loop2\naliasedObjectName: uid=loop1,ou=People,dc=example,dc=com\n\n" +
		"dn: cn=spelt,ou=Groups,dc=example,dc=com\nobjectClass: groupOfUniqueNames\ncn: spelt\nuniqueMember: UID = BJensen , OU=people,DC=Example,dc=com\n"
	slapd.Each(t, slapd.Options{LDIF: ldif}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		all := g.list(t, "kvaughan", "/api/users", `true`).want(http.StatusOK)
		shown := all.ids("result")
		t.Run("F_65/TwoNames", func(t *testing.T) {
			// The name that its id spells is another one's.
			g.get(t, "kvaughan", "/api/users/double").fails(http.StatusNotFound, "")
			if slices.Contains(shown, "double") {
				t.Error("it is in a list")
			}
			if events := g.eventsOf(t, all); len(events) != 1 || events[0]["leftOut"] != 1.0 {
				t.Errorf("nobody is told: %v", events)
			}
			total := g.list(t, "kvaughan", "/api/users", `_id sw "do"`, "_totalPagedResultsPolicy", "EXACT").want(http.StatusOK)
			total.has("[]", "result").has("0", "totalPagedResults")
		})
		t.Run("F_65/LineBreak", func(t *testing.T) {
			const id = "torn\nCNF:11111111-2222-3333-4444-555555555555"
			if !slices.Contains(shown, id) {
				t.Error("it is not in a list")
			}
			g.get(t, "kvaughan", "/api/users/"+url.PathEscape(id)).want(http.StatusOK)
		})
		t.Run("F_51/Options", func(t *testing.T) {
			g.get(t, "kvaughan", "/api/users/options").want(http.StatusOK).has(`"plain"`, "description").lacks("contactInformation", "telephoneNumber")
		})
		t.Run("F_52/OtherSpelling", func(t *testing.T) {
			g.get(t, "kvaughan", "/api/groups/spelt").want(http.StatusOK).has(`"bjensen"`, "members", 0, "_id")
			g.list(t, "kvaughan", "/api/groups", `members/_id eq "BJENSEN"`).finds("spelt")
			g.get(t, "kvaughan", "/api/users/BJensen").want(http.StatusOK).has(`"bjensen"`, "_id")
		})
		t.Run("F_54/Aliases", func(t *testing.T) {
			for _, id := range []string{"loop1", "loop2"} {
				g.get(t, "kvaughan", "/api/users/"+id).want(http.StatusOK).has(fmt.Sprintf("%q", id), "_id")
			}
		})
		t.Run("F_53/Renamed", func(t *testing.T) {
			old := g.get(t, "kvaughan", "/api/users/scarter").want(http.StatusOK)
			ldapModify(t, server, "dn: uid=scarter,ou=People,dc=example,dc=com\nchangetype: modrdn\nnewrdn: uid=renamed\ndeleteoldrdn: 1\n")
			g.get(t, "kvaughan", "/api/users/scarter").fails(http.StatusNotFound, "")
			g.send(t, ask{method: "DELETE", path: "/api/users/scarter", as: "kvaughan", header: headers("If-Match", old.etag())}).fails(http.StatusNotFound, "")
			g.get(t, "kvaughan", "/api/users/renamed").want(http.StatusOK).has(`["Sam Carter"]`, "displayName")
		})
	})
}

// F_51: names of attributes are the same in any case and as OIDs, and a property may be over
// one option of an attribute.
func TestF_51SpellingsOfAttributes(t *testing.T) {
	slapd.Each(t, slapd.Options{LDIF: "dn: uid=options,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: Odd\nsn: Odd\nuid: options\ndescription: plain\ndescription;lang-de: deutsch\n"}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/v1.json": `{"format": 1, "version": "1.0", "resourceTypes": {
			"v1": {"subResources": {"users": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "UID"}}}},
			"user": {"objectClasses": ["INETORGPERSON"], "properties": {"_id": {"type": "simple", "ldapAttribute": "UID", "isRequired": true, "writability": "createOnly"},
				"name": {"type": "simple", "ldapAttribute": "CN", "isMultiValued": true}, "number": {"type": "simple", "ldapAttribute": "2.5.4.20"},
				"text": {"type": "simple", "ldapAttribute": "Description"}, "german": {"type": "simple", "ldapAttribute": "description;LANG-DE"}}}}}`}})
		g.get(t, "kvaughan", "/api/users/options").want(http.StatusOK).
			has(`["Odd"]`, "name").has(`"plain"`, "text").has(`"deutsch"`, "german")
		g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK).has(`"+1 408 555 1862"`, "number")
		g.list(t, "kvaughan", "/api/users", `number eq "+1 408 555 1862"`).finds("bjensen")
		g.list(t, "kvaughan", "/api/users", `german eq "DEUTSCH"`).finds("options")
		g.send(t, ask{method: "PATCH", path: "/api/users/options", as: "kvaughan", body: `[{"operation":"replace","field":"/german","value":"anders"},{"operation":"replace","field":"/number","value":"+1 2"}]`}).
			want(http.StatusOK).has(`"anders"`, "german").has(`"plain"`, "text").has(`"+1 2"`, "number")
		if entry := ldapEntry(t, server, "uid=options,ou=People,dc=example,dc=com"); !strings.Contains(entry, "description;lang-de: anders") || !strings.Contains(entry, "description: plain") {
			t.Errorf("%s", entry)
		}
	})
}
