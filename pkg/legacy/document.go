package legacy

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is the gateway.yaml in the making.
type document struct{ root *yaml.Node }

func newDocument() *document { return &document{root: &yaml.Node{Kind: yaml.MappingNode}} }

// put stores a value, and says in a comment where it comes from. Elements of lists are
// chosen by number: directory.servers.0.url.
func (d *document) put(path string, value any, comment string) {
	name, parent := d.find(path)
	leaf := &yaml.Node{}
	_ = leaf.Encode(value) // Texts, numbers, flags and lists of texts.
	if leaf.Kind == yaml.SequenceNode {
		leaf.Style = yaml.FlowStyle
	}
	key := child(parent, name, leaf)
	key.HeadComment = ""
	annotate(key, comment)
}

// annotate adds a comment to those before a key.
func annotate(key *yaml.Node, comment string) {
	if comment == "" {
		return
	}
	if key.HeadComment != "" {
		key.HeadComment += "\n"
	}
	key.HeadComment += note(comment)
}

// find returns the section that holds the last segment of the path.
func (d *document) find(path string) (string, *yaml.Node) {
	at := d.root
	segments := strings.Split(path, ".")
	for i, segment := range segments[:len(segments)-1] {
		kind := yaml.MappingNode
		if _, err := strconv.Atoi(segments[i+1]); err == nil {
			kind = yaml.SequenceNode
		}
		if at.Kind == yaml.SequenceNode {
			n, _ := strconv.Atoi(segment) // The kind comes from there being a number.
			for len(at.Content) <= n {
				at.Content = append(at.Content, &yaml.Node{Kind: yaml.MappingNode})
			}
			at = at.Content[n]
			continue
		}
		child(at, segment, nil)
		for j := 0; j < len(at.Content); j += 2 {
			if at.Content[j].Value == segment {
				if at.Content[j+1].Kind == 0 {
					at.Content[j+1].Kind = kind
				}
				at = at.Content[j+1]
				break
			}
		}
	}
	return segments[len(segments)-1], at
}

// child returns the key of that name, made when it is not there, and stores the value,
// unless it is nil.
func child(section *yaml.Node, name string, value *yaml.Node) *yaml.Node {
	for i := 0; i < len(section.Content); i += 2 {
		if section.Content[i].Value == name {
			if value != nil {
				section.Content[i+1] = value
			}
			return section.Content[i]
		}
	}
	if value == nil {
		value = &yaml.Node{}
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: name}
	section.Content = append(section.Content, key, value)
	return key
}

// note breaks a comment into lines that fit a terminal.
func note(text string) string {
	if text == "" {
		return ""
	}
	const width = 88
	var lines []string
	line := "#"
	for word := range strings.FieldsSeq(strings.Map(printable, text)) {
		if len(line)+1+len(word) > width && line != "#" {
			lines = append(lines, line)
			line = "#  "
		}
		line += " " + word
	}
	return strings.Join(append(lines, line), "\n")
}

// bytes writes the document, the sections in the order of gateway.example.yaml. What is to
// be decided stands as a comment before the first of its keys.
func (d *document) bytes(decisions []Finding) ([]byte, error) {
	d = &document{root: clone(d.root)}
	for _, f := range decisions {
		if len(f.Keys) > 0 {
			name, parent := d.find(f.Keys[0])
			annotate(child(parent, name, nil), "DECISION, "+f.Place.short()+": "+f.Message)
		}
	}
	order := []string{"version", "server", "tls", "outboundTLS", "directory", "mapping", "auth", "limits", "audit", "telemetry", "admin"}
	version := d.root.Content[0]
	root := settle(d.root, version)
	pairs := slices.Collect(slices.Chunk(root.Content, 2))
	slices.SortStableFunc(pairs, func(a, b []*yaml.Node) int { return slices.Index(order, a[0].Value) - slices.Index(order, b[0].Value) })
	root.Content = slices.Concat(pairs...)
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}

// clone returns a copy that shares nothing.
func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	for _, inner := range n.Content {
		c.Content = append(c.Content, clone(inner))
	}
	return &c
}

// settle returns the section without keys that have no value. What was remarked about such
// a key goes to the key of the section.
func settle(section, key *yaml.Node) *yaml.Node {
	kept := &yaml.Node{Kind: section.Kind}
	for pair := range slices.Chunk(section.Content, 2) {
		if section.Kind == yaml.SequenceNode {
			break
		}
		name, value := pair[0], pair[1]
		if value.Kind == yaml.MappingNode || value.Kind == yaml.SequenceNode && value.Style != yaml.FlowStyle {
			value = settle(value, name)
		}
		if value.Kind == 0 || value.Style != yaml.FlowStyle && value.Kind != yaml.ScalarNode && len(value.Content) == 0 {
			key.HeadComment = strings.TrimPrefix(key.HeadComment+"\n"+name.HeadComment, "\n")
			continue
		}
		kept.Content = append(kept.Content, name, value)
	}
	if section.Kind == yaml.SequenceNode {
		for _, element := range section.Content {
			if element = settle(element, key); len(element.Content) > 0 {
				kept.Content = append(kept.Content, element)
			}
		}
	}
	return kept
}
