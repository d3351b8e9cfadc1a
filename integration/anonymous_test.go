package integration_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/tally"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// nobodyReads has the directory show a little of one entry to who is anonymous, and a
// little more to a guest.
func nobodyReads() []memdir.Rule {
	const babs, guest = "uid=bjensen,ou=People,dc=example,dc=com", "uid=guest,ou=People,dc=example,dc=com"
	others := memdir.Grant{Subject: memdir.Anyone, Break: true}
	seen := memdir.Grant{Subject: memdir.DN, DN: guest, Level: memdir.LevelRead}
	return []memdir.Rule{
		{Base: babs, Scope: memdir.Exact, Attributes: []string{"entry", "objectClass", "uid", "cn"}, By: []memdir.Grant{{Subject: memdir.Anonymous, Level: memdir.LevelRead}, seen, others}},
		{Base: babs, Scope: memdir.Exact, Attributes: []string{"sn"}, By: []memdir.Grant{seen, others}},
		{
			Base: "ou=People,dc=example,dc=com", Attributes: []string{"entry", "objectClass", "uid", "cn", "sn", "mail", "telephoneNumber", "description"},
			By: []memdir.Grant{{Subject: memdir.DN, DN: guest, Level: memdir.LevelNone}, others},
		},
	}
}

const guest = `
dn: uid=guest,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: guest
cn: Guest
sn: Guest
`

func TestAnonymous(t *testing.T) {
	slapd.Each(t, slapd.Options{Access: nobodyReads(), LDIF: guest}, anonymous)
}

func anonymous(t *testing.T, server *slapd.Server) {
	const path = "/api/users/bjensen"
	patch := `[{"operation":"replace","field":"/description","value":"by nobody"}]`
	password := `{"oldPassword":"hifalutin","newPassword":"password"}`
	withBasic := func(identity string) settings {
		return settings{auth: basicSearch + "    headers: {username: X-OpenIDM-Username, password: X-OpenIDM-Password}\n  anonymous: {identity: \"" + identity + "\"}\n"}
	}
	t.Run("X01", func(t *testing.T) {
		g := start(t, server, withBasic("anonymous"))
		r := g.get(t, "", path).want(http.StatusOK).has(`"bjensen"`, "_id")
		// The service account may see the mail address, and so may whoever is authenticated.
		if strings.Contains(r.body, "bjensen@example.com") || strings.Contains(r.body, "Jensen\"}") {
			t.Errorf("nobody sees %s", r.body)
		}
		if events := g.eventsOf(t, r); events[0]["authMethod"] != "anonymous" || events[0]["authzId"] != nil {
			t.Errorf("event %v", events[0])
		}
		g.get(t, "", "/api/users/scarter").fails(http.StatusNotFound, "")
		g.get(t, "bjensen", "/api/users/scarter").want(http.StatusOK)
		if r := g.send(t, ask{method: "PATCH", path: path, body: patch}); r.status < 400 || r.status >= 500 {
			t.Errorf("nobody may write: %d %s", r.status, r.body)
		}
		t.Run("X23", func(t *testing.T) {
			for _, action := range []string{"modifyPassword", "MODIFYPASSWORD", "resetPassword"} {
				r := g.send(t, ask{method: "POST", path: path + "?_action=" + action, body: password}).fails(http.StatusUnauthorized, "")
				if got := r.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
					t.Errorf("%s: challenge %q", action, got)
				}
			}
		})
		t.Run("R_A27", func(t *testing.T) {
			for _, value := range []string{"Basic !!!!", "Basic YmplbnNlbg==", "Basic", "Basic YmplbnNlbjo=", "Bearer x", "Negotiate x", ""} {
				r := g.send(t, ask{method: "GET", path: path, header: http.Header{"Authorization": {value}}}).fails(http.StatusUnauthorized, "")
				if got := r.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
					t.Errorf("%q: challenge %q", value, got)
				}
			}
		})
		t.Run("X30", func(t *testing.T) { // Half of the credentials, or an empty password, is not nobody.
			g.send(t, ask{method: "GET", path: path, header: headers("X-OpenIDM-Username", "bjensen")}).fails(http.StatusUnauthorized, "")
			g.send(t, ask{method: "GET", path: path, header: headers("X-OpenIDM-Password", "hifalutin")}).fails(http.StatusUnauthorized, "")
			g.send(t, ask{method: "GET", path: path, header: headers("X-OpenIDM-Username", "bjensen", "X-OpenIDM-Password", "")}).fails(http.StatusUnauthorized, "")
			g.send(t, ask{method: "GET", path: path, as: "bjensen", password: "wrong"}).fails(http.StatusUnauthorized, "")
		})
	})
	t.Run("AsAnEntry", func(t *testing.T) {
		g := start(t, server, withBasic("dn:uid=guest,ou=People,dc=example,dc=com"))
		r := g.get(t, "", path).want(http.StatusOK).has(`"Jensen"`, "name", "familyName")
		if strings.Contains(r.body, "bjensen@example.com") {
			t.Errorf("the guest sees %s", r.body)
		}
		g.get(t, "", "/api/users/scarter").fails(http.StatusNotFound, "")
		g.send(t, ask{method: "PATCH", path: path, body: patch}).fails(http.StatusForbidden, "")
		g.send(t, ask{method: "POST", path: path + "?_action=modifyPassword", body: password}).fails(http.StatusUnauthorized, "")
	})
	t.Run("AsAnEntryThatIsNotThere", func(t *testing.T) {
		g := start(t, server, withBasic("dn:uid=nosuch,ou=People,dc=example,dc=com"))
		g.get(t, "", path).fails(http.StatusUnauthorized, "")
		g.get(t, "bjensen", path).want(http.StatusOK)
	})
	t.Run("R_I07", func(t *testing.T) { // Basic alone: no credentials, no access.
		g := start(t, server, settings{})
		g.send(t, ask{method: "POST", path: path + "?_action=modifyPassword", body: password}).fails(http.StatusUnauthorized, "")
	})
}

