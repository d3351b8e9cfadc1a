package directory

import (
	"cmp"
	"slices"
	"strings"
)

// Usage is what an attribute is for (RFC 4512 §4.1.2).
type Usage int

const (
	// UserApplications is an ordinary attribute.
	UserApplications Usage = iota
	// DirectoryOperation is an operational attribute that is replicated.
	DirectoryOperation
	// DistributedOperation is an operational attribute shared by servers.
	DistributedOperation
	// DSAOperation is an operational attribute of one server.
	DSAOperation
)

// AttributeType is an attribute type definition (RFC 4512 §4.1.2) with what it
// inherits from its superior type filled in.
type AttributeType struct {
	OID   string
	Names []string
	// Syntax is the OID of the syntax, without the length bound.
	Syntax string
	// Equality, Ordering and Substrings are matching rules as the server names them; "" is none.
	Equality    string
	Ordering    string
	Substrings  string
	SingleValue bool
	// NoUserModification tells that only the server writes the attribute.
	NoUserModification bool
	Usage              Usage
}

// MatchingRule is a matching rule definition (RFC 4512 §4.1.3).
type MatchingRule struct {
	OID   string
	Names []string
	// Syntax is the OID of the syntax of what is asserted.
	Syntax string
}

// Schema is the part of a subschema (RFC 4512 §4.2) that the gateway uses. It is
// immutable. A nil Schema knows nothing and answers so.
type Schema struct {
	attributes map[string]*AttributeType // by name in lower case and by OID
	rules      map[string]*MatchingRule  // the same
	// uses are the attributes to which a matching rule applies, by the rule's name in
	// lower case and by its OID.
	uses map[string]map[*AttributeType]bool
	// superiors are the types that types are kinds of.
	superiors map[*AttributeType]*AttributeType
	// classes are object classes, by name in lower case and by OID.
	classes map[string]*objectClass
}

// TakesRule reports whether the server compares the attribute by that matching rule,
// named or by OID, in an extensible match (RFC 4512 §4.1.4).
func (s *Schema) TakesRule(description, rule string) bool {
	t := s.Attribute(description)
	return t != nil && s.uses[strings.ToLower(rule)][t]
}

// MatchingRule returns the rule of that name or OID; nil when the server does not publish it.
func (s *Schema) MatchingRule(rule string) *MatchingRule {
	if s == nil {
		return nil
	}
	return s.rules[strings.ToLower(rule)]
}

// NewSchema makes a schema of attribute types whose inheritance is resolved.
func NewSchema(types []*AttributeType) *Schema {
	s := &Schema{attributes: make(map[string]*AttributeType, 2*len(types))}
	for _, t := range types {
		s.attributes[t.OID] = t
		for _, name := range t.Names {
			s.attributes[strings.ToLower(name)] = t
		}
	}
	return s
}

// Attributes returns all attribute types, sorted by their first names.
func (s *Schema) Attributes() []*AttributeType {
	if s == nil {
		return nil
	}
	all := make([]*AttributeType, 0, len(s.attributes))
	for _, t := range s.attributes {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *AttributeType) int {
		return cmp.Or(slices.Compare(a.Names, b.Names), strings.Compare(a.OID, b.OID))
	})
	return slices.Compact(all)
}

// Attribute returns the type of an attribute description, by name or OID,
// whatever its options; nil when the schema does not have it.
func (s *Schema) Attribute(description string) *AttributeType {
	if s == nil {
		return nil
	}
	name, _, _ := strings.Cut(description, ";")
	if t := s.attributes[name]; t != nil {
		return t
	}
	return s.attributes[strings.ToLower(name)]
}

// Includes reports whether a value of the attribute described by part is one of whole as
// well: it is the same, or a kind of it, or the same with options (RFC 4512 §2.5).
func (s *Schema) Includes(whole, part string) bool {
	partName, _, _ := strings.Cut(part, ";")
	wholeName, _, _ := strings.Cut(whole, ";")
	if strings.EqualFold(wholeName, partName) {
		return true
	}
	w, p := s.Attribute(wholeName), s.Attribute(partName)
	for range maxSuperiors {
		switch {
		case w == nil || p == nil:
			return false
		case p == w:
			return true
		}
		p = s.superiors[p]
	}
	return false
}

// NameOf returns the name by which the directory writes an attribute: the first one of
// its type; "" when the schema does not have it.
func (s *Schema) NameOf(attribute string) string {
	t := s.Attribute(attribute)
	switch {
	case t == nil:
		return ""
	case len(t.Names) == 0:
		return t.OID
	}
	return t.Names[0]
}

// Canonical returns the name with its attribute types as the directory writes them, so that
// names that spell a type by its OID or by another of its names have the same Key.
func (s *Schema) Canonical(dn DN) DN {
	if s == nil {
		return dn
	}
	var rdns []RDN // Most names are so already.
	for i, rdn := range dn.rdns {
		for j, ava := range rdn {
			name := s.NameOf(foldType(ava.Type))
			if name == "" || strings.EqualFold(name, ava.Type) {
				continue
			}
			if rdns == nil {
				rdns = make([]RDN, len(dn.rdns))
				for k, r := range dn.rdns {
					rdns[k] = slices.Clone(r)
				}
			}
			rdns[i][j].Type = name
		}
	}
	if rdns == nil {
		return dn
	}
	return DN{rdns: rdns}
}

// Syntaxes of RFC 4517 §3.3 that decide how a value is shown.
const (
	SyntaxBoolean         = "1.3.6.1.4.1.1466.115.121.1.7"
	SyntaxInteger         = "1.3.6.1.4.1.1466.115.121.1.27"
	SyntaxNumericString   = "1.3.6.1.4.1.1466.115.121.1.36"
	SyntaxGeneralizedTime = "1.3.6.1.4.1.1466.115.121.1.24"
	SyntaxDN              = "1.3.6.1.4.1.1466.115.121.1.12"
	SyntaxNameAndUID      = "1.3.6.1.4.1.1466.115.121.1.34"
	SyntaxDirectoryString = "1.3.6.1.4.1.1466.115.121.1.15"
	SyntaxIA5String       = "1.3.6.1.4.1.1466.115.121.1.26"
	SyntaxPrintableString = "1.3.6.1.4.1.1466.115.121.1.44"
	SyntaxTelephoneNumber = "1.3.6.1.4.1.1466.115.121.1.50"
	SyntaxOctetString     = "1.3.6.1.4.1.1466.115.121.1.40"
	SyntaxJPEG            = "1.3.6.1.4.1.1466.115.121.1.28"
	SyntaxUUID            = "1.3.6.1.1.16.1"
)
