package ldapwire

import "github.com/rest2ldap/rest2ldap/pkg/directory"

// OIDs of controls.
const (
	// OIDPaging is simple paging (RFC 2696).
	OIDPaging = "1.2.840.113556.1.4.319"
	// OIDProxiedAuthorization is proxied authorization (RFC 4370).
	OIDProxiedAuthorization = "2.16.840.1.113730.3.4.18"
	// OIDProxiedAuthorizationV1 is the same in its first version, which nobody should use
	// any more (draft-weltman-ldapv3-proxy).
	OIDProxiedAuthorizationV1 = "2.16.840.1.113730.3.4.12"
	// OIDAssertion is the assertion control (RFC 4528).
	OIDAssertion = "1.3.6.1.1.12"
	// OIDPreRead and OIDPostRead are the read entry controls (RFC 4527).
	OIDPreRead  = "1.3.6.1.1.13.1"
	OIDPostRead = "1.3.6.1.1.13.2"
	// OIDSort is server-side sorting (RFC 2891).
	OIDSort = "1.2.840.113556.1.4.473"
	// OIDPermissiveModify lets changes that change nothing succeed.
	OIDPermissiveModify = "1.2.840.113556.1.4.1413"
	// OIDSortResponse is the answer to OIDSort.
	OIDSortResponse = "1.2.840.113556.1.4.474"
	// OIDView and OIDViewResponse are for parts of sorted results
	// (draft-ietf-ldapext-ldapv3-vlv).
	OIDView         = "2.16.840.1.113730.3.4.9"
	OIDViewResponse = "2.16.840.1.113730.3.4.10"
	// OIDReturnValues leaves values out of a result (RFC 3876).
	OIDReturnValues = "1.2.826.0.1.3344810.2.3"
	// OIDOriginal refuses copies (RFC 6171).
	OIDOriginal = "1.3.6.1.1.22"
	// OIDSubtreeDelete deletes all below an entry with it.
	OIDSubtreeDelete = "1.2.840.113556.1.4.805"
	// OIDRelax takes what only the server's own rules forbid (draft-zeilenga-ldap-relax).
	OIDRelax = "1.3.6.1.4.1.4203.666.5.12"
	// OIDNoOp is OpenLDAP's control for changes that are tried and not made, and
	// OIDNoOpDraft that of draft-zeilenga-ldap-noop, which other servers have.
	OIDNoOp      = "1.3.6.1.4.1.4203.666.5.2"
	OIDNoOpDraft = "1.3.6.1.4.1.4203.1.10.2"
	// OIDUsability tells whether an account can be used.
	OIDUsability = "1.3.6.1.4.1.42.2.27.9.5.8"
	// OIDTransactionID has the server log the id of a client's transaction.
	OIDTransactionID = "1.3.6.1.4.1.36733.2.1.5.1"
	// OIDWhoAmI is the extended operation "Who am I?" (RFC 4532).
	OIDWhoAmI = "1.3.6.1.4.1.4203.1.11.3"
	// OIDCancel is the extended operation that gives up another (RFC 3909).
	OIDCancel = "1.3.6.1.1.8"
	// OIDTransactionStart and OIDTransactionEnd are those of transactions (RFC 5805).
	OIDTransactionStart = "1.3.6.1.1.21.1"
	OIDTransactionEnd   = "1.3.6.1.1.21.3"
)

// Control goes with a message (RFC 4511 §4.1.11). The zero Control is none.
type Control struct {
	oid      string
	critical bool
	// append appends the value; nil is no value.
	append func(dst []byte) []byte
}

// Raw is a control as it is.
func Raw(c directory.Control) Control {
	if !c.HasValue {
		return Control{oid: c.OID, critical: c.Critical}
	}
	return Control{c.OID, c.Critical, func(dst []byte) []byte { return append(dst, c.Value...) }}
}

// ProxiedAuthorization makes a request run as somebody else. It is critical, as RFC
// 4370 §3 demands; an empty identity is anonymous.
func ProxiedAuthorization(authzID string) Control {
	return Control{OIDProxiedAuthorization, true, func(dst []byte) []byte { return append(dst, authzID...) }}
}

// Paging asks for the next page of a result (RFC 2696 §2).
func Paging(size int32, cookie string, critical bool) Control {
	return Control{OIDPaging, critical, func(dst []byte) []byte {
		dst, start := begin(dst, tagSequence)
		dst = appendInteger(dst, tagInteger, size)
		dst = appendString(dst, tagString, cookie)
		return end(dst, start)
	}}
}

