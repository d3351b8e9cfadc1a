package mapping

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// DecodeJSON reads the JSON text of a request (RFC 8259) as a value: nil, a bool, a
// string, a query.Number, an []any or an *Object. Objects and arrays may nest
// maxDepth levels deep.
//
// Anything a reader could take in two ways is refused: text that is not UTF-8, a
// name that stands twice in one object, and names that differ only in case, because
// look-ups ignore case. The error is a *fault.Error of kind Invalid; its detail has
// the kind ("malformedJSON", "invalidUTF8", "duplicateMember", "tooDeep"), the JSON
// pointer as far as it is known, and the position in bytes from 1.
func DecodeJSON(data []byte, maxDepth int) (any, error) {
	d := jsonDecoder{text: string(data), maxDepth: maxDepth}
	d.tokens.Reset(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	value, err := d.value(0)
	if err != nil {
		return nil, err
	}
	next := d.trailing()
	if _, err := d.tokens.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, d.fail(next, "", "malformedJSON", "the JSON text goes on after its value")
	}
	return value, nil
}

// jsonDecoder makes a value of the tokens of a JSON text.
type jsonDecoder struct {
	tokens jsontext.Decoder
	// text is the whole text: strings without escapes are slices of it.
	text string
	// start is the offset of the string read last.
	start    int
	maxDepth int
	// members and items are stacks of what the open objects and arrays hold so far.
	members []Member
	items   []any
}

func (d *jsonDecoder) value(depth int) (any, error) {
	switch kind := d.tokens.PeekKind(); kind {
	case '{', '[':
		if depth >= d.maxDepth {
			return nil, d.tooDeep()
		}
		if _, err := d.tokens.ReadToken(); err != nil {
			return nil, d.syntax(err)
		}
		if kind == '{' {
			return d.object(depth + 1)
		}
		return d.array(depth + 1)
	case '"':
		return d.string()
	}
	token, err := d.tokens.ReadToken()
	if err != nil {
		return nil, d.syntax(err)
	}
	switch token.Kind() {
	case 't', 'f':
		return token.Kind() == 't', nil
	case '0':
		number := token.String()
		end := int(d.tokens.InputOffset())
		return query.Number(d.text[end-len(number) : end]), nil
	default:
		return nil, nil
	}
}

// string reads a string or a name. Without escapes it costs no memory of its own.
func (d *jsonDecoder) string() (string, error) {
	raw, err := d.tokens.ReadValue()
	if err != nil {
		return "", d.syntax(err)
	}
	end := int(d.tokens.InputOffset())
	d.start = end - len(raw)
	if bytes.IndexByte(raw, '\\') < 0 {
		return d.text[d.start+1 : end-1], nil
	}
	unquoted, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return "", d.syntax(err)
	}
	return string(unquoted), nil
}

func (d *jsonDecoder) array(depth int) (any, error) {
	start := len(d.items)
	for d.tokens.PeekKind() != ']' {
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		d.items = append(d.items, value)
	}
	if _, err := d.tokens.ReadToken(); err != nil {
		return nil, d.syntax(err)
	}
	items := append([]any{}, d.items[start:]...)
	clear(d.items[start:])
	d.items = d.items[:start]
	return items, nil
}

func (d *jsonDecoder) object(depth int) (any, error) {
	start := len(d.members)
	var seen map[string]bool
	for d.tokens.PeekKind() != '}' {
		name, err := d.string()
		if err != nil {
			return nil, err
		}
		if d.isDuplicate(name, start, &seen) {
			return nil, d.duplicate()
		}
		d.members = append(d.members, Member{Name: name})
		at := len(d.members) - 1
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		d.members[at].Value = value
	}
	if _, err := d.tokens.ReadToken(); err != nil {
		return nil, d.syntax(err)
	}
	object := &Object{}
	if len(d.members) > start {
		object.Members = append([]Member(nil), d.members[start:]...)
	}
	clear(d.members[start:])
	d.members = d.members[:start]
	return object, nil
}

// isDuplicate reports whether the open object has a member of that name. Many
// members are looked up in a map, so that a long object costs no more than its length.
func (d *jsonDecoder) isDuplicate(name string, start int, seen *map[string]bool) bool {
	const few = 16
	members := d.members[start:]
	if len(members) <= few {
		for i := range members {
			if strings.EqualFold(members[i].Name, name) {
				return true
			}
		}
		return false
	}
	if *seen == nil {
		*seen = make(map[string]bool, 4*few)
		for i := range members {
			(*seen)[foldName(members[i].Name)] = true
		}
	}
	folded := foldName(name)
	if (*seen)[folded] {
		return true
	}
	(*seen)[folded] = true
	return false
}

func (d *jsonDecoder) duplicate() error {
	return d.fail(d.start, string(d.tokens.StackPointer()), "duplicateMember",
		"a member stands twice in the same object; names that differ only in case are the same")
}

func (d *jsonDecoder) tooDeep() error {
	pointer := string(d.tokens.StackPointer())
	return d.fail(d.trailing(), pointer, "tooDeep", "the JSON text nests deeper than %d levels", d.maxDepth)
}

// trailing returns the offset of the next token.
func (d *jsonDecoder) trailing() int {
	offset := int(d.tokens.InputOffset())
	rest := strings.TrimLeft(d.text[offset:], " \t\r\n:,")
	return len(d.text) - len(rest)
}

// syntax turns an error of the tokens into a fault.
func (d *jsonDecoder) syntax(err error) error {
	if errors.Is(err, io.EOF) {
		return d.fail(len(d.text), "", "malformedJSON", "there is no JSON text")
	}
	offset, pointer := int(d.tokens.InputOffset()), ""
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		offset, pointer, err = int(syntactic.ByteOffset), string(syntactic.JSONPointer), syntactic.Err
	}
	char, size := utf8.DecodeRuneInString(d.text[min(offset, len(d.text)):])
	switch {
	case char == utf8.RuneError && size == 1:
		return d.fail(offset, pointer, "invalidUTF8", "the JSON text is not UTF-8")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return d.fail(len(d.text), pointer, "malformedJSON", "the JSON text ends too early")
	}
	return d.fail(offset, pointer, "malformedJSON", "the text is not JSON: %v", err)
}

func (d *jsonDecoder) fail(offset int, pointer, kind, format string, args ...any) error {
	f := fault.New(fault.Invalid, format, args...).Named(kind).At(pointer)
	f.Detail.Position = offset + 1
	return f
}
