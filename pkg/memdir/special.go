package memdir

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// special is an entry that is not of the data: everybody may read it, and nobody may
// change it.
type special struct {
	dn, name string
	entry    *directory.Entry
}

const subschema = "cn=Subschema"

// rootDSE is what the server tells of itself (RFC 4512 §5.1), as OpenLDAP does. Permissive
// modify and no-op are taken without being listed, as there.
func rootDSE(suffix string, plain bool) *directory.Entry {
	entry := &directory.Entry{Attributes: []directory.Attribute{
		{Name: "objectClass", Values: []string{"top", "OpenLDAProotDSE"}},
		{Name: "structuralObjectClass", Values: []string{"OpenLDAProotDSE"}},
		{Name: "namingContexts", Values: []string{suffix}},
		{Name: "supportedControl", Values: []string{
			ldapwire.OIDSort, ldapwire.OIDPasswordPolicy, ldapwire.OIDProxiedAuthorization, ldapwire.OIDManageDsaIT,
			ldapwire.OIDPaging, ldapwire.OIDPostRead, ldapwire.OIDPreRead, ldapwire.OIDAssertion,
		}},
		{Name: "supportedExtension", Values: []string{ldapwire.OIDPasswordModify, ldapwire.OIDWhoAmI}},
		{Name: "supportedFeatures", Values: []string{
			"1.3.6.1.1.14",           // increment (RFC 4525)
			"1.3.6.1.4.1.4203.1.5.1", // all operational attributes (RFC 3673)
			"1.3.6.1.4.1.4203.1.5.2", // attributes of an object class (RFC 4529)
			"1.3.6.1.4.1.4203.1.5.3", // absolute true and false (RFC 4526)
		}},
		{Name: "supportedLDAPVersion", Values: []string{"3"}},
		{Name: "vendorName", Values: []string{"rest2ldap memdir, for demos and tests"}},
		{Name: "entryDN", Values: []string{""}},
		{Name: "subschemaSubentry", Values: []string{subschema}},
	}}
	if plain {
		entry.Attributes = append(entry.Attributes, directory.Attribute{Name: "supportedSASLMechanisms", Values: []string{mechanismPlain}})
	}
	return entry
}

// findSpecial finds the special entry of that name, nil for none.
func (s *Server) findSpecial(dn string) *special {
	dn = strings.ReplaceAll(dn, " ", "")
	for i := range s.special {
		if strings.EqualFold(s.special[i].dn, dn) {
			return &s.special[i]
		}
	}
	return nil
}

// searchSpecial answers a search of the entry alone. It is not sorted, and has no pages.
func (r *request) searchSpecial(q *ldapwire.Search, s *special) {
	if len(r.controls.sort) > 0 && r.controls.sortCritical {
		r.end(unavailableExtension, "critical control unavailable in context")
		return
	}
	if r.controls.assert != nil && s.matches(r.controls.assert) != isTrue {
		r.end(assertionFailed, "")
		return
	}
	if s.matches(&q.Filter) == isTrue && !r.entry(s.project(q)) {
		return
	}
	r.end(0, "")
}

// isUser tells whether an attribute of a special entry is one that users see without
// asking for it.
func isUser(name string) bool {
	return strings.EqualFold(name, "objectClass") || strings.EqualFold(name, "cn")
}

// project makes the entry that the search asks for.
func (s *special) project(q *ldapwire.Search) *directory.Entry {
	entry := &directory.Entry{DN: s.entry.DN}
	for _, attribute := range s.entry.Attributes {
		wanted := len(q.Attributes) == 0 && isUser(attribute.Name) ||
			slices.ContainsFunc(q.Attributes, func(name string) bool {
				return strings.EqualFold(name, attribute.Name) || name == "*" && isUser(attribute.Name) || name == "+" && !isUser(attribute.Name)
			})
		if !wanted {
			continue
		}
		if q.TypesOnly {
			attribute.Values = nil
		}
		entry.Attributes = append(entry.Attributes, attribute)
	}
	return entry
}

// truth is the outcome of a filter (RFC 4511 §4.5.1.7).
type truth int

const (
	isFalse truth = iota
	isUndefined
	isTrue
)

// matches evaluates a filter with what the attributes of special entries need: presence
// and equality without regard to case. Everything else is undefined.
func (s *special) matches(f *directory.Filter) truth {
	switch f.Op { //nolint:exhaustive // See above.
	case directory.FilterAnd:
		least := isTrue
		for i := range f.Children {
			least = min(least, s.matches(&f.Children[i]))
		}
		return least
	case directory.FilterOr:
		greatest := isFalse
		for i := range f.Children {
			greatest = max(greatest, s.matches(&f.Children[i]))
		}
		return greatest
	case directory.FilterNot:
		return isTrue - s.matches(&f.Children[0])
	case directory.FilterPresent:
		if s.values(f.Attribute) != nil {
			return isTrue
		}
		return isFalse
	case directory.FilterEqual:
		if containsFold(s.values(f.Attribute), f.Value) {
			return isTrue
		}
		return isFalse
	}
	return isUndefined
}

func (s *special) values(name string) []string {
	for _, attribute := range s.entry.Attributes {
		if strings.EqualFold(attribute.Name, name) {
			return attribute.Values
		}
	}
	return nil
}

func containsFold(values []string, value string) bool {
	return slices.ContainsFunc(values, func(other string) bool { return strings.EqualFold(other, value) })
}

// compare compares a value with those of an attribute, and returns the result code.
func (s *special) compare(q *ldapwire.Compare) int {
	switch values := s.values(q.Attribute); {
	case values == nil:
		return noSuchAttribute
	case containsFold(values, q.Value):
		return compareTrue
	}
	return compareFalse
}
