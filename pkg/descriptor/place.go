package descriptor

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// place is a sub-resource at one of the paths that lead to it.
type place struct {
	// owner is the place of the instance or singleton above; nil at the root.
	owner *place
	sub   *mapping.SubResource
	// readOnly tells that nothing can be changed here.
	readOnly bool
	// elements are the templates and ids from the root, as references count them.
	elements []string
	// path is the path of the collection or singleton, with variables in braces.
	path string
	// parameters are the variables of the path, and id the one that stands for an
	// instance; "" for a singleton.
	parameters []string
	id         string
}

// anyID is the element that stands for the id of an instance.
const anyID = "{}"

// walk gathers the places at and below an owner.
func (d *description) walk(owner *place, subs []*mapping.SubResource) {
	for _, sub := range subs {
		if owner.passes(sub) {
			continue
		}
		p := newPlace(owner, sub)
		d.places = append(d.places, p)
		d.walk(p, below(sub.Type))
	}
}

// below returns the sub-resources of a type and of those below it, the first at each path.
func below(t *mapping.ResourceType) []*mapping.SubResource {
	var subs []*mapping.SubResource
	for _, member := range family(t) {
		for _, sub := range member.SubResources {
			if !slices.ContainsFunc(subs, func(other *mapping.SubResource) bool { return slices.Equal(other.Template, sub.Template) }) {
				subs = append(subs, sub)
			}
		}
	}
	return subs
}

// passes reports whether the path goes through the sub-resource already.
func (p *place) passes(sub *mapping.SubResource) bool {
	for ; p != nil; p = p.owner {
		if p.sub == sub {
			return true
		}
	}
	return false
}

func newPlace(owner *place, sub *mapping.SubResource) *place {
	p := &place{owner: owner, sub: sub, readOnly: sub.ReadOnly}
	if owner != nil {
		p.readOnly = p.readOnly || owner.readOnly
		p.elements = owner.instanceElements()
		p.path, p.parameters = owner.instancePath(), owner.instanceParameters()
	}
	p.elements = append(p.elements, sub.Template...)
	for _, segment := range sub.Template {
		name, isVariable := strings.CutPrefix(segment, "{")
		if !isVariable {
			p.path += "/" + url.PathEscape(segment)
			continue
		}
		name = p.unused(strings.TrimSuffix(name, "}"))
		p.parameters = append(p.parameters, name)
		p.path += "/{" + name + "}"
	}
	if !sub.Singleton {
		p.id = p.unused("id")
	}
	return p
}

// unused returns the name, or one made of it that no variable of the path has.
func (p *place) unused(name string) string {
	free := name
	for i := 2; slices.Contains(p.parameters, free); i++ {
		free = name + strconv.Itoa(i)
	}
	return free
}

// instancePath returns the path of an instance, or of the singleton.
func (p *place) instancePath() string {
	if p.sub.Singleton {
		return p.path
	}
	return p.path + "/{" + p.id + "}"
}

// instanceParameters returns the variables of instancePath. They share nothing with p.
func (p *place) instanceParameters() []string {
	if p.sub.Singleton {
		return slices.Clone(p.parameters)
	}
	return append(slices.Clone(p.parameters), p.id)
}

func (p *place) instanceElements() []string {
	if p.sub.Singleton {
		return slices.Clone(p.elements)
	}
	return append(slices.Clone(p.elements), anyID)
}

// findTargets notes where the references of a resource at a place lead.
func (d *description) findTargets(p *place, properties []*mapping.Property) {
	for _, property := range properties {
		d.findTargets(p, property.Properties)
		if property.Reference == nil || len(property.Reference.Path) == 0 {
			continue
		}
		target := d.follow(p, property.Reference.Path)
		if target != nil && !slices.Contains(d.targets[property], target) {
			d.targets[property] = append(d.targets[property], target)
		}
	}
}

// follow returns the collection to which a path leads from an instance; nil where it is
// below what stands on the path a second time.
func (d *description) follow(p *place, path []string) *place {
	elements := p.instanceElements()
	for _, element := range path {
		if element == ".." {
			elements = elements[:max(0, len(elements)-1)]
		} else {
			elements = append(elements, element)
		}
	}
	var best *place
	fewest := 0
	for _, candidate := range d.places {
		variables, ok := matches(candidate.elements, elements)
		if ok && !candidate.sub.Singleton && (best == nil || variables < fewest) {
			best, fewest = candidate, variables
		}
	}
	return best
}

// matches reports whether a path takes the elements of a place, and how many of them are
// variables.
func matches(place, path []string) (variables int, ok bool) {
	if len(place) != len(path) {
		return 0, false
	}
	for i, element := range place {
		switch {
		case element == path[i]:
		case strings.HasPrefix(element, "{"):
			variables++
		default:
			return 0, false
		}
	}
	return variables, true
}

// creatable returns the types of new resources; none where none can be made.
func (d *description) creatable(p *place) []*mapping.ResourceType {
	if p.readOnly || p.sub.Singleton {
		return nil
	}
	candidates := family(p.sub.Type)
	if d.typeProperty(p.sub.Type) == nil {
		candidates = candidates[:1] // Nothing in a body could name another.
	}
	return slices.DeleteFunc(candidates, func(t *mapping.ResourceType) bool { return t.Abstract })
}

// actions returns the actions of an instance. Only what has its id for a name is renamed.
func (p *place) actions() []act {
	if p.readOnly {
		return nil
	}
	isNamed := !p.sub.Singleton && p.sub.Naming.Strategy == mapping.ClientDNNaming
	return slices.DeleteFunc(acts(), func(a act) bool {
		return !slices.Contains(p.sub.Type.Actions, a.name) || a.name == mapping.Rename && !isNamed
	})
}