// W12: the service account is nobody's identity by accident, and passwords in headers are
// held to the same rules as all others.
func TestW12(t *testing.T) { slapd.Each(t, slapd.Options{}, w12) }

func w12(t *testing.T, server *slapd.Server) {
	const path = "/api/users/bjensen"
	g := start(t, server, settings{auth: basicSearch + "    headers: {username: X-OpenIDM-Username, password: X-OpenIDM-Password}\n"})
	t.Run("R_A05", func(t *testing.T) {
		g.send(t, ask{method: "GET", path: path, header: headers("X-OpenIDM-Username", "bjensen", "X-OpenIDM-Password", "hifalutin")}).
			want(http.StatusOK).has(`"bjensen"`, "_id")
		g.send(t, ask{method: "GET", path: path, header: headers("x-openidm-username", "bjensen", "x-openidm-password", "wrong")}).
			fails(http.StatusUnauthorized, "")
	})
	t.Run("EmptyPassword", func(t *testing.T) {
		before := strings.Count(logOf(server), " BIND dn=")
		g.send(t, ask{method: "GET", path: path, header: headers("X-OpenIDM-Username", "bjensen", "X-OpenIDM-Password", "")}).fails(http.StatusUnauthorized, "")
		if after := strings.Count(logOf(server), " BIND dn="); after != before {
			t.Errorf("an empty password led to %d binds", after-before)
		}
	})
	t.Run("BesideAuthorization", func(t *testing.T) {
		h := basic("bjensen:hifalutin")
		h.Set("X-OpenIDM-Username", "scarter")
		h.Set("X-OpenIDM-Password", "sprain")
		g.send(t, ask{method: "GET", path: path, header: h}).fails(http.StatusBadRequest, "invalidRequest")
	})
	t.Run("AuthorizationStillServes", func(t *testing.T) { g.get(t, "bjensen", path).want(http.StatusOK) })
	t.Run("NobodyIsNotTheServiceAccount", func(t *testing.T) {
		g.get(t, "", path).fails(http.StatusUnauthorized, "")
		g.send(t, ask{method: "POST", path: path + "?_action=modifyPassword", body: `{"newPassword":"x"}`}).fails(http.StatusUnauthorized, "")
	})
	t.Run("Options", func(t *testing.T) { g.send(t, ask{method: "OPTIONS", path: path}).want(http.StatusNoContent) })
}

