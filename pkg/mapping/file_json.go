package mapping

import (
	"bytes"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/rest2ldap/rest2ldap/internal/laxjson"
)

// readJSON parses JSON with comments and trailing commas, and what else the reference
// product took.
func (r *fileReader) readJSON(data []byte) *fileNode {
	lines := newLineIndex(data)
	data, lines.origin = laxjson.Strict(data)
	if at, deep := nestsBeyond(data, maxFileDepth); deep {
		r.problem(lines.place(at, ""), "objects and arrays nest deeper than %d levels", maxFileDepth)
		return nil
	}
	value, err := hujson.Parse(data)
	if err != nil {
		r.syntaxProblem(err, "hujson: ", "JSON")
		return nil
	}
	return r.fromJSON(&value, lines, "")
}

func (r *fileReader) fromJSON(value *hujson.Value, lines *lineIndex, path string) *fileNode {
	node := &fileNode{filePlace: lines.place(value.StartOffset, path)}
	switch v := value.Value.(type) {
	case *hujson.Object:
		node.kind = fileObject
		seen := make(map[string]int, len(v.Members))
		for i := range v.Members {
			name, member := literalText(v.Members[i].Name.Value), &v.Members[i].Value
			at := childPath(path, name)
			r.add(node, seen, fileMember{
				filePlace: lines.place(v.Members[i].Name.StartOffset, at), name: name, value: r.fromJSON(member, lines, at),
			})
		}
	case *hujson.Array:
		node.kind = fileArray
		for i := range v.Elements {
			node.items = append(node.items, r.fromJSON(&v.Elements[i], lines, path+"/"+strconv.Itoa(i)))
		}
	case hujson.Literal:
		node.kind, node.text = literalKind(v), v.String()
	}
	return node
}

func literalText(v hujson.ValueTrimmed) string {
	literal, _ := v.(hujson.Literal)
	return literal.String()
}

func literalKind(v hujson.Literal) fileKind {
	switch v.Kind() {
	case 't', 'f':
		return fileBool
	case '0':
		return fileNumber
	case '"':
		return fileString
	default:
		return fileNull
	}
}

// syntaxProblem reports an error of a parser library, whose place stands in its text.
func (r *fileReader) syntaxProblem(err error, prefix, syntax string) {
	text := strings.TrimPrefix(err.Error(), prefix)
	at := filePlace{line: 1, column: 1}
	if place, rest, found := strings.Cut(text, ": "); found && strings.HasPrefix(place, "line ") {
		text = rest
		if n, _ := fmt.Sscanf(place, "line %d, column %d", &at.line, &at.column); n == 0 {
			at.line = 1
		}
	}
	r.problem(at, "the file is not %s: %s", syntax, strings.TrimPrefix(text, prefix))
}

// nestsBeyond finds where brackets nest deeper than the limit, before a parser that
// calls itself for every level meets them.
func nestsBeyond(data []byte, limit int) (offset int, deep bool) {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = skipString(data, i)
		case '/':
			i = skipComment(data, i)
		case '{', '[':
			if depth++; depth > limit {
				return i, true
			}
		case '}', ']':
			depth--
		}
	}
	return 0, false
}

// skipString returns the offset of the quote that ends the string begun at i.
func skipString(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

// skipComment returns the offset of the last byte of the comment begun at i, or i.
func skipComment(data []byte, i int) int {
	var end string
	switch {
	case bytes.HasPrefix(data[i:], []byte("//")):
		end = "\n"
	case bytes.HasPrefix(data[i:], []byte("/*")):
		end = "*/"
	default:
		return i
	}
	length := bytes.Index(data[i+2:], []byte(end))
	if length < 0 {
		return len(data)
	}
	return i + 2 + length + len(end) - 1
}

// lineIndex turns offsets into lines and columns.
type lineIndex struct {
	data []byte
	// starts are the offsets of the lines.
	starts []int
	// origin tells where an offset stems from, when it is not one of data; nil when it is.
	origin func(offset int) int
}

func newLineIndex(data []byte) *lineIndex {
	index := &lineIndex{data: data, starts: []int{0}}
	for i, c := range data {
		if c == '\n' {
			index.starts = append(index.starts, i+1)
		}
	}
	return index
}

func (x *lineIndex) place(offset int, path string) filePlace {
	if x.origin != nil {
		offset = x.origin(offset)
	}
	line := sort.SearchInts(x.starts, offset+1)
	column := 1 + utf8.RuneCount(x.data[x.starts[line-1]:offset])
	return filePlace{line: line, column: column, path: path}
}
