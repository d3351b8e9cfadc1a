package mapping_test

import (
	"fmt"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// dump writes a model as text: a line for each thing, with what is not the default.
func dump(w *strings.Builder, m *mapping.Model) {
	fmt.Fprintf(w, "model %s base %s version %s root %s", m.File, m.BasePath, m.Version, m.Root.Name)
	mark(w, m.Legacy, "legacy")
	fmt.Fprintln(w)
	for _, name := range sortedKeys(m.Types) {
		dumpType(w, m.Types[name])
	}
}

func dumpType(w *strings.Builder, t *mapping.ResourceType) {
	fmt.Fprintf(w, "type %s", t.Name)
	if t.Super != nil {
		fmt.Fprintf(w, " super %s", t.Super.Name)
	}
	mark(w, t.Abstract, "abstract")
	fmt.Fprintln(w)
	words(w, "  subtypes", names(t.Subtypes))
	words(w, "  classes", t.ObjectClasses)
	words(w, "  actions", t.Actions)
	words(w, "  auxiliaries", names(t.Auxiliaries))
	if t.AllUserAttributes {
		words(w, "  all user attributes but", append([]string{"objectClass"}, t.ExcludedAttributes...))
	}
	dumpProperties(w, t.Properties, "  ")
	for _, sub := range t.SubResources {
		dumpSubResource(w, sub)
	}
}

func names(types []*mapping.ResourceType) []string {
	var list []string
	for _, t := range types {
		list = append(list, t.Name)
	}
	return list
}

func dumpProperties(w *strings.Builder, properties []*mapping.Property, indent string) {
	for _, p := range properties {
		fmt.Fprintf(w, "%s%s %s", indent, p.Pointer, [...]string{"simple", "object", "constant", "resourceType", "reference", "reverseReference"}[p.Kind])
		option(w, "", p.Attribute)
		mark(w, p.MultiValued, "multi")
		mark(w, p.Required, "required")
		mark(w, p.Writability != mapping.ReadWrite, [...]string{"", "createOnly", "createOnlyDiscard", "readOnly", "readOnlyDiscard"}[p.Writability])
		option(w, "", p.Type.String())
		if p.Default != nil {
			option(w, "default", string(mapping.AppendJSON(nil, p.Default)))
		}
		option(w, "value", string(p.Value))
		if r := p.Reference; r != nil {
			option(w, "path", strings.Join(r.Path, "/"))
			if r.Mapper != nil {
				option(w, "base", quoted(r.Base.String()))
			}
			option(w, "key", r.PrimaryKey)
			if r.Plain {
				fmt.Fprint(w, " plain")
			}
			option(w, "property", r.Property)
			if !r.Filter.IsTrue() {
				option(w, "filter", r.Filter.String())
			}
		}
		fmt.Fprintln(w)
		dumpProperties(w, p.Properties, indent+"  ")
		if p.Reference != nil && p.Reference.Mapper != nil {
			dumpProperties(w, p.Reference.Mapper.Properties, indent+"  mapper ")
		}
	}
}

func dumpSubResource(w *strings.Builder, sub *mapping.SubResource) {
	kind := "collection"
	if sub.Singleton {
		kind = "singleton"
	}
	fmt.Fprintf(w, "  %s %s of %s dn %s", kind, strings.Join(sub.Template, "/"), sub.Type.Name, quoted(sub.DN.String()))
	mark(w, sub.ReadOnly, "readOnly")
	mark(w, sub.Flatten, "flatten")
	if !sub.Filter.IsTrue() {
		option(w, "filter", sub.Filter.String())
	}
	if !sub.Singleton {
		option(w, [...]string{"clientDnNaming", "clientNaming", "serverNaming"}[sub.Naming.Strategy], sub.Naming.DNAttribute+"/"+sub.Naming.IDAttribute)
	}
	fmt.Fprintln(w)
	words(w, "    glue", sub.GlueObjectClasses)
}

func mark(w *strings.Builder, set bool, word string) {
	if set {
		fmt.Fprint(w, " ", word)
	}
}

func option(w *strings.Builder, name, value string) {
	switch {
	case value == "":
	case name == "":
		fmt.Fprint(w, " ", value)
	default:
		fmt.Fprint(w, " ", name, "=", value)
	}
}

func words(w *strings.Builder, name string, list []string) {
	if len(list) > 0 {
		fmt.Fprintln(w, name, strings.Join(list, " "))
	}
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }
