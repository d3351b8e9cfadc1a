package mapping

import (
	"slices"
	"strings"
)

// maxMounts bounds the paths below the root, which a file of a few lines can make
// without number.
const maxMounts = 1000

// anyID stands for the id of an instance in the path of a mount.
const anyID = "{}"

// mount is a sub-resource at one of the paths that lead to it. The root is the
// mount without a sub-resource.
type mount struct {
	owner *mount
	sub   *SubResource
	// path is the templates and ids from the root.
	path []string
}

// String returns the path of the mount's instances.
func (m *mount) String() string { return showPath(m.instance()) }

func showPath(path []string) string {
	return "/" + strings.ReplaceAll(strings.Join(path, "/"), anyID, "{id}")
}

// instance returns the path of an instance. It shares nothing with m.
func (m *mount) instance() []string {
	path := slices.Clone(m.path)
	if m.sub != nil && !m.sub.Singleton {
		path = append(path, anyID)
	}
	return path
}

// missing returns the first of the variables that the path does not have, or "".
func (m *mount) missing(variables []string) string {
	for _, name := range variables {
		if !slices.Contains(m.path, "{"+name+"}") {
			return name
		}
	}
	return ""
}

// passes reports whether the path goes through the sub-resource already.
func (m *mount) passes(sub *SubResource) bool {
	for ; m != nil; m = m.owner {
		if m.sub == sub {
			return true
		}
	}
	return false
}

// walkMounts visits every path below the root, and checks what depends on it. A
// type that contains itself is visited once on each path.
func (c *compiler) walkMounts() {
	c.mount(&mount{}, c.model.Root)
	if len(c.mounts) >= maxMounts {
		c.problem(filePlace{line: 1, column: 1}, "the sub-resources make more than %d different paths", maxMounts)
		return
	}
	reported := make(map[any]bool)
	once := func(thing any, check func()) {
		if before := len(c.problems); !reported[thing] {
			check()
			reported[thing] = len(c.problems) > before
		}
	}
	for _, m := range c.mounts {
		t := c.model.Root
		if m.sub != nil {
			t = m.sub.Type
			once(m.sub, func() { c.checkVariables(m) })
		}
		eachType(t, func(t *ResourceType) {
			eachProperty(t.Properties, func(p *Property) {
				if p.Kind == ReferenceKind || p.Kind == ReverseKind {
					once(p, func() { c.checkReference(m, p) })
				}
			})
		})
	}
}

// mount gathers the paths at and below m.
func (c *compiler) mount(m *mount, t *ResourceType) {
	c.mounts = append(c.mounts, m)
	types := familyOf(t)
	if m.sub == nil {
		types = types[:1] // There is no entry behind the root that could be of another type.
	}
	var seen []*SubResource
	for _, t := range types {
		for _, sub := range t.SubResources {
			if len(c.mounts) >= maxMounts || m.passes(sub) || slices.Contains(seen, sub) {
				continue
			}
			seen = append(seen, sub)
			c.mount(&mount{owner: m, sub: sub, path: append(m.instance(), sub.Template...)}, sub.Type)
		}
	}
}

// checkVariables makes sure that the path has all variables of the DN template.
func (c *compiler) checkVariables(m *mount) {
	if missing := m.missing(m.sub.DN.Variables()); missing != "" {
		c.problem(c.subResourceSource[m.sub].filePlace, "\"dnTemplate\" uses the variable {%s}, which the path %s does not have",
			missing, showPath(m.path))
	}
}
