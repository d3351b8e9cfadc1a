package config

import (
	"fmt"
	"strings"

	"github.com/rest2ldap/rest2ldap/internal/nearest"
)

// unknown is the sentence about a key that section does not have. It names the
// nearest key there, else a key of that name elsewhere, else all keys there.
func unknown(root, section *key, name string) string {
	names := make([]string, len(section.keys))
	for i, k := range section.keys {
		names[i] = k.name
	}
	if near := nearest.Name(name, names); near != "" {
		return fmt.Sprintf("unknown key; did you mean %s?", near)
	}
	if len(section.keys) == 0 {
		return "unknown key; this section takes no keys in this version"
	}
	if path := elsewhere(root, name); path != "" {
		return fmt.Sprintf("unknown key here; did you mean %s?", path)
	}
	return "unknown key; the keys here are " + strings.Join(names, ", ")
}

// elsewhere returns the path of a key of that name anywhere in the tree.
func elsewhere(root *key, name string) string {
	found := ""
	root.walk(func(k *key) {
		if found == "" && strings.EqualFold(k.name, name) {
			found = k.path
		}
	})
	return found
}
