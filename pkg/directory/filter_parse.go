package directory

import (
	"strings"
	"unicode/utf8"
)

// MaxFilterDepth is the greatest number of "(" open at one place of a filter's text.
const MaxFilterDepth = 64

// whiteSpace may stand around the parts of a filter's text.
const whiteSpace = " \t\r\n"

// ParseFilter reads a filter in the string form of RFC 4515, with the absolute
// filters "(&)" and "(|)" of RFC 4526. Beyond that it takes white space around
// the parenthesised parts, so that a long filter may stand on several lines, and
// a single comparison without its parentheses. Of several asterisks in a row only
// one counts. The error is a *SyntaxError.
func ParseFilter(s string) (Filter, error) {
	p := filterParser{s: s}
	return p.whole()
}

// filterParser reads a filter, or a filter template: in a template braces that are
// written as escapes come out doubled, which is how a template writes braces that
// are no placeholder.
type filterParser struct {
	s        string
	i        int
	depth    int
	template bool
}

func (p *filterParser) done() bool { return p.i >= len(p.s) }

func (p *filterParser) at(c byte) bool { return !p.done() && p.s[p.i] == c }

// take reads s when it comes next.
func (p *filterParser) take(s string) bool {
	if !strings.HasPrefix(p.s[p.i:], s) {
		return false
	}
	p.i += len(s)
	return true
}

func (p *filterParser) spaces() {
	p.i = len(p.s) - len(strings.TrimLeft(p.s[p.i:], whiteSpace))
}

func (p *filterParser) fail(format string, args ...any) error {
	return failAt("filter", p.s, p.i, format, args...)
}

func (p *filterParser) whole() (Filter, error) {
	p.s = strings.TrimRight(p.s, whiteSpace)
	p.spaces()
	read := p.comparison
	if p.done() || p.at('(') {
		read = p.filter
	}
	f, err := read()
	if err != nil {
		return Filter{}, err
	}
	p.spaces()
	if !p.done() {
		return Filter{}, p.fail("the end of the filter is expected")
	}
	return f, nil
}

// filter reads a filter in its parentheses.
func (p *filterParser) filter() (Filter, error) {
	if !p.take("(") {
		return Filter{}, p.fail(`"(" is expected`)
	}
	if p.depth++; p.depth > MaxFilterDepth {
		return Filter{}, p.fail("the filter has more than %d levels", MaxFilterDepth)
	}
	p.spaces()
	f, err := p.component()
	if err != nil {
		return Filter{}, err
	}
	if !p.take(")") {
		return Filter{}, p.fail(`")" is expected`)
	}
	p.depth--
	return f, nil
}

func (p *filterParser) component() (Filter, error) {
	switch {
	case p.take("&"):
		return p.list(FilterAnd)
	case p.take("|"):
		return p.list(FilterOr)
	case p.take("!"):
		p.spaces()
		child, err := p.filter()
		p.spaces()
		return Not(child), err
	default:
		return p.comparison()
	}
}

func (p *filterParser) list(op FilterOp) (Filter, error) {
	f := Filter{Op: op}
	for p.spaces(); p.at('('); p.spaces() {
		child, err := p.filter()
		if err != nil {
			return Filter{}, err
		}
		f.Children = append(f.Children, child)
	}
	return f, nil
}

// comparison reads a leaf without its parentheses.
func (p *filterParser) comparison() (Filter, error) {
	attribute, err := p.attribute()
	if err != nil {
		return Filter{}, err
	}
	switch {
	case p.at(':'):
		return p.extensible(attribute)
	case attribute == "":
		return Filter{}, p.fail("an attribute description is expected")
	case p.take(">="):
		return p.single(FilterGreaterOrEqual, attribute)
	case p.take("<="):
		return p.single(FilterLessOrEqual, attribute)
	case p.take("~="):
		return p.single(FilterApprox, attribute)
	case p.take("="):
		return p.equality(attribute)
	default:
		return Filter{}, p.fail(`"=", ">=", "<=", "~=" or ":" is expected after %q`, attribute)
	}
}

