package legacy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
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
		// The old gateway knew these words in any case.
		"OtherCase": {
			replace: []string{`"ssl"`, `"STARTTLS"`, `"jvm"`, `"Jvm"`, `["basic"]`, `["Basic"]`},
			has:     "startTLS: true",
		},
		"BindAsWritten": {
			replace: []string{`"bind": "simple", "simple"`, `"bind": "Simple", "Simple"`},
			has:     "dnTemplate: uid={username},ou=People,dc=example,dc=com",
		},
		"SingleQuotes": {
			replace: []string{`"bindDn": "cn=gateway"`, `'bindDn': 'cn=gate\'s "way"'`, "{\n\t\"security\"", "{\n\t// don't\n\t/* isn't */\"security\""},
			has:     `dn: cn=gate's "way"`,
		},
		"WholeNumber": {replace: []string{`"port": 636`, `"port": 636.0`}, has: "ldaps://ldap.example.com:636\n"},
		"Placeholder": {
			replace: []string{`"bindPassword": "hunter2"`, `"bindPassword": "&{gateway.password|hunter2}"`},
			decide:  "ldapConnectionFactories.root.authentication.simple.bindPassword", lacks: "hunter2",
		},
		"FilledBefore": {
			replace: []string{`"hostname": "ldap.example.com"`, `"hostname": "${LDAP_HOST}"`},
			decide:  "ldapConnectionFactories.bind.primaryLdapServers[0].hostname",
		},
		"Expression": {
			replace: []string{`"port": 636`, `"port": {"$int": "&{ldap.port|636}"}`},
			decide:  "ldapConnectionFactories.bind.primaryLdapServers[0].port",
		},
		"OtherSecondary": {
			replace: []string{`"bind": {`, `"bind": {"secondaryLdapServers": [{"hostname": "b", "port": 636}], `, `"root": {`, `"root": {"secondaryLdapServers": [], `},
			decide:  "ldapConnectionFactories.bind.secondaryLdapServers",
		},
		"AliasInClear": {
			replace: []string{`"connectionSecurity": "ssl"`, `"connectionSecurity": "none", "sslCertAlias": "client-cert"`},
			decide:  "ldapConnectionFactories.bind.connectionSecurity",
		},
		"AliasOfJava": {
			replace: []string{`"connectionSecurity": "ssl"`, `"connectionSecurity": "ssl", "sslCertAlias": "client-cert"`},
			decide:  "ldapConnectionFactories.bind.sslCertAlias",
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

// Whatever stands in a configuration, a finding is about it: nothing is passed over. What
// is here has all settings that any version had, most of them without effect.
func TestEverySettingIsTold(t *testing.T) {
	t.Parallel()
	const config = `{
	"security": {
		"trustManager": "jvm", "fileBasedTrustManagerType": "JKS", "fileBasedTrustManagerFile": "/t", "fileBasedTrustManagerPasswordFile": "/p",
		"fileBasedTrustManagerPassword": "hunter2", "fileBasedTrustManagerProvider": "SUN",
		"keyManager": "jvm", "fileBasedKeyManagerType": "JKS", "fileBasedKeyManagerFile": "/k", "fileBasedKeyManagerPasswordFile": "/p",
		"fileBasedKeyManagerPassword": "hunter2", "fileBasedKeyManagerProvider": "SUN", "pkcs11KeyManagerPasswordFile": "/p"
	},
	"ldapConnectionFactories": {
		"bind": {
			"connectionSecurity": "none", "sslCertAlias": "client-cert", "connectionPoolSize": 24, "heartBeatIntervalSeconds": 30,
			"heartBeatTimeoutMilliSeconds": 500, "availabilityCheckIntervalSeconds": 30, "availabilityCheckTimeoutMilliSeconds": 500, "maxConnectionAttempts": 5,
			"primaryLdapServers": [{"hostname": "localhost", "port": 1389}], "secondaryLdapServers": [{"hostname": "other", "port": 1389, "weight": 2}]
		},
		"root": {"inheritFrom": "bind", "authentication": {"simple": {"bindDn": "cn=gateway", "bindPassword": "hunter2"}}, "nested": {"deep": {"deeper": [1]}}},
		"spare": {"inheritFrom": "bind", "heartBeatIntervalSeconds": 5}
	},
	"authorization": {
		"policies": ["oauth2", "basic"],
		"anonymous": {"ldapConnectionFactory": "root"},
		"basic": {
			"supportAltAuthentication": false, "altAuthenticationUsernameHeader": "X-U", "altAuthenticationPasswordHeader": "X-P", "bind": "search",
			"simple": {"ldapConnectionFactory": "bind", "bindDnTemplate": "uid={username}"},
			"sasl-plain": {"ldapConnectionFactory": "bind", "authzIdTemplate": "u:{username}"},
			"search": {"searchLdapConnectionFactory": "root", "bindLdapConnectionFactory": "bind", "baseDn": "dc=example,dc=com", "scope": "sub", "filterTemplate": "(uid={username})"}
		},
		"oauth2": {
			"realm": "myrealm", "requiredScopes": ["read"], "resolver": "rfc7662", "accessTokenCache": {"enabled": false, "cacheExpiration": "5 minutes"},
			"openam": {"endpointUrl": "http://am", "sslCertAlias": "a", "authzIdTemplate": "u:{uid}"},
			"rfc7662": {"endpointUrl": "https://as/introspect", "clientId": "id", "clientSecret": "hunter2", "authzIdTemplate": "u:{username}"},
			"cts": {"ldapConnectionFactory": "root", "baseDn": "ou=tokens", "authzIdTemplate": "u:{userName/0}"},
			"file": {"folderPath": "/f", "authzIdTemplate": "u:{uid}"}
		}
	},
	"servlet": {"mappings": {}}
}`
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), []byte(config))
	write(t, filepath.Join(dir, "rest2ldap/rest2ldap.json"), []byte(`{
		"useMvcc": true, "mvccAttribute": "etag", "readOnUpdatePolicy": "controls", "useSubtreeDelete": true, "usePermissiveModify": true,
		"returnNullForMissingProperties": true, "localSortMaxEntries": 1000, "extra": [true, {"a": 1}]
	}`))
	g, err := legacy.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "rest2ldap/rest2ldap.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var root map[string]any
		if err := json.Unmarshal(data, &root); err != nil {
			t.Fatal(err)
		}
		leaves(root, "", func(path string) {
			if !slices.ContainsFunc(g.Findings, func(f legacy.Finding) bool {
				about, _, _ := strings.Cut(f.Path, " (")
				return about != "" && f.Place.File == filepath.Join(dir, name) && (path == about || strings.HasPrefix(path, about+"."))
			}) && !strings.Contains(path, "LdapServers") && !strings.HasSuffix(path, "LdapConnectionFactory") {
				t.Errorf("no finding is about %s", path)
			}
		})
	}
	for _, f := range g.Findings {
		if strings.Contains(f.Message, "nothing here corresponds") {
			t.Errorf("a setting of the old gateway has no sentence of its own: %v", f)
		}
	}
}

