package mapping

import (
	"fmt"
	"path"
	"strings"
)

// compatReference is the value of "compat" for the behaviour of the reference
// product, which is the default of a file without "format".
const compatReference = "rest2ldap"

// compiler turns the tree of one mapping file into a Model. It goes on after a
// problem, so that all of them are found at once.
//
// The order of events: the head of the file; the names of the resource types and
// who inherits from whom; the properties and sub-resources of each; what they
// inherit; then the walk over every path below the root, which checks what depends
// on the place where a type is mounted.
type compiler struct {
	model *Model
	// lenient tells a file without "format": an unknown key is a warning.
	lenient bool
	// exposeCredentials allows properties over credential attributes.
	exposeCredentials bool

	types  []*typeSource
	byName map[string]*typeSource
	// sources find the place of what was compiled, for the checks at the end.
	propertySource    map[*Property]*fileNode
	subResourceSource map[*SubResource]*fileNode

	// mounts are all paths below the root.
	mounts []*mount

	versionPlace filePlace
	problems     []Problem
	warnings     []Problem
}

// compileFile compiles the tree of a mapping file.
func compileFile(file string, root *fileNode) *compiler {
	c := &compiler{
		model:             &Model{File: file, BasePath: path.Dir(file), Version: "*", Types: make(map[string]*ResourceType)},
		byName:            make(map[string]*typeSource),
		propertySource:    make(map[*Property]*fileNode),
		subResourceSource: make(map[*SubResource]*fileNode),
	}
	c.compile(root)
	return c
}

func (c *compiler) compile(root *fileNode) {
	f := c.fields(root, "a mapping file")
	c.format(f)
	c.version(f)
	types := f.check(f.required("resourceTypes"), "resourceTypes", fileObject)
	if types != nil {
		c.declareTypes(types.members)
	}
	f.done()
	c.linkTypes()
	for _, t := range c.types {
		c.compileType(t)
	}
	for _, t := range c.types {
		c.inherit(t)
	}
	for _, t := range c.types {
		c.checkType(t)
	}
	if types != nil {
		c.root(f.keyPlace("resourceTypes"))
	}
}

// format reads the keys that decide how strictly the rest is read.
func (c *compiler) format(f *fileFields) {
	format := f.value("format")
	if c.lenient = format == nil; !c.lenient && (format.kind != fileNumber || format.text != "1") {
		c.problem(format.filePlace, `"format" must be the number 1, not %s`, format.describe())
	}
	c.model.Legacy = c.lenient
	if chosen := f.choice("compat", compatReference, "none"); chosen >= 0 {
		c.model.Legacy = chosen == 0
	}
	c.exposeCredentials = f.boolean("exposeCredentials")
}

// version takes a number too, because YAML makes one of 1.0 without quotes.
func (c *compiler) version(f *fileFields) {
	node := f.value("version")
	c.versionPlace = filePlace{line: f.node.line, column: f.node.column}
	if node == nil {
		return
	}
	c.versionPlace = node.filePlace
	c.model.Version = ""
	switch {
	case node.kind != fileString && node.kind != fileNumber:
		c.problem(node.filePlace, `"version" must be a string, not %s`, node.describe())
	case !isVersion(node.text):
		c.problem(node.filePlace, `"version" must be "*", "<major>" or "<major>.<minor>", not %q`, shorten(node.text))
	default:
		c.model.Version = node.text
	}
}

// isVersion tells "*", "<major>" and "<major>.<minor>".
func isVersion(s string) bool {
	_, ok := ParseVersion(s)
	return ok || s == AnyVersion
}

// root finds the resource type that the file is named after, and walks all the
// paths that begin there.
func (c *compiler) root(place filePlace) {
	name := strings.TrimSuffix(path.Base(c.model.File), path.Ext(c.model.File))
	source := c.byName[name]
	if source == nil {
		c.problem(place, "no resource type is named %q as the file is: that type is the root of the API%s", name, didYouMean(name, c.typeNames()))
		return
	}
	c.model.Root = source.out
	if len(source.out.SubResources) == 0 && len(c.problems) == 0 {
		c.warning(source.node.filePlace, "the root resource type has no sub-resources: the file serves nothing")
	}
	c.walkMounts()
}

func (c *compiler) typeNames() []string {
	names := make([]string, len(c.types))
	for i, t := range c.types {
		names[i] = t.out.Name
	}
	return names
}

func (c *compiler) problem(at filePlace, format string, args ...any) {
	c.report(at, false, format, args...)
}

func (c *compiler) warning(at filePlace, format string, args ...any) {
	c.report(at, true, format, args...)
}

// ineffective reports a key that is not wrong in itself: a warning in a file of the
// reference product, a problem in ours.
func (c *compiler) ineffective(at filePlace, sentence string) {
	if c.lenient {
		sentence += " and has no effect"
	}
	c.report(at, c.lenient, "%s", sentence)
}

func (c *compiler) report(at filePlace, warning bool, format string, args ...any) {
	problem := Problem{File: c.model.File, Line: at.line, Column: at.column, Path: at.path, Message: fmt.Sprintf(format, args...)}
	if warning {
		c.warnings = append(c.warnings, problem)
	} else {
		c.problems = append(c.problems, problem)
	}
}
