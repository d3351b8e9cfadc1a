package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// Sources are where a configuration comes from.
type Sources struct {
	// Path is the configuration file; "" reads none, and names of files are then
	// relative to the working directory.
	Path string
	// Environ is the environment in the form of os.Environ.
	Environ []string
	// Set are the values of --set flags, "path=value".
	Set []string
}

// Load reads, merges and checks the sources. The File is nil when the
// configuration file cannot be read or is no YAML; otherwise it holds what
// could be understood, so that the caller can look for further problems.
func Load(s Sources) (*File, Problems) {
	root := schema()
	base := newLayer(root)
	if s.Path != "" {
		text, err := os.ReadFile(s.Path)
		if err != nil {
			return nil, Problems{{Place: Place{Source: s.Path}, Message: unreadable(err)}}
		}
		if base = readYAML(root, s.Path, text); base.broken[""] {
			return nil, base.problems
		}
	}
	environ := environMap(s.Environ)
	set := readSet(root, s.Set)
	except := map[string]bool{}
	references(base.values, except)
	references(set.values, except)
	for name, value := range environ {
		if strings.HasPrefix(name, prefix) {
			reference(value, except)
		}
	}
	layers := []*layer{base, readEnviron(root, environ, except), set}

	f := &File{places: map[string]Place{}, broken: map[string]bool{}, source: Place{File: s.Path, Line: 1, Column: 1}}
	if s.Path == "" {
		f.source = Place{Source: "configuration"}
	}
	c := &checker{file: f, folder: filepath.Dir(s.Path), environ: environ}
	for _, l := range layers {
		maps.Copy(f.places, l.places)
		maps.Copy(f.broken, l.broken)
		c.problems = append(c.problems, l.problems...)
	}
	if err := decode(f, layers); err != nil {
		c.fail("", "%v", err)
		return f, c.problems
	}
	c.check()
	c.problems.Sort()
	return f, c.problems
}

// references collects the variables that "env:NAME" texts in the tree name.
func references(tree map[string]any, names map[string]bool) {
	for _, value := range tree {
		switch v := value.(type) {
		case map[string]any:
			references(v, names)
		case string:
			reference(v, names)
		}
	}
}

func reference(text string, names map[string]bool) {
	if name, found := strings.CutPrefix(text, "env:"); found {
		names[name] = true
	}
}

// decode merges the layers over the defaults and fills f.
func decode(f *File, layers []*layer) error {
	written := koanf.New(".")
	for _, l := range layers {
		if err := written.Load(confmap.Provider(l.values, ""), nil); err != nil {
			return err
		}
	}
	merged := koanf.New(".")
	if err := merged.Load(confmap.Provider(defaults(), ""), nil); err != nil {
		return err
	}
	for path, values := range optionalDefaults() {
		if !written.Exists(path) {
			continue
		}
		if err := merged.MergeAt(sub(values), path); err != nil {
			return err
		}
	}
	if err := merged.Merge(written); err != nil {
		return err
	}
	return merged.UnmarshalWithConf("", f, koanf.UnmarshalConf{Tag: "config", DecoderConfig: &mapstructure.DecoderConfig{
		ErrorUnused: true,
		DecodeHook:  mapstructure.ComposeDecodeHookFunc(listHook, mapstructure.TextUnmarshallerHookFunc()),
	}})
}

// sub wraps values for a merge at a path.
func sub(values map[string]any) *koanf.Koanf {
	k := koanf.New(".")
	_ = k.Load(confmap.Provider(values, ""), nil) // A map in memory does not fail.
	return k
}

// listHook turns the numbered elements of a list of sections into a list.
func listHook(from, to reflect.Type, data any) (any, error) {
	numbered, ok := data.(map[string]any)
	if !ok || to.Kind() != reflect.Slice || from.Kind() != reflect.Map {
		return data, nil
	}
	numbers := slices.SortedFunc(maps.Keys(numbered), func(a, b string) int { return number(a) - number(b) })
	elements := make([]any, len(numbers))
	for i, n := range numbers {
		elements[i] = numbered[n]
	}
	return elements, nil
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // Elements are stored under numbers only.
	return n
}

// Position returns where the value at path stands, for example
// directory.servers[0].url. For a value that is nowhere it is the place of the
// innermost section around it that is somewhere.
func (f *File) Position(path string) Place {
	for at := dotted(path); at != ""; at = outer(at) {
		if place, ok := f.places[at]; ok {
			return place
		}
	}
	return f.source
}

// IsSet reports whether a source other than the defaults sets the value at path.
func (f *File) IsSet(path string) bool {
	_, ok := f.places[dotted(path)]
	return ok
}

// Sound reports whether Load found nothing wrong with the value at path, nor with a
// section around it. Who looks further needs to look at sound values only.
func (f *File) Sound(path string) bool {
	for at := dotted(path); at != ""; at = outer(at) {
		if f.broken[at] {
			return false
		}
	}
	return true
}

// Problem makes a problem about the value at path.
func (f *File) Problem(path, message string) Problem {
	return Problem{Place: f.Position(path), Path: path, Message: message}
}

// outer returns the section around a dotted path.
func outer(path string) string {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)]
}

// unreadable is the sentence about a configuration file that cannot be read.
func unreadable(err error) string {
	switch {
	case errors.Is(err, syscall.EISDIR):
		return "is a folder; name the configuration file in it"
	case errors.Is(err, fs.ErrNotExist):
		return "is not there; name the configuration file, or begin with gateway.example.yaml"
	}
	return "cannot be read: " + cause(err).Error()
}
