package directory

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// ParseSchema makes a schema of the values of attributeTypes, matchingRuleUse and
// matchingRules in a subschema (RFC 4512 §4.1.2, §4.1.4, §4.1.3), in the ways that servers
// write them. What a type inherits from its superiors is filled in, whatever their order.
//
// The schema is usable beside an error too: one odd definition must not take the
// gateway down. A definition that makes no sense is passed over; a type whose
// superior is not defined, or is its own, keeps what it says itself. The error
// joins one for each, and holds the definition but no data of the directory.
func ParseSchema(attributeTypes, matchingRuleUse []string, matchingRules ...string) (*Schema, error) {
	var (
		problems []error
		types    []*AttributeType
		superior = make(map[*AttributeType]string)
	)
	for _, text := range attributeTypes {
		t, parent, err := parseAttributeType(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("attribute type %q: %w", shorten(text), err))
			continue
		}
		types = append(types, t)
		superior[t] = parent
	}
	s := NewSchema(types)
	s.superiors = make(map[*AttributeType]*AttributeType, len(types))
	for _, t := range types {
		if err := s.inherit(t, superior); err != nil {
			problems = append(problems, err)
		}
	}
	s.uses = make(map[string]map[*AttributeType]bool)
	for _, text := range matchingRuleUse {
		if err := s.parseUse(text); err != nil {
			problems = append(problems, fmt.Errorf("matching rule use %q: %w", shorten(text), err))
		}
	}
	s.rules = make(map[string]*MatchingRule)
	for _, text := range matchingRules {
		if err := s.parseRule(text); err != nil {
			problems = append(problems, fmt.Errorf("matching rule %q: %w", shorten(text), err))
		}
	}
	return s, errors.Join(problems...)
}

// maxSuperiors ends a chain of superiors that goes in a circle.
const maxSuperiors = 32

func (s *Schema) inherit(t *AttributeType, superior map[*AttributeType]string) error {
	parent := t
	for range maxSuperiors {
		name := superior[parent]
		if name == "" {
			return nil
		}
		if parent = s.Attribute(name); parent == nil {
			return fmt.Errorf("attribute type %s: its superior %q is not defined", t.OID, name)
		}
		if s.superiors[t] == nil {
			s.superiors[t] = parent
		}
		for _, pair := range [][2]*string{
			{&t.Syntax, &parent.Syntax},
			{&t.Equality, &parent.Equality},
			{&t.Ordering, &parent.Ordering},
			{&t.Substrings, &parent.Substrings},
		} {
			if *pair[0] == "" {
				*pair[0] = *pair[1]
			}
		}
	}
	return fmt.Errorf("attribute type %s: its superiors go in a circle", t.OID)
}

func parseAttributeType(text string) (t *AttributeType, superior string, err error) {
	d, err := newDefinition(text)
	if err != nil {
		return nil, "", err
	}
	t = &AttributeType{OID: d.oid}
	for d.more() {
		switch d.keyword() {
		case "NAME":
			t.Names = d.list()
		case "SUP":
			superior = d.one()
		case "EQUALITY":
			t.Equality = d.one()
		case "ORDERING":
			t.Ordering = d.one()
		case "SUBSTR":
			t.Substrings = d.one()
		case "SYNTAX":
			t.Syntax, _, _ = strings.Cut(d.one(), "{")
		case "SINGLE-VALUE":
			t.SingleValue = true
		case "NO-USER-MODIFICATION":
			t.NoUserModification = true
		case "USAGE":
			t.Usage = usageOf(d.one())
		default: // DESC, OBSOLETE, COLLECTIVE, and extensions (X-…)
			d.skip()
		}
	}
	return t, superior, d.err
}

func usageOf(word string) Usage {
	switch strings.ToLower(word) {
	case "directoryoperation":
		return DirectoryOperation
	case "distributedoperation":
		return DistributedOperation
	case "dsaoperation":
		return DSAOperation
	}
	return UserApplications
}

