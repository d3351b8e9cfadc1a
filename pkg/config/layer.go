package config

import (
	"fmt"
	"strconv"
	"strings"
)

// layer is what one source says. Every value in it has the type of its key, so
// that the layers can be merged and decoded without surprises.
type layer struct {
	root *key
	// values is the tree of values; the elements of a list of sections are under
	// their numbers, so that a later layer can change one of them.
	values map[string]any
	places map[string]Place
	// broken are the paths about which a problem has been told.
	broken   map[string]bool
	problems Problems
}

func newLayer(root *key) *layer {
	return &layer{root: root, values: map[string]any{}, places: map[string]Place{}, broken: map[string]bool{}}
}

// fail records a problem about the value at path.
func (l *layer) fail(place Place, path, format string, args ...any) {
	l.broken[path] = true
	l.problems = append(l.problems, Problem{Place: place, Path: display(path), Message: fmt.Sprintf(format, args...)})
}

// section makes sure that there is a section at path.
func (l *layer) section(place Place, path string) {
	if path != "" {
		l.tree(path)
		l.places[path] = place
	}
}

// put stores a value of the right type.
func (l *layer) put(place Place, path string, value any) {
	parent, name := "", path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, name = path[:i], path[i+1:]
	}
	l.tree(parent)[name] = value
	l.places[path] = place
}

// tree returns the section at path and makes it when it is not there.
func (l *layer) tree(path string) map[string]any {
	at := l.values
	if path == "" {
		return at
	}
	for name := range strings.SplitSeq(path, ".") {
		next, ok := at[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[name] = next
		}
		at = next
	}
	return at
}

// putText converts a text of the environment or a flag by the kind of the key.
func (l *layer) putText(place Place, path string, k *key, text string) {
	switch {
	case k.kind == sectionKind || k.kind == listKind:
		// Not fail: the section itself may be sound, and what stands in it is still judged.
		l.problems = append(l.problems, Problem{Place: place, Path: display(path), Message: "is a section; set one of its keys"})
	case k.kind == textsKind:
		l.put(place, path, splitTexts(text))
	case text == "":
		l.fail(place, path, "is empty; leave it out instead")
	case k.kind == numberKind:
		n, err := strconv.Atoi(text)
		if err != nil {
			l.fail(place, path, "%q is not a whole number", text)
			return
		}
		l.put(place, path, n)
	case k.kind == flagKind:
		if text != "true" && text != "false" {
			l.fail(place, path, "%q is neither true nor false", text)
			return
		}
		l.put(place, path, text == "true")
	default:
		l.putWritten(place, path, k, text)
	}
}

// putWritten stores a value that stays a text until it is decoded.
func (l *layer) putWritten(place Place, path string, k *key, text string) {
	var err error
	switch k.kind {
	case durationKind:
		err = new(Duration).UnmarshalText([]byte(text))
	case sizeKind:
		err = new(Size).UnmarshalText([]byte(text))
	case secretKind:
		err = new(Secret).UnmarshalText([]byte(text))
	default: // Any text is good.
	}
	if err != nil {
		l.fail(place, path, "%v", err)
		return
	}
	l.put(place, path, text)
}

// splitTexts splits a list of the environment or a flag.
func splitTexts(text string) []string {
	texts := []string{}
	for t := range strings.SplitSeq(text, ",") {
		if t = strings.TrimSpace(t); t != "" {
			texts = append(texts, t)
		}
	}
	return texts
}