// Sort has the server sort a result (RFC 2891 §1.1). It is critical: a result in another
// order would look like a sorted one.
func Sort(keys []directory.SortKey) Control {
	return Control{OIDSort, true, func(dst []byte) []byte {
		dst, list := begin(dst, tagSequence)
		for _, key := range keys {
			var start int
			dst, start = begin(dst, tagSequence)
			dst = appendString(dst, tagString, key.Attribute)
			if key.Rule != "" {
				dst = appendString(dst, 0x80, key.Rule)
			}
			if key.Reverse {
				dst = appendBoolean(dst, 0x81, true)
			}
			dst = end(dst, start)
		}
		return end(dst, list)
	}}
}

// Assertion makes a change depend on a filter. It is critical.
func Assertion(filter *directory.Filter) Control {
	return Control{OIDAssertion, true, func(dst []byte) []byte { return AppendFilter(dst, filter) }}
}

// PreRead and PostRead ask for the entry before and after a change (RFC 4527 §3).
func PreRead(attributes []string, critical bool) Control {
	return readEntry(OIDPreRead, attributes, critical)
}

// PostRead is as PreRead.
func PostRead(attributes []string, critical bool) Control {
	return readEntry(OIDPostRead, attributes, critical)
}

func readEntry(oid string, attributes []string, critical bool) Control {
	return Control{oid, critical, func(dst []byte) []byte { return appendNames(dst, attributes) }}
}

// PermissiveModify lets the addition of a present value and the deletion of an
// absent one succeed. It is critical: without it the change means something else.
func PermissiveModify() Control { return Control{oid: OIDPermissiveModify, critical: true} }

// View asks for a part of a sorted result (draft-ietf-ldapext-ldapv3-vlv-09 §3.1). It is
// critical: without it all of the result would come.
func View(v *directory.View) Control {
	return Control{OIDView, true, func(dst []byte) []byte {
		dst, start := begin(dst, tagSequence)
		dst = appendInteger(dst, tagInteger, clamp(v.Before))
		dst = appendInteger(dst, tagInteger, clamp(v.After))
		if v.Offset > 0 {
			var offset int
			dst, offset = begin(dst, tagByOffset)
			dst = appendInteger(dst, tagInteger, clamp(v.Offset))
			dst = end(appendInteger(dst, tagInteger, clamp(v.Count)), offset)
		} else {
			dst = appendString(dst, tagByValue, v.Value)
		}
		if v.Context != "" {
			dst = appendString(dst, tagString, v.Context)
		}
		return end(dst, start)
	}}
}

// Tags of the target of a View.
const (
	tagByOffset = 0xa0
	tagByValue  = 0x81
)

// clamp is n as far as the protocol counts (maxInt, RFC 4511 §4.1.1).
func clamp(n int) int32 { return int32(max(0, min(n, 1<<31-1))) }

// ReturnValues leaves out the values that none of the filters matches (RFC 3876 §2), which
// are single comparisons. It is critical: nobody could tell from the answer.
func ReturnValues(filters []directory.Filter) Control {
	return Control{OIDReturnValues, true, func(dst []byte) []byte {
		dst, start := begin(dst, tagSequence)
		for i := range filters {
			dst = AppendFilter(dst, &filters[i])
		}
		return end(dst, start)
	}}
}

// Original has only a server answer that holds the entries themselves (RFC 6171 §2). It is
// critical.
func Original() Control { return Control{oid: OIDOriginal, critical: true} }

// SubtreeDelete deletes all below an entry with it. It is critical.
func SubtreeDelete() Control { return Control{oid: OIDSubtreeDelete, critical: true} }

// Relax has the server take what only its own rules forbid. It is critical
// (draft-zeilenga-ldap-relax-03 §3).
func Relax() Control { return Control{oid: OIDRelax, critical: true} }

// NoOp has a change tried and not made, by the control that the server has: OIDNoOp or
// OIDNoOpDraft. It is critical: without it the change would be made.
func NoOp(oid string) Control { return Control{oid: oid, critical: true} }

// NoOperation is the result code of a change that would have been made, but for NoOp
// (draft-zeilenga-ldap-noop-12 §3).
const NoOperation = 16654

// Usability asks whether the accounts that are found can be used; not critical.
func Usability() Control { return Control{oid: OIDUsability} }

// TransactionID names the transaction that a request belongs to; not critical.
func TransactionID(id string) Control {
	return Control{OIDTransactionID, false, func(dst []byte) []byte { return append(dst, id...) }}
}

