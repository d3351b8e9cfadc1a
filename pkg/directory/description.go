package directory

import "strings"

// IsAttributeDescription reports whether s is an attribute type with or without
// options (RFC 4512 §2.5): "cn", "2.5.4.3", "cn;lang-de".
func IsAttributeDescription(s string) bool {
	name, options, more := strings.Cut(s, ";")
	if !isAttributeType(name) {
		return false
	}
	for more {
		var option string
		option, options, more = strings.Cut(options, ";")
		if !isKeyString(option) {
			return false
		}
	}
	return true
}

// isAttributeType tells a descriptor or a numeric OID (RFC 4512 §1.4), which may
// have the prefix "OID." of older names.
func isAttributeType(s string) bool {
	if len(s) > len("OID.") && strings.EqualFold(s[:len("OID.")], "OID.") {
		return isNumericOID(s[len("OID."):])
	}
	return isDescriptor(s) || isNumericOID(s)
}

// isDescriptor tells a letter and then letters, digits and hyphens.
func isDescriptor(s string) bool {
	return s != "" && isLetter(s[0]) && isKeyString(s)
}

// isNumericOID tells numbers without leading zeros with dots between them.
func isNumericOID(s string) bool {
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || len(part) > 1 && part[0] == '0' || strings.Trim(part, "0123456789") != "" {
			return false
		}
		parts++
	}
	return parts > 1
}

// isKeyString tells one or more letters, digits and hyphens.
func isKeyString(s string) bool {
	for i := range len(s) {
		if !isKeyByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isKeyByte(c byte) bool { return c == '-' || '0' <= c && c <= '9' || isLetter(c) }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
