package legacy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/legacy"
)

// sound is a configuration in which only the certificate for the clients is to be decided.
const sound = `{
	"security": {"trustManager": "jvm"},
	"ldapConnectionFactories": {
		"bind": {"connectionSecurity": "ssl", "primaryLdapServers": [{"hostname": "ldap.example.com", "port": 636}]},
		"root": {"inheritFrom": "bind", "authentication": {"simple": {"bindDn": "cn=gateway", "bindPassword": "hunter2"}}}
	},
	"authorization": {
		"policies": ["basic"],
		"basic": {"bind": "simple", "simple": {"bindDnTemplate": "uid={username},ou=People,dc=example,dc=com"}}
	}
}`

// readChanged reads the sound configuration with texts replaced.
func readChanged(t *testing.T, replace ...string) *legacy.Gateway {
	t.Helper()
	config := strings.NewReplacer(replace...).Replace(sound)
	if len(replace) > 0 && config == sound {
		t.Fatalf("nothing to replace: %q", replace)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), []byte(config))
	write(t, filepath.Join(dir, "rest2ldap/endpoints/api/v1.json"), []byte(`{}`))
	g, err := legacy.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// decided returns the settings that need a decision, but for the certificate.
func decided(g *legacy.Gateway) string {
	var paths []string
	for _, f := range g.Decisions() {
		if f.Path != "" {
			paths = append(paths, f.Path)
		}
	}
	return strings.Join(paths, " ")
}

func yamlOf(t *testing.T, g *legacy.Gateway) string {
	t.Helper()
	text, err := g.YAML()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Rows of the specification, where an old configuration meets the new gateway.
func TestRows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		replace []string
		// decide are the settings to be decided; has and lacks are texts of gateway.yaml.
		decide, has, lacks string
	}{
		"Sound": {has: "url: ldaps://ldap.example.com:636", lacks: "hunter2"},
		"X01/Default": {
			replace: []string{`"policies": ["basic"]`, `"policies": ["basic", "anonymous"]`},
			decide:  "authorization.anonymous.ldapConnectionFactory", lacks: "identity:",
		},
		"X01/SameAccount": {
			replace: []string{
				`"policies": ["basic"]`, `"policies": ["basic", "anonymous"], "anonymous": {"ldapConnectionFactory": "other"}`,
				`"root": {`, `"other": {"authentication": {"bindDn": "CN=Gateway"}}, "root": {`,
			},
			decide: "authorization.anonymous.ldapConnectionFactory", lacks: "identity:",
		},
		"X01/Unprivileged": {
			replace: []string{`"policies": ["basic"]`, `"policies": ["basic", "anonymous"], "anonymous": {"ldapConnectionFactory": "bind"}`},
			has:     "identity: anonymous",
		},
		"X06/PoolOfTheProgram":     {has: "max: 10\n"},
		"X06/SubtreeDeleteLeftOut": {has: "useSubtreeDelete: false"},
		"X06/PermissiveLeftOut":    {has: "usePermissiveModify: false"},
		"X06/HeadersLeftOut":       {lacks: "headers:"},
		"X07/Documented": {
			replace: []string{`{"simple": {"bindDn": "cn=gateway", "bindPassword": "hunter2"}}`, `{"bindDn": "cn=gateway", "bindPassword": "hunter2"}`},
			has:     "dn: cn=gateway",
		},
		"X07/Neither": {
			replace: []string{`{"simple": {"bindDn": "cn=gateway", "bindPassword": "hunter2"}}`, `{}`},
			decide:  "ldapConnectionFactories.root.authentication", lacks: "dn: cn=gateway",
		},
		"X22/Misspelt": {
			replace: []string{`"connectionSecurity"`, `"connectionSecurty"`},
			decide:  "ldapConnectionFactories.bind.connectionSecurty ldapConnectionFactories.root.connectionSecurity",
		},
		"X22/Twice": {
			replace: []string{`"security": {`, `"security": {"trustManager": "jvm"}, "security": {`},
			decide:  "security",
		},
		"R_K11": {
			replace: []string{`"bind": {`, `"bind": {"inheritFrom": "root", `},
			decide:  "ldapConnectionFactories.bind.inheritFrom ldapConnectionFactories.root.inheritFrom",
		},
		"NoRoot": {
			replace: []string{`"root": {`, `"admin": {`},
			decide:  "ldapConnectionFactories",
		},
		"Clear":         {replace: []string{`"ssl"`, `"none"`}, decide: "ldapConnectionFactories.bind.connectionSecurity"},
		"TrustAll":      {replace: []string{`"jvm"`, `"trustAll"`}, decide: "security.trustManager"},
		"NoOne":         {replace: []string{`["basic"]`, `[]`}, has: "methods: []"},
		"ByteOrderMark": {replace: []string{"{\n\t\"security\"", "\ufeff{\n\t\"security\""}, has: "url: ldaps://ldap.example.com:636"},
		"SecretFile": {
			replace: []string{`"bindPassword": "hunter2"`, `"bindPasswordFile": "rest2ldap/endpoints/api/v1.json"`},
			has:     "/rest2ldap/endpoints/api/v1.json\n", lacks: "secrets/",
		},
		"NoSecretFile": {
			replace: []string{`"bindPassword": "hunter2"`, `"bindPasswordFile": "nowhere"`},
			decide:  "ldapConnectionFactories.root.authentication.simple.bindPasswordFile",
		},
		"NoSecret": {replace: []string{`, "bindPassword": "hunter2"`, ``}, decide: "ldapConnectionFactories.root.authentication.simple.bindPassword"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := readChanged(t, test.replace...)
			if got := decided(g); got != test.decide {
				t.Errorf("to decide: %q, want %q", got, test.decide)
			}
			text := yamlOf(t, g)
			if !strings.Contains(text, test.has) || test.lacks != "" && strings.Contains(text, test.lacks) {
				t.Errorf("has %q? lacks %q?\n%s", test.has, test.lacks, text)
			}
		})
	}
}

