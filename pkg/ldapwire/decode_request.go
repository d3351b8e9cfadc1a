package ldapwire

import "github.com/rest2ldap/rest2ldap/pkg/directory"

// scan takes elements off the front of encoded contents as reader does, and
// remembers the first error; after that it returns nothing more.
type scan struct {
	rest reader
	err  error
}

func (s *scan) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.rest = ""
}

func (s *scan) contents(tag byte) reader {
	if s.err != nil {
		return ""
	}
	contents, err := s.rest.expect(tag)
	if err != nil {
		s.fail(err)
	}
	return contents
}

// within scans the contents of the next element.
func (s *scan) within(tag byte) scan {
	contents := s.contents(tag)
	return scan{rest: contents, err: s.err}
}

func (s *scan) text() string { return string(s.contents(tagString)) }

func (s *scan) integer(tag byte) int {
	if s.err != nil {
		return 0
	}
	n, err := s.rest.integer(tag)
	if err != nil {
		s.fail(err)
	}
	return int(n)
}

func (s *scan) boolean(tag byte) bool {
	contents := s.contents(tag)
	if s.err == nil && len(contents) != 1 {
		s.fail(malformed("a boolean has %d octets", len(contents)))
	}
	return s.err == nil && contents[0] != 0
}

// list takes a list, and calls each for every element in it, which must have the tag.
func (s *scan) list(tag, element byte, each func(contents reader) error) {
	list := s.contents(tag)
	for s.err == nil && len(list) > 0 {
		contents, err := list.expect(element)
		if err == nil {
			err = each(contents)
		}
		if err != nil {
			s.fail(err)
		}
	}
}

// texts takes a list of octet strings.
func (s *scan) texts(tag byte) []string {
	var all []string
	s.list(tag, tagString, func(contents reader) error {
		all = append(all, string(contents))
		return nil
	})
	return all
}

// has tells whether the next element has the tag.
func (s *scan) has(tag byte) bool { return s.rest.peek() == tag }

// Elements that follow the ones of a request are passed over everywhere, as RFC 4511
// §4 asks for with "extensibility implied".

// Bind decodes a bind request.
func (m *Message) Bind() (*Bind, error) {
	s := scan{rest: m.body}
	b := &Bind{Version: s.integer(tagInteger), DN: s.text()}
	if s.err == nil && s.has(tagSASL) {
		sasl := s.within(tagSASL)
		b.Mechanism = sasl.text()
		if sasl.has(tagString) {
			b.Credentials = sasl.text()
		}
		if sasl.err == nil && b.Mechanism == "" {
			return nil, malformed("a SASL mechanism has no name")
		}
		return b, sasl.err
	}
	if s.err == nil && len(s.rest) > 0 && !s.has(tagSimple) {
		b.Unknown = true
		return b, nil
	}
	b.Credentials = string(s.contents(tagSimple))
	return b, s.err
}

const (
	tagSimple = 0x80
	tagSASL   = 0xa3
)

// Search decodes a search request. A part of its filter that is well-formed and has no
// meaning is an extensible match with neither attribute nor rule. The error wraps ErrFilter
// when the filter is too large.
func (m *Message) Search() (*Search, error) {
	s := scan{rest: m.body}
	q := &Search{
		Base: s.text(), Scope: s.integer(tagEnumerated), Deref: s.integer(tagEnumerated),
		SizeLimit: s.integer(tagInteger), TimeLimit: s.integer(tagInteger), TypesOnly: s.boolean(tagBoolean),
	}
	if s.err != nil {
		return nil, s.err
	}
	filter, err := s.rest.filter()
	if err != nil {
		return nil, err
	}
	q.Filter, q.Attributes = filter, s.texts(tagSequence)
	return q, s.err
}

// Modify decodes a modify request.
func (m *Message) Modify() (*Modify, error) {
	s := scan{rest: m.body}
	q := &Modify{DN: s.text()}
	s.list(tagSequence, tagSequence, func(contents reader) error {
		s := scan{rest: contents}
		op := s.integer(tagEnumerated)
		attribute := s.within(tagSequence)
		q.Changes = append(q.Changes, directory.Change{Op: directory.ChangeOp(op), Attribute: attribute.text(), Values: attribute.texts(tagSet)})
		return attribute.err
	})
	return q, s.err
}

// Add decodes an add request.
func (m *Message) Add() (*Add, error) {
	s := scan{rest: m.body}
	q := &Add{DN: s.text()}
	s.list(tagSequence, tagSequence, func(contents reader) error {
		s := scan{rest: contents}
		q.Attributes = append(q.Attributes, directory.Attribute{Name: s.text(), Values: s.texts(tagSet)})
		return s.err
	})
	return q, s.err
}

// Delete decodes a delete request, which is the name of an entry.
func (m *Message) Delete() string { return string(m.body) }

// ModifyDN decodes a modify DN request.
func (m *Message) ModifyDN() (*ModifyDN, error) {
	s := scan{rest: m.body}
	q := &ModifyDN{DN: s.text(), NewRDN: s.text(), DeleteOldRDN: s.boolean(tagBoolean)}
	if s.has(tagNewSuperior) {
		q.NewSuperior, q.Moves = string(s.contents(tagNewSuperior)), true
	}
	return q, s.err
}

const tagNewSuperior = 0x80

// Compare decodes a compare request.
func (m *Message) Compare() (*Compare, error) {
	s := scan{rest: m.body}
	q := &Compare{DN: s.text()}
	assertion := s.within(tagSequence)
	q.Attribute, q.Value = assertion.text(), assertion.text()
	return q, assertion.err
}

// Abandon decodes an abandon request, which is the message id of an operation.
func (m *Message) Abandon() (int32, error) {
	if len(m.body) == 0 || len(m.body) > 4 {
		return 0, malformed("an id has %d octets", len(m.body))
	}
	return twosComplement(m.body), nil
}

// Extended decodes an extended request.
func (m *Message) Extended() (*Extended, error) {
	s := scan{rest: m.body}
	q := &Extended{OID: string(s.contents(0x80))}
	if s.has(0x81) {
		q.Value, q.HasValue = string(s.contents(0x81)), true
	}
	return q, s.err
}

// PasswordModify is the value of the operation that sets a password (RFC 3062 §2).
type PasswordModify struct {
	// User is whose password it is, "" for that of the caller.
	User, Old, New string
	// HasOld and HasNew tell an empty password from none. Without a new one the server is
	// to make one.
	HasOld, HasNew bool
}

// PasswordModify decodes the value; none at all is the zero value.
func (e *Extended) PasswordModify() (PasswordModify, error) {
	var p PasswordModify
	if !e.HasValue {
		return p, nil
	}
	outer := scan{rest: reader(e.Value)}
	s := outer.within(tagSequence)
	for i, part := range []*string{&p.User, &p.Old, &p.New} {
		if tag := 0x80 | byte(i); s.has(tag) {
			*part = string(s.contents(tag))
			p.HasOld = p.HasOld || part == &p.Old
			p.HasNew = part == &p.New
		}
	}
	if s.err == nil && len(s.rest) > 0 {
		s.fail(malformed("tag %#x in the change of a password", s.rest.peek()))
	}
	return p, s.err
}
