package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// subResource compiles a collection or a singleton; nil when its path is wrong.
// Where something else is wrong it stands in for what was meant, so that the
// references to it are not found wrong too.
func (c *compiler) subResource(m fileMember) *SubResource {
	f := c.fields(m.value, "a sub-resource")
	sub := &SubResource{Template: c.template(m), ReadOnly: f.boolean("isReadOnly")}
	c.subResourceSource[sub] = m.value
	sub.Type = c.resourceType(f)
	sub.DN = c.dnTemplate(f.text("dnTemplate"), "dnTemplate")
	kind := f.kind("collection", "singleton")
	sub.Singleton = kind == 1
	switch {
	case kind < 0 || sub.Template == nil:
	case sub.Singleton:
		f.what = "a singleton"
		if sub.isInner() {
			c.problem(m.filePlace, "a singleton needs a path; only a collection may stand at the path of its owner")
		}
		f.absent("belongs to a collection, not to a singleton", "namingStrategy", "glueObjectClasses", "flattenSubtree", "baseSearchFilter")
		f.done()
	default:
		f.what = "a collection"
		c.collection(f, sub)
		f.done()
	}
	if sub.Template == nil {
		return nil
	}
	return sub
}

func (c *compiler) collection(f *fileFields, sub *SubResource) {
	sub.GlueObjectClasses = f.classes("glueObjectClasses")
	sub.Filter = c.filter(f.text("baseSearchFilter"), "baseSearchFilter")
	if sub.Flatten = f.boolean("flattenSubtree"); sub.Flatten && !sub.ReadOnly {
		c.problem(f.value("flattenSubtree").filePlace, "\"flattenSubtree\" needs \"isReadOnly\": true in the same collection")
	}
	if node := f.required("namingStrategy"); node != nil {
		sub.Naming = c.naming(node)
	}
}

// naming compiles a naming strategy.
func (c *compiler) naming(node *fileNode) Naming {
	f := c.fields(node, "a naming strategy")
	chosen := f.kind("clientDnNaming", "clientNaming", "serverNaming")
	naming := Naming{Strategy: NamingStrategy(max(chosen, 0))}
	if chosen >= 0 {
		naming.DNAttribute = f.attributeType("dnAttribute")
		naming.IDAttribute = naming.DNAttribute
	}
	switch {
	case chosen < 0:
		f.value("dnAttribute")
		f.value("idAttribute")
	case naming.Strategy == ClientDNNaming:
		f.absent("belongs to \"clientNaming\" and \"serverNaming\"", "idAttribute")
	default:
		naming.IDAttribute = f.attributeType("idAttribute")
		if naming.IDAttribute != "" && strings.EqualFold(naming.IDAttribute, naming.DNAttribute) {
			c.problem(f.value("idAttribute").filePlace, "\"idAttribute\" must differ from \"dnAttribute\"; where one attribute is both, the strategy is \"clientDnNaming\"")
		}
	}
	f.done()
	return naming
}

// resourceType finds the type that a sub-resource names.
func (c *compiler) resourceType(f *fileFields) *ResourceType {
	node := f.requiredText("resource")
	if node == nil {
		return &ResourceType{}
	}
	source := c.byName[node.text]
	if source == nil {
		c.problem(node.filePlace, "there is no resource type %q%s", shorten(node.text), didYouMean(node.text, c.typeNames()))
		return &ResourceType{}
	}
	return source.out
}

func (c *compiler) dnTemplate(node *fileNode, name string) directory.DNTemplate {
	if node == nil {
		return directory.DNTemplate{}
	}
	template, err := directory.ParseDNTemplate(node.text)
	switch {
	case err != nil:
		c.problem(node.filePlace, "%q is not a template of a DN (RFC 4514): %s", name, syntaxMessage(err))
	case template.IsVariable():
		c.problem(node.filePlace, "%q must not be a variable alone: the path chooses values in a DN, never a whole DN", name)
	}
	return template
}

func (c *compiler) filter(node *fileNode, name string) directory.Filter {
	if node == nil {
		return directory.Filter{}
	}
	filter, err := directory.ParseFilter(node.text)
	if err != nil {
		c.problem(node.filePlace, "%q is not an LDAP filter (RFC 4515): %s", name, syntaxMessage(err))
	}
	if attribute := asksForComputed(&filter); attribute != "" {
		c.warning(node.filePlace, "%q asks whether there is a %s, and OpenLDAP answers that nobody has one, for dynlist works it out after the search; ask for a value, as (%s=cn=…), or leave it out", name, attribute, attribute)
	}
	return filter
}

// asksForComputed returns an attribute whose presence the filter asks for and that OpenLDAP
// works out only for the entries it has found; "" when there is none.
func asksForComputed(f *directory.Filter) string {
	if name, _, _ := strings.Cut(f.Attribute, ";"); f.Op == directory.FilterPresent && (strings.EqualFold(name, "memberOf") || name == "1.2.840.113556.1.2.102") {
		return name
	}
	for i := range f.Children {
		if name := asksForComputed(&f.Children[i]); name != "" {
			return name
		}
	}
	return ""
}

// syntaxMessage leaves out the text that the reader sees in the file.
func syntaxMessage(err error) string {
	var syntax *directory.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("at character %d: %s", syntax.Position, syntax.Message)
	}
	return err.Error()
}

// template splits the path of a sub-resource into segments; nil when it is wrong.
func (c *compiler) template(m fileMember) []string {
	if m.name == "" {
		return []string{}
	}
	segments := strings.Split(m.name, "/")
	var variables []string
	for _, segment := range segments {
		name, isVariable := templateVariable(segment)
		switch {
		case segment == "" || segment == "." || segment == ".." || strings.ContainsRune(segment, 0):
			c.problem(m.filePlace, "the path %q must be segments that are neither empty nor \".\" nor \"..\", with \"/\" between them", shorten(m.name))
			return nil
		case !isVariable && strings.ContainsAny(segment, "{}"):
			c.problem(m.filePlace, "in the path %q a variable must be a whole segment such as \"{name}\", its name of letters, digits, \"-\" and \"_\"", shorten(m.name))
			return nil
		case isVariable && slices.Contains(variables, name):
			c.problem(m.filePlace, "the path %q has the variable {%s} twice", shorten(m.name), name)
			return nil
		case isVariable:
			variables = append(variables, name)
		}
	}
	return segments
}

// templateVariable returns the name of the variable that a segment is.
func templateVariable(segment string) (string, bool) {
	name, opened := strings.CutPrefix(segment, "{")
	name, closed := strings.CutSuffix(name, "}")
	return name, opened && closed && name != "" && !strings.ContainsFunc(name, isNotVariableRune)
}

func isNotVariableRune(r rune) bool {
	return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// templateShape is the same for two templates that take the same paths.
func templateShape(template []string) string {
	shape := slices.Clone(template)
	for i, segment := range shape {
		if _, isVariable := templateVariable(segment); isVariable {
			shape[i] = "{}"
		}
	}
	return strings.Join(shape, "/")
}
