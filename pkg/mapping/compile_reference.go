package mapping

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// reference compiles a property over an attribute of DNs, in either form, and
// reports whether it may be served.
func (c *compiler) reference(f *fileFields, p *Property, scope propertyScope) bool {
	p.Kind = ReferenceKind
	p.Reference = &Reference{}
	c.attributeProperty(f, p)
	switch {
	case f.value("resourcePath") != nil:
		c.pathReference(f, p.Reference, scope)
		f.absent("belongs to references without \"resourcePath\"", "baseDn", "mapper", "searchFilter")
	case f.value("baseDn") != nil || f.value("mapper") != nil:
		c.inlineReference(f, p.Reference)
	default:
		c.problem(f.node.filePlace, "%s needs \"resourcePath\", or \"baseDn\", \"primaryKey\" and \"mapper\"", f.what)
		for _, name := range []string{"primaryKey", "searchFilter"} {
			f.value(name)
		}
	}
	return !IsCredential(p.Attribute)
}

// pathReference compiles the form that points to a collection. Where the path
// leads is checked when it is known where the type is mounted.
func (c *compiler) pathReference(f *fileFields, r *Reference, scope propertyScope) {
	if f.value("primaryKey") != nil {
		r.PrimaryKey = f.attributeType("primaryKey")
	}
	node := f.text("resourcePath")
	if node == nil {
		return
	}
	path := strings.Split(node.text, "/")
	named := false
	for _, element := range path {
		if element == "" || element == "." || element == ".." && named {
			c.problem(node.filePlace, "\"resourcePath\" must be relative, \"..\" elements before names, such as \"../../groups\", not %q", shorten(node.text))
			return
		}
		named = named || element != ".."
	}
	if scope.inline {
		c.problem(node.filePlace, "\"resourcePath\" cannot stand inside a \"mapper\", whose entries have no path of their own; use \"baseDn\" there")
		return
	}
	r.Path = path
}

// reverseReference compiles a property that shows who refers to the resource.
func (c *compiler) reverseReference(f *fileFields, p *Property, scope propertyScope) {
	p.Kind, p.Writability = ReverseKind, ReadOnly
	p.Reference = &Reference{Filter: c.filter(f.text("searchFilter"), "searchFilter")}
	p.MultiValued = f.value("isMultiValued") == nil || f.boolean("isMultiValued")
	f.absent("does not apply: the field is always read-only", "ldapAttribute", "writability", "isRequired")
	f.required("resourcePath")
	c.pathReference(f, p.Reference, scope)
	if node := f.requiredText("propertyName"); node != nil {
		p.Reference.Property = node.text
	}
}

// checkReverse makes sure that the collection has the reference that is followed
// backwards.
func (c *compiler) checkReverse(p *Property, collection []string) {
	var names []string
	eachType(c.collectionAt(collection).Type, func(t *ResourceType) {
		eachProperty(t.Properties, func(p *Property) {
			if p.Kind == ReferenceKind {
				names = append(names, p.Name)
			}
		})
	})
	if name := p.Reference.Property; name != "" && !slices.Contains(names, name) {
		c.problem(c.propertySource[p].filePlace, "\"propertyName\": the resources of %s have no property %q of type \"reference\"%s",
			showPath(collection), shorten(name), didYouMean(name, names))
	}
}

// inlineReference compiles the form that says itself where its targets are and what
// they look like.
func (c *compiler) inlineReference(f *fileFields, r *Reference) {
	before := len(c.problems)
	r.Base = c.dnTemplate(f.requiredText("baseDn"), "baseDn")
	r.Filter = c.filter(f.text("searchFilter"), "searchFilter")
	r.PrimaryKey = f.attributeType("primaryKey")
	mapper := f.required("mapper")
	if mapper == nil {
		return
	}
	c.mapper(mapper, r)
	mapped := false
	eachProperty(r.Mapper.Properties, func(p *Property) {
		mapped = mapped || p.Kind == Simple && strings.EqualFold(p.Attribute, r.PrimaryKey)
	})
	if !mapped && len(c.problems) == before {
		c.problem(mapper.filePlace, "\"mapper\" must have a property over the primary key %q", r.PrimaryKey)
	}
}

// mapper compiles what renders a target: an object, which is a resource type without a name,
// or the primary key alone.
func (c *compiler) mapper(node *fileNode, r *Reference) {
	f := c.fields(node, "a mapper")
	r.Mapper = &ResourceType{}
	switch f.kind("object", "simple", "constant", "resourceType", "reference", "json", "reverseReference") {
	case -1:
		return
	case 0:
		r.Mapper.Properties = c.properties(f, nil, propertyScope{inline: true})
	case 1:
		r.Plain = true
		p := &Property{Name: r.PrimaryKey, Pointer: query.Pointer{r.PrimaryKey}}
		c.propertySource[p] = node
		if c.simple(f, p); p.WriteOnly {
			c.problem(node.filePlace, "a \"mapper\" cannot show the attribute %q, which holds credentials", p.Attribute)
		}
		p.MultiValued = false // The key of an entry is one value.
		r.Mapper.Properties = []*Property{p}
	default:
		c.problem(node.filePlace, "a \"mapper\" must be of type \"object\", or of type \"simple\" over the primary key")
		return
	}
	f.done()
}

