package integration_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// smallMapping is a mapping of people with one more property.
func smallMapping(property string) string {
	return fmt.Sprintf(`{"version": "1.0", "resourceTypes": {
"small": {"subResources": {"users": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user",
  "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}},
"user": {"objectClasses": ["top", "person", "organizationalPerson", "inetOrgPerson"], "properties": {
  "_id": {"type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly"},
  "mail": {"type": "simple", "ldapAttribute": "mail"}%s}}}}`, property)
}

// F071: SIGHUP reads mapping files, certificates and keys anew, all of them or none.
func TestF071_Reload(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{mappings: map[string]string{"api/small.json": smallMapping("")}})
	dir := filepath.Dir(g.events)
	const path = "/api/users/bjensen"
	hangup := func(t *testing.T, done string) {
		t.Helper()
		before := strings.Count(g.log.String(), done)
		if err := g.process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if !eventually(func() bool { return strings.Count(g.log.String(), done) > before }) {
			t.Fatalf("the log does not say %q:\n%s", done, g.log)
		}
	}
	if r := g.get(t, "bjensen", path).want(http.StatusOK); strings.Contains(r.body, "Jensen") {
		t.Fatal(r.body)
	}
	t.Run("Mapping", func(t *testing.T) {
		write(t, filepath.Join(dir, "mappings"), "api/small.json", smallMapping(`, "surname": {"type": "simple", "ldapAttribute": "sn"}`))
		hangup(t, "were read anew")
		g.get(t, "bjensen", path).want(http.StatusOK).has(`"Jensen"`, "surname")
	})
	t.Run("BadMapping", func(t *testing.T) {
		write(t, filepath.Join(dir, "mappings"), "api/small.json", smallMapping(`, "surname": {"type": "nosuch"}`))
		hangup(t, "what was read before stays in force")
		if log := g.log.String(); !strings.Contains(log, "small.json:") || !strings.Contains(log, "nosuch") {
			t.Errorf("the log does not tell what is wrong:\n%s", log)
		}
		g.get(t, "bjensen", path).want(http.StatusOK).has(`"Jensen"`, "surname")
		write(t, filepath.Join(dir, "mappings"), "api/small.json", smallMapping(`, "surname": {"type": "simple", "ldapAttribute": "sn"}`))
	})
	t.Run("BadCertificate", func(t *testing.T) {
		write(t, dir, "gateway.pem", "no certificate\n")
		hangup(t, "what was read before stays in force")
		g.client.CloseIdleConnections()
		g.get(t, "bjensen", path).want(http.StatusOK)
	})
	t.Run("S_A13", func(t *testing.T) {
		page := g.get(t, "bjensen", "/api/users?_queryFilter=true&_pageSize=2").want(http.StatusOK)
		cookie, _ := page.at("pagedResultsCookie").(string)
		fresh := writeCertificate(t, dir) // Of another authority.
		hangup(t, "were read anew")
		conn, err := tls.Dial("tcp", strings.TrimPrefix(g.url, "https://"), &tls.Config{RootCAs: fresh.Pool(), MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		// The connection that was there goes on, and so does a list.
		g.get(t, "bjensen", "/api/users?_queryFilter=true&_pageSize=2&_pagedResultsCookie="+url.QueryEscape(cookie)).want(http.StatusOK)
	})
}

// Old clients and balancers ask at these paths how the gateway is.
func TestHealth(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{set: []string{"server.basePath=/directory", "server.health.alive=/alive", "server.health.healthy=/healthy"}})
	ask := func(method, path string) *reply { return g.send(t, ask{method: method, path: path}) }
	ask("GET", "/alive").want(http.StatusOK)
	ask("HEAD", "/alive").want(http.StatusOK)
	ask("GET", "/healthy").want(http.StatusOK)
	for _, path := range []string{"/alive/", "/healthy/x", "/Alive", "/%61live", "/directory/alive", "/aliveness"} {
		ask("GET", path).fails(http.StatusUnauthorized, "")
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return ask("GET", "/healthy").status == http.StatusServiceUnavailable }) {
		t.Error("healthy without a directory")
	}
	r := ask("GET", "/healthy").fails(http.StatusServiceUnavailable, "")
	if r.header.Get("Retry-After") == "" || strings.Contains(r.body, server.Address) || strings.Contains(r.body, "ldap") {
		t.Errorf("%v %s", r.header, r.body)
	}
	ask("GET", "/alive").want(http.StatusOK)
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return ask("GET", "/healthy").status == http.StatusOK }) {
		t.Error("not healthy although the directory is back")
	}
}
