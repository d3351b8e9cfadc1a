package ldapwire

import "github.com/rest2ldap/rest2ldap/pkg/directory"

// Tags of a filter (RFC 4511 §4.5.1.7).
const (
	tagAnd            = 0xa0
	tagOr             = 0xa1
	tagNot            = 0xa2
	tagEqual          = 0xa3
	tagSubstrings     = 0xa4
	tagGreaterOrEqual = 0xa5
	tagLessOrEqual    = 0xa6
	tagPresent        = 0x87
	tagApprox         = 0xa8
	tagExtensible     = 0xa9
)

// AppendFilter appends a filter.
func AppendFilter(dst []byte, f *directory.Filter) []byte {
	switch f.Op {
	case directory.FilterAnd:
		return appendOperands(dst, tagAnd, f.Children)
	case directory.FilterOr:
		return appendOperands(dst, tagOr, f.Children)
	case directory.FilterNot:
		return appendOperands(dst, tagNot, f.Children)
	case directory.FilterPresent:
		return appendString(dst, tagPresent, f.Attribute)
	case directory.FilterEqual:
		return appendAssertion(dst, tagEqual, f)
	case directory.FilterGreaterOrEqual:
		return appendAssertion(dst, tagGreaterOrEqual, f)
	case directory.FilterLessOrEqual:
		return appendAssertion(dst, tagLessOrEqual, f)
	case directory.FilterApprox:
		return appendAssertion(dst, tagApprox, f)
	case directory.FilterSubstrings:
		return appendSubstrings(dst, f)
	case directory.FilterExtensible:
	}
	return appendExtensible(dst, f)
}

func appendOperands(dst []byte, tag byte, operands []directory.Filter) []byte {
	dst, start := begin(dst, tag)
	for i := range operands {
		dst = AppendFilter(dst, &operands[i])
	}
	return end(dst, start)
}

func appendAssertion(dst []byte, tag byte, f *directory.Filter) []byte {
	dst, start := begin(dst, tag)
	dst = appendString(dst, tagString, f.Attribute)
	dst = appendString(dst, tagString, f.Value)
	return end(dst, start)
}

func appendSubstrings(dst []byte, f *directory.Filter) []byte {
	dst, start := begin(dst, tagSubstrings)
	dst = appendString(dst, tagString, f.Attribute)
	dst, parts := begin(dst, tagSequence)
	if f.Initial != "" {
		dst = appendString(dst, 0x80, f.Initial)
	}
	for _, part := range f.Any {
		dst = appendString(dst, 0x81, part)
	}
	if f.Final != "" {
		dst = appendString(dst, 0x82, f.Final)
	}
	return end(end(dst, parts), start)
}

func appendExtensible(dst []byte, f *directory.Filter) []byte {
	dst, start := begin(dst, tagExtensible)
	if f.Rule != "" {
		dst = appendString(dst, 0x81, f.Rule)
	}
	if f.Attribute != "" {
		dst = appendString(dst, 0x82, f.Attribute)
	}
	dst = appendString(dst, 0x83, f.Value)
	if f.DNAttributes {
		dst = appendBoolean(dst, 0x84, true)
	}
	return end(dst, start)
}
