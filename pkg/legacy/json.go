package legacy

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/rest2ldap/rest2ldap/internal/laxjson"
)

// maxFile bounds a file of the old configuration, in octets.
const maxFile = 16 << 20

// maxDepth is how deep objects and arrays may nest; a real file has about eight levels.
const maxDepth = 100

// node is a value of a JSON file, with its place.
type node struct {
	place Place
	// path is dotted, as authorization.basic.bind.
	path string
	// kind is '{', '[', '"', '0', 't', 'f' or 'n', as in hujson; 0 for a value that is absent.
	kind    byte
	text    string
	items   []*node
	members []member
	// told marks a value about which a decision was asked for: it counts as absent.
	told bool
	// seen marks a value of which another finding tells.
	seen bool
}

type member struct {
	name  string
	place Place
	value *node
}

// describe names the kind in a message.
func (n *node) describe() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "nothing"
}

// get returns the member of that name, the last where it stands twice, as the old gateway
// did; one without a kind when there is none.
func (n *node) get(name string) *node {
	found := &node{place: n.place, path: join(n.path, name)}
	for _, m := range n.members {
		if m.name == name {
			found = m.value
		}
	}
	return found
}

// has reports whether the value is there.
func (n *node) has() bool { return n.kind != 0 && n.kind != 'n' }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// parseJSON reads JSON with comments.
func parseJSON(file string, data []byte) (*node, *Finding) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // Editors on Windows write it.
	p := jsonParser{file: file, data: data, starts: []int{0}}
	for i, c := range data {
		if c == '\n' {
			p.starts = append(p.starts, i+1)
		}
	}
	fail := func(place Place, message string) (*node, *Finding) {
		return nil, &Finding{Status: Decision, Place: place, Message: "the file is not JSON: " + message}
	}
	if deepest(data) > maxDepth {
		return fail(Place{File: file}, fmt.Sprintf("it nests deeper than %d levels", maxDepth))
	}
	data, p.origin = laxjson.Strict(data)
	value, err := hujson.Parse(data)
	if err != nil {
		place, text := Place{File: file, Line: 1, Column: 1}, strings.TrimPrefix(err.Error(), "hujson: ")
		if at, rest, found := strings.Cut(text, ": "); found && strings.HasPrefix(at, "line ") {
			if n, _ := fmt.Sscanf(at, "line %d, column %d", &place.Line, &place.Column); n == 2 {
				text = rest
			}
		}
		return fail(place, strings.TrimPrefix(text, "hujson: "))
	}
	return p.node(&value, ""), nil
}

// deepest is an upper bound of the nesting, looked at before a parser that calls itself
// for every level meets it. Brackets in texts count too.
func deepest(data []byte) int {
	depth, most := 0, 0
	for _, c := range data {
		switch c {
		case '{', '[':
			depth++
			most = max(most, depth)
		case '}', ']':
			depth--
		}
	}
	return most
}

type jsonParser struct {
	file   string
	data   []byte
	starts []int
	// origin tells where in data an offset of the value stems from.
	origin func(offset int) int
}

func (p *jsonParser) place(offset int) Place {
	offset = p.origin(offset)
	line := sort.SearchInts(p.starts, offset+1)
	return Place{File: p.file, Line: line, Column: 1 + utf8.RuneCount(p.data[p.starts[line-1]:offset])}
}

func (p *jsonParser) node(value *hujson.Value, path string) *node {
	n := &node{place: p.place(value.StartOffset), path: path}
	switch v := value.Value.(type) {
	case *hujson.Object:
		n.kind = '{'
		for i := range v.Members {
			name, _ := v.Members[i].Name.Value.(hujson.Literal)
			text := name.String()
			n.members = append(n.members, member{
				name: text, place: p.place(v.Members[i].Name.StartOffset),
				value: p.node(&v.Members[i].Value, join(path, text)),
			})
		}
	case *hujson.Array:
		n.kind = '['
		for i := range v.Elements {
			n.items = append(n.items, p.node(&v.Elements[i], fmt.Sprintf("%s[%d]", path, i)))
		}
	case hujson.Literal:
		n.kind, n.text = byte(v.Kind()), v.String()
	}
	return n
}
