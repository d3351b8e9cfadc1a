package bearer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Template makes a directory identity of claims: "dn:uid={sub},ou=People,…" or
// "u:{sub}" (RFC 4513 §5.2.1.8). In braces stands the name of a claim, or a JSON pointer
// (RFC 6901) without its first slash: {userName/0} is the first element of an array.
type Template struct {
	dn    directory.DNTemplate
	isDN  bool
	claim string // of the other form
}

// ParseTemplate reads a template.
func ParseTemplate(text string) (Template, error) {
	if claim, ok := strings.CutPrefix(text, "u:"); ok {
		name, ok := strings.CutPrefix(claim, "{")
		name, closed := strings.CutSuffix(name, "}")
		if !ok || !closed || name == "" || strings.ContainsAny(name, "{}") {
			return Template{}, fmt.Errorf("%q is no identity; after \"u:\" one claim stands in braces, for example u:{sub}", text)
		}
		return Template{claim: name}, nil
	}
	name, ok := strings.CutPrefix(text, "dn:")
	if !ok {
		return Template{}, fmt.Errorf("%q is no identity; write for example dn:uid={sub},ou=People,dc=example,dc=com or u:{sub}", text)
	}
	dn, err := directory.ParseDNTemplate(name)
	switch {
	case err != nil:
		return Template{}, err
	case dn.Climbs() > 0 || dn.IsVariable():
		return Template{}, fmt.Errorf("%q must be a whole DN in which claims are values, for example dn:uid={sub},ou=People,dc=example,dc=com", text)
	case len(dn.Variables()) == 0:
		return Template{}, fmt.Errorf("%q has no claim in it, so that every caller would be the same; write for example dn:uid={sub},ou=People,dc=example,dc=com", text)
	}
	return Template{dn: dn, isDN: true}, nil
}

// variables are the claims, or pointers, of the template.
func (t Template) variables() []string {
	if !t.isDN {
		return []string{t.claim}
	}
	return t.dn.Variables()
}

func (t Template) isZero() bool { return !t.isDN && t.claim == "" }

// expand makes the identity. A claim that is missing, or that cannot be a name, makes none.
func (t Template) expand(claims map[string]string) (string, error) {
	if !t.isDN {
		if !auth.IsName(claims[t.claim]) {
			return "", errors.New("the claim " + t.claim + " names nobody")
		}
		return "u:" + claims[t.claim], nil
	}
	for _, name := range t.dn.Variables() {
		if !auth.IsName(claims[name]) {
			return "", errors.New("the claim " + name + " names nobody")
		}
	}
	dn, err := t.dn.Expand(claims)
	if err != nil {
		return "", err
	}
	return "dn:" + dn.String(), nil
}