// R_A15: no way in, whoever asks for whatever.
func TestR_A15(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{auth: "\nauth: {methods: []}\n"})
		const path = "/api/users/bjensen"
		for _, a := range []ask{
			{method: "GET", path: path},
			{method: "GET", path: path, as: "bjensen"},
			{method: "GET", path: path, header: headers("Authorization", "Bearer x")},
			{method: "GET", path: "/api/users", query: params("_queryFilter", "true"), as: "kvaughan"},
			{method: "PATCH", path: path, as: "kvaughan", body: `[{"operation":"replace","field":"/description","value":"x"}]`},
			{method: "DELETE", path: path, as: "kvaughan"},
			{method: "POST", path: path, query: params("_action", "modifyPassword"), as: "bjensen", body: `{"oldPassword":"hifalutin","newPassword":"password"}`},
		} {
			r := g.send(t, a).fails(http.StatusForbidden, "closed")
			if got := r.header.Get("WWW-Authenticate"); got != "" {
				t.Errorf("%s %s: challenge %q", a.method, a.path, got)
			}
		}
	})
}

// Several ways to authenticate beside each other: the scheme decides.
func TestX02_SchemeDecides(t *testing.T) {
	server := slapd.Start(t, slapd.Options{LDIF: `
dn: uid=twin,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: twin
uid: other
cn: Twin
sn: One
userPassword: a:b:c

dn: uid=twin2,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: twin2
uid: other
cn: Twin
sn: Two
userPassword: a:b:c
`})
	i := newIssuer(t)
	const path = "/api/users/bjensen"
	g := start(t, server, settings{auth: i.section("") + strings.TrimPrefix(basicSearch, "\nauth:\n")})
	g.get(t, "bjensen", path).want(http.StatusOK)
	g.send(t, ask{method: "GET", path: path, header: http.Header{"Authorization": {"bAsIc " + strings.TrimPrefix(basic("bjensen:hifalutin").Get("Authorization"), "Basic ")}}}).want(http.StatusOK)
	g.send(t, ask{method: "GET", path: path, header: i.bearer(t, "bjensen")}).want(http.StatusOK)
	t.Run("Challenges", func(t *testing.T) {
		r := g.get(t, "", path).fails(http.StatusUnauthorized, "")
		if got := r.header.Values("WWW-Authenticate"); len(got) != 2 || !strings.HasPrefix(got[0], "Basic ") || !strings.HasPrefix(got[1], "Bearer ") {
			t.Errorf("challenges %q", got)
		}
	})
	t.Run("X03", func(t *testing.T) {
		g.send(t, ask{method: "GET", path: "/api/users/twin", header: basic("twin:a:b:c")}).want(http.StatusOK)
		g.send(t, ask{method: "GET", path: "/api/users/twin", header: basic("twin:a")}).fails(http.StatusUnauthorized, "")
	})
	t.Run("X31", func(t *testing.T) {
		wrong := g.send(t, ask{method: "GET", path: path, header: basic("nobody:a:b:c")}).fails(http.StatusUnauthorized, "")
		r := g.send(t, ask{method: "GET", path: path, header: basic("other:a:b:c")}).fails(http.StatusUnauthorized, "")
		if r.body != wrong.body {
			t.Errorf("the answers differ:\n%s\n%s", r.body, wrong.body)
		}
		if events := g.eventsOf(t, r); events[0]["reason"] != "ambiguousUser" {
			t.Errorf("event %v", events[0])
		}
		if !strings.Contains(g.log.String(), `"username":"other"`) {
			t.Error("the log does not tell which name several have")
		}
	})
}

// W13: a certificate of the right authority for another name is not the directory's.
func TestW13_DirectoryName(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	listener, err := net.Listen("tcp", "127.0.0.2:0") // The certificate is for 127.0.0.1.
	if err != nil {
		tally.Unfit(t, err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(conn, server.Address)
		}
	}()
	g := start(t, server, settings{set: []string{"directory.servers[0].url=ldaps://" + listener.Addr().String()}})
	g.get(t, "bjensen", "/api/users/bjensen").fails(http.StatusBadGateway, "directoryCertificate")
	if strings.Contains(logOf(server), "BIND dn=") {
		t.Error("something was sent to a directory of another name")
	}
}

func forward(conn net.Conn, address string) {
	defer conn.Close()
	peer, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer peer.Close()
	go func() { _, _ = io.Copy(peer, conn) }()
	_, _ = io.Copy(conn, peer)
}
