package memdir_test

import (
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// element makes an element that has parts.
func element(tag byte, parts ...*ber.Packet) *ber.Packet {
	p := ber.Encode(ber.Class(tag&0xc0), ber.TypeConstructed, ber.Tag(tag&0x1f), nil, "")
	for _, part := range parts {
		p.AppendChild(part)
	}
	return p
}

// octets makes an element that has contents.
func octets(tag byte, contents string) *ber.Packet {
	p := ber.Encode(ber.Class(tag&0xc0), ber.Type(tag&0x20), ber.Tag(tag&0x1f), nil, "")
	p.Data.WriteString(contents)
	return p
}

func integer(tag byte, n int64) *ber.Packet {
	return ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.Tag(tag), n, "")
}

// message makes a message.
func message(id int64, op *ber.Packet, controls ...*ber.Packet) []byte {
	m := element(0x30, integer(0x02, id), op)
	if len(controls) > 0 {
		m.AppendChild(element(0xa0, controls...))
	}
	return m.Bytes()
}

// control makes a control, without a value unless there is one.
func control(oid string, critical bool, value ...string) *ber.Packet {
	c := element(0x30, octets(0x04, oid))
	if critical {
		c.AppendChild(octets(0x01, "\xff"))
	}
	for _, v := range value {
		c.AppendChild(octets(0x04, v))
	}
	return c
}

func bindRequest(id int64, dn, password string) []byte {
	return message(id, element(0x60, integer(0x02, 3), octets(0x04, dn), octets(0x80, password)))
}

// query is a search for which a test sets what matters.
type query struct {
	base         string
	scope, deref int64
	size, time   int64
	filter       *ber.Packet
	attributes   []string
}

func (q query) packet() *ber.Packet {
	if q.filter == nil {
		q.filter = octets(0x87, "objectClass")
	}
	names := element(0x30)
	for _, name := range q.attributes {
		names.AppendChild(octets(0x04, name))
	}
	return element(0x63, octets(0x04, q.base), integer(0x0a, q.scope), integer(0x0a, q.deref),
		integer(0x02, q.size), integer(0x02, q.time), octets(0x01, "\x00"), q.filter, names)
}

func whoAmI() *ber.Packet { return element(0x77, octets(0x80, ldapwire.OIDWhoAmI)) }

// modify replaces the description of an entry.
func modify(dn string) *ber.Packet {
	return element(0x66, octets(0x04, dn), element(0x30, element(0x30, integer(0x0a, 2), element(0x30, octets(0x04, "description"), element(0x31, octets(0x04, "x"))))))
}

func page(size int64, cookie string) *ber.Packet {
	return control(ldapwire.OIDPaging, true, string(element(0x30, integer(0x02, size), octets(0x04, cookie)).Bytes()))
}

func sortBy(attribute, rule string) string {
	return string(element(0x30, element(0x30, octets(0x04, attribute), octets(0x80, rule))).Bytes())
}

// exchange sends a request and returns how it ended.
func (r *raw) exchange(op *ber.Packet, controls ...*ber.Packet) (ldapwire.Result, int, *ldapwire.Message) {
	r.tb.Helper()
	r.send(message(77, op, controls...))
	return r.result(77)
}

// whoAmI asks as whom the connection acts.
func (r *raw) whoAmI(controls ...*ber.Packet) string {
	r.tb.Helper()
	result, _, m := r.exchange(whoAmI(), controls...)
	value, err := m.ExtendedValue()
	if err != nil || result.Code != 0 {
		r.tb.Fatalf("%+v, %v", result, err)
	}
	return value
}

func wantResult(t *testing.T, got ldapwire.Result, code int, text string) {
	t.Helper()
	if got.Code != code || got.Diagnostic != text {
		t.Errorf("code %d %q, want %d %q", got.Code, got.Diagnostic, code, text)
	}
}
