package config

import (
	"path/filepath"
	"strings"
)

// Setting is what one --set flag says.
type Setting struct {
	// Path has dots only: directory.servers.0.url.
	Path string
	// Value is a text, a number, a truth value or a list of texts, as the key wants it.
	Value any
}

// ReadSet reads --set flags, "path=value", for who writes a configuration file. Names of
// files become absolute: what is to be written has no folder yet, so they are relative to
// the working directory.
func ReadSet(flags []string) ([]Setting, Problems) {
	var settings []Setting
	l := newLayer(schema())
	for _, flag := range flags {
		one := readSet(l.root, []string{flag})
		l.problems = append(l.problems, one.problems...)
		written, _, _ := strings.Cut(flag, "=")
		if path := dotted(written); len(one.problems) == 0 {
			settings = append(settings, Setting{Path: path, Value: absolute(one.value(path))})
		}
	}
	return settings, l.problems
}

// value returns the value at path, and the kind of its key.
func (l *layer) value(path string) (any, kind) {
	at, k := any(l.values), l.root
	for segment := range strings.SplitSeq(path, ".") {
		section, _ := at.(map[string]any)
		if at = section[segment]; k.kind == listKind && isIndex(segment) {
			k = &key{kind: sectionKind, keys: k.keys}
			continue
		}
		k = k.child(segment)
	}
	return at, k.kind
}

// absolute makes the name of a file in a value absolute.
func absolute(value any, k kind) any {
	text, _ := value.(string)
	scheme := ""
	if rest, found := strings.CutPrefix(text, "file:"); found && k == secretKind {
		scheme, text = "file:", rest
	} else if k != pathKind {
		return value
	}
	name, err := filepath.Abs(text)
	if err != nil {
		return value // Without a working directory every relative name is as good.
	}
	return scheme + name
}

// readSet reads the values of --set flags, in their order.
func readSet(root *key, flags []string) *layer {
	l := newLayer(root)
	for _, flag := range flags {
		written, value, found := strings.Cut(flag, "=")
		place := Place{Source: "--set " + written}
		if !found || written == "" {
			l.fail(place, "", "must be path=value, for example directory.pool.max=8")
			continue
		}
		l.flag(place, dotted(written), value)
	}
	return l
}

// flag reads one flag.
func (l *layer) flag(place Place, written, value string) {
	k, path := l.root, ""
	for segment := range strings.SplitSeq(written, ".") {
		if k.kind == listKind && isIndex(segment) {
			path = join(path, segment)
			k = &key{kind: sectionKind, keys: k.keys, path: k.path}
			continue
		}
		child := k.child(segment)
		if child == nil || k.kind == listKind {
			l.fail(place, join(path, segment), "%s", l.unknownAt(k, segment))
			return
		}
		k, path = child, join(path, segment)
	}
	l.putText(place, path, k, value)
}
