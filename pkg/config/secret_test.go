package config_test

import (
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/config"
)

// F018: a secret is the first line of a file, or the value of a variable.
func TestSecret_Sources(t *testing.T) {
	for name, sources := range map[string]config.Sources{
		"File":     {Path: "gateway.yaml"}, // It has a second line.
		"Variable": {Path: "gateway.yaml", Environ: []string{"BIND=" + password, "REST2LDAP_DIRECTORY__BIND__PASSWORD=env:BIND"}},
		"Flag":     {Path: "gateway.yaml", Environ: []string{"BIND=" + password}, Set: []string{"directory.bind.password=env:BIND"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := load(t, sources).Directory.Bind.Password.Value(); got != password {
				t.Errorf("the secret is %q", got)
			}
		})
	}
}
