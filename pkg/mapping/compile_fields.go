package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// fileFields reads the members of one object of a mapping file. Every member
// asked for is a known key; done reports the others.
type fileFields struct {
	*compiler
	node *fileNode
	// what names the object in messages: "a simple property".
	what  string
	known []string
	// none tells that there is no object, which is reported.
	none bool
}

// fields begins to read an object. Anything but an object is a problem, and then
// reads as an empty one.
func (c *compiler) fields(node *fileNode, what string) *fileFields {
	f := &fileFields{compiler: c, node: node, what: what}
	if f.none = node.kind != fileObject; f.none {
		c.problem(node.filePlace, "%s must be an object, not %s", what, node.describe())
		f.node = &fileNode{filePlace: node.filePlace, kind: fileObject}
	}
	return f
}

// value returns a member, nil when it is absent. The files of the reference product
// may say null for absent.
func (f *fileFields) value(name string) *fileNode {
	if !slices.Contains(f.known, name) {
		f.known = append(f.known, name)
	}
	for i := range f.node.members {
		if m := &f.node.members[i]; m.name == name {
			if m.value.kind == fileNull && f.lenient {
				return nil
			}
			return m.value
		}
	}
	return nil
}

// required is value for a member that must be there.
func (f *fileFields) required(name string) *fileNode {
	node := f.value(name)
	if node == nil && !f.none {
		f.problem(f.node.filePlace, "%s needs %q", f.what, name)
	}
	return node
}

// typed returns a member of that kind; any other kind is a problem.
func (f *fileFields) typed(name string, kind fileKind) *fileNode {
	return f.check(f.value(name), name, kind)
}

func (f *fileFields) check(node *fileNode, name string, kind fileKind) *fileNode {
	if node == nil || node.kind == kind {
		return node
	}
	f.problem(node.filePlace, "%q must be %s, not %s", name, kind, node.describe())
	return nil
}

// boolean returns a boolean member, false when it is absent.
func (f *fileFields) boolean(name string) bool {
	node := f.typed(name, fileBool)
	return node != nil && node.text == "true"
}

// text returns a string member, nil when it is absent.
func (f *fileFields) text(name string) *fileNode { return f.typed(name, fileString) }

// requiredText is text for a member that must be there.
func (f *fileFields) requiredText(name string) *fileNode {
	return f.check(f.required(name), name, fileString)
}

// object returns the members of an object member.
func (f *fileFields) object(name string) []fileMember {
	if node := f.typed(name, fileObject); node != nil {
		return node.members
	}
	return nil
}

// list returns the strings of an array member.
func (f *fileFields) list(name string) []*fileNode {
	node := f.typed(name, fileArray)
	if node == nil {
		return nil
	}
	items := make([]*fileNode, 0, len(node.items))
	for _, item := range node.items {
		if item.kind != fileString {
			f.problem(item.filePlace, "%q takes strings, not %s", name, item.describe())
			continue
		}
		items = append(items, item)
	}
	return items
}

// choice returns which of the names a string member is, -1 when it is absent or
// none of them. The files of the reference product need not keep the case.
func (f *fileFields) choice(name string, names ...string) int {
	return f.chosen(f.text(name), name, names)
}

// kind is choice for "type", which must be there.
func (f *fileFields) kind(names ...string) int {
	return f.chosen(f.requiredText("type"), "type", names)
}

func (f *fileFields) chosen(node *fileNode, name string, names []string) int {
	if node == nil {
		return -1
	}
	for i, candidate := range names {
		if node.text == candidate || f.lenient && strings.EqualFold(node.text, candidate) {
			return i
		}
	}
	f.problem(node.filePlace, "%q must be %s, not %q%s", name, oneOf(names), shorten(node.text), didYouMean(node.text, names))
	return -1
}

func oneOf(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "one of " + strings.Join(quoted, ", ")
}

// absent reports members that other objects of the kind have, but not this one.
func (f *fileFields) absent(why string, names ...string) {
	for _, name := range names {
		if f.value(name) != nil {
			f.ineffective(f.keyPlace(name), fmt.Sprintf("%q %s", name, why))
		}
	}
}

// keyPlace returns the place of a member's name.
func (f *fileFields) keyPlace(name string) filePlace {
	for i := range f.node.members {
		if m := &f.node.members[i]; m.name == name {
			return m.filePlace
		}
	}
	return f.node.filePlace
}

// done reports the members that nobody asked for.
func (f *fileFields) done() {
	for i := range f.node.members {
		m := &f.node.members[i]
		if slices.Contains(f.known, m.name) {
			continue
		}
		sentence := fmt.Sprintf("%q is not a key of %s", m.name, f.what)
		if f.lenient {
			sentence += " and has no effect"
		}
		sentence += didYouMean(m.name, f.known)
		f.report(m.filePlace, f.lenient, "%s", sentence)
	}
}
