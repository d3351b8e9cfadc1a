package ldapwire

import "github.com/rest2ldap/rest2ldap/pkg/directory"

// OIDs that only a server needs.
const (
	// OIDManageDsaIT treats referrals as entries (RFC 3296).
	OIDManageDsaIT = "2.16.840.1.113730.3.4.2"
	// OIDPasswordModify is the extended operation that sets a password (RFC 3062).
	OIDPasswordModify = "1.3.6.1.4.1.4203.1.11.1"
	// OIDStartTLS is the extended operation that begins TLS (RFC 4511 §4.14).
	OIDStartTLS = "1.3.6.1.4.1.1466.20037"
	// OIDDisconnection is the notice of disconnection (RFC 4511 §4.4.1).
	OIDDisconnection = "1.3.6.1.4.1.1466.20036"
)

// RequestControl is a control as it came with a message. Its methods decode the
// value of a request; each is for one OID, and answers a value of another kind with ErrMalformed.
type RequestControl struct {
	OID      string
	Critical bool
	Value    string
	// HasValue tells an empty value from none.
	HasValue bool
}

// Controls decodes the controls of a message (RFC 4511 §4.1.11), in their order.
func (m *Message) Controls() ([]RequestControl, error) {
	var all []RequestControl
	controls := m.controls
	for len(controls) > 0 {
		contents, err := controls.expect(tagSequence)
		if err != nil {
			return nil, err
		}
		s := scan{rest: contents}
		control := RequestControl{OID: s.text()}
		if s.has(tagBoolean) {
			control.Critical = s.boolean(tagBoolean)
		}
		if s.has(tagString) {
			control.Value, control.HasValue = s.text(), true
		}
		if s.err == nil && len(s.rest) > 0 {
			s.fail(malformed("tag %#x in a control", s.rest.peek()))
		}
		if s.err != nil {
			return nil, s.err
		}
		all = append(all, control)
	}
	return all, nil
}

// whole takes the only element of the value, a sequence.
func (c *RequestControl) whole() scan {
	if !c.HasValue {
		return scan{err: malformed("control %s has no value", c.OID)}
	}
	s := scan{rest: reader(c.Value)}
	value := s.within(tagSequence)
	if s.err == nil && len(s.rest) > 0 {
		value.fail(malformed("control %s has more than one value", c.OID))
	}
	return value
}

// Paging decodes the size of a page and the cookie of the page before (RFC 2696 §2).
func (c *RequestControl) Paging() (size int, cookie string, err error) {
	s := c.whole()
	size, cookie = s.integer(tagInteger), s.text()
	return size, cookie, s.err
}

// View decodes what part of a sorted result is asked for.
func (c *RequestControl) View() (*directory.View, error) {
	s := c.whole()
	v := &directory.View{Before: s.integer(tagInteger), After: s.integer(tagInteger)}
	if s.err == nil && s.has(tagByOffset) {
		target := s.within(tagByOffset)
		v.Offset, v.Count = target.integer(tagInteger), target.integer(tagInteger)
		if target.err != nil {
			return nil, target.err
		}
	} else {
		v.Value = string(s.contents(tagByValue))
	}
	if s.has(tagString) {
		v.Context = s.text()
	}
	return v, s.err
}

// Filters decodes the filters of ReturnValues; errors are as for Message.Search.
func (c *RequestControl) Filters() ([]directory.Filter, error) {
	s := c.whole()
	var filters []directory.Filter
	for s.err == nil && len(s.rest) > 0 {
		filter, err := s.rest.filter()
		if err != nil {
			return nil, err
		}
		filters = append(filters, filter)
	}
	return filters, s.err
}

// Filter decodes an assertion (RFC 4528 §3); errors are as for Message.Search.
func (c *RequestControl) Filter() (*directory.Filter, error) {
	if !c.HasValue {
		return nil, malformed("control %s has no value", c.OID)
	}
	value := reader(c.Value)
	filter, err := value.filter()
	if err == nil && len(value) > 0 {
		err = malformed("control %s has more than one value", c.OID)
	}
	if err != nil {
		return nil, err
	}
	return &filter, nil
}

// Names decodes the attributes that a read entry control asks for (RFC 4527 §3).
func (c *RequestControl) Names() ([]string, error) {
	s := c.whole()
	var names []string
	for s.err == nil && len(s.rest) > 0 {
		names = append(names, s.text())
	}
	return names, s.err
}

// SortKeys decodes the keys of a sorted search (RFC 2891 §1.1).
func (c *RequestControl) SortKeys() ([]directory.SortKey, error) {
	list := c.whole()
	var keys []directory.SortKey
	for list.err == nil && len(list.rest) > 0 {
		s := list.within(tagSequence)
		key := directory.SortKey{Attribute: s.text()}
		if s.has(0x80) {
			key.Rule = string(s.contents(0x80))
		}
		if s.has(0x81) {
			key.Reverse = s.boolean(0x81)
		}
		if s.err == nil && len(s.rest) > 0 {
			s.fail(malformed("tag %#x in a sort key", s.rest.peek()))
		}
		if s.err != nil {
			return nil, s.err
		}
		keys = append(keys, key)
	}
	return keys, list.err
}