// checkReference makes sure that a reference leads to a collection from one of the
// places where its type is mounted.
func (c *compiler) checkReference(m *mount, p *Property) {
	source := c.propertySource[p]
	if missing := m.missing(p.Reference.Base.Variables()); missing != "" {
		c.problem(source.filePlace, "\"baseDn\" uses the variable {%s}, which no path to %s has", missing, m)
		return
	}
	if len(p.Reference.Path) == 0 {
		return
	}
	written := strings.Join(p.Reference.Path, "/")
	if p.Reference.Path[0] != ".." {
		c.problem(source.filePlace, "\"resourcePath\" %q leads to what stands below each resource, and a reference has one collection for all; it must begin with \"..\"", written)
		return
	}
	target := m.instance()
	for _, element := range p.Reference.Path {
		if element != ".." {
			target = append(target, element)
			continue
		}
		if len(target) == 0 {
			c.problem(source.filePlace, "\"resourcePath\" %q climbs from %s past the root", written, m)
			return
		}
		target = target[:len(target)-1]
	}
	switch {
	case c.collectionAt(target) == nil:
		c.problem(source.filePlace, "\"resourcePath\" %q leads from %s to %s, which is no collection%s",
			written, m, showPath(target), didYouMean(showPath(target), c.collectionPaths()))
	case p.Kind == ReverseKind:
		c.checkReverse(p, target)
	default:
		c.checkPrimaryKey(p, target)
	}
}

// checkPrimaryKey makes sure that the resources of a collection show what a reference
// identifies them by.
func (c *compiler) checkPrimaryKey(p *Property, collection []string) {
	key := p.Reference.PrimaryKey
	sub := c.collectionAt(collection)
	if key == "" || strings.EqualFold(key, sub.Naming.IDAttribute) {
		return
	}
	if !slices.ContainsFunc(sub.Type.Properties, func(p *Property) bool { return p.Kind == Simple && strings.EqualFold(p.Attribute, key) }) {
		c.problem(c.propertySource[p].filePlace, "\"primaryKey\": the resources of %s have no property over the attribute %q, and their ids are of %q",
			showPath(collection), key, sub.Naming.IDAttribute)
	}
}

// collectionAt returns the collection at a path, of segments and variables from the root;
// nil when there is none.
func (c *compiler) collectionAt(path []string) *SubResource {
	at := []*ResourceType{c.model.Root}
	for {
		sub := matchTemplates(at, path)
		if sub == nil {
			return nil
		}
		path = path[len(sub.Template):]
		if len(path) == 0 && !sub.Singleton {
			return sub
		}
		if !sub.Singleton {
			if path[0] != anyID && (sub.Naming.Strategy != ClientDNNaming || sub.Flatten) {
				return nil // An id that the mapping names has to tell the name of its entry.
			}
			path = path[1:]
		}
		at = familyOf(sub.Type) // Where nothing remains, the collection at the path of its owner is meant.
	}
}

// matchTemplates returns the sub-resource of some types that a path enters.
func matchTemplates(types []*ResourceType, path []string) *SubResource {
	var best *SubResource
	for _, t := range types {
		for _, sub := range t.SubResources {
			if matchTemplate(sub.Template, path) && (best == nil || winsOver(sub.Template, best.Template)) {
				best = sub
			}
		}
	}
	return best
}

func matchTemplate(template, path []string) bool {
	if len(path) < len(template) {
		return false
	}
	for i, segment := range template {
		if _, isVariable := templateVariable(segment); !isVariable && segment != path[i] {
			return false
		}
	}
	return true
}

// familyOf returns a type and every type below it.
func familyOf(t *ResourceType) []*ResourceType {
	var all []*ResourceType
	eachType(t, func(member *ResourceType) { all = append(all, member) })
	return all
}

// eachType calls visit for a type and every type below it.
func eachType(t *ResourceType, visit func(*ResourceType)) {
	visit(t)
	for _, sub := range t.Subtypes {
		eachType(sub, visit)
	}
}

// collectionPaths returns the paths of all collections, for hints.
func (c *compiler) collectionPaths() []string {
	var paths []string
	for _, m := range c.mounts {
		if m.sub != nil && !m.sub.Singleton {
			paths = append(paths, showPath(m.path))
		}
	}
	return slices.Compact(paths)
}
