package legacy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown is an object as a text.
func shown(all objects) string {
	var b strings.Builder
	for _, o := range all {
		b.WriteString(o.kind + " " + o.variant + " " + o.name + "\n")
		for _, p := range o.properties {
			b.WriteString("  " + propertyOf(p) + "=" + p.text + "\n")
		}
	}
	return b.String()
}

func TestParseLDIF(t *testing.T) {
	t.Parallel()
	all, wrong := parseLDIF("config.ldif", []byte(strings.ReplaceAll(`# A comment
  that goes on.
dn:: Y249QmFzaWMsY249SFRUUCBBdXRob3JpemF0aW9uIE1lY2hhbmlzbXMsY249Y29uZmln
OBJECTCLASS: ds-cfg-http-oauth2-authorization-mechanism
objectClass: ds-cfg-http-authorization-mechanism
objectClass: ds-cfg-http-oauth2-cts-authorization-mechanism
ds-cfg-base-dn: ou=tok
 ens,
  dc=example
not LDIF
ds-cfg-enabled:: !

dn: cn=a\, b,cn=Identity Mappers, cn=config
objectClass: ds-cfg-identity-mapper
ds-cfg-match-attribute:uid
cn: a, b


objectClass: ds-cfg-identity-mapper
`, "\n", "\r\n")))
	if diff := cmp.Diff(`http-authorization-mechanism http-oauth2-cts-authorization-mechanism Basic
  base-dn=ou=tokens, dc=example
identity-mapper  a, b
  match-attribute=uid
`, shown(all)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var places []string
	for _, f := range wrong {
		places = append(places, f.Place.String())
	}
	if diff := cmp.Diff([]string{"config.ldif:10:1", "config.ldif:11:1"}, places); diff != "" {
		t.Errorf("wrong lines (-want +got):\n%s", diff)
	}
}

func TestParseDsconfig(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"SetReplaces": {
			"create-identity-mapper --mapper-name m --type exact-match --set match-attribute:uid --set match-attribute:mail\n" +
				"set-identity-mapper-prop --mapper-name m --set match-attribute:cn\n",
			"identity-mapper exact-match-identity-mapper m\n  match-attribute=cn\n",
		},
		"AddRemoveReset": {
			"create-identity-mapper --mapper-name=m --set match-attribute:uid --set match-base-dn:dc=a\n" +
				"set-identity-mapper-prop --mapper-name m --add match-attribute:mail --remove match-attribute:uid --reset match-base-dn\n",
			"identity-mapper  m\n  match-attribute=mail\n",
		},
		"Delete":      {"create-http-endpoint --endpoint-name /a\ndelete-http-endpoint --endpoint-name /a\n", ""},
		"Others":      {"create-backend --backend-name a\nlist-http-endpoints\nset-http-endpoint --endpoint-name /a\n", ""},
		"ColonInside": {"set-http-authorization-mechanism-prop --mechanism-name o --set token-introspection-url:https://a:1/b\n", "http-authorization-mechanism  o\n  token-introspection-url=https://a:1/b\n"},
	} {
		if diff := cmp.Diff(test.want, shown(parseDsconfig("f", []byte(test.text)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	got := words(`a "b c" 'd\e' f\ g "" --h="i j"`)
	if diff := cmp.Diff([]string{"a", "b c", `d\e`, "f g", "", "--h=i j"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOctets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"5 megabytes": 5e6, "5mb": 5e6, "4 KiB": 4096, "100": 100, "1 b": 1, "x": -1, "5 miles": -1, "-5 mb": -1, "": -1} {
		got, ok := octets(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// Whatever a file holds, what is read of it stands in one of its lines, and is of a kind
// that is known.
func FuzzParseServer(f *testing.F) {
	f.Add("dn: cn=a,cn=config\nobjectClass: ds-cfg-http-endpoint\nds-cfg-base-path: /a\n b\n\n# c\n")
	f.Add("create-http-endpoint --endpoint-name /a --set enabled:true \\\n  --set 'authorization-mechanism:HTTP Basic'\n")
	f.Add("HTTP Endpoint : Type : enabled\n-----:-----:----\n/api : rest2ldap-endpoint : true\n")
	f.Add("Property : Value(s)\n-----:-----\nenabled : true\nmatch-attribute : uid, mail\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		fromLDIF, wrong := parseLDIF("f", []byte(text))
		for _, w := range wrong {
			if w.Place.Line < 1 || w.Place.Line > lines {
				t.Errorf("%v is not in the file", w.Place)
			}
		}
		for _, o := range append(fromLDIF, parseDsconfig("f", []byte(text))...) {
			for _, p := range o.properties {
				if p.place.Line < 1 || p.place.Line > lines || propertyOf(p) == p.path && o.kind != "" {
					t.Errorf("%s of %s is at %v", p.path, o.path(), p.place)
				}
			}
		}
	})
}

// Properties of a directory server that were used and that nothing here follows are told:
// those that kept clients out are to be decided.
func TestServerRemainder(t *testing.T) {
	t.Parallel()
	text := `create-connection-handler --handler-name "HTTP (inner)" --type http --set enabled:true --set listen-port:8443 --set use-ssl:false \
  --set ssl-client-auth-policy:required --set allowed-client:10.0.0.0/8 --set keep-stats:true
create-http-authorization-mechanism --mechanism-name OAuth --type http-oauth2-token-introspection --set enabled:true --set client-id:a \
  --set client-secret:hunter2 --set required-scope:read --set token-introspection-url:https://as/i --set authzid-json-pointer:/sub \
  --set access-token-cache-enabled:false --set "access-token-cache-expiration:5 minutes" --set "trust-manager-provider:JVM Trust Manager"
create-http-endpoint --endpoint-name /api --type rest2ldap-endpoint --set enabled:true --set "authorization-mechanism:OAuth" \
  --set "authorization-mechanism:HTTP Anonymous" --set config-directory:api --set java-class:com.example.Endpoint
`
	dir := t.TempDir()
	name := filepath.Join(dir, "dsconfig.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range g.Findings {
		got[f.Path] += f.Status.String()
		if strings.Contains(f.String(), "hunter2") {
			t.Errorf("the secret is shown: %v", f)
		}
	}
	for path, want := range map[string]string{
		"connection-handler HTTP (inner).ssl-client-auth-policy":           "decision",
		"connection-handler HTTP (inner).allowed-client":                   "decision",
		"connection-handler HTTP (inner).keep-stats":                       "changed",
		"connection-handler HTTP (inner).listen-port":                      "changed",
		"http-authorization-mechanism OAuth.access-token-cache-enabled":    "kept",
		"http-authorization-mechanism OAuth.access-token-cache-expiration": "changed",
		"http-authorization-mechanism OAuth.trust-manager-provider":        "changed",
		"http-authorization-mechanism OAuth.client-secret":                 "changed",
		"http-authorization-mechanism HTTP Anonymous.user-dn":              "kept",
		"http-endpoint /api.java-class":                                    "decision",
		"http-endpoint /api.config-directory":                              "decision",
		"http-endpoint /api.authorization-mechanism":                       "",
	} {
		if got[path] != want {
			t.Errorf("%s: %q, want %q", path, got[path], want)
		}
	}
}
