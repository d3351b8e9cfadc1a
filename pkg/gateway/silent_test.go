package gateway_test

import (
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// X05, W14: where a directory returns nothing with a change, the entry is read, so that the
// answer holds the resource all the same.
func TestDirectoryWithoutReadEntry(t *testing.T) {
	for name, test := range map[string]struct {
		req      mapping.Request
		id, verb string
	}{
		"W14/Create": {mapping.Request{Verb: mapping.Create, Path: []string{"users"}, Body: body(t, strings.ReplaceAll(stored, `"a"`, `"new"`))}, "new", "add"},
		"X05/Patch": {mapping.Request{
			Verb: mapping.Patch, Path: []string{"users", "a"},
			Changes: []mapping.PatchOp{{Verb: mapping.PatchReplace, Field: query.Pointer{"description"}, Value: "x", HasValue: true}},
		}, "a", "modify"},
	} {
		// A directory may lack the control, or have it and not answer it: it is not critical.
		for how, has := range map[string]bool{"Lacked": false, "Unanswered": true} {
			t.Run(name+how, func(t *testing.T) {
				f := newFake("a")
				f.silent, f.capabilities.ReadEntry = true, has
				f.before = func(operation string) error {
					if operation == "add" {
						f.put("new", "1", "second")
					}
					return nil
				}
				answer, err := do(t, newService(t, f, gateway.Options{}), &test.req)
				if err != nil || answer.ID != test.id || !strings.Contains(string(answer.JSON), `"displayName":["`+test.id+`"]`) {
					t.Fatalf("%+v, %v: %q", answer, err, f.log)
				}
				if last := f.log[len(f.log)-1]; f.operations(test.verb) != 1 || !strings.HasPrefix(last, "search") {
					t.Errorf("%q", f.log)
				}
			})
		}
	}
}
