package mapping_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// TestAnyReferencePathThatCompilesLeadsToACollection: what the compiler lets pass is
// followed at every place where the reference stands, without an error.
func TestAnyReferencePathThatCompilesLeadsToACollection(t *testing.T) {
	t.Parallel()
	capabilities := &directory.Capabilities{Revision: "entryCSN"}
	filter, err := query.ParseFilter(`r/_id pr`)
	if err != nil {
		t.Fatal(err)
	}
	compiled, followed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		templates := rapid.SampledFrom([]string{"", "a", "b", "a/b", "a/{v}/b", "{w}/a", "b/{v}"})
		elements := rapid.OneOf(
			rapid.Just([]string{".."}), // Hardly any other path leads anywhere.
			rapid.SliceOfN(rapid.SampledFrom([]string{"..", "..", "..", "a", "b", "x"}), 1, 5))
		var b strings.Builder
		b.WriteString("format: 1\nresourceTypes:\n")
		for i, name := range []string{"root", "one", "two"} {
			fmt.Fprintf(&b, "  %s:\n    objectClasses: [%s]\n", name, name)
			if i > 0 {
				fmt.Fprintf(&b, "    properties: {r: {type: reference, ldapAttribute: manager, resourcePath: %q}}\n", strings.Join(elements.Draw(t, "path"), "/"))
			}
			if i == 2 {
				continue
			}
			b.WriteString("    subResources:\n")
			for _, template := range rapid.SliceOfNDistinct(templates, 1, 3, rapid.ID).Draw(t, "templates") {
				kind := "type: collection, namingStrategy: {type: clientDnNaming, dnAttribute: cn}"
				if template != "" && rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
					kind = "type: singleton"
				}
				fmt.Fprintf(&b, "      %q: {%s, resource: %s, dnTemplate: \"ou=x\"}\n", template, kind, []string{"one", "two"}[i])
			}
		}
		models, _, err := mapping.Load(fstest.MapFS{"api/root.yaml": {Data: []byte(b.String())}})
		if err != nil {
			return
		}
		compiled++
		binding := models[0].Bind(capabilities)
		visit(t, binding, models[0].Root, nil, func(target *mapping.Target, path []string) {
			if !target.IsCollection() {
				return
			}
			followed++
			nobody := func(context.Context, *directory.SearchRequest) ([]*directory.Entry, error) { return nil, nil }
			if _, err := target.Select(t.Context(), filter, nobody); err != nil {
				t.Fatalf("%s\n/%s: %v", b.String(), strings.Join(path, "/"), err)
			}
		})
	})
	t.Logf("%d mappings compiled, %d references were followed", compiled, followed)
	if followed == 0 {
		t.Error("no path compiled")
	}
}

// visit calls see for what stands below a type, with ids and variables of all kinds. What
// is hidden behind another template is passed over.
func visit(t *rapid.T, b *mapping.Binding, typ *mapping.ResourceType, path []string, see func(*mapping.Target, []string)) {
	for _, sub := range typ.SubResources {
		at := slices.Concat(path, sub.Template)
		for i := len(path); i < len(at); i++ {
			if strings.HasPrefix(at[i], "{") {
				at[i] = "value"
			}
		}
		target, err := b.Locate(t.Context(), at, nil)
		if err != nil || target.TypeName() != sub.Type.Name || target.IsSingleton() != sub.Singleton {
			continue
		}
		see(target, at)
		if !sub.Singleton {
			at = append(at, "id")
		}
		visit(t, b, sub.Type, at, see)
	}
}

// TestPathOfASubType: a search that fails while the type of a resource is looked up fails
// the request, and is not taken for a path that is not there.
func TestPathOfASubType(t *testing.T) {
	t.Parallel()
	models, _, err := mapping.Load(mappings.Files())
	if err != nil {
		t.Fatal(err)
	}
	const posix = "frapi:opendj:rest2ldap:posixUser:1.0"
	users := models[0].Root.SubResources[0]
	models[0].Types[posix].SubResources = []*mapping.SubResource{{Template: []string{"devices"}, Type: users.Type, Naming: users.Naming}}
	b := models[0].Bind(&directory.Capabilities{Revision: "entryCSN"})
	r := &recorder{err: fault.New(fault.Unavailable, "x")}
	if _, err := b.Locate(t.Context(), []string{"users", "x", "devices"}, r.find); !errors.Is(err, fault.Unavailable) || len(r.requests) != 1 {
		t.Errorf("%v after %d searches", err, len(r.requests))
	}
	if _, err := b.Locate(t.Context(), []string{"users", "x", "nosuch"}, r.find); !errors.Is(err, fault.NotFound) || len(r.requests) != 1 {
		t.Errorf("%v after %d searches", err, len(r.requests))
	}
}
