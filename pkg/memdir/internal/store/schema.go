package store

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// subschemaText is what OpenLDAP 2.5 publishes with core, cosine, inetorgperson, nis,
// ppolicy and dyngroup, without the attributes of its own configuration.
//
//go:embed subschema.txt
var subschemaText string

// These are attributes that OpenLDAP has and does not publish.
const (
	authzToText   = "( 1.3.6.1.4.1.4203.666.1.8 NAME ( 'authzTo' 'saslAuthzTo' ) EQUALITY authzMatch SYNTAX 1.3.6.1.4.1.4203.666.2.7 USAGE distributedOperation )"
	authzFromText = "( 1.3.6.1.4.1.4203.666.1.9 NAME ( 'authzFrom' 'saslAuthzFrom' ) EQUALITY authzMatch SYNTAX 1.3.6.1.4.1.4203.666.2.7 USAGE distributedOperation )"
)

// schema is a parsed subschema (RFC 4512 §4.1).
type schema struct {
	published  *directory.Entry
	attributes map[string]*attributeType // by name in lower case, and by OID
	classes    map[string]*objectClass   // likewise
	uses       map[string]map[*attributeType]bool
	rules      map[string]string // matching rule names by OID and by name in lower case
}

// attributeType is an attribute type, with what it inherits.
type attributeType struct {
	oid, name                      string
	names                          []string // in lower case
	sup                            *attributeType
	equality, ordering, substr     string
	syntax                         string
	single, noUserMod, operational bool
}

// isBelow tells a type that is another one or a subtype of it.
func (t *attributeType) isBelow(other *attributeType) bool {
	for ; t != nil; t = t.sup {
		if t == other {
			return true
		}
	}
	return false
}

// Kinds of object classes.
const (
	abstract = iota
	structural
	auxiliary
)

// objectClass is an object class, with all that it inherits.
type objectClass struct {
	oid, name string
	kind      int
	sups      []*objectClass
	must, may map[*attributeType]bool
}

// isBelow tells a class that is another one or a subclass of it.
func (c *objectClass) isBelow(other *objectClass) bool {
	if c == other {
		return true
	}
	for _, sup := range c.sups {
		if sup.isBelow(other) {
			return true
		}
	}
	return false
}

// openLDAP returns the schema of a server without definitions of its own.
var openLDAP = sync.OnceValue(func() *schema { return parseSchema(subschemaText) }) //nolint:gochecknoglobals // A constant.

// extend returns the schema with further definitions.
func extend(definitions string) (*schema, error) {
	for line := range strings.Lines(definitions) {
		kind, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		known := kind == "attributeTypes" || kind == "objectClasses"
		if !known || len(tokensOf(value)) < 3 || !strings.HasPrefix(value, "( ") || !strings.HasSuffix(value, " )") {
			return nil, fmt.Errorf("%q is no definition of an attribute type or an object class", strings.TrimSpace(line))
		}
	}
	s := parseSchema(strings.TrimRight(subschemaText, "\n") + "\n" + definitions)
	for line := range strings.Lines(definitions) {
		kind, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		d := parseDefinition(value)
		if d.first("NAME") == "" || kind == "attributeTypes" && s.attributes[d.oid] == nil || kind == "objectClasses" && s.classes[d.oid] == nil {
			return nil, fmt.Errorf("%q has no name, or is below something that nobody has defined", value)
		}
	}
	return s, nil
}

func parseSchema(text string) *schema {
	s := &schema{
		published:  &directory.Entry{DN: "cn=Subschema"},
		attributes: make(map[string]*attributeType), classes: make(map[string]*objectClass),
		uses: make(map[string]map[*attributeType]bool), rules: make(map[string]string),
	}
	definitions := make(map[string][]definition)
	values := map[string][]string{"objectClass": {"top", "subentry", "subschema", "extensibleObject"}, "cn": {"Subschema"}, "structuralObjectClass": {"subentry"}, "entryDN": {"cn=Subschema"}, "subschemaSubentry": {"cn=Subschema"}}
	for line := range strings.Lines(text) {
		kind, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		values[kind] = append(values[kind], value)
		definitions[kind] = append(definitions[kind], parseDefinition(value))
	}
	for _, name := range []string{
		"objectClass", "structuralObjectClass", "cn", "ldapSyntaxes", "matchingRules", "matchingRuleUse", "attributeTypes", "objectClasses", "entryDN", "subschemaSubentry",
	} {
		s.published.Attributes = append(s.published.Attributes, directory.Attribute{Name: name, Values: values[name]})
	}
	for _, d := range definitions["matchingRules"] {
		s.rules[d.oid], s.rules[strings.ToLower(d.first("NAME"))] = d.first("NAME"), d.first("NAME")
	}
	s.addAttributes(append(definitions["attributeTypes"], parseDefinition(authzToText), parseDefinition(authzFromText)))
	s.addClasses(definitions["objectClasses"])
	for _, d := range definitions["matchingRuleUse"] {
		uses := make(map[*attributeType]bool)
		for _, name := range d.words["APPLIES"] {
			uses[s.attributes[strings.ToLower(name)]] = true
		}
		s.uses[d.first("NAME")] = uses
	}
	return s
}