// leaves calls a function with the path of each value that holds no others by name.
func leaves(value any, path string, visit func(string)) {
	members, ok := value.(map[string]any)
	if !ok {
		visit(path)
		return
	}
	for name, member := range members {
		leaves(member, strings.TrimPrefix(path+"."+name, "."), visit)
	}
}

// A place of which the old program knew what to make of it, and which the operator knows:
// whoever names the server has decided about its placeholder.
func TestDecidePlaceholder(t *testing.T) {
	t.Parallel()
	g := readChanged(t, `"hostname": "ldap.example.com"`, `"hostname": "&{ldap.host}"`, `"bindPassword": "hunter2"`, `"bindPassword": "${PASSWORD}"`)
	g.Decide("directory.servers.0.url", "ldaps://ldap.example.com")
	g.Decide("directory.bind.password", "file:/p")
	g.Decide("server.certificates.0.cert", "/c")
	if open := g.Decisions(); len(open) != 0 {
		t.Errorf("open: %v", open)
	}
}

// Stores of other kinds are refused with the way to make one that is read.
func TestOtherStores(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct {
		data string
		want string
	}{
		"JCEKS":        {"\xce\xce\xce\xce\x00\x00\x00\x02\x00\x00\x00\x00", "keytool -importkeystore -srckeystore FILE -srcstoretype JCEKS -destkeystore NEW -deststoretype PKCS12,"},
		"jks":          {"\xce\xce\xce\xce\x00\x00\x00\x02\x00\x00\x00\x00", "the file is a JCEKS key store"},
		"BKS":          {"\x00\x00\x00\x02\x00\x00\x00\x14", "-srcstoretype BKS -destkeystore NEW -deststoretype PKCS12 -providerclass org.bouncycastle"},
		"PKCS12":       {"\x00\x00\x00\x02\x00\x00\x00\x14", "the file is neither JKS nor PKCS12 nor PEM; make a PKCS12 of it"},
		"Windows-ROOT": {"", "a store of the type Windows-ROOT is not read here; make a PKCS12 of it"},
	} {
		for _, manager := range []string{"trust", "key"} {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "store"), []byte(test.data))
			name := map[string]string{"trust": "Trust", "key": "Key"}[manager]
			write(t, filepath.Join(dir, "config.json"), []byte(strings.NewReplacer(`"trustManager": "jvm"`,
				strings.NewReplacer("NAME", name, "LOWER", manager, "KIND", kind).Replace(
					`"LOWERManager": "file", "fileBasedNAMEManagerType": "KIND", "fileBasedNAMEManagerFile": "store", "fileBasedNAMEManagerPassword": "hunter2"`)).Replace(sound)))
			g, err := legacy.Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(g.Decisions(), func(f legacy.Finding) bool {
				return f.Path == "security.fileBased"+name+"ManagerFile" && strings.Contains(f.Message, test.want)
			}) {
				t.Errorf("%s for %s: %v", kind, manager, g.Decisions())
			}
		}
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
