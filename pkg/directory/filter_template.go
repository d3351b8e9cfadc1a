package directory

import (
	"fmt"
	"slices"
)

// FilterTemplate is a filter with variables in its assertion values:
// "(&(uid={username})(objectClass=inetOrgPerson))". Values are put into the tree
// as values, so that nothing in them can add to the filter or widen it. The zero
// FilterTemplate is absolute true. A FilterTemplate is immutable.
type FilterTemplate struct {
	source    string
	filter    Filter
	texts     texts
	variables []string
}

// ParseFilterTemplate reads a filter as ParseFilter does, in which "{name}" is, or
// is part of, an assertion value, and "{{" and "}}" are braces. The error is a
// *SyntaxError.
func ParseFilterTemplate(s string) (FilterTemplate, error) {
	p := filterParser{s: s, template: true}
	filter, err := p.whole()
	if err != nil {
		return FilterTemplate{}, err
	}
	t := FilterTemplate{source: s, filter: filter, texts: texts{}}
	if _, err := filter.withValues(t.add); err != nil {
		return FilterTemplate{}, err
	}
	return t, nil
}

// add notes the variables of a value.
func (t *FilterTemplate) add(attribute, value string) (string, error) {
	names, err := t.texts.add(value)
	if err != nil {
		return "", &SyntaxError{What: "filter", Text: t.source, Message: fmt.Sprintf("the value of %s: %v", attribute, err)}
	}
	t.variables = appendNew(t.variables, names...)
	return value, nil
}

// String returns the text that the template was read from.
func (t FilterTemplate) String() string { return t.source }

// Variables returns the variables in the order of their first use.
func (t FilterTemplate) Variables() []string { return slices.Clone(t.variables) }

// Expand returns the filter with the values in it. A variable without a value and
// a NUL in a value are a *VariableError.
func (t FilterTemplate) Expand(values map[string]string) (Filter, error) {
	return t.filter.withValues(func(_, value string) (string, error) {
		return t.texts.expand(value, values)
	})
}

// withValues returns a copy of the filter in which change made every assertion
// value and every part of one.
func (f Filter) withValues(change func(attribute, value string) (string, error)) (Filter, error) {
	f.Children, f.Any = slices.Clone(f.Children), slices.Clone(f.Any)
	for i := range f.Children {
		var err error
		if f.Children[i], err = f.Children[i].withValues(change); err != nil {
			return Filter{}, err
		}
	}
	parts := []*string{&f.Value, &f.Initial}
	for i := range f.Any {
		parts = append(parts, &f.Any[i])
	}
	for _, part := range append(parts, &f.Final) {
		var err error
		if *part, err = change(f.Attribute, *part); err != nil {
			return Filter{}, err
		}
	}
	return f, nil
}