// A decision is made by any of its keys, and stands as such in the new configuration.
func TestDecide(t *testing.T) {
	t.Parallel()
	g := readChanged(t, `"ssl"`, `"none"`)
	before := len(g.Decisions())
	g.Decide("directory.servers.0.url", "ldaps://other.example.com")
	g.Decide("server.certificates.0.key", "/k")
	g.Decide("limits.pageSize", 7)
	if after := len(g.Decisions()); before != 2 || after != 0 {
		t.Errorf("%d decisions, then %d: %v", before, after, g.Decisions())
	}
	text := yamlOf(t, g)
	for _, want := range []string{"url: ldaps://other.example.com\n", "key: /k\n", "pageSize: 7\n", "# decided by the operator\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "DECISION") {
		t.Errorf("a decision is open in\n%s", text)
	}
}

// The certificate that the old gateway showed beside its password is shown still.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "keys.jks"), makeStore(t, "jks", "key", "changeit", []string{"mine"}))
	write(t, filepath.Join(dir, "config.json"), []byte(strings.Replace(sound, `{"trustManager": "jvm"}`,
		`{"keyManager": "file", "fileBasedKeyManagerFile": "keys.jks", "fileBasedKeyManagerPassword": "changeit"}`, 1)))
	g, err := legacy.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	text := yamlOf(t, g)
	for _, want := range []string{"dn: cn=gateway\n", "password: file:secrets/directory-password\n", "cert: tls/client.pem\n", "key: secrets/client.key\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// The context path is that which Tomcat makes of the name of the web application.
func TestContextPath(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"rest2ldap": "/rest2ldap", "ROOT": "/", "a#b": "/a/b", "rest.war": "/rest", "rest##003": "/rest", "a#b##1.0": "/a/b", "ROOT##2": "/",
	} {
		dir := filepath.Join(t.TempDir(), name)
		write(t, filepath.Join(dir, "WEB-INF/classes/config.json"), []byte(sound))
		g, err := legacy.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if text := yamlOf(t, g); !strings.Contains(text, "basePath: "+want+"\n") {
			t.Errorf("%s: not %s in\n%s", name, want, text)
		}
	}
}
