package mapping

import (
	"slices"
	"strings"
)

// Auxiliary types add what an auxiliary object class allows to resources of another type,
// each resource for itself.

// Mixin returns the properties that an auxiliary type adds to the resources of t: those that
// t does not have anyhow.
func (t *ResourceType) Mixin(auxiliary *ResourceType) []*Property {
	return slices.DeleteFunc(slices.Clone(auxiliary.Properties), func(p *Property) bool {
		return p.Kind == TypeName || slices.Contains(t.Properties, p)
	})
}

// linkAuxiliaries finds the types that allowedAuxiliaryTypes names.
func (c *compiler) linkAuxiliaries(t *typeSource) []*ResourceType {
	var found []*ResourceType
	for _, node := range t.ownAuxiliaries {
		source := c.byName[node.text]
		switch {
		case source == nil:
			c.problem(node.filePlace, "there is no resource type %q%s", shorten(node.text), didYouMean(node.text, c.typeNames()))
		case source.out.Abstract:
			c.problem(node.filePlace, "the abstract type %q cannot be an auxiliary type", shorten(node.text))
		case source == t:
			c.problem(node.filePlace, "a type cannot be its own auxiliary type")
		case slices.Contains(found, source.out):
			c.problem(node.filePlace, "\"allowedAuxiliaryTypes\" names %q twice", shorten(node.text))
		default:
			found = append(found, source.out)
		}
	}
	return found
}

// checkAuxiliaries checks what can be seen only when all types have all that they inherit.
func (c *compiler) checkAuxiliaries(t *typeSource, typeNames []*Property) {
	if len(t.out.Auxiliaries) == 0 {
		return
	}
	at := t.node.filePlace
	if len(typeNames) == 0 {
		c.problem(at, "resource type %q allows auxiliary types, and needs a property of type \"resourceType\" that shows them", t.out.Name)
	}
	all := slices.Clone(t.out.Properties)
	for _, auxiliary := range t.out.Auxiliaries {
		switch {
		case !slices.ContainsFunc(auxiliary.ObjectClasses, func(class string) bool { return !containsFold(t.out.ObjectClasses, class) }):
			c.problem(at, "the auxiliary type %q adds no object class to those of %q, and nothing would tell which resources are of it", auxiliary.Name, t.out.Name)
		case len(auxiliary.SubResources) > 0:
			c.problem(at, "the auxiliary type %q of %q has sub-resources, which only the types of collections and singletons have", auxiliary.Name, t.out.Name)
		}
		for _, p := range t.out.Mixin(auxiliary) {
			if i := slices.IndexFunc(all, func(other *Property) bool { return strings.EqualFold(other.Name, p.Name) && other != p }); i >= 0 {
				c.problem(c.propertySource[p].filePlace, "resource type %q has a property %q of its own, and cannot get this one from the auxiliary type %q", t.out.Name, all[i].Name, auxiliary.Name)
				continue
			}
			all = append(all, p)
		}
	}
}
