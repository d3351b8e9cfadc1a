package ldapwire

import "github.com/rest2ldap/rest2ldap/pkg/directory"

// Answers that only a server sends.
const (
	BindResponse     Op = 0x61
	ModifyDNResponse Op = 0x6d
	CompareResponse  Op = 0x6f
)

// AppendResult appends the answer that ends an operation (RFC 4511 §4.1.9): any but
// an extended one.
func AppendResult(dst []byte, id int32, op Op, result Result, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, byte(op))
		return end(appendResult(dst, result), start)
	})
}

func appendResult(dst []byte, result Result) []byte {
	dst = appendInteger(dst, tagEnumerated, int32(result.Code))
	dst = appendString(dst, tagString, result.MatchedDN)
	dst = appendString(dst, tagString, result.Diagnostic)
	if len(result.Referrals) == 0 {
		return dst
	}
	dst, start := begin(dst, tagReferral)
	for _, url := range result.Referrals {
		dst = appendString(dst, tagString, url)
	}
	return end(dst, start)
}

// AppendExtendedResult appends the answer to an extended request (RFC 4511 §4.12). An
// empty name is none; an empty value is one only when hasValue says so.
func AppendExtendedResult(dst []byte, id int32, result Result, name, value string, hasValue bool, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, byte(ExtendedResponse))
		dst = appendResult(dst, result)
		if name != "" {
			dst = appendString(dst, 0x8a, name)
		}
		if hasValue || value != "" {
			dst = appendString(dst, 0x8b, value)
		}
		return end(dst, start)
	})
}

// AppendDisconnection appends the notice that the server ends the connection
// (RFC 4511 §4.4.1).
func AppendDisconnection(dst []byte, code int, diagnostic string) []byte {
	return AppendExtendedResult(dst, 0, Result{Code: code, Diagnostic: diagnostic}, OIDDisconnection, "", false)
}

// AppendEntry appends an entry that a search found (RFC 4511 §4.5.2). The controls that
// go with it are given, and not those of the entry.
func AppendEntry(dst []byte, id int32, entry *directory.Entry, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte { return appendEntry(dst, entry) })
}

func appendEntry(dst []byte, entry *directory.Entry) []byte {
	dst, start := begin(dst, tagSearchResultEntry)
	dst = appendString(dst, tagString, entry.DN)
	dst, list := begin(dst, tagSequence)
	for i := range entry.Attributes {
		dst = appendAttribute(dst, entry.Attributes[i].Name, entry.Attributes[i].Values)
	}
	return end(end(dst, list), start)
}

// AppendReference appends a continuation reference (RFC 4511 §4.5.3).
func AppendReference(dst []byte, id int32, urls ...string) []byte {
	return message(dst, id, nil, func(dst []byte) []byte {
		dst, start := begin(dst, byte(SearchResultReference))
		for _, url := range urls {
			dst = appendString(dst, tagString, url)
		}
		return end(dst, start)
	})
}

// PagingResult ends a page (RFC 2696 §3): an estimate of the whole, 0 for none, and
// the cookie of the next page, "" at the end of the result.
func PagingResult(estimate int32, cookie string) Control { return Paging(estimate, cookie, false) }

// SortResult tells how the sort of a search ended (RFC 2891 §1.2): a result code, and
// the attribute at fault, "" for none.
func SortResult(code int, attribute string) Control {
	return Control{OIDSortResponse, false, func(dst []byte) []byte {
		dst, start := begin(dst, tagSequence)
		dst = appendInteger(dst, tagEnumerated, int32(code))
		if attribute != "" {
			dst = appendString(dst, 0x80, attribute)
		}
		return end(dst, start)
	}}
}

// ViewResponse tells which part of a sorted result came, and how that ended
// (draft-ietf-ldapext-ldapv3-vlv-09 §3.2).
func ViewResponse(view directory.ViewResult, code int) Control {
	return Control{OIDViewResponse, false, func(dst []byte) []byte {
		dst, start := begin(dst, tagSequence)
		dst = appendInteger(dst, tagInteger, clamp(view.Position))
		dst = appendInteger(dst, tagInteger, clamp(view.Count))
		dst = appendInteger(dst, tagEnumerated, clamp(code))
		if view.Context != "" {
			dst = appendString(dst, tagString, view.Context)
		}
		return end(dst, start)
	}}
}

// PreReadResult and PostReadResult carry the entry before and after a change (RFC 4527 §3).
func PreReadResult(entry *directory.Entry) Control { return entryControl(OIDPreRead, entry) }

// PostReadResult is as PreReadResult.
func PostReadResult(entry *directory.Entry) Control { return entryControl(OIDPostRead, entry) }

func entryControl(oid string, entry *directory.Entry) Control {
	return Control{oid, false, func(dst []byte) []byte { return appendEntry(dst, entry) }}
}

// PasswordPolicyResult tells what a policy has to say
// (draft-behera-ldap-password-policy §6.2).
func PasswordPolicyResult(answer PolicyAnswer) Control {
	return Control{OIDPasswordPolicy, false, func(dst []byte) []byte {
		dst, start := begin(dst, tagSequence)
		if answer.HasExpiry || answer.HasGrace {
			var warning int
			dst, warning = begin(dst, tagPolicyWarning)
			if answer.HasExpiry {
				dst = appendInteger(dst, tagPolicyExpiry, answer.Expires)
			} else {
				dst = appendInteger(dst, tagPolicyGrace, answer.Grace)
			}
			dst = end(dst, warning)
		}
		if answer.Error != NoPolicyError {
			dst = appendInteger(dst, tagPolicyErrorEnumerated, int32(answer.Error))
		}
		return end(dst, start)
	}}
}

// GeneratedPassword is the value of the answer that names the password that the server
// made (RFC 3062 §2).
func GeneratedPassword(password string) string {
	dst, start := begin(nil, tagSequence)
	return string(end(appendString(dst, 0x80, password), start))
}
