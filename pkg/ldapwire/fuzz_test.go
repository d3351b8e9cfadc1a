package ldapwire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// FuzzReader reads any bytes, and decodes each message as everything: the outcome is a
// value or ErrMalformed, and never more values than there were octets.
func FuzzReader(f *testing.F) {
	done := element(0x65, resultBody(0, "", "")...)
	f.Add(message(1, element(0x64, entryBody("dc=b", person()...)...)))
	f.Add(message(2, done, control(ldapwire.OIDPaging, "\x30\x06\x02\x01\x00\x04\x01c")))
	f.Add(message(3, done, control(ldapwire.OIDPostRead, "\x64\x08\x04\x04dc=b\x30\x00")))
	f.Add(message(4, element(0x78, resultBody(0, "", "", octets(0x8b, "dn:x"))...)))
	f.Add([]byte("\x30\x80\x02\x01\x01\x65\x00\x00\x00"))
	f.Add([]byte("\x30\x84\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		reader := ldapwire.NewReader(bytes.NewReader(stream), limit)
		for {
			m, err := reader.Read()
			if err != nil {
				if m != nil || err != io.EOF && err != io.ErrUnexpectedEOF && !errors.Is(err, ldapwire.ErrMalformed) { //nolint:errorlint // They are promised as they are.
					t.Fatalf("%v, %v", m, err)
				}
				return
			}
			decodeAll(t, m, len(stream))
		}
	})
}

func decodeAll(t *testing.T, m *ldapwire.Message, octets int) {
	t.Helper()
	if m.ID < 0 || m.Len() > octets {
		t.Errorf("id %d, %d octets of %d", m.ID, m.Len(), octets)
	}
	check := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, ldapwire.ErrMalformed) {
			t.Error(err)
		}
	}
	measure := func(entry *directory.Entry, err error) {
		t.Helper()
		check(err)
		if entry == nil {
			return
		}
		total := len(entry.DN)
		for _, attribute := range entry.Attributes {
			total += len(attribute.Name)
			for _, value := range attribute.Values {
				total += len(value)
			}
		}
		if total > octets {
			t.Errorf("an entry of %d octets from %d", total, octets)
		}
	}
	measure(m.Entry())
	measure(m.ReadEntry())
	_, err := m.Result()
	check(err)
	_, err = m.ExtendedValue()
	check(err)
	_, _, err = m.PagingCookie()
	check(err)
}

// FuzzEntry writes entries with an independent encoder, and reads them again.
func FuzzEntry(f *testing.F) {
	f.Add(int32(1), "dc=b", "cn", "a", "b", "sn", uint8(3))
	f.Add(int32(1<<31-1), "", "", "\x00\xff", "", "x", uint8(200))
	f.Fuzz(func(t *testing.T, id int32, dn, first, one, two, second string, repeat uint8) {
		if id < 0 {
			id = -(id + 1)
		}
		attributes := []directory.Attribute{{Name: first, Values: []string{one, two}}, {Name: second, Values: []string{}}, {Name: first, Values: []string{two}}}
		for range repeat {
			attributes[1].Values = append(attributes[1].Values, one)
		}
		m := readOne(t, message(int64(id), element(0x64, entryBody(dn, attributes...)...)))
		got, err := m.Entry()
		if diff := cmp.Diff(&directory.Entry{DN: dn, Attributes: attributes}, got); diff != "" || err != nil || m.ID != id {
			t.Errorf("id %d, %v, %s", m.ID, err, diff)
		}
	})
}
