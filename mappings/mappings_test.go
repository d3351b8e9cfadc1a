package mappings_test

import (
	"testing"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

func TestShippedMappingsCompile(t *testing.T) {
	t.Parallel()
	models, warnings, err := mapping.Load(mappings.Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range warnings {
		t.Errorf("warning: %s", warning)
	}
	if len(models) != 1 {
		t.Fatalf("%d models, want 1", len(models))
	}
	m := models[0]
	if m.BasePath != "api" || m.Version != "1.0" || m.Legacy || m.Root.Name != "example-v1" {
		t.Errorf("base path %q, version %q, legacy %t, root %q", m.BasePath, m.Version, m.Legacy, m.Root.Name)
	}
	paths := []string{m.Root.SubResources[0].Template[0], m.Root.SubResources[1].Template[0]}
	if paths[0] != "users" || paths[1] != "groups" {
		t.Errorf("paths %q", paths)
	}
}
