package config

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Dump returns the effective configuration as YAML that Load would take, but for the
// secrets, which read [redacted]. A comment behind each value tells where it comes from.
func (f *File) Dump() ([]byte, error) {
	node, err := f.section(reflect.ValueOf(f).Elem(), "")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}

// section writes the fields of a struct, without those that are not set.
func (f *File) section(v reflect.Value, path string) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for field, value := range v.Fields() {
		name := field.Tag.Get("config")
		if name == "" || value.IsZero() && !isShownAsZero(kindOf(field.Type)) {
			if at := join(path, name); name == "" || f.places[at] == (Place{}) {
				continue
			}
		}
		child, err := f.value(value, join(path, name))
		if err != nil {
			return nil, err
		}
		if child == nil || child.Kind == yaml.MappingNode && len(child.Content) == 0 {
			continue
		}
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, child)
	}
	return node, nil
}

// isShownAsZero tells the kinds of which the zero value says something.
func isShownAsZero(k kind) bool { return k == sectionKind || k == numberKind || k == flagKind }

func (f *File) value(v reflect.Value, path string) (*yaml.Node, error) {
	switch kindOf(v.Type()) {
	case sectionKind:
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return nil, nil
			}
			v = v.Elem()
		}
		return f.section(v, path)
	case listKind:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			element, err := f.section(v.Index(i), join(path, strconv.Itoa(i)))
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, element)
		}
		return node, nil
	default:
		return f.leaf(v, path)
	}
}

// leaf writes a single value, or a list of texts, with the comment.
func (f *File) leaf(v reflect.Value, path string) (*yaml.Node, error) {
	value := v.Interface()
	if m, ok := value.(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", display(path), err)
		}
		value = string(text)
	}
	node := &yaml.Node{}
	if err := node.Encode(value); err != nil {
		return nil, fmt.Errorf("%s: %w", display(path), err)
	}
	if node.Kind == yaml.SequenceNode {
		node.Style = yaml.FlowStyle
	}
	node.LineComment = "default"
	if place, ok := f.places[path]; ok {
		node.LineComment = place.String()
	}
	return node, nil
}
