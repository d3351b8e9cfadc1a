package legacy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rest2ldap/rest2ldap/pkg/legacy"
)

// Whatever stands in config.json, what comes of it is YAML, and each finding that names a
// line names one of the file.
func FuzzRead(f *testing.F) {
	f.Add(sound)
	f.Add(`{"ldapConnectionFactories": {"root": {"inheritFrom": "root", "primaryLdapServers": [{}, 1]}}, "authorization": {"policies": ["oauth2", 7]}}`)
	f.Add("{\"security\": {\"trustManager\": \"a\\u0000b\\n# c: d\"}, // x\n \"authorization\": null}")
	f.Add(`{"authorization": {"policies": ["oauth2"], "oauth2": {"resolver": "rfc7662", "realm": "-", "requiredScopes": ["a"], "rfc7662": {"endpointUrl": "https://a", "clientId": "&", "clientSecret": "!", "authzIdTemplate": "u:{a}"}}}}`)
	dir := f.TempDir()
	name := filepath.Join(dir, "config.json")
	f.Fuzz(func(t *testing.T, config string) {
		if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		g, err := legacy.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(config, "\n") + 1
		for _, finding := range g.Findings {
			if finding.Place.File == name && finding.Place.Line > lines {
				t.Errorf("%s: the file has %d lines", finding, lines)
			}
			if strings.ContainsAny(finding.String(), "\n\r\x1b") {
				t.Errorf("not one line: %q", finding)
			}
		}
		text, err := g.YAML()
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := yaml.Unmarshal(text, &tree); err != nil || tree["version"] != 1 {
			t.Errorf("%v: not our YAML:\n%s", err, text)
		}
	})
}
