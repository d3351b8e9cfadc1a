package directory

import (
	"fmt"
	"slices"
	"strings"
)

// VariableError tells why a template cannot be expanded with a value.
type VariableError struct {
	// Name is the variable.
	Name string
	// Message tells what is wrong with its value, and does not hold the value.
	Message string
}

// Error returns the message with the name of the variable.
func (e *VariableError) Error() string {
	return fmt.Sprintf("template variable %q: %s", e.Name, e.Message)
}

// text is a value with placeholders: literals and variables by turns, a literal
// first and last. Each may be empty but a variable.
type text []string

// parseText reads "{name}" as a placeholder and "{{" and "}}" as braces.
func parseText(s string) (text, error) {
	var literal strings.Builder
	var t text
	for i := strings.IndexAny(s, "{}"); i >= 0; i = strings.IndexAny(s, "{}") {
		literal.WriteString(s[:i])
		if strings.HasPrefix(s[i:], "{{") || strings.HasPrefix(s[i:], "}}") {
			literal.WriteByte(s[i])
			s = s[i+2:]
			continue
		}
		name, rest, closed := strings.Cut(s[i+1:], "}")
		if s[i] == '}' || !closed || !isVariable(name) {
			return nil, fmt.Errorf(`%q is no placeholder "{name}"; a brace that is none is doubled`, s[i:])
		}
		t = append(t, literal.String(), name)
		literal.Reset()
		s = rest
	}
	literal.WriteString(s)
	return append(t, literal.String()), nil
}

// isVariable tells letters, digits and a little punctuation.
func isVariable(name string) bool {
	for i := range len(name) {
		if !isKeyByte(name[i]) && strings.IndexByte("_./:~", name[i]) < 0 {
			return false
		}
	}
	return name != ""
}

// variables returns the variables in the order of their first use.
func (t text) variables() []string {
	var names []string
	for i := 1; i < len(t); i += 2 {
		names = appendNew(names, t[i])
	}
	return names
}

func appendNew(names []string, more ...string) []string {
	for _, name := range more {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// expand puts values in the place of variables.
func (t text) expand(values map[string]string) (string, error) {
	parts := slices.Clone(t)
	for i := 1; i < len(parts); i += 2 {
		value, err := lookUp(parts[i], values)
		if err != nil {
			return "", err
		}
		parts[i] = value
	}
	return strings.Join(parts, ""), nil
}

// lookUp returns the value of a variable. An empty value is none: an entry has no
// empty name, and an empty part of a match would match more than was meant.
func lookUp(name string, values map[string]string) (string, error) {
	value := values[name]
	switch {
	case value == "":
		return "", &VariableError{Name: name, Message: "there is no value"}
	case strings.IndexByte(value, 0) >= 0:
		return "", &VariableError{Name: name, Message: "the value holds a NUL"}
	}
	return value, nil
}

// texts are the texts of a template by the value they were read from.
type texts map[string]text

// add reads a value of a template and returns its variables.
func (ts texts) add(value string) ([]string, error) {
	if !strings.ContainsAny(value, "{}") {
		return nil, nil
	}
	t, err := parseText(value)
	if err != nil {
		return nil, err
	}
	ts[value] = t
	return t.variables(), nil
}

// expand returns what a value of the template becomes.
func (ts texts) expand(value string, values map[string]string) (string, error) {
	if t, ok := ts[value]; ok {
		return t.expand(values)
	}
	return value, nil
}

func doubleBraces(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "{", "{{"), "}", "}}")
}
