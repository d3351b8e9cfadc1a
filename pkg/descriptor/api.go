package descriptor

import (
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// API is what is described: one version of a mapped API, as a directory serves it.
type API struct {
	Model *mapping.Model
	// Capabilities are those of the directory.
	Capabilities *directory.Capabilities
	// Path is where the API is, as it stands in a URL: "/api".
	Path string
	// Basic and Bearer are the ways in which a caller may authenticate.
	Basic, Bearer bool
	// MaxPage is the greatest number of resources in a page.
	MaxPage int
	// MaxBody and MaxPart are the greatest lengths of a body and of each of its parts, in
	// bytes.
	MaxBody, MaxPart int64
	// ShowAbsent tells that fields without a value are shown, as null or [].
	ShowAbsent bool
	// MediaTypes are those in which a single value may be read.
	MediaTypes []string
}

// description is an API with what was worked out of its model.
type description struct {
	*API

	places []*place
	// targets are the collections that a reference points into, by property: a type that
	// stands at several places may have several.
	targets map[*mapping.Property][]*place
	// names are those of the types in the document.
	names map[*mapping.ResourceType]string
	// operations are the ids of operations, which are unique.
	operations map[string]bool
}

func (a *API) describe() *description {
	d := &description{API: a, targets: make(map[*mapping.Property][]*place), names: make(map[*mapping.ResourceType]string), operations: make(map[string]bool)}
	d.walk(nil, a.Model.Root.SubResources)
	for _, t := range d.types() {
		d.names[t] = d.unused(componentName(t.Name))
	}
	for _, p := range d.places {
		for _, t := range family(p.sub.Type) {
			d.findTargets(p, t.Properties)
		}
	}
	return d
}

// types returns the types that resources can have, in the order of the paths.
func (d *description) types() []*mapping.ResourceType {
	var types []*mapping.ResourceType
	for _, p := range d.places {
		for _, t := range family(p.sub.Type) {
			if !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	return types
}

// family returns a type and all below it.
func family(t *mapping.ResourceType) []*mapping.ResourceType {
	types := []*mapping.ResourceType{t}
	for _, sub := range t.Subtypes {
		types = append(types, family(sub)...)
	}
	return types
}

// componentName returns the name with nothing in it but letters, digits, dots and
// underscores. OpenAPI allows a hyphen too, which is left to what is derived from a name.
func componentName(name string) string {
	safe := []byte(name)
	for i, c := range safe {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.') {
			safe[i] = '_'
		}
	}
	return string(safe)
}

// unused returns the name, or one made of it that no type has.
func (d *description) unused(name string) string {
	for _, taken := range d.names {
		if taken == name {
			return d.unused(name + "_")
		}
	}
	return name
}
