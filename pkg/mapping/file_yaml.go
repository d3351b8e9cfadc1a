package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// readYAML parses one YAML document that says what JSON could say too.
func (r *fileReader) readYAML(data []byte) *fileNode {
	document, err := parseYAML(data)
	switch {
	case errors.Is(err, io.EOF):
		r.problem(filePlace{line: 1, column: 1}, "the file is empty")
		return nil
	case err != nil:
		r.syntaxProblem(err, "yaml: ", "YAML")
		return nil
	}
	return r.fromYAML(document, "", 0)
}

// parseYAML returns the content of the only document.
func parseYAML(data []byte) (_ *yaml.Node, err error) {
	defer func() {
		// The library gives up on a few comments in odd places that way; a file must
		// never stop a gateway that reads it anew.
		if cause := recover(); cause != nil {
			err = fmt.Errorf("yaml: %v", cause)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, next yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if err := decoder.Decode(&next); err == nil {
		return nil, fmt.Errorf("yaml: line %d, column %d: a second document begins here", next.Line, next.Column)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return document.Content[0], nil
}

func (r *fileReader) fromYAML(y *yaml.Node, path string, depth int) *fileNode {
	node := &fileNode{filePlace: filePlace{line: y.Line, column: y.Column, path: path}, text: "null"}
	switch {
	case depth > maxFileDepth:
		r.refuse(node.filePlace, "objects and arrays nest deeper than %d levels", maxFileDepth)
	case y.Kind == yaml.AliasNode:
		r.refuse(node.filePlace, "aliases are not taken: write the value out")
	case y.Kind == yaml.MappingNode && y.Tag == "!!map":
		node.kind = fileObject
		r.yamlMembers(node, y.Content, depth)
	case y.Kind == yaml.SequenceNode && y.Tag == "!!seq":
		node.kind = fileArray
		for i, item := range y.Content {
			node.items = append(node.items, r.fromYAML(item, path+"/"+strconv.Itoa(i), depth+1))
		}
	case y.Kind == yaml.ScalarNode:
		r.yamlScalar(node, y)
	default:
		r.refuse(node.filePlace, "the tag %s is not taken", y.Tag)
	}
	return node
}

// refuse reports a value that JSON could not say.
func (r *fileReader) refuse(at filePlace, format string, args ...any) {
	r.unreadable = true
	r.problem(at, format, args...)
}

func (r *fileReader) yamlMembers(object *fileNode, content []*yaml.Node, depth int) {
	seen := make(map[string]int, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		key := content[i]
		at := filePlace{line: key.Line, column: key.Column, path: childPath(object.path, key.Value)}
		if key.Kind != yaml.ScalarNode {
			r.refuse(at, "a key must be plain text")
			continue
		}
		r.add(object, seen, fileMember{filePlace: at, name: key.Value, value: r.fromYAML(content[i+1], at.path, depth+1)})
	}
}

func (r *fileReader) yamlScalar(node *fileNode, y *yaml.Node) {
	switch y.Tag {
	case "!!null":
	case "!!bool":
		node.kind, node.text = fileBool, strings.ToLower(y.Value)
	case "!!int", "!!float":
		node.kind, node.text = fileNumber, y.Value
		if value := jsontext.Value(y.Value); !value.IsValid() || value.Kind() != '0' {
			r.problem(node.filePlace, "the number %s must be written as in JSON, in decimal digits", y.Value)
		}
	case "!!str", "!!timestamp", "!!merge":
		node.kind, node.text = fileString, y.Value
	default:
		r.refuse(node.filePlace, "the tag %s is not taken", y.Tag)
	}
}