// attribute reads an attribute description, which may be missing.
func (p *filterParser) attribute() (string, error) {
	start := p.i
	for !p.done() && (isKeyByte(p.s[p.i]) || p.s[p.i] == '.' || p.s[p.i] == ';') {
		p.i++
	}
	attribute := p.s[start:p.i]
	if attribute != "" && !IsAttributeDescription(attribute) {
		p.i = start
		return "", p.fail("%q is no attribute description", attribute)
	}
	return attribute, nil
}

// extensible reads what follows the attribute: [":dn"] [":" rule] ":=" value.
func (p *filterParser) extensible(attribute string) (Filter, error) {
	f := Filter{Op: FilterExtensible, Attribute: attribute}
	for !p.take(":=") {
		start := p.i
		if !p.take(":") {
			return Filter{}, p.fail(`":=" is expected`)
		}
		word, err := p.attribute()
		switch {
		case err != nil:
			return Filter{}, err
		case strings.EqualFold(word, "dn") && !f.DNAttributes && f.Rule == "":
			f.DNAttributes = true
		case isAttributeType(word) && f.Rule == "":
			f.Rule = word
		default:
			p.i = start
			return Filter{}, p.fail(`":dn", a matching rule or ":=" is expected`)
		}
	}
	if f.Attribute == "" && f.Rule == "" {
		return Filter{}, p.fail("a match without an attribute needs a matching rule")
	}
	var err error
	f.Value, err = p.assertion()
	return f, err
}

func (p *filterParser) single(op FilterOp, attribute string) (Filter, error) {
	value, err := p.assertion()
	return Filter{Op: op, Attribute: attribute, Value: value}, err
}

// assertion reads a value that has no asterisk.
func (p *filterParser) assertion() (string, error) {
	value, err := p.value()
	if err == nil && p.at('*') {
		err = p.fail(`"*" is written "\2a" in this kind of match`)
	}
	return value, err
}

// equality reads the value of "=": an equality, a presence or a substrings match.
func (p *filterParser) equality(attribute string) (Filter, error) {
	var parts []string
	for {
		part, err := p.value()
		if err != nil {
			return Filter{}, err
		}
		parts = append(parts, part)
		if !p.take("*") {
			return matchParts(attribute, parts), nil
		}
	}
}

// matchParts makes the match of a value that asterisks part.
func matchParts(attribute string, parts []string) Filter {
	last := len(parts) - 1
	if last == 0 {
		return Equal(attribute, parts[0])
	}
	f := Filter{Op: FilterSubstrings, Attribute: attribute, Initial: parts[0], Final: parts[last]}
	for _, part := range parts[1:last] {
		if part != "" {
			f.Any = append(f.Any, part)
		}
	}
	if f.Initial == "" && f.Any == nil && f.Final == "" {
		return Present(attribute)
	}
	return f
}

// value reads a value up to what cannot be part of it.
func (p *filterParser) value() (string, error) {
	var b strings.Builder
	for !p.done() {
		switch c := p.s[p.i]; c {
		case ')', '*':
			return b.String(), nil
		case '(', 0:
			return "", p.fail(`%q is written "\%02x"`, string(c), c)
		case '\\':
			octet, ok := hexPair(p.s[p.i+1:])
			if !ok {
				return "", p.fail("a backslash takes two hexadecimal digits")
			}
			b.WriteString(p.literal(octet))
			p.i += len(`\XX`)
		default:
			r, size := utf8.DecodeRuneInString(p.s[p.i:])
			if r == utf8.RuneError && size == 1 {
				return "", p.fail(`the octet is not UTF-8 and is written "\%02x"`, c)
			}
			b.WriteString(p.s[p.i : p.i+size])
			p.i += size
		}
	}
	return b.String(), nil
}

// literal returns octets so that they are no placeholder of a template.
func (p *filterParser) literal(s string) string {
	if p.template {
		return doubleBraces(s)
	}
	return s
}
