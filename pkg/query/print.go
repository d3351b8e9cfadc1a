package query

import (
	"fmt"
	"strings"
)

// The levels of the grammar, from the loosest: what stands between "or", what
// stands between "and", and what stands after "!".
const (
	orLevel = iota
	andLevel
	notLevel
)

// String returns the text of the filter, the inverse of ParseFilter but for
// Position. An And or Or that has one child is that child, and one without
// children is true or false.
func (f Filter) String() string {
	var b strings.Builder
	f.write(&b, orLevel)
	return b.String()
}

// write writes the filter where the grammar has an operand of that level.
func (f *Filter) write(b *strings.Builder, level int) {
	switch f.Op {
	case And:
		f.writeJoined(b, level, andLevel, "and", "true")
	case Or:
		f.writeJoined(b, level, orLevel, "or", "false")
	case Not:
		b.WriteByte('!')
		for i := range f.Children {
			f.Children[i].write(b, notLevel)
		}
	case True:
		b.WriteString("true")
	case False:
		b.WriteString("false")
	case Element:
		writeField(b, f.Field)
		b.WriteByte('[')
		for i := range f.Children {
			f.Children[i].write(b, orLevel)
		}
		b.WriteByte(']')
	default:
		f.writeComparison(b)
	}
}

// writeJoined writes an And or Or, whose own level is own.
func (f *Filter) writeJoined(b *strings.Builder, level, own int, word, none string) {
	switch len(f.Children) {
	case 0:
		b.WriteString(none)
		return
	case 1:
		f.Children[0].write(b, level)
		return
	}
	if level > own {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i := range f.Children {
		if i > 0 {
			b.WriteString(" " + word + " ")
		}
		f.Children[i].write(b, own+1)
	}
}

func (f *Filter) writeComparison(b *strings.Builder) {
	writeField(b, f.Field)
	b.WriteByte(' ')
	b.WriteString(f.operator())
	if f.Op == Present {
		return
	}
	b.WriteByte(' ')
	switch value := f.Value.(type) {
	case string:
		quote(b, value)
	case Number, bool:
		fmt.Fprint(b, value)
	default:
		quote(b, fmt.Sprint(value))
	}
}

// operator returns the word of a comparison.
func (f *Filter) operator() string {
	switch f.Op {
	case Present:
		return "pr"
	case Equal:
		return "eq"
	case Contains:
		return "co"
	case StartsWith:
		return "sw"
	case Less:
		return "lt"
	case LessOrEqual:
		return "le"
	case Greater:
		return "gt"
	case GreaterOrEqual:
		return "ge"
	default:
		return f.Name
	}
}

// writeField writes a pointer so that nothing in it ends it early.
func writeField(b *strings.Builder, field Pointer) {
	if len(field) == 0 {
		b.WriteByte('/')
		return
	}
	pointer := field.String()
	for i := range len(pointer) {
		c := pointer[i]
		if c < ' ' || c == '%' || strings.IndexByte(delimiters, c) >= 0 {
			fmt.Fprintf(b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
}
