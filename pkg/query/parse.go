package query

import (
	"strings"
	"unicode/utf8"
)

// Limits of a filter's text, for ParseFilter.
const (
	// MaxFilterDepth is the greatest number of "(", "!" and "[" open at one place.
	MaxFilterDepth = 256
	// MaxFilterNodes is the greatest number of comparisons, constants and operations.
	MaxFilterNodes = 512
	// MaxFilterLength is the greatest length of the text in bytes.
	MaxFilterLength = 64 << 10
)

// Limits bound the filters that a client may write. A zero field is the default:
// MaxFilterDepth, MaxFilterNodes, MaxFilterLength.
type Limits struct {
	Depth, Nodes, Length int
}

func (l Limits) orDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = MaxFilterDepth
	}
	if l.Nodes == 0 {
		l.Nodes = MaxFilterNodes
	}
	if l.Length == 0 {
		l.Length = MaxFilterLength
	}
	return l
}

// ParseFilter reads a filter within the default limits; see Limits.ParseFilter.
func ParseFilter(text string) (Filter, error) { return Limits{}.ParseFilter(text) }

// ParseFilter reads a filter:
//
//	filter     = and *( "or" and )
//	and        = not *( "and" not )
//	not        = "!" not / primary
//	primary    = "(" filter ")" / "true" / "false" / field "pr" / field operator value
//	           / field "[" filter "]" / field "in" ( "[" values "]" / "(" values ")" )
//	operator   = "eq" / "co" / "sw" / "lt" / "le" / "gt" / "ge" / 1*( ALPHA / DIGIT / "_" / "." )
//	value      = "true" / "false" / a number of RFC 8259 / a string in ' or "
//	values     = value *( "," value )
//
// Words are taken in either case, and spaces, tabs and line ends between them do
// not count. In a string a backslash stands before a quote, a backslash, one of
// b f n r t with the meaning of RFC 8259 §7, or u and four hexadecimal digits;
// before any other character it means nothing. A field is a pointer with or
// without its leading slash, and with percent escapes as in ParseFields, by which
// a name holds a space, a bracket, a quote or a comma; a field named like a word
// of the grammar keeps its slash. In brackets stands what one element of the field has to
// fulfil, its fields beginning at the element. "in" is short for the disjunction of
// equalities. An operator that is not in the list is kept as Extended.
//
// The error is a *SyntaxError. The time is linear in the length of the text.
func (l Limits) ParseFilter(text string) (Filter, error) {
	l = l.orDefaults()
	if err := checkText(text, l.Length); err != nil {
		return Filter{}, err
	}
	p := parser{text: text, limits: l}
	f, err := p.or()
	if err == nil && !p.atEnd() {
		err = p.expected(`"and", "or" or the end`)
	}
	if err != nil {
		return Filter{}, err
	}
	return f, nil
}

// parser reads a filter from left to right and never goes back.
type parser struct {
	text   string
	limits Limits
	next   int // offset of the first byte not read
	depth  int // "(", "!" and "[" that are open
	nodes  int // nodes made

	counted, chars int // the characters in text[:counted]
}

// position returns the place of the next character, in characters from 1.
func (p *parser) position() int {
	p.chars += utf8.RuneCountInString(p.text[p.counted:p.next])
	p.counted = p.next
	return p.chars + 1
}

func (p *parser) or() (Filter, error)  { return p.joined(Or, "or", p.and) }
func (p *parser) and() (Filter, error) { return p.joined(And, "and", p.not) }

// joined reads one operand, or several with a word between them.
func (p *parser) joined(op Op, word string, operand func() (Filter, error)) (Filter, error) {
	p.spaces()
	start := p.position()
	first, err := operand()
	if err != nil || !p.takeWord(word) {
		return first, err
	}
	if err := p.node(); err != nil {
		return Filter{}, err
	}
	f := Filter{Op: op, Position: start, Children: []Filter{first}}
	for more := true; more; more = p.takeWord(word) {
		child, err := operand()
		if err != nil {
			return Filter{}, err
		}
		f.Children = append(f.Children, child)
	}
	return f, nil
}

