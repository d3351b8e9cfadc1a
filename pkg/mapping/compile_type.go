package mapping

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// typeSource is a resource type on its way from the file to the model.
type typeSource struct {
	out  *ResourceType
	node *fileNode
	// fields are read bit by bit: superType first, for all types.
	fields *fileFields
	super  *typeSource
	// own is what the type declares itself; inherit joins it with what super has.
	ownProperties   []ownProperty
	ownSubResources []*SubResource
	ownClasses      []string
	ownActions      []string
	ownExcluded     []string
	ownAuxiliaries  []*fileNode
	// ownAll is what the type itself says of includeAllUserAttributesByDefault, nil for nothing.
	ownAll    *bool
	inherited bool
	// typeProperty is the value of resourceTypeProperty.
	typeProperty *fileNode
}

// ownProperty is a property as a type declares it. A nil property hides an
// inherited one of that name without taking its place.
type ownProperty struct {
	name     string
	property *Property
}

// declareTypes makes all types known by name, so that any can refer to any other.
func (c *compiler) declareTypes(members []fileMember) {
	for _, m := range members {
		if m.name == "" {
			c.problem(m.filePlace, "a resource type needs a name")
			continue
		}
		t := &typeSource{out: &ResourceType{Name: m.name}, node: m.value, fields: c.fields(m.value, "a resource type")}
		c.types = append(c.types, t)
		c.byName[m.name] = t
		c.model.Types[m.name] = t.out
	}
}

// linkTypes finds every type's super-type, and refuses types that are their own.
func (c *compiler) linkTypes() {
	for _, t := range c.types {
		node := t.fields.text("superType")
		if node == nil {
			continue
		}
		if t.super = c.byName[node.text]; t.super == nil {
			c.problem(node.filePlace, "there is no resource type %q%s", shorten(node.text), didYouMean(node.text, c.typeNames()))
			continue
		}
		if cycle := t.cycle(); cycle != "" {
			c.problem(node.filePlace, "the resource type inherits from itself: %s", cycle)
			t.super = nil
		}
	}
	for _, t := range c.types {
		if t.super != nil {
			t.out.Super = t.super.out
			t.super.out.Subtypes = append(t.super.out.Subtypes, t.out)
		}
	}
}

// cycle returns the names on the way from t back to t, "" when there is no such way.
func (t *typeSource) cycle() string {
	names := []string{t.out.Name}
	for super := t.super; super != nil; super = super.super {
		names = append(names, super.out.Name)
		if super == t {
			return strings.Join(names, " → ")
		}
	}
	return ""
}

// compileType reads everything of a type but its super-type.
func (c *compiler) compileType(t *typeSource) {
	f := t.fields
	t.out.Abstract = f.boolean("isAbstract")
	t.ownClasses = f.classes("objectClasses")
	t.ownActions = f.actions()
	t.typeProperty = f.text("resourceTypeProperty")
	if f.value("includeAllUserAttributesByDefault") != nil {
		all := f.boolean("includeAllUserAttributesByDefault")
		t.ownAll = &all
	}
	t.ownExcluded = f.attributeTypes("excludedDefaultUserAttributes")
	t.ownAuxiliaries = f.list("allowedAuxiliaryTypes")
	for _, m := range f.object("properties") {
		property := c.property(m, nil, propertyScope{})
		t.ownProperties = append(t.ownProperties, ownProperty{name: m.name, property: property})
	}
	for _, m := range f.object("subResources") {
		if sub := c.subResource(m); sub != nil {
			t.ownSubResources = append(t.ownSubResources, sub)
		}
	}
	f.done()
}

// actions reads supportedActions.
func (f *fileFields) actions() []string {
	known := Actions()
	var actions []string
	for _, item := range f.list("supportedActions") {
		if i := f.chosen(item, "supportedActions", known); i >= 0 && !slices.Contains(actions, known[i]) {
			actions = append(actions, known[i])
		}
	}
	return actions
}

