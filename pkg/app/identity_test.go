package app_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// Every way to act for callers, from the configuration to the directory: who made a change
// is what the directory tells.
func TestIdentityModes(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Global: "TLSVerifyClient try\nauthz-regexp \"^cn=gateway$\" \"" + exampledata.ServiceDN + "\"\n"})
	dn := func(uid string) string { return "uid=" + uid + ",ou=People,dc=example,dc=com" }
	for name, test := range map[string]struct {
		settings []string
		modifier string
		refused  int // the status of a change by somebody who has no right
	}{
		"proxied": {nil, dn("bjensen"), http.StatusForbidden},
		"bind":    {[]string{"directory.identity=bind"}, dn("bjensen"), http.StatusForbidden},
		"sasl-proxy": {[]string{
			"directory.identity=sasl-proxy", "directory.bind.mechanism=EXTERNAL", "directory.bind.cert=gateway-client.pem", "directory.bind.key=gateway-client.key",
		}, dn("bjensen"), http.StatusForbidden},
		"service": {[]string{
			"directory.identity=service", "directory.bind.dn=" + dn("kvaughan"),
		}, dn("kvaughan"), http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			ca := folder(t)
			authority, err := os.ReadFile(server.CAFile)
			if err != nil {
				t.Fatal(err)
			}
			write(t, "directory.pem", string(authority))
			write(t, "password", server.ServicePassword+"\n")
			if name == "service" {
				write(t, "gateway.yaml", strings.Replace(usual, "auth:\n", `auth:
  policy:
    - {callers: ["*,ou=People,dc=example,dc=com"], resources: [/api/users], may: [read]}
    - {callers: ["`+dn("bjensen")+`"], resources: [/api/users/bjensen], may: [update]}
`, 1))
				write(t, "password", exampledata.Password("kvaughan")+"\n")
			}
			pair, err := server.CA.Issue(testcert.Leaf{CommonName: "gateway"})
			if err != nil {
				t.Fatal(err)
			}
			write(t, "gateway-client.pem", string(pair.Cert))
			write(t, "gateway-client.key", string(pair.Key))
			settings := []string{"directory.servers.0.url=" + server.URL, "directory.ca=directory.pem"}
			if name == "sasl-proxy" { // What belongs to another mechanism has to go.
				write(t, "gateway.yaml", regexp.MustCompile(`(?m)^  bind:\n(    .*\n)+`).ReplaceAllString(usual, ""))
			} else {
				settings = append(settings, "directory.bind.dn="+server.ServiceDN)
			}
			g := run(t, ca, load(t, append(settings, test.settings...)...))
			send := func(uid, method, path, body string) (int, string) {
				t.Helper()
				req, err := http.NewRequestWithContext(t.Context(), method, g.url+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.SetBasicAuth(uid, exampledata.Password(uid))
				req.Header.Set("Content-Type", "application/json")
				response, err := g.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = response.Body.Close() }()
				text, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				return response.StatusCode, string(text)
			}
			if status, text := send("scarter", http.MethodGet, "/api/users/bjensen", ""); status != http.StatusOK || !strings.Contains(text, `"bjensen"`) {
				t.Errorf("a read: %d %s", status, text)
			}
			patch := `[{"operation":"replace","field":"/description","value":"` + name + `"}]`
			if status, text := send("bjensen", http.MethodPatch, "/api/users/bjensen", patch); status != http.StatusOK {
				t.Errorf("a change: %d %s", status, text)
			}
			if status, text := send("scarter", http.MethodPatch, "/api/users/bjensen", patch); status != test.refused {
				t.Errorf("a change without the right: %d %s", status, text)
			}
			if status, text := send("scarter", http.MethodGet, "/api/groups?_queryFilter=true", ""); name == "service" && (status != http.StatusForbidden || !strings.Contains(text, `"policy"`)) {
				t.Errorf("what no rule allows: %d %s", status, text)
			}
			if modifier := modifierOf(t, server, dn("bjensen")); !strings.EqualFold(modifier, test.modifier) {
				t.Errorf("changed by %s", modifier)
			}
			if err := g.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

// modifierOf asks the directory who changed an entry last.
func modifierOf(t *testing.T, server *slapd.Server, dn string) string {
	t.Helper()
	client, err := ldapclient.New(ldapclient.Options{
		Servers: []ldapclient.Server{{URL: server.URL}}, TLS: &tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12},
		BindDN: directory.MustParseDN(server.RootDN), Password: server.RootPassword,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(t.Context()) }()
	modifier := ""
	_, err = client.Service().Search(t.Context(), &directory.SearchRequest{
		Base: directory.MustParseDN(dn), Filter: directory.Present("objectClass"), Attributes: []string{"modifiersName"}, SizeLimit: 1,
	}, func(entry *directory.Entry) error {
		modifier = entry.Value("modifiersName")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return modifier
}