func (s *schema) addAttributes(definitions []definition) {
	for len(definitions) > 0 {
		var later []definition
		for _, d := range definitions {
			sup := s.attributes[strings.ToLower(d.first("SUP"))]
			if sup == nil && d.first("SUP") != "" {
				later = append(later, d)
				continue
			}
			t := &attributeType{
				oid: d.oid, name: d.first("NAME"), sup: sup, equality: d.first("EQUALITY"), ordering: d.first("ORDERING"), substr: d.first("SUBSTR"),
				single: d.has("SINGLE-VALUE"), noUserMod: d.has("NO-USER-MODIFICATION"), operational: d.first("USAGE") != "" && d.first("USAGE") != "userApplications",
			}
			t.syntax, _, _ = strings.Cut(d.first("SYNTAX"), "{")
			if sup != nil {
				for _, inherit := range []struct {
					own  *string
					from string
				}{{&t.equality, sup.equality}, {&t.ordering, sup.ordering}, {&t.substr, sup.substr}, {&t.syntax, sup.syntax}} {
					if *inherit.own == "" {
						*inherit.own = inherit.from
					}
				}
			}
			s.attributes[t.oid] = t
			for _, name := range d.words["NAME"] {
				t.names = append(t.names, strings.ToLower(name))
				s.attributes[strings.ToLower(name)] = t
			}
		}
		if len(later) == len(definitions) {
			return // Not so in the text that is built in; extend looks.
		}
		definitions = later
	}
}

func (s *schema) addClasses(definitions []definition) {
	for len(definitions) > 0 {
		var later []definition
	next:
		for _, d := range definitions {
			c := &objectClass{oid: d.oid, name: d.first("NAME"), kind: structural, must: make(map[*attributeType]bool), may: make(map[*attributeType]bool)}
			for _, name := range d.words["SUP"] {
				sup := s.classes[strings.ToLower(name)]
				if sup == nil {
					later = append(later, d)
					continue next
				}
				c.sups = append(c.sups, sup)
				for t := range sup.must {
					c.must[t] = true
				}
				for t := range sup.may {
					c.may[t] = true
				}
			}
			switch {
			case d.has("ABSTRACT"):
				c.kind = abstract
			case d.has("AUXILIARY"):
				c.kind = auxiliary
			}
			for word, set := range map[string]map[*attributeType]bool{"MUST": c.must, "MAY": c.may} {
				for _, name := range d.words[word] {
					if t := s.attributes[strings.ToLower(name)]; t != nil {
						set[t] = true
					}
				}
			}
			s.classes[c.oid] = c
			for _, name := range d.words["NAME"] {
				s.classes[strings.ToLower(name)] = c
			}
		}
		if len(later) == len(definitions) {
			return // As above.
		}
		definitions = later
	}
}

// attribute returns the type of an attribute description and its options, sorted, each
// in lower case behind a semicolon. The type is nil where it is not known.
func (s *schema) attribute(description string) (*attributeType, string) {
	base, options, found := strings.Cut(strings.ToLower(description), ";")
	if !found {
		return s.attributes[base], ""
	}
	return s.attributes[base], ";" + options
}

// definition is a schema definition taken apart: the OID, and the words behind each
// keyword.
type definition struct {
	oid   string
	words map[string][]string
}

func (d *definition) first(keyword string) string {
	if words := d.words[keyword]; len(words) > 0 {
		return words[0]
	}
	return ""
}

func (d *definition) has(keyword string) bool { _, ok := d.words[keyword]; return ok }

// parseDefinition takes a definition apart. It is for the text that is built in, which
// has no escapes.
func parseDefinition(text string) definition {
	d := definition{words: make(map[string][]string)}
	tokens := tokensOf(text)
	d.oid = tokens[1]
	keyword, depth := "", 0
	for _, token := range tokens[2 : len(tokens)-1] {
		quoted := strings.HasPrefix(token, "'")
		switch {
		case token == "(":
			depth++
		case token == ")":
			depth--
		case token == "$":
		case depth == 0 && !quoted && strings.ToUpper(token) == token && strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == "":
			keyword = token
			d.words[keyword] = nil
		default:
			d.words[keyword] = append(d.words[keyword], strings.Trim(token, "'"))
		}
	}
	return d
}

func tokensOf(text string) []string {
	var tokens []string
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		end := strings.IndexByte(text, ' ')
		if text[0] == '\'' {
			end = strings.IndexByte(text[1:], '\'') + 2
		}
		if end < 1 {
			end = len(text)
		}
		tokens = append(tokens, text[:end])
		text = text[end:]
	}
	return tokens
}
