package gateway_test

import (
	"errors"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// A description is for those who may read the API as a whole.
func TestDescribe(t *testing.T) {
	models := versioned(t, "1.0", "2.0")
	rule := gateway.Rule{Callers: []gateway.Caller{{}}, Resources: [][]string{{"api"}}, Verbs: []mapping.Verb{mapping.Read}}
	part := rule
	part.Resources = [][]string{{"api", "v1_0"}}
	for name, test := range map[string]struct {
		policy       gateway.Policy
		mustChange   bool
		api, version string
		want         error
	}{
		"Version":    {nil, false, "api", "2.0", nil},
		"Allowed":    {gateway.Policy{rule}, false, "api", "2.0", nil},
		"Part":       {gateway.Policy{part}, false, "api", "2.0", fault.Forbidden},
		"MustChange": {nil, true, "api", "2.0", fault.Forbidden},
		"NoVersion":  {nil, false, "api", "3.0", fault.NotFound},
		"NoAPI":      {nil, false, "other", "2.0", fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			s, err := gateway.New(gateway.Options{Directory: f, Models: models, Policy: test.policy})
			if err != nil {
				t.Fatal(err)
			}
			p := caller
			p.MustChange = test.mustChange
			binding, err := s.Describe(t.Context(), p, test.api, test.version)
			if !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if test.want == nil && (binding.Model().Version != test.version || binding.Capabilities() == nil) {
				t.Errorf("version %q", binding.Model().Version)
			}
		})
	}
}
