package config

import (
	"fmt"
	"strings"
)

// unknown is the sentence about a key that section does not have. It names the
// nearest key there, else a key of that name elsewhere, else all keys there.
func unknown(root, section *key, name string) string {
	if near := nearest(section, name); near != "" {
		return fmt.Sprintf("unknown key; did you mean %s?", near)
	}
	if len(section.keys) == 0 {
		return "unknown key; this section takes no keys in this version"
	}
	if path := elsewhere(root, name); path != "" {
		return fmt.Sprintf("unknown key here; did you mean %s?", path)
	}
	names := make([]string, len(section.keys))
	for i, k := range section.keys {
		names[i] = k.name
	}
	return "unknown key; the keys here are " + strings.Join(names, ", ")
}

// nearest returns the name in the section that differs least from name, "" when
// all differ much.
func nearest(section *key, name string) string {
	best, bound := "", 1+len(name)/4
	for _, k := range section.keys {
		if d := distance(strings.ToLower(k.name), strings.ToLower(name)); d <= bound {
			best, bound = k.name, d-1
		}
	}
	return best
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

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
