package mapping

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// idName and revisionName are the members that every resource has, whatever
// fields were chosen.
const (
	idName       = "_id"
	revisionName = "_rev"
)

// selector is the tree of the fields that a client chose. A nil selector chooses
// the standard representation.
type selector struct {
	all     bool
	members map[string]*selector
}

func selectFields(fields []query.Pointer) *selector {
	if len(fields) == 0 {
		return nil
	}
	root := &selector{}
	for _, field := range fields {
		at := root
		for _, name := range field {
			if at.members == nil {
				at.members = make(map[string]*selector)
			}
			if at.members[name] == nil {
				at.members[name] = &selector{}
			}
			at = at.members[name]
		}
		at.all = true
	}
	return root
}

// member returns the selector below a member, and whether the member is chosen.
func (s *selector) member(name string) (*selector, bool) {
	if s == nil {
		return nil, true
	}
	below := s.members[name]
	return below, below != nil || s.all
}

// pick returns what of a JSON value is chosen, and whether there is anything. What is chosen
// in an array is chosen in each of its elements.
func (s *selector) pick(value any) (any, bool) {
	if s.all {
		return value, true
	}
	switch v := value.(type) {
	case *Object:
		object := &Object{}
		for _, member := range v.Members {
			below := s.members[member.Name]
			if below == nil {
				continue
			}
			if picked, ok := below.pick(member.Value); ok {
				object.Members = append(object.Members, Member{Name: member.Name, Value: picked})
			}
		}
		return object, len(object.Members) > 0
	case []any:
		var list []any
		for _, item := range v {
			if picked, ok := s.pick(item); ok {
				list = append(list, picked)
			}
		}
		return list, len(list) > 0
	}
	return nil, false
}

// projection is what of a resource is read and shown.
type projection struct {
	// views are the members to show, for each type of the family.
	views map[*boundType][]view
	// attributes are what has to be read for them.
	attributes []string
	// references tells that a view holds a reference.
	references bool
	// shown are the references that any type of the family shows, once each.
	shown []view
	// referenced tells that the resources are targets of a reference.
	referenced bool
	// asMapped is that of the request.
	asMapped bool
}

// view is one member to show.
type view struct {
	*boundProperty
	// key is the member's name with quotes and colon, ready to be written.
	key string
	// members are the views inside an object.
	members []view
	// target is what to show of a reference's targets, or of a JSON value; nil is all.
	target *selector
	// defaults are what is shown under the names of attributes; then it is no member itself.
	defaults map[string]*boundProperty
}

// project works out what a selector shows of the resources of a family.
func (b *Binding) project(t *boundType, chosen *selector, asMapped bool) *projection {
	if chosen == nil && t.standard != nil {
		return t.standard
	}
	return b.projectFamily(&projection{asMapped: asMapped}, t, chosen)
}

// projectReferenced is project for the target of a reference, where further
// references are shown only when they are named.
func (b *Binding) projectReferenced(t *boundType, chosen *selector) *projection {
	return b.projectFamily(&projection{referenced: true}, t, chosen)
}

func (b *Binding) projectFamily(p *projection, t *boundType, chosen *selector) *projection {
	p.views = make(map[*boundType][]view)
	if len(t.subtypes) > 0 || len(t.auxiliaries) > 0 {
		p.need("objectClass")
	}
	p.need(b.capabilities.Revision)
	t.family(func(member *boundType) {
		p.views[member] = p.project(member.properties, chosen, true)
		if chosen == nil || chosen.all {
			p.projectDefaults(member)
		}
	})
	p.shown = p.referenceViews()
	return p
}

// projectDefaults shows whatever else an entry has.
func (p *projection) projectDefaults(t *boundType) {
	if len(t.defaults) == 0 {
		return
	}
	p.need(allUserAttributes)
	p.views[t] = append(p.views[t], view{boundProperty: &boundProperty{Property: &Property{Kind: ObjectKind}}, defaults: t.defaults})
}

func (p *projection) need(attribute string) {
	if attribute != "" && !slices.ContainsFunc(p.attributes, func(a string) bool { return strings.EqualFold(a, attribute) }) {
		p.attributes = append(p.attributes, attribute)
	}
}

func (p *projection) project(properties []*boundProperty, chosen *selector, top bool) []view {
	var views []view
	for _, property := range properties {
		if property.isDefault && (chosen == nil || chosen.all) {
			continue
		}
		below, ok := chosen.member(property.Name)
		if top && !p.asMapped && (property.Name == idName || property.Name == revisionName) {
			below, ok = nil, true
		}
		if below != nil && chosen.all && property.Kind != ReferenceKind && property.Kind != ReverseKind {
			below = &selector{all: true, members: below.members}
		}
		if !ok || p.skips(property, below) {
			continue
		}
		v := view{boundProperty: property, key: string(appendString(nil, property.Name)) + ":"}
		switch property.Kind {
		case ObjectKind:
			if below != nil && below.all && len(below.members) == 0 {
				below = nil
			}
			v.members = p.project(property.properties, below, false)
		case ReferenceKind, ReverseKind:
			v.target = below
			p.references = true
			p.need(property.attribute)
		case Simple:
			v.target = inside(below)
			p.need(property.attribute)
		case Constant:
			v.target = inside(below)
		case TypeName:
		}
		views = append(views, v)
	}
	return views
}

// inside returns what was chosen inside a JSON value, nil for all of it.
func inside(below *selector) *selector {
	if below != nil && below.all {
		return nil
	}
	return below
}

// skips tells a member that is not shown although its name was chosen: a field below
// a plain value is not there, a further reference has to be named itself, and credentials
// are written only.
func (p *projection) skips(property *boundProperty, below *selector) bool {
	switch property.Kind {
	case ObjectKind:
		return false
	case ReferenceKind:
		return p.referenced && below == nil
	case ReverseKind:
		return below == nil // It costs a search, and is shown to those who name it.
	case Constant:
		return false
	case Simple:
		return property.WriteOnly || property.valueType != JSON && inside(below) != nil
	case TypeName:
	}
	return inside(below) != nil
}

// isStored reports whether the server keeps every attribute of the projection with the entry.
func (p *projection) isStored(schema *directory.Schema) bool { return areStored(schema, p.attributes) }

// areStored reports whether the server keeps the attributes with the entry. Those that are
// worked out for each search, as memberOf on OpenLDAP, are not among what it reads back
// with a change, and are missing from sorted results.
func areStored(schema *directory.Schema, attributes []string) bool {
	return !slices.ContainsFunc(attributes, func(name string) bool {
		t := schema.Attribute(name)
		return t != nil && t.Usage != directory.UserApplications && !isStoredOperational(name)
	})
}

// isStoredOperational tells the operational attributes that servers keep with the entry.
func isStoredOperational(name string) bool {
	switch strings.ToLower(name) {
	case "entryuuid", "entrycsn", "createtimestamp", "modifytimestamp", "creatorsname", "modifiersname",
		"structuralobjectclass", "pwdchangedtime", "pwdaccountlockedtime", "pwdreset", "etag":
		return true
	}
	return false
}
