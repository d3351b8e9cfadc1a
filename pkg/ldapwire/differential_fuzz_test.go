package ldapwire_test

import (
	"bytes"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// FuzzDifferential reads a message with this package and with another library. What both take
// is the same to both: id, operation, result, entry and controls.
//
// They need not take the same. This package refuses what RFC 4511 does not allow in a message,
// and the library, which knows nothing of messages, does not: an indefinite length, a tag of
// several octets, an id that is negative or longer than four octets, a result that has no three
// parts, an entry whose parts have other tags, a control with parts that no control has. The
// library looks into every element, and refuses universal types that hold nonsense where
// nobody asks for them: what this package passes over, such as what comes behind the controls.
func FuzzDifferential(f *testing.F) {
	done := element(0x65, resultBody(0, "dc=b", "text", element(0xa3, octets(0x04, "ldap://a/"), octets(0x04, "ldap://b/")))...)
	f.Add(message(1, element(0x64, entryBody("dc=b", person()...)...)))
	f.Add(message(127, done, control(ldapwire.OIDPaging, "\x30\x06\x02\x01\x00\x04\x01c")))
	f.Add(message(1<<31-1, done))
	f.Add(message(5, element(0x64, entryBody("", directory.Attribute{Name: "a", Values: []string{"\x00", ""}})...), control("1.2.3", "")))
	f.Add(message(6, element(0x78, resultBody(2, "", "", octets(0x8b, "dn:x"))...)))
	f.Add(message(7, done, element(0x30, octets(0x04, "1.2.3"), octets(0x01, "\xff"), octets(0x04, "x")), element(0x30, octets(0x04, "4.5"), octets(0x01, "\x00"))))
	f.Add(message(0, element(0x78, resultBody(52, "", "", octets(0x8a, "1.3.6.1.4.1.1466.20036"))...)))
	f.Add([]byte("\x30\x84\x00\x00\x00\x05\x02\x01\x03\x42\x00"))
	f.Add([]byte("\x30\x81\x07\x02\x83\x00\x00\x01\x03\x42\x00"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		m, err := ldapwire.NewReader(bytes.NewReader(stream), limit).Read()
		if err != nil {
			return
		}
		packet, err := ber.ReadPacket(bytes.NewReader(stream))
		if err != nil {
			return
		}
		parts := packet.Children
		if identifier(packet) != 0x30 || len(parts) < 2 || parts[0].Value != int64(m.ID) || identifier(parts[1]) != byte(m.Op) {
			t.Fatalf("id %d, operation %#x of %x", m.ID, m.Op, stream)
		}
		sameEntry(t, m, parts[1])
		sameResult(t, m, parts[1])
		sameControls(t, m, parts[2:])
	})
}

// identifier is the octet that an element begins with.
func identifier(p *ber.Packet) byte { return byte(p.ClassType) | byte(p.TagType) | byte(p.Tag) }

// part is one of the parts of an element; nil when there are not so many.
func part(p *ber.Packet, i int) *ber.Packet {
	if i >= len(p.Children) {
		return nil
	}
	return p.Children[i]
}

func sameEntry(t *testing.T, m *ldapwire.Message, op *ber.Packet) {
	t.Helper()
	got, err := m.Entry()
	if err != nil || m.Op != ldapwire.SearchResultEntry {
		return
	}
	want := &directory.Entry{DN: op.Children[0].Data.String(), Attributes: []directory.Attribute{}, Controls: got.Controls, Usability: got.Usability}
	for _, attribute := range op.Children[1].Children {
		values := []string{}
		for _, value := range attribute.Children[1].Children {
			values = append(values, value.Data.String())
		}
		want.Attributes = append(want.Attributes, directory.Attribute{Name: attribute.Children[0].Data.String(), Values: values})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entry (-library +ours):\n%s", diff)
	}
}

func sameResult(t *testing.T, m *ldapwire.Message, op *ber.Packet) {
	t.Helper()
	got, err := m.Result()
	if err != nil || op.TagType != ber.TypeConstructed {
		return
	}
	code, ok := op.Children[0].Value.(int64)
	if !ok {
		t.Fatalf("the code is %v", op.Children[0].Value)
	}
	want := ldapwire.Result{Code: int(code), MatchedDN: op.Children[1].Data.String(), Diagnostic: op.Children[2].Data.String()}
	if referrals := part(op, 3); referrals != nil && identifier(referrals) == 0xa3 {
		for _, url := range referrals.Children {
			want.Referrals = append(want.Referrals, url.Data.String())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-library +ours):\n%s", diff)
	}
}

func sameControls(t *testing.T, m *ldapwire.Message, rest []*ber.Packet) {
	t.Helper()
	got, err := m.Controls()
	if err != nil {
		return
	}
	var want []ldapwire.RequestControl
	if len(rest) > 0 && identifier(rest[0]) == 0xa0 {
		for _, sequence := range rest[0].Children {
			control := ldapwire.RequestControl{OID: sequence.Children[0].Data.String()}
			for _, p := range sequence.Children[1:] {
				if identifier(p) == 0x01 {
					control.Critical = p.Value == true
				} else {
					control.Value, control.HasValue = p.Data.String(), true
				}
			}
			want = append(want, control)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("controls (-library +ours):\n%s", diff)
	}
}

// FuzzEquality writes a search for a value of an attribute, whatever they are, and reads it with
// another library: its filter is this one comparison, and nothing comes behind it but what was
// asked for.
func FuzzEquality(f *testing.F) {
	for _, value := range []string{"bjensen", "*", "*)(uid=*", `\2a`, `trailing\`, "\x00", "\xff\xfe", "", ")(|(objectClass=*", "\xa3\x05\x04\x01a\x04\x00"} {
		f.Add("uid", value)
	}
	f.Add("", "")
	f.Add("cn;lang-de", string(make([]byte, 300)))
	f.Fuzz(func(t *testing.T, attribute, value string) {
		req := &directory.SearchRequest{Scope: directory.ScopeSubtree, Filter: directory.Equal(attribute, value), Attributes: []string{"cn"}}
		packet, err := ber.DecodePacketErr(ldapwire.AppendSearch(nil, 7, req))
		if err != nil || len(packet.Children) != 2 || len(packet.Children[1].Children) != 8 {
			t.Fatalf("%v, %v", packet, err)
		}
		filter := packet.Children[1].Children[6]
		if identifier(filter) != 0xa3 || len(filter.Children) != 2 {
			t.Fatalf("filter %#x with %d parts", identifier(filter), len(filter.Children))
		}
		got := []string{filter.Children[0].Data.String(), filter.Children[1].Data.String()}
		if diff := cmp.Diff([]string{attribute, value}, got); diff != "" || identifier(filter.Children[0]) != 0x04 || identifier(filter.Children[1]) != 0x04 {
			t.Error(diff)
		}
		if names := packet.Children[1].Children[7]; len(names.Children) != 1 || names.Children[0].Data.String() != "cn" {
			t.Errorf("attributes %v", names)
		}
	})
}
