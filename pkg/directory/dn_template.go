package directory

import (
	"fmt"
	"slices"
	"strings"
)

// DNTemplate is a DN with variables in its values: "uid={username},ou=People".
// Values are put in as values, so that nothing in them can add to the name or
// change its shape. The zero DNTemplate is the empty name. A DNTemplate is
// immutable.
type DNTemplate struct {
	source    string
	dn        DN
	texts     texts
	variables []string
	whole     string // the variable whose value is the whole DN
	climbs    int
}

// ParseDNTemplate reads a template: a DN (RFC 4514) in which "{name}" is, or is
// part of, the value of an AVA, and "{{" and "}}" are braces. The last elements
// may be "..": see Resolve. A text that is one placeholder and nothing else
// stands for a DN that the value of the variable spells. The error is a
// *SyntaxError.
func ParseDNTemplate(s string) (DNTemplate, error) {
	t := DNTemplate{source: s, texts: texts{}}
	if name, ok := placeholder(strings.Trim(s, " ")); ok {
		t.whole, t.variables = name, []string{name}
		return t, nil
	}
	p := dnParser{s: s, template: true}
	dn, err := p.dn()
	if err != nil {
		return DNTemplate{}, err
	}
	for _, rdn := range dn.rdns {
		for _, ava := range rdn {
			names, err := t.texts.add(ava.Value)
			if err != nil {
				return DNTemplate{}, &SyntaxError{What: "DN", Text: s, Message: fmt.Sprintf("the value of %s: %v", ava.Type, err)}
			}
			t.variables = appendNew(t.variables, names...)
		}
	}
	t.dn, t.climbs = dn, p.climbs
	return t, nil
}

// placeholder reads a text that is one placeholder and nothing else.
func placeholder(s string) (name string, ok bool) {
	t, err := parseText(s)
	if err != nil || len(t) != 3 || t[0] != "" || t[2] != "" {
		return "", false
	}
	return t[1], true
}

// String returns the text that the template was read from.
func (t DNTemplate) String() string { return t.source }

// Variables returns the variables in the order of their first use.
func (t DNTemplate) Variables() []string { return slices.Clone(t.variables) }

// Climbs returns the number of ".." elements.
func (t DNTemplate) Climbs() int { return t.climbs }

// IsVariable reports whether the template is one placeholder and nothing else, so
// that its value is a DN by itself.
func (t DNTemplate) IsVariable() bool { return t.whole != "" }

// Expand returns the name with the values in it, as it stands. A variable without
// a value, a NUL in a value, and a value that should be a DN and is not are a
// *VariableError. A template with ".." elements has no name of its own; Expand
// refuses it.
func (t DNTemplate) Expand(values map[string]string) (DN, error) {
	if t.whole != "" {
		return expandWhole(t.whole, values)
	}
	if t.climbs > 0 {
		return DN{}, fmt.Errorf("the DN template %q climbs from a context and has none", t.source)
	}
	return t.expand(values)
}

// Resolve returns the name below a context: each ".." climbs one RDN from the
// context, and the rest is joined below. To climb past the top gives the root DSE.
// Errors are those of Expand; a template that is one placeholder has no place below
// a context and is refused.
func (t DNTemplate) Resolve(context DN, values map[string]string) (DN, error) {
	if t.whole != "" {
		return DN{}, fmt.Errorf("the DN template %q is a whole DN and has no place below another", t.source)
	}
	relative, err := t.expand(values)
	if err != nil {
		return DN{}, err
	}
	for range t.climbs {
		context = context.Parent()
	}
	return context.Join(relative), nil
}

func expandWhole(name string, values map[string]string) (DN, error) {
	value, err := lookUp(name, values)
	if err != nil {
		return DN{}, err
	}
	dn, err := ParseDN(value)
	if err != nil || dn.IsZero() {
		return DN{}, &VariableError{Name: name, Message: "the value is not a DN"}
	}
	return dn, nil
}

func (t DNTemplate) expand(values map[string]string) (DN, error) {
	if len(t.texts) == 0 {
		return t.dn, nil
	}
	rdns := make([]RDN, len(t.dn.rdns))
	for i, rdn := range t.dn.rdns {
		rdns[i] = slices.Clone(rdn)
		for j := range rdn {
			var err error
			if rdns[i][j].Value, err = t.texts.expand(rdn[j].Value, values); err != nil {
				return DN{}, err
			}
		}
	}
	return DN{rdns: rdns}, nil
}
