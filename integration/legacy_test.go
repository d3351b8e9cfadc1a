package integration_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// startLegacy runs the program with the configuration of an older gateway, in front of a
// directory.
func startLegacy(t *testing.T, server *slapd.Server, old string, set ...string) *gateway {
	t.Helper()
	server.Use(t)
	dir := t.TempDir()
	ca := writeCertificate(t, dir)
	args := []string{program(), "serve", "--legacy", old, "--set", "audit.file=" + filepath.Join(dir, "events.jsonl")}
	for _, s := range append(set, "server.certificates.0.cert="+filepath.Join(dir, "gateway.pem"), "server.certificates.0.key="+filepath.Join(dir, "gateway.key")) {
		args = append(args, "--set", s)
	}
	g := &gateway{log: &logBuffer{}, events: filepath.Join(dir, "events.jsonl")}
	g.url = g.serve(t, args, []string{"TMPDIR=" + dir})
	g.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}}, Timeout: time.Minute}
	t.Cleanup(g.client.CloseIdleConnections)
	return g
}

// oldMapping puts the shipped mapping where old gateways and servers have it.
func oldMapping(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile("../mappings/api/example-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "rest2ldap/endpoints/api/example-v1.json", string(text))
}

// An old gateway's folder with a trust store of Java: TLS to a real directory holds by the
// converted store, and clients are answered at their old path by each of their old ways.
func TestLegacyGateway(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		dir := filepath.Join(t.TempDir(), "webapps", "directory#rest", "WEB-INF", "classes")
		oldMapping(t, dir)
		host, port, err := net.SplitHostPort(server.Address)
		if err != nil {
			t.Fatal(err)
		}
		ca, err := os.ReadFile(server.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(ca)
		write(t, dir, "trust.jks", string(testcert.JKS(2, "changeit", testcert.JKSEntry{Alias: "authority", Chain: [][]byte{block.Bytes}})))
		write(t, dir, "config.json", fmt.Sprintf(`{
			"security": {"trustManager": "file", "fileBasedTrustManagerFile": "trust.jks", "fileBasedTrustManagerPassword": "changeit"},
			"ldapConnectionFactories": {
				"bind": {"connectionSecurity": "ssl", "primaryLdapServers": [{"hostname": %q, "port": %s}], "heartBeatTimeoutMilliSeconds": 5000},
				"root": {"inheritFrom": "bind", "authentication": {"simple": {"bindDn": %q, "bindPassword": %q}}},
				"guest": {"inheritFrom": "bind", "authentication": {"simple": {"bindDn": "uid=scarter,ou=People,dc=example,dc=com", "bindPassword": "x"}}}
			},
			"authorization": {
				"policies": ["basic", "anonymous"],
				"anonymous": {"ldapConnectionFactory": "guest"},
				"basic": {
					"supportAltAuthentication": true, "altAuthenticationUsernameHeader": "X-OpenIDM-Username", "altAuthenticationPasswordHeader": "X-OpenIDM-Password",
					"bind": "search",
					"search": {"baseDn": "ou=People,dc=example,dc=com", "scope": "one", "filterTemplate": "(uid={username})"}
				}
			}
		}`, host, port, server.ServiceDN, server.ServicePassword))
		g := startLegacy(t, server, filepath.Dir(filepath.Dir(dir)), "server.listen=127.0.0.1:0")
		const path = "/directory/rest/api/users/bjensen"
		g.get(t, "bjensen", path).want(http.StatusOK)
		g.get(t, "", path).want(http.StatusOK)
		g.send(t, ask{method: http.MethodGet, path: path, as: "bjensen", password: "wrong"}).want(http.StatusUnauthorized)
		for password, want := range map[string]int{"hifalutin": http.StatusOK, "wrong": http.StatusUnauthorized, "": http.StatusUnauthorized} {
			header := headers("X-OpenIDM-Username", "bjensen", "X-OpenIDM-Password", password)
			g.send(t, ask{method: http.MethodGet, path: path, header: header}).want(want)
		}
		g.get(t, "bjensen", "/api/users/bjensen").want(http.StatusNotFound)
	})
}