// Encoded returns the control as it goes over the wire.
func (c Control) Encoded() directory.Control {
	encoded := directory.Control{OID: c.oid, Critical: c.critical, HasValue: c.append != nil}
	if c.append != nil {
		encoded.Value = string(c.append(nil))
	}
	return encoded
}

// OID returns the control's name.
func (c Control) OID() string { return c.oid }

// IsCritical reports whether a server that does not have the control has to refuse.
func (c Control) IsCritical() bool { return c.critical }

const tagControls = 0xa0

func appendControls(dst []byte, controls []Control) []byte {
	if len(controls) == 0 {
		return dst
	}
	dst, list := begin(dst, tagControls)
	for _, control := range controls {
		var start int
		dst, start = begin(dst, tagSequence)
		dst = appendString(dst, tagString, control.oid)
		if control.critical {
			dst = appendBoolean(dst, tagBoolean, true)
		}
		if control.append != nil {
			var value int
			dst, value = begin(dst, tagString)
			dst = end(control.append(dst), value)
		}
		dst = end(dst, start)
	}
	return end(dst, list)
}

// control finds the value of a response control.
func (m *Message) control(oid string) (reader, bool, error) {
	controls := m.controls
	for len(controls) > 0 {
		control, err := controls.expect(tagSequence)
		if err != nil {
			return "", false, err
		}
		name, err := control.text()
		if err != nil {
			return "", false, err
		}
		if name != oid {
			continue
		}
		if control.peek() == tagBoolean {
			if _, err := control.expect(tagBoolean); err != nil {
				return "", false, err
			}
		}
		value, err := control.expect(tagString)
		return value, true, err
	}
	return "", false, nil
}

// PagingCookie returns the cookie of the next page, "" at the end of the result. It
// reports whether the server paged at all.
func (m *Message) PagingCookie() (cookie string, paged bool, err error) {
	value, found, err := m.control(OIDPaging)
	if err != nil || !found {
		return "", false, err
	}
	if value, err = value.expect(tagSequence); err != nil {
		return "", false, err
	}
	if _, err = value.expect(tagInteger); err != nil { // an estimate of the size
		return "", false, err
	}
	cookie, err = value.text()
	return cookie, true, err
}

// SortResult returns how the sort of a search ended (RFC 2891 §1.2): a result code, and the
// attribute at fault, "" for none. It reports false when the server says nothing about it.
func (m *Message) SortResult() (code int, attribute string, sorted bool, err error) {
	value, found, err := m.control(OIDSortResponse)
	if err != nil || !found {
		return 0, "", false, err
	}
	list := scan{rest: value}
	s := list.within(tagSequence)
	code = s.integer(tagEnumerated)
	if s.has(0x80) {
		attribute = string(s.contents(0x80))
	}
	return code, attribute, true, s.err
}

// View returns which part of a sorted result came, and the result code of the control
// (draft-ietf-ldapext-ldapv3-vlv-09 §3.2); nil when the server says nothing about it.
func (m *Message) View() (view *directory.ViewResult, code int, err error) {
	value, found, err := m.control(OIDViewResponse)
	if err != nil || !found {
		return nil, 0, err
	}
	list := scan{rest: value}
	s := list.within(tagSequence)
	view = &directory.ViewResult{Position: s.integer(tagInteger), Count: s.integer(tagInteger)}
	code = s.integer(tagEnumerated)
	if s.has(tagString) {
		view.Context = s.text()
	}
	if s.err != nil {
		return nil, 0, s.err
	}
	return view, code, nil
}

// ReadEntry returns the entry of a read entry response control, nil when there is none.
func (m *Message) ReadEntry() (*directory.Entry, error) {
	for _, oid := range []string{OIDPostRead, OIDPreRead} {
		value, found, err := m.control(oid)
		if err != nil {
			return nil, err
		}
		if found {
			contents, err := value.next2(tagSearchResultEntry, tagSequence)
			if err != nil {
				return nil, err
			}
			return decodeEntry(contents, nil)
		}
	}
	return nil, nil //nolint:nilnil // No entry came back, and nothing went wrong.
}

// next2 takes an element that has either tag: RFC 4527 §3.1 wraps a
// SearchResultEntry, which some servers tag as a plain sequence.
func (r *reader) next2(a, b byte) (reader, error) {
	tag, contents, err := r.next()
	if err == nil && tag != a && tag != b {
		err = malformed("tag %#x where %#x belongs", tag, a)
	}
	return contents, err
}
