package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileReader turns the tree of a YAML file into a layer.
type fileReader struct {
	*layer
	name string
}

// readYAML reads the file called name.
func readYAML(root *key, name string, text []byte) *layer {
	r := &fileReader{layer: newLayer(root), name: name}
	r.section(Place{File: name, Line: 1, Column: 1}, "")
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return r.layer
	case err != nil:
		r.syntax(err)
		return r.layer
	}
	if err := decoder.Decode(&second); err == nil {
		r.fail(r.at(&second), "", "a second YAML document begins here; the configuration is one document")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	r.sectionOf(root, document.Content[0], "")
	return r.layer
}

func (r *fileReader) at(node *yaml.Node) Place {
	return Place{File: r.name, Line: node.Line, Column: node.Column}
}

// syntax reports an error of the YAML parser, which names its line in the text.
func (r *fileReader) syntax(err error) {
	place := Place{File: r.name, Line: 1, Column: 1}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(message); m != nil {
		place.Line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	r.fail(place, "", "not YAML: %s", message)
}

// sectionOf reads the keys of a section.
func (r *fileReader) sectionOf(k *key, node *yaml.Node, path string) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return
	}
	if node.Kind != yaml.MappingNode {
		r.fail(r.at(node), path, "must be a section of keys and values, not %s", shape(node))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		at := join(path, name.Value)
		if name.Kind != yaml.ScalarNode {
			r.fail(r.at(name), path, "a key must be a plain text")
			continue
		}
		if line, twice := seen[name.Value]; twice {
			r.fail(r.at(name), at, "stands here a second time; the first is in line %d", line)
			continue
		}
		seen[name.Value] = name.Line
		child := k.child(name.Value)
		if child == nil {
			r.fail(r.at(name), at, "%s", unknown(r.root, k, name.Value))
			continue
		}
		r.valueOf(child, name, value, at)
	}
}

// valueOf reads what stands at a known key.
func (r *fileReader) valueOf(k *key, name, node *yaml.Node, path string) {
	switch {
	case node.Kind == yaml.AliasNode:
		r.fail(r.at(node), path, "YAML aliases are not taken; write the value itself")
	case k.kind == sectionKind:
		r.section(r.at(name), path)
		r.sectionOf(k, node, path)
	case k.kind == listKind:
		r.section(r.at(name), path)
		r.listOf(k, node, path)
	case k.kind == textsKind:
		r.textsOf(node, path)
	default:
		r.scalarOf(k, node, path)
	}
}

func (r *fileReader) listOf(k *key, node *yaml.Node, path string) {
	if node.Kind != yaml.SequenceNode {
		r.fail(r.at(node), path, "must be a list, each element beginning with “- ”, not %s", shape(node))
		return
	}
	for i, element := range node.Content {
		at := join(path, strconv.Itoa(i))
		if element.Kind == yaml.AliasNode {
			r.fail(r.at(element), at, "YAML aliases are not taken; write the value itself")
			continue
		}
		r.section(r.at(element), at)
		r.sectionOf(k, element, at)
	}
}

func (r *fileReader) textsOf(node *yaml.Node, path string) {
	if node.Kind != yaml.SequenceNode {
		r.fail(r.at(node), path, "must be a list of texts, for example [a, b], not %s", shape(node))
		return
	}
	texts := []string{}
	for i, element := range node.Content {
		if element.Kind != yaml.ScalarNode || element.Tag != "!!str" || element.Value == "" {
			r.fail(r.at(element), join(path, strconv.Itoa(i)), "must be a text, not %s", shape(element))
			continue
		}
		texts = append(texts, element.Value)
	}
	r.put(r.at(node), path, texts)
}

// scalarOf reads a single value. The value of a secret is never repeated.
func (r *fileReader) scalarOf(k *key, node *yaml.Node, path string) {
	place := r.at(node)
	if node.Kind == yaml.ScalarNode && (node.Tag == "!!null" || node.Value == "") {
		r.fail(place, path, "has no value; write one or leave the key out")
		return
	}
	tag := map[kind]string{numberKind: "!!int", flagKind: "!!bool"}[k.kind]
	if tag == "" {
		tag = "!!str"
	}
	if node.Kind == yaml.ScalarNode && node.Tag == tag {
		r.putText(place, path, k, node.Value)
		return
	}
	r.fail(place, path, "%s", mismatch(k, node))
}

// mismatch is the sentence about a value of the wrong type.
func mismatch(k *key, node *yaml.Node) string {
	number := node.Tag == "!!int" || node.Tag == "!!float"
	scalar := node.Kind == yaml.ScalarNode
	switch {
	case k.kind == secretKind:
		return errSecretByValue.Error()
	case k.kind == durationKind && number:
		return new(Duration).UnmarshalText([]byte(node.Value)).Error()
	case k.kind == sizeKind && number:
		return new(Size).UnmarshalText([]byte(node.Value)).Error()
	case k.kind == numberKind:
		return "must be a whole number, not " + shape(node)
	case k.kind == flagKind:
		return "must be true or false, not " + shape(node)
	case scalar:
		return fmt.Sprintf("must be a text, not %s; write it in quotes: %q", shape(node), node.Value)
	}
	return "must be a text, not " + shape(node)
}

// shape names what a node is.
func shape(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch node.Tag {
	case "!!str":
		return "a text"
	case "!!int":
		return "a number"
	case "!!float":
		return "a number with a fraction"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "a value of the type " + node.Tag
}