// A directory that lets nobody in who shows no certificate: the key store of the old
// gateway serves on all connections, and the account and the callers bind with passwords.
func TestLegacyMutualTLS(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Kind: slapd.Process})
	admin, err := ldap.DialURL(server.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.Bind(slapd.ConfigDN, server.RootPassword); err != nil {
		t.Fatal(err)
	}
	demand := ldap.NewModifyRequest("cn=config", nil)
	demand.Replace("olcTLSVerifyClient", []string{"demand"})
	if err := admin.Modify(demand); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(server.Address)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		ca    *testcert.CA
		alias string
		in    bool
	}{
		"known":    {server.CA, `"sslCertAlias": "Mine",`, true},
		"stranger": {stranger, `"sslCertAlias": "mine",`, false},
		"none":     {nil, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			oldMapping(t, dir)
			write(t, dir, "ca.pem", string(authority))
			manager := `"keyManager": "jvm"`
			if test.ca != nil {
				pair, err := test.ca.Issue(testcert.Leaf{CommonName: "gateway"})
				if err != nil {
					t.Fatal(err)
				}
				key, _ := pem.Decode(pair.Key)
				certificate, _ := pem.Decode(pair.Cert)
				protected, err := testcert.ProtectJKS(key.Bytes, "changeit")
				if err != nil {
					t.Fatal(err)
				}
				write(t, dir, "keys.jks", string(testcert.JKS(2, "changeit", testcert.JKSEntry{Alias: "mine", Protected: protected, Chain: [][]byte{certificate.Bytes}})))
				manager = `"keyManager": "file", "fileBasedKeyManagerFile": "keys.jks", "fileBasedKeyManagerPassword": "changeit"`
			}
			write(t, dir, "config.json", fmt.Sprintf(`{
				"security": {"trustManager": "file", "fileBasedTrustManagerFile": "ca.pem", %s},
				"ldapConnectionFactories": {
					"bind": {"connectionSecurity": "ssl", %s "primaryLdapServers": [{"hostname": %q, "port": %s}], "heartBeatTimeoutMilliSeconds": 5000},
					"root": {"inheritFrom": "bind", "authentication": {"simple": {"bindDn": %q, "bindPassword": %q}}}
				},
				"authorization": {
					"policies": ["basic"],
					"basic": {"bind": "simple", "simple": {"bindDnTemplate": "uid={username},ou=People,dc=example,dc=com"}}
				}
			}`, manager, test.alias, host, port, server.ServiceDN, server.ServicePassword))
			g := startLegacy(t, server, dir, "server.listen=127.0.0.1:0")
			const path = "/rest2ldap/api/users/bjensen"
			if !test.in {
				// In TLS 1.3 the refusal comes after the handshake, or is no more than the end.
				if got := g.get(t, "bjensen", path).status; got != http.StatusBadGateway && got != http.StatusServiceUnavailable {
					t.Errorf("the status is %d", got)
				}
				return
			}
			g.get(t, "bjensen", path).want(http.StatusOK)
			g.send(t, ask{method: http.MethodGet, path: path, as: "bjensen", password: "wrong"}).want(http.StatusUnauthorized)
		})
	}
}

// A folder of version 3.5, as it is, leaves decisions: nothing is served before them, each names
// the setting that makes it, and with those settings old clients are answered.
func TestLegacyDecisions(t *testing.T) {
	archive, err := txtar.ParseFile("../pkg/legacy/testdata/v35.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "old/") {
			write(t, dir, f.Name, strings.Replace(string(f.Data), `"oauth2", "basic"`, `"basic"`, 1))
		}
	}
	old := filepath.Join(dir, "old")
	output, err := exec.Command(program(), "serve", "--legacy", old).CombinedOutput()
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != 1 {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, setting := range []string{"server.certificates.0.cert=", "directory.ca=", "directory.servers.0.url=", "directory.servers.1.url=", "auth.anonymous.identity="} {
		if !strings.Contains(string(output), "--set "+setting) {
			t.Errorf("no decision about %s in\n%s", setting, output)
		}
	}
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		password := filepath.Join(t.TempDir(), "password")
		write(t, filepath.Dir(password), "password", server.ServicePassword)
		g := startLegacy(t, server, old, "server.listen=127.0.0.1:0", "directory.ca="+server.CAFile, "directory.servers.0.url="+server.URL, "directory.servers.1.url="+strings.Replace(server.URL, "127.0.0.1", "localhost", 1),
			"directory.bind.dn="+server.ServiceDN, "directory.bind.password=file:"+password, "auth.anonymous.identity=anonymous")
		const path = "/rest2ldap/api/users/bjensen"
		g.get(t, "bjensen", path).want(http.StatusOK).has(`"bjensen"`, "userName")
		g.send(t, ask{method: http.MethodGet, path: path, header: headers("X-OpenIDM-Username", "bjensen", "X-OpenIDM-Password", "hifalutin")}).want(http.StatusOK)
		g.list(t, "bjensen", "/rest2ldap/api/users", `userName eq "scarter"`).finds("scarter")
		g.send(t, ask{method: http.MethodDelete, path: path, as: "scarter"}).want(http.StatusForbidden)
	})
}