func (s *Schema) parseUse(text string) error {
	d, err := newDefinition(text)
	if err != nil {
		return err
	}
	applies := make(map[*AttributeType]bool)
	rules := []string{d.oid}
	for d.more() {
		switch d.keyword() {
		case "NAME":
			rules = append(rules, d.list()...)
		case "APPLIES":
			for _, name := range d.list() {
				if t := s.Attribute(name); t != nil {
					applies[t] = true
				}
			}
		default:
			d.skip()
		}
	}
	if d.err != nil {
		return d.err
	}
	for _, rule := range rules {
		s.uses[strings.ToLower(rule)] = applies
	}
	return nil
}

func (s *Schema) parseRule(text string) error {
	d, err := newDefinition(text)
	if err != nil {
		return err
	}
	r := &MatchingRule{OID: d.oid}
	for d.more() {
		switch d.keyword() {
		case "NAME":
			r.Names = d.list()
		case "SYNTAX":
			r.Syntax = d.one()
		default:
			d.skip()
		}
	}
	if d.err != nil {
		return d.err
	}
	for _, name := range append([]string{r.OID}, r.Names...) {
		s.rules[strings.ToLower(name)] = r
	}
	return nil
}

// definition takes a definition of a schema apart. After an error it is at its end.
type definition struct {
	oid    string
	tokens []token
	err    error
}

// token is a word, a quoted text, or a parenthesis.
type token struct {
	text   string
	quoted bool
}

func (t token) is(parenthesis string) bool { return !t.quoted && t.text == parenthesis }

var errDefinition = errors.New("it is no definition in parentheses")

// newDefinition splits a definition, and takes its OID.
func newDefinition(text string) (*definition, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	if len(tokens) < 3 || !tokens[0].is("(") || !tokens[len(tokens)-1].is(")") {
		return nil, errDefinition
	}
	d := &definition{tokens: tokens[1 : len(tokens)-1]}
	if d.oid = d.next(); d.oid == "" {
		return nil, errDefinition
	}
	return d, nil
}

func tokenize(text string) ([]token, error) {
	var tokens []token
	for {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		if text == "" {
			return tokens, nil
		}
		switch text[0] {
		case '(', ')', '$':
			tokens = append(tokens, token{text: text[:1]})
			text = text[1:]
		case '\'':
			inside, rest, ok := strings.Cut(text[1:], "'")
			if !ok {
				return nil, errors.New("a quoted text does not end")
			}
			tokens = append(tokens, token{inside, true})
			text = rest
		default:
			n := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()'$", r) })
			if n < 0 {
				n = len(text)
			}
			tokens = append(tokens, token{text: text[:n]})
			text = text[n:]
		}
	}
}

func (d *definition) more() bool { return len(d.tokens) > 0 }

// keyword takes the word that says what follows, in capitals.
func (d *definition) keyword() string { return strings.ToUpper(d.next()) }

// skip passes over what belongs to a keyword that means nothing here: quoted text,
// a list, or nothing at all.
func (d *definition) skip() {
	if d.more() && (d.tokens[0].quoted || d.tokens[0].is("(")) {
		d.list()
	}
}

// next takes a word.
func (d *definition) next() string {
	t := d.tokens[0]
	d.tokens = d.tokens[1:]
	if t.is("(") || t.is(")") || t.is("$") {
		d.fail(fmt.Errorf("%q where a word belongs", t.text))
	}
	return t.text
}

func (d *definition) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.tokens = nil
}

// one takes the value of a word.
func (d *definition) one() string {
	if !d.more() {
		d.fail(errors.New("a value is missing at the end"))
		return ""
	}
	return d.next()
}

// list takes a value, or several in parentheses.
func (d *definition) list() []string {
	if !d.more() || !d.tokens[0].is("(") {
		return []string{d.one()}
	}
	d.tokens = d.tokens[1:]
	var values []string
	for d.more() {
		t := d.tokens[0]
		d.tokens = d.tokens[1:]
		switch {
		case t.is(")"):
			return values
		case t.is("("):
			d.fail(errors.New("a list inside a list"))
			return nil
		case !t.is("$"):
			values = append(values, t.text)
		}
	}
	d.fail(errors.New("a list does not end"))
	return nil
}

func shorten(text string) string {
	if len(text) > 80 {
		return strings.ToValidUTF8(text[:80], "") + "…"
	}
	return text
}