func (p *parser) not() (Filter, error) {
	p.spaces()
	start := p.position()
	if !p.take('!') {
		return p.primary(start)
	}
	if err := p.enter(); err != nil {
		return Filter{}, err
	}
	child, err := p.not()
	if err != nil {
		return Filter{}, err
	}
	p.depth--
	return Filter{Op: Not, Position: start, Children: []Filter{child}}, p.node()
}

func (p *parser) primary(start int) (Filter, error) {
	if p.take('(') {
		return p.group()
	}
	offset := p.next
	word := p.token()
	switch strings.ToLower(word) {
	case "", "and", "or":
		p.next = offset
		return Filter{}, p.expected(`a field, "(" or "!"`)
	case "true":
		return Filter{Op: True, Position: start}, p.node()
	case "false":
		return Filter{Op: False, Position: start}, p.node()
	}
	field, err := parsePointerAt(p.text, offset, word)
	if err != nil {
		return Filter{}, err
	}
	return p.comparison(Filter{Field: field, Position: start})
}

func (p *parser) group() (Filter, error) { return p.enclosed(')') }

// enclosed reads a filter up to the character that closes it.
func (p *parser) enclosed(closing byte) (Filter, error) {
	if err := p.enter(); err != nil {
		return Filter{}, err
	}
	f, err := p.or()
	if err != nil {
		return Filter{}, err
	}
	if !p.take(closing) {
		return Filter{}, p.expected(`"and", "or" or "` + string(closing) + `"`)
	}
	p.depth--
	return f, nil
}

// comparison reads what follows a field.
func (p *parser) comparison(f Filter) (Filter, error) {
	if p.take('[') {
		child, err := p.enclosed(']')
		if err != nil {
			return Filter{}, err
		}
		f.Op, f.Children = Element, []Filter{child}
		return f, p.node()
	}
	p.spaces()
	offset := p.next
	name := p.name()
	switch word := strings.ToLower(name); word {
	case "", "and", "or":
		p.next = offset
		return Filter{}, p.expected("an operator")
	case "pr":
		f.Op = Present
		return f, p.node()
	case "in":
		return p.list(f)
	default:
		f.Op = operator(word)
	}
	if f.Op == Extended {
		f.Name = name
	}
	var err error
	if f.Value, err = p.value(); err != nil {
		return Filter{}, err
	}
	return f, p.node()
}

// operator returns the kind of a comparison, Extended for a name that is not in the grammar.
func operator(name string) Op {
	switch name {
	case "eq":
		return Equal
	case "co":
		return Contains
	case "sw":
		return StartsWith
	case "lt":
		return Less
	case "le":
		return LessOrEqual
	case "gt":
		return Greater
	case "ge":
		return GreaterOrEqual
	default:
		return Extended
	}
}

// list reads the values of "in" and returns the disjunction of equalities.
func (p *parser) list(f Filter) (Filter, error) {
	closing := byte(']')
	if !p.take('[') {
		if closing = ')'; !p.take('(') {
			return Filter{}, p.expected(`"[" or "("`)
		}
	}
	if err := p.enter(); err != nil {
		return Filter{}, err
	}
	f.Op = Equal
	var equal []Filter
	for more := true; more; more = p.take(',') {
		var err error
		if f.Value, err = p.value(); err != nil {
			return Filter{}, err
		}
		if err := p.node(); err != nil {
			return Filter{}, err
		}
		equal = append(equal, f)
	}
	if !p.take(closing) {
		return Filter{}, p.expected(`"," or "` + string(closing) + `"`)
	}
	p.depth--
	if len(equal) == 1 {
		return equal[0], nil
	}
	return Filter{Op: Or, Position: f.Position, Children: equal}, p.node()
}

// enter counts a "(", "!" or "[" that was taken.
func (p *parser) enter() error {
	p.depth++
	return p.within(p.depth, p.limits.Depth, "levels")
}

// node counts a node.
func (p *parser) node() error {
	p.nodes++
	return p.within(p.nodes, p.limits.Nodes, "conditions")
}

func (p *parser) within(count, limit int, what string) error {
	if count <= limit {
		return nil
	}
	err := failAt(p.text, p.next, "the filter has more than %d %s", limit, what)
	err.Limit = limit
	return err
}
