package mapping

import (
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// ValueType is how an attribute value stands in JSON.
type ValueType int

const (
	// Auto takes the type from the directory's schema.
	Auto ValueType = iota
	// String is UTF-8 text; a value that is not UTF-8 is shown as Base64.
	String
	// Integer is a number with all its digits.
	Integer
	// Boolean is true or false, TRUE or FALSE in the directory.
	Boolean
	// GeneralizedTime is RFC 3339 text in JSON (RFC 4517 §3.3.13).
	GeneralizedTime
	// Binary is Base64 text (RFC 4648 §4).
	Binary
	// DN is the text of a distinguished name (RFC 4514).
	DN
	// NumericString is a string of digits and spaces, in which leading zeros count
	// (RFC 4517 §3.3.23).
	NumericString
	// TelephoneNumber is text of the letters, digits and signs that a telephone number may
	// have (RFC 4517 §3.3.31).
	TelephoneNumber
	// UUID is the text of RFC 4122 §3.
	UUID
	// FileTime is RFC 3339 text in JSON; in the directory it is how many tenths of a
	// microsecond have gone by since the beginning of 1601, as Active Directory counts.
	FileTime
	// GUID is the text of a UUID in JSON, and its 16 octets in the directory, the first
	// three fields with their lowest octet first (MS-DTYP §2.3.4).
	GUID
	// SID is the text of a security identifier, such as "S-1-5-32-544", in JSON, and its
	// octets in the directory (MS-DTYP §2.4.2).
	SID
	// JSON is any JSON value, and its text in the directory.
	JSON
)

// valueTypeNames are the values of "valueType", in the order of the constants after Auto.
func valueTypeNames() []string {
	return []string{
		"string", "integer", "boolean", "generalizedTime", "binary",
		"dn", "numericString", "telephoneNumber", "uuid", "filetime", "guid", "sid", "json",
	}
}

// String returns the name of the type as a mapping file has it; "" for Auto.
func (t ValueType) String() string {
	if t == Auto {
		return ""
	}
	return valueTypeNames()[t-String]
}

// IsText reports whether JSON has the attribute values as they are, as strings.
func (t ValueType) IsText() bool {
	switch t {
	case Auto, String, DN, NumericString, TelephoneNumber, UUID:
		return true
	case Integer, Boolean, GeneralizedTime, Binary, FileTime, GUID, SID, JSON:
	}
	return false
}

// isOctets reports whether the attribute values are octets, which JSON has in another form.
func (t ValueType) isOctets() bool { return t == Binary || t == GUID || t == SID }

// syntaxTypes are the types of the syntaxes of RFC 4517, RFC 4523 and RFC 4530, and of
// Active Directory, that are not plain text. Telephone numbers are: what goes as one is for
// the directory to say, unless the mapping does.
var syntaxTypes = map[string]ValueType{ //nolint:gochecknoglobals // constant table
	directory.SyntaxBoolean:         Boolean,
	directory.SyntaxInteger:         Integer,
	directory.SyntaxGeneralizedTime: GeneralizedTime,
	directory.SyntaxDN:              DN,
	directory.SyntaxNumericString:   NumericString,
	directory.SyntaxUUID:            UUID,
	directory.SyntaxOctetString:     Binary,
	directory.SyntaxJPEG:            Binary,
	"1.3.6.1.4.1.1466.115.121.1.4":  Binary, // Audio
	"1.3.6.1.4.1.1466.115.121.1.5":  Binary, // Binary
	"1.3.6.1.4.1.1466.115.121.1.23": Binary, // Fax
	syntaxCertificate:               Binary,
	syntaxCertificateList:           Binary,
	syntaxCertificatePair:           Binary,
	syntaxSupportedAlgorithm:        Binary,
	"1.3.6.1.4.1.36733.2.1.3.1":     JSON,    // JSON of ForgeRock and Ping directories
	"1.2.840.113556.1.4.906":        Integer, // LargeInteger of Active Directory
	"1.2.840.113556.1.4.907":        Binary,  // Security descriptor of Active Directory
}

// Syntaxes whose values travel under descriptions with the option "binary" only
// (RFC 4522 §4, RFC 4523 §2).
const (
	syntaxCertificate        = "1.3.6.1.4.1.1466.115.121.1.8"
	syntaxCertificateList    = "1.3.6.1.4.1.1466.115.121.1.9"
	syntaxCertificatePair    = "1.3.6.1.4.1.1466.115.121.1.10"
	syntaxSupportedAlgorithm = "1.3.6.1.4.1.1466.115.121.1.49"
)

// TypeFromSchema returns the value type of an attribute by its syntax; String where
// nothing is known of it. Passwords have the syntax of octets, and are text.
func TypeFromSchema(t *directory.AttributeType) ValueType {
	if t == nil {
		return String
	}
	found, ok := syntaxTypes[t.Syntax]
	if !ok || found == Binary && len(t.Names) > 0 && IsCredential(t.Names[0]) {
		return String
	}
	return found
}

// withBinary adds the option "binary" to a description without options, where the syntax
// wants it.
func withBinary(description string, t *directory.AttributeType) string {
	if t == nil || strings.Contains(description, ";") {
		return description
	}
	switch t.Syntax {
	case syntaxCertificate, syntaxCertificateList, syntaxCertificatePair, syntaxSupportedAlgorithm:
		return description + ";binary"
	}
	return description
}
