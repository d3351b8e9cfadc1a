package integration_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

func TestBasic(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		const path = "/api/users/bjensen"
		var wrong *reply

		t.Run("R_A01", func(t *testing.T) {
			r := g.get(t, "", path).fails(http.StatusUnauthorized, "")
			if challenge := r.header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "Basic ") {
				t.Errorf("challenge %q", challenge)
			}
		})
		t.Run("R_A03", func(t *testing.T) {
			wrong = g.send(t, ask{method: "GET", path: path, as: "bjensen", password: "wrong"}).fails(http.StatusUnauthorized, "")
			unknown := g.send(t, ask{method: "GET", path: path, as: "nobody", password: "wrong"}).want(http.StatusUnauthorized)
			if wrong.body != unknown.body || wrong.header.Get("WWW-Authenticate") != unknown.header.Get("WWW-Authenticate") {
				t.Errorf("the answers differ:\n%s\n%s", wrong.body, unknown.body)
			}
		})
		for name, user := range map[string]string{
			"R_A09": "*", "Parentheses": "*)(uid=*))(|(uid=*", "Backslash": `\2a`, "DN": "bjensen,ou=People", "Hash": "#41", "Space": " bjensen ",
		} {
			t.Run(name, func(t *testing.T) {
				g.send(t, ask{method: "GET", path: path, as: user, password: "hifalutin"}).fails(http.StatusUnauthorized, "")
			})
		}
		t.Run("R_A09/Escaped", func(t *testing.T) {
			if !strings.Contains(logOf(server), `(uid=\2A)`) && !strings.Contains(logOf(server), `(uid=\2a)`) {
				t.Error("the directory's log shows no escaped asterisk")
			}
		})
		t.Run("R_A13", func(t *testing.T) { emptyPassword(t, server, g, "bjensen") })
		for name, value := range map[string]string{
			"NoColon": base64.StdEncoding.EncodeToString([]byte("bjensen")), "NotBase64": "!!!!", "Empty": "",
			"NUL": base64.StdEncoding.EncodeToString([]byte("bjensen\x00:hifalutin")),
		} {
			t.Run("S_F11/"+name, func(t *testing.T) {
				g.send(t, ask{method: "GET", path: path, header: headers("Authorization", "Basic "+value)}).fails(http.StatusUnauthorized, "")
			})
		}
		t.Run("R_A07", func(t *testing.T) {
			g.send(t, ask{method: "GET", path: path, header: headers("X-OpenIDM-Username", "bjensen", "X-OpenIDM-Password", "hifalutin")}).
				fails(http.StatusUnauthorized, "")
		})
		for name, value := range map[string]string{"NotBase64": "!!!!", "NoColon": base64.StdEncoding.EncodeToString([]byte("bjensen"))} {
			t.Run("R_A27/WithoutAnonymous/"+name, func(t *testing.T) {
				g.send(t, ask{method: "GET", path: path, header: headers("Authorization", "Basic "+value)}).fails(http.StatusUnauthorized, "")
			})
		}
		t.Run("TwoCredentials", func(t *testing.T) {
			h := basic("bjensen:hifalutin")
			h.Add("Authorization", "Bearer x")
			g.send(t, ask{method: "GET", path: path, header: h}).fails(http.StatusBadRequest, "")
		})
		t.Run("UnknownScheme", func(t *testing.T) {
			g.send(t, ask{method: "GET", path: path, header: headers("Authorization", "Negotiate abc")}).fails(http.StatusUnauthorized, "")
		})
		t.Run("F049", func(t *testing.T) { // Nobody gets a token of ours.
			g.send(t, ask{method: "POST", path: path, query: params("_action", "authenticate"), as: "bjensen", body: "{}"}).fails(http.StatusNotImplemented, "unknownAction")
		})
		t.Run("RightsAreTheCallers", func(t *testing.T) {
			body := `[{"operation":"replace","field":"/description","value":"by her"}]`
			g.send(t, ask{method: "PATCH", path: path, as: "bjensen", body: body}).want(http.StatusOK)
			g.send(t, ask{method: "PATCH", path: path, as: "scarter", body: body}).fails(http.StatusForbidden, "")
		})
	})
}

func basic(credentials string) http.Header {
	return headers("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
}

// emptyPassword checks that a name without a password is refused before the directory hears of it.
func emptyPassword(t *testing.T, server *slapd.Server, g *gateway, uid string) {
	t.Helper()
	before := strings.Count(logOf(server), " BIND ")
	g.send(t, ask{method: "GET", path: "/api/users/" + uid, header: basic(uid + ":")}).fails(http.StatusUnauthorized, "")
	if after := strings.Count(logOf(server), " BIND "); after != before {
		t.Errorf("an empty password led to %d binds", after-before)
	}
}

func TestBasicByTemplate(t *testing.T) {
	slapd.Each(t, slapd.Options{LDIF: oddName}, basicByTemplate)
}

// oddName is somebody whose name and password have to be escaped on the way.
const oddName = `
dn: uid=odd\, one,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: odd, one
cn: Odd One
sn: One
userPassword: a:b:c ünïcode
`

func basicByTemplate(t *testing.T, server *slapd.Server) {
	g := start(t, server, settings{auth: `
auth:
  basic: {mode: simple, dnTemplate: "uid={username},ou=People,dc=example,dc=com"}
`})
	g.get(t, "bjensen", "/api/users/bjensen").want(http.StatusOK)
	t.Run("S_F01/ColonAndUTF8", func(t *testing.T) {
		g.send(t, ask{method: "GET", path: "/api/users/odd%2C%20one", header: basic("odd, one:a:b:c ünïcode")}).want(http.StatusOK).has(`"odd, one"`, "_id")
	})
	t.Run("R_A13", func(t *testing.T) { emptyPassword(t, server, g, "bjensen") })
	t.Run("S_F03", func(t *testing.T) {
		g.send(t, ask{method: "GET", path: "/api/users/bjensen", header: basic("bjensen,ou=People,dc=example,dc=com+cn=x:hifalutin")}).fails(http.StatusUnauthorized, "")
	})
}
