package directory

import (
	"errors"
	"fmt"
	"strings"
)

// objectClass is what of an object class definition (RFC 4512 §4.1.1) decides what an
// entry is.
type objectClass struct {
	name       string
	superiors  []string
	structural bool
}

// WithClasses returns the schema joined with the values of objectClasses in the subschema.
// As ParseSchema does, it passes over what makes no sense, and the error tells of it.
func (s *Schema) WithClasses(definitions []string) (*Schema, error) {
	joined := *s
	joined.classes = make(map[string]*objectClass, 2*len(definitions))
	var problems []error
	for _, text := range definitions {
		if err := joined.parseClass(text); err != nil {
			problems = append(problems, fmt.Errorf("object class %q: %w", shorten(text), err))
		}
	}
	return &joined, errors.Join(problems...)
}

func (s *Schema) parseClass(text string) error {
	d, err := newDefinition(text)
	if err != nil {
		return err
	}
	class := &objectClass{name: d.oid, structural: true}
	names := []string{d.oid}
	for d.more() {
		switch d.keyword() {
		case "NAME":
			if names = append(names, d.list()...); len(names) > 1 {
				class.name = names[1]
			}
		case "SUP":
			class.superiors = d.list()
		case "ABSTRACT", "AUXILIARY":
			class.structural = false
		case "STRUCTURAL":
		default:
			d.skip()
		}
	}
	if d.err != nil {
		return d.err
	}
	for _, name := range names {
		s.classes[strings.ToLower(name)] = class
	}
	return nil
}

// IsStructural reports whether an object class is what an entry is for as long as it is
// there (RFC 4512 §2.4.2).
func (s *Schema) IsStructural(class string) bool {
	if s == nil {
		return false
	}
	c := s.classes[strings.ToLower(class)]
	return c != nil && c.structural
}

// WithSuperiors returns the object classes together with those that they are kinds of. An
// entry is of all of them, whether it lists them or not (RFC 4512 §2.4).
func (s *Schema) WithSuperiors(classes []string) []string {
	if s == nil {
		return classes
	}
	all := make([]string, 0, len(classes)+4)
	seen := make(map[string]bool, len(classes)+4)
	var add func([]string)
	add = func(names []string) {
		for _, name := range names {
			key := strings.ToLower(name)
			if c := s.classes[key]; c != nil {
				key = strings.ToLower(c.name)
			}
			if seen[key] {
				continue
			}
			seen[key] = true
			all = append(all, name)
			if c := s.classes[key]; c != nil {
				add(c.superiors)
			}
		}
	}
	add(classes)
	return all
}