// The configuration of a directory server, whose own endpoints are gone: its port and its
// certificate serve, and its identity mapper finds the callers.
func TestLegacyServer(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	dir := t.TempDir()
	oldMapping(t, filepath.Join(dir, "config"))
	write(t, dir, "config/config.ldif", strings.ReplaceAll(`dn: cn=HTTPS,cn=Connection Handlers,cn=config
objectClass: ds-cfg-connection-handler
objectClass: ds-cfg-http-connection-handler
ds-cfg-enabled: true
ds-cfg-listen-address: 127.0.0.1
ds-cfg-listen-port: PORT
ds-cfg-use-ssl: false

dn: cn=Exact Match,cn=Identity Mappers,cn=config
objectClass: ds-cfg-identity-mapper
objectClass: ds-cfg-exact-match-identity-mapper
ds-cfg-match-attribute: mail
ds-cfg-match-attribute: uid
ds-cfg-match-base-dn: ou=People,dc=example,dc=com

dn: cn=HTTP Basic,cn=HTTP Authorization Mechanisms,cn=config
objectClass: ds-cfg-http-authorization-mechanism
objectClass: ds-cfg-http-basic-authorization-mechanism
ds-cfg-enabled: true
ds-cfg-identity-mapper: cn=Exact Match,cn=Identity Mappers,cn=config

dn: ds-cfg-base-path=/api,cn=HTTP Endpoints,cn=config
objectClass: ds-cfg-http-endpoint
objectClass: ds-cfg-rest2ldap-endpoint
ds-cfg-base-path: /api
ds-cfg-enabled: true
ds-cfg-config-directory: config/rest2ldap/endpoints/api
ds-cfg-http-authorization-mechanism: cn=HTTP Basic,cn=HTTP Authorization Mechanisms,cn=config

dn: ds-cfg-base-path=/alive,cn=HTTP Endpoints,cn=config
objectClass: ds-cfg-http-endpoint
objectClass: ds-cfg-alive-endpoint
ds-cfg-base-path: /alive

dn: ds-cfg-base-path=/healthy,cn=HTTP Endpoints,cn=config
objectClass: ds-cfg-http-endpoint
objectClass: ds-cfg-healthy-endpoint
ds-cfg-base-path: /healthy
`, "PORT", freePort(t)))
	write(t, dir, "password", server.ServicePassword)
	g := startLegacy(t, server, dir,
		"directory.servers.0.url="+server.URL, "directory.ca="+server.CAFile,
		"directory.bind.dn="+server.ServiceDN, "directory.bind.password=file:"+filepath.Join(dir, "password"))
	g.get(t, "bjensen", "/api/users/bjensen").want(http.StatusOK)
	r := g.send(t, ask{method: http.MethodGet, path: "/api/users/bjensen", header: basicHeader("bjensen@example.com", "hifalutin")})
	r.want(http.StatusOK)
	g.get(t, "", "/api/users/bjensen").want(http.StatusUnauthorized)

	g.get(t, "", "/healthy").want(http.StatusOK)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); g.get(t, "", "/healthy").status != http.StatusServiceUnavailable; <-time.After(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the directory is gone, and the gateway is healthy")
		}
	}
	g.get(t, "", "/alive").want(http.StatusOK)
}

// basicHeader is an Authorization header with a name and a password.
func basicHeader(name, password string) http.Header {
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(name, password)
	return req.Header
}
