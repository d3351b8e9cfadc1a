package ldapwire

import (
	"errors"
	"fmt"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// ErrFilter is the error for a filter with too many parts or levels.
var ErrFilter = errors.New("the LDAP filter is too large")

// Bounds of a filter. A part of two octets takes about 170 in memory, so that their
// number is bounded too.
const (
	maxFilterDepth = 1000
	maxFilterParts = 1 << 16
)

// filterReader counts what a filter has so far.
type filterReader struct {
	parts int
}

// filter takes a filter.
func (r *reader) filter() (directory.Filter, error) {
	var f filterReader
	return f.take(r, 0)
}

func (f *filterReader) take(r *reader, depth int) (directory.Filter, error) {
	tag, contents, err := r.next()
	if err != nil {
		return directory.Filter{}, err
	}
	if f.parts++; depth > maxFilterDepth || f.parts > maxFilterParts {
		return directory.Filter{}, fmt.Errorf("%w: more than %d parts, or %d levels", ErrFilter, maxFilterParts, maxFilterDepth)
	}
	switch tag {
	case tagAnd:
		return f.operands(directory.FilterAnd, contents, depth)
	case tagOr:
		return f.operands(directory.FilterOr, contents, depth)
	case tagNot:
		child, err := f.take(&contents, depth+1)
		if err == nil && len(contents) > 0 {
			err = malformed("a negation has several operands")
		}
		return directory.Filter{Op: directory.FilterNot, Children: []directory.Filter{child}}, err
	case tagEqual:
		return assertion(directory.FilterEqual, contents)
	case tagGreaterOrEqual:
		return assertion(directory.FilterGreaterOrEqual, contents)
	case tagLessOrEqual:
		return assertion(directory.FilterLessOrEqual, contents)
	case tagApprox:
		return assertion(directory.FilterApprox, contents)
	case tagPresent:
		return directory.Filter{Op: directory.FilterPresent, Attribute: string(contents)}, nil
	case tagSubstrings:
		return substrings(contents)
	case tagExtensible:
		return extensible(contents)
	}
	return undefined(), nil
}

// undefined is the filter for what has no meaning: an extensible match with neither
// attribute nor rule, which evaluates to Undefined (RFC 4511 §4.5.1.7). slapd answers
// such filters too, and finds nothing.
func undefined() directory.Filter { return directory.Filter{Op: directory.FilterExtensible} }

func (f *filterReader) operands(op directory.FilterOp, contents reader, depth int) (directory.Filter, error) {
	filter := directory.Filter{Op: op}
	for len(contents) > 0 {
		child, err := f.take(&contents, depth+1)
		if err != nil {
			return directory.Filter{}, err
		}
		filter.Children = append(filter.Children, child)
	}
	return filter, nil
}

func assertion(op directory.FilterOp, contents reader) (directory.Filter, error) {
	s := scan{rest: contents}
	return directory.Filter{Op: op, Attribute: s.text(), Value: s.text()}, s.err
}

// substrings decodes a SubstringFilter: at least one part, none of them empty, the
// initial one first and the final one last. Anything else is undefined.
func substrings(contents reader) (directory.Filter, error) {
	s := scan{rest: contents}
	filter := directory.Filter{Op: directory.FilterSubstrings, Attribute: s.text()}
	parts := s.contents(tagSequence)
	good := len(parts) > 0
	for first := true; s.err == nil && len(parts) > 0; first = false {
		tag, part, err := parts.next()
		switch {
		case err != nil:
			s.fail(err)
		case tag == 0x80 && first:
			filter.Initial = string(part)
		case tag == 0x81:
			filter.Any = append(filter.Any, string(part))
		case tag == 0x82 && len(parts) == 0:
			filter.Final = string(part)
		default:
			good = false
		}
		good = good && len(part) > 0
	}
	if s.err == nil && !good {
		return undefined(), nil
	}
	return filter, s.err
}

func extensible(contents reader) (directory.Filter, error) {
	s := scan{rest: contents}
	filter := directory.Filter{Op: directory.FilterExtensible}
	if s.has(0x81) {
		filter.Rule = string(s.contents(0x81))
	}
	if s.has(0x82) {
		filter.Attribute = string(s.contents(0x82))
	}
	filter.Value = string(s.contents(0x83))
	if s.has(0x84) {
		filter.DNAttributes = s.boolean(0x84)
	}
	return filter, s.err
}
