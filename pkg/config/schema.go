package config

import (
	"reflect"
	"strings"
)

// kind is what may stand at a key.
type kind int

const (
	sectionKind kind = iota
	listKind
	textKind
	textsKind
	numberKind
	flagKind
	durationKind
	sizeKind
	pathKind
	secretKind
)

// key is a known key. The tree of keys follows the struct File.
type key struct {
	name string
	// path is the path of the key, with "[]" for the elements of a list.
	path string
	kind kind
	// keys are those of a section, or of the elements of a list.
	keys []*key
}

// schema returns the tree of known keys.
func schema() *key {
	return &key{kind: sectionKind, keys: keysOf(reflect.TypeFor[File](), "")}
}

func keysOf(t reflect.Type, parent string) []*key {
	var keys []*key
	for field := range t.Fields() {
		name := field.Tag.Get("config")
		if name == "" {
			continue
		}
		path := join(parent, name)
		k := &key{name: name, path: path, kind: kindOf(field.Type)}
		switch inner := field.Type; k.kind {
		case listKind:
			k.keys = keysOf(inner.Elem(), path+"[]")
		case sectionKind:
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			k.keys = keysOf(inner, path)
		default: // A value has no keys.
		}
		keys = append(keys, k)
	}
	return keys
}

func kindOf(t reflect.Type) kind {
	switch t {
	case reflect.TypeFor[Duration]():
		return durationKind
	case reflect.TypeFor[Size]():
		return sizeKind
	case reflect.TypeFor[Path]():
		return pathKind
	case reflect.TypeFor[Secret]():
		return secretKind
	}
	switch t.Kind() {
	case reflect.Int:
		return numberKind
	case reflect.Bool:
		return flagKind
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return listKind
		}
		return textsKind
	case reflect.Struct, reflect.Pointer:
		return sectionKind
	}
	return textKind
}

// child returns the key of that name, nil when it is unknown.
func (k *key) child(name string) *key {
	for _, c := range k.keys {
		if c.name == name {
			return c
		}
	}
	return nil
}

// childFold returns the key of that name in any case, for the environment.
func (k *key) childFold(name string) *key {
	for _, c := range k.keys {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// walk calls visit for every key below k.
func (k *key) walk(visit func(*key)) {
	for _, c := range k.keys {
		visit(c)
		c.walk(visit)
	}
}

// join appends a name to a dotted path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// display writes a dotted path as messages show it: directory.servers[0].url.
func display(path string) string {
	segments := strings.Split(path, ".")
	var b strings.Builder
	for i, s := range segments {
		switch {
		case isIndex(s):
			b.WriteString("[" + s + "]")
		case i > 0:
			b.WriteString("." + s)
		default:
			b.WriteString(s)
		}
	}
	return b.String()
}

// dotted is the inverse of display.
func dotted(path string) string {
	return strings.NewReplacer("[", ".", "]", "").Replace(path)
}

func isIndex(s string) bool {
	if s == "" || len(s) > 3 {
		return false
	}
	return strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}
