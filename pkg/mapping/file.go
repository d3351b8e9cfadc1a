package mapping

import (
	"bytes"
	"fmt"
	"path"
	"unicode/utf8"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// maxFileDepth is how deep the objects and arrays of a mapping file may nest.
const maxFileDepth = 100

// fileKind is the kind of a value in a mapping file.
type fileKind int

const (
	fileNull fileKind = iota
	fileBool
	fileNumber
	fileString
	fileArray
	fileObject
)

// String returns the kind with its article, for messages.
func (k fileKind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// filePlace is where something stands in a mapping file.
type filePlace struct {
	line, column int
	// path is a JSON pointer.
	path string
}

// fileNode is a value of a mapping file. JSON and YAML give the same tree.
type fileNode struct {
	filePlace
	kind fileKind
	// text is the string itself, or a boolean or number as JSON writes it.
	text    string
	items   []*fileNode
	members []fileMember
}

// fileMember is a member of an object, in the order of the file.
type fileMember struct {
	filePlace // of the name
	name      string
	value     *fileNode
}

// describe names the value in a message.
func (n *fileNode) describe() string {
	switch n.kind {
	case fileBool:
		return n.text
	case fileNumber:
		return "the number " + n.text
	case fileString:
		return fmt.Sprintf("the string %q", shorten(n.text))
	case fileNull, fileArray, fileObject:
	}
	return n.kind.String()
}

// shorten keeps long text out of messages.
func shorten(text string) string {
	const limit = 60
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit]) + "…"
}

// appendJSON appends the value as compact JSON.
func (n *fileNode) appendJSON(dst []byte) []byte {
	switch n.kind {
	case fileString:
		return appendQuoted(dst, n.text)
	case fileArray:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.appendJSON(dst)
		}
		return append(dst, ']')
	case fileObject:
		dst = append(dst, '{')
		for i, m := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, m.name), ':')
			dst = m.value.appendJSON(dst)
		}
		return append(dst, '}')
	case fileNull, fileBool, fileNumber:
	}
	return append(dst, n.text...)
}

// primitive returns a boolean, number or string as a JSON value.
func (n *fileNode) primitive() (any, bool) {
	switch n.kind {
	case fileBool:
		return n.text == "true", true
	case fileNumber:
		return query.Number(n.text), true
	case fileString:
		return n.text, true
	case fileNull, fileArray, fileObject:
	}
	return nil, false
}

// fileReader reads one mapping file; it gathers what is wrong with its syntax.
type fileReader struct {
	file     string
	problems []Problem
	// unreadable tells that the tree lacks values that the file has.
	unreadable bool
}

// readFile parses a mapping file in the syntax that its name says. There is no tree
// when a value could not be read; beside other problems there is one, in which more
// may be found.
func readFile(file string, data []byte) (*fileNode, []Problem) {
	r := &fileReader{file: file}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		r.notUTF8(data)
		return nil, r.problems
	}
	var root *fileNode
	if path.Ext(file) == ".json" {
		root = r.readJSON(data)
	} else {
		root = r.readYAML(data)
	}
	if r.unreadable {
		root = nil
	}
	return root, r.problems
}

func (r *fileReader) problem(at filePlace, format string, args ...any) {
	r.problems = append(r.problems, Problem{
		File: r.file, Line: at.line, Column: at.column, Path: at.path, Message: fmt.Sprintf(format, args...),
	})
}

func (r *fileReader) notUTF8(data []byte) {
	lines := newLineIndex(data)
	for i := 0; i < len(data); {
		char, size := utf8.DecodeRune(data[i:])
		if char == utf8.RuneError && size == 1 {
			r.problem(lines.place(i, ""), "the file is not UTF-8 text")
			return
		}
		i += size
	}
}

// add adds a member to an object and refuses names that are there already. Names
// that differ only in case count as the same, because look-ups ignore case.
func (r *fileReader) add(object *fileNode, seen map[string]int, member fileMember) {
	folded := foldName(member.name)
	if i, ok := seen[folded]; ok {
		first := object.members[i]
		if first.name == member.name {
			r.problem(member.filePlace, "%q stands here twice, first at line %d, column %d", member.name, first.line, first.column)
		} else {
			r.problem(member.filePlace, "%q and %q at line %d, column %d differ only in case", member.name, first.name, first.line, first.column)
		}
		return
	}
	seen[folded] = len(object.members)
	object.members = append(object.members, member)
}

// childPath is the JSON pointer of a member.
func childPath(parent, name string) string {
	return parent + query.Pointer{name}.String()
}
