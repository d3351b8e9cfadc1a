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

// PreRead and PostRead ask for the entry before and after a change; not critical.
func PreRead(attributes []string) Control { return readEntry(OIDPreRead, attributes) }

// PostRead is as PreRead.
func PostRead(attributes []string) Control { return readEntry(OIDPostRead, attributes) }

func readEntry(oid string, attributes []string) Control {
	return Control{oid, false, func(dst []byte) []byte { return appendNames(dst, attributes) }}
}

// PermissiveModify lets the addition of a present value and the deletion of an
// absent one succeed. It is critical: without it the change means something else.
func PermissiveModify() Control { return Control{oid: OIDPermissiveModify, critical: true} }

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
			return decodeEntry(contents)
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