// inherit fills in what t has from its super-types, which are filled in before.
func (c *compiler) inherit(t *typeSource) {
	if t.inherited {
		return
	}
	t.inherited = true
	var super ResourceType
	if t.super != nil {
		c.inherit(t.super)
		super = *t.super.out
		if t.typeProperty == nil {
			t.typeProperty = t.super.typeProperty
		}
	}
	t.out.ObjectClasses = joinFold(super.ObjectClasses, t.ownClasses)
	t.out.Actions = joinFold(super.Actions, t.ownActions)
	t.out.Auxiliaries = slices.Clone(super.Auxiliaries)
	for _, auxiliary := range c.linkAuxiliaries(t) {
		if !slices.Contains(t.out.Auxiliaries, auxiliary) {
			t.out.Auxiliaries = append(t.out.Auxiliaries, auxiliary)
		}
	}
	t.out.ExcludedAttributes = joinFold(super.ExcludedAttributes, t.ownExcluded)
	if t.out.AllUserAttributes = super.AllUserAttributes; t.ownAll != nil {
		t.out.AllUserAttributes = *t.ownAll
	}
	t.out.Properties = overrideProperties(super.Properties, t.ownProperties)
	t.out.SubResources = overrideSubResources(super.SubResources, t.ownSubResources)
}

// joinFold appends what is not there already, case aside.
func joinFold(inherited, own []string) []string {
	all := slices.Clone(inherited)
	for _, s := range own {
		if !containsFold(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func overrideProperties(inherited []*Property, own []ownProperty) []*Property {
	all := slices.Clone(inherited)
	for _, o := range own {
		i := slices.IndexFunc(all, func(p *Property) bool { return strings.EqualFold(p.Name, o.name) })
		switch {
		case o.property == nil && i >= 0:
			all = slices.Delete(all, i, i+1)
		case o.property == nil:
		case i >= 0:
			all[i] = o.property
		default:
			all = append(all, o.property)
		}
	}
	return all
}

func overrideSubResources(inherited, own []*SubResource) []*SubResource {
	all := slices.Clone(inherited)
	for _, sub := range own {
		i := slices.IndexFunc(all, func(s *SubResource) bool { return slices.Equal(s.Template, sub.Template) })
		if i >= 0 {
			all[i] = sub
		} else {
			all = append(all, sub)
		}
	}
	return all
}

// checkType checks what can be seen only when the type has all that it inherits.
func (c *compiler) checkType(t *typeSource) {
	var typeNames []*Property
	eachProperty(t.out.Properties, func(p *Property) {
		if p.Kind == TypeName {
			typeNames = append(typeNames, p)
		}
	})
	if len(typeNames) > 1 {
		c.problem(c.propertySource[typeNames[1]].filePlace, "resource type %q has two properties of type \"resourceType\", %s and %s",
			t.out.Name, typeNames[0].Pointer, typeNames[1].Pointer)
	}
	if t.typeProperty != nil {
		c.checkTypeProperty(t, typeNames)
	}
	c.checkAuxiliaries(t, typeNames)
	c.checkTemplates(t)
}

// checkTypeProperty makes sure that resourceTypeProperty, which has no effect of its
// own, says what the properties say.
func (c *compiler) checkTypeProperty(t *typeSource, typeNames []*Property) {
	pointer, err := query.ParsePointer(t.typeProperty.text)
	if err == nil && slices.ContainsFunc(typeNames, func(p *Property) bool {
		return strings.EqualFold(p.Pointer.String(), pointer.String())
	}) {
		return
	}
	c.problem(t.typeProperty.filePlace, "\"resourceTypeProperty\" must name a property of type \"resourceType\"; %q of resource type %q is none",
		shorten(t.typeProperty.text), t.out.Name)
}

// checkTemplates refuses two sub-resources at the same path.
func (c *compiler) checkTemplates(t *typeSource) {
	seen := make(map[string]*SubResource)
	for _, sub := range t.out.SubResources {
		shape := templateShape(sub.Template)
		if other := seen[shape]; other != nil {
			c.problem(c.subResourceSource[sub].filePlace, "%q and %q of resource type %q are the same path",
				strings.Join(other.Template, "/"), strings.Join(sub.Template, "/"), t.out.Name)
		}
		seen[shape] = sub
	}
}

// eachProperty calls visit for every property, those inside objects too.
func eachProperty(properties []*Property, visit func(*Property)) {
	for _, p := range properties {
		visit(p)
		eachProperty(p.Properties, visit)
	}
}
