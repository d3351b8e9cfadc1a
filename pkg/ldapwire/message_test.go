package ldapwire_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

const limit = 1 << 20

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

// entryBody makes the parts of an entry.
func entryBody(dn string, attributes ...directory.Attribute) []*ber.Packet {
	list := element(0x30)
	for _, attribute := range attributes {
		set := element(0x31)
		for _, value := range attribute.Values {
			set.AppendChild(octets(0x04, value))
		}
		list.AppendChild(element(0x30, octets(0x04, attribute.Name), set))
	}
	return []*ber.Packet{octets(0x04, dn), list}
}

// resultBody makes the parts of a result.
func resultBody(code int64, matched, diagnostic string, more ...*ber.Packet) []*ber.Packet {
	return append([]*ber.Packet{integer(0x0a, code), octets(0x04, matched), octets(0x04, diagnostic)}, more...)
}

// message makes a message.
func message(id int64, op *ber.Packet, controls ...*ber.Packet) []byte {
	m := element(0x30, integer(0x02, id), op)
	if len(controls) > 0 {
		m.AppendChild(element(0xa0, controls...))
	}
	return m.Bytes()
}

func control(oid, value string, critical ...*ber.Packet) *ber.Packet {
	c := element(0x30, octets(0x04, oid))
	for _, p := range critical {
		c.AppendChild(p)
	}
	c.AppendChild(octets(0x04, value))
	return c
}

// readOne reads the only message.
func readOne(tb testing.TB, encoded []byte) *ldapwire.Message {
	tb.Helper()
	reader := ldapwire.NewReader(bytes.NewReader(encoded), limit)
	m, err := reader.Read()
	if err != nil {
		tb.Fatalf("%x: %v", encoded, err)
	}
	if _, err := reader.Read(); err != io.EOF { //nolint:errorlint // It is promised as it is.
		tb.Fatalf("at the end: %v", err)
	}
	return m
}

// person is an entry with what values can be.
func person() []directory.Attribute {
	return []directory.Attribute{
		{Name: "cn", Values: []string{"A", "B", strings.Repeat("x", 300)}},
		{Name: "jpegPhoto;binary", Values: []string{"\x00\xff\xd8"}},
		{Name: "empty", Values: []string{}},
		{Name: "blank", Values: []string{""}},
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	m := readOne(t, message(3, element(0x64, entryBody("uid=a,dc=b", person()...)...)))
	if m.ID != 3 || m.Op != ldapwire.SearchResultEntry {
		t.Errorf("id %d, operation %#x", m.ID, m.Op)
	}
	want := &directory.Entry{DN: "uid=a,dc=b", Attributes: person()}
	for range 2 { // A message may be decoded again.
		got, err := m.Entry()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
	}
	// A value that is added to one attribute does not end up in the next one.
	entry, _ := m.Entry()
	_ = append(entry.Attributes[0].Values, "intruder")
	if diff := cmp.Diff(want, entry); diff != "" {
		t.Error(diff)
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	referrals := element(0xa3, octets(0x04, "ldaps://a/"), octets(0x04, "ldaps://b/"))
	for _, op := range []byte{0x65, 0x67, 0x69, 0x6b, 0x78} {
		m := readOne(t, message(1, element(op, resultBody(10, "dc=b", "go there", referrals)...)))
		got, err := m.Result()
		want := ldapwire.Result{Code: 10, MatchedDN: "dc=b", Diagnostic: "go there", Referrals: []string{"ldaps://a/", "ldaps://b/"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil || m.Op != ldapwire.Op(op) {
			t.Errorf("%#x: %v, %s", m.Op, err, diff)
		}
	}
	for _, code := range boundaries() {
		got, err := readOne(t, message(1, element(0x65, resultBody(int64(code), "", "")...))).Result()
		if err != nil || got.Code != int(code) {
			t.Errorf("code %d came out as %d, %v", code, got.Code, err)
		}
	}
}

func TestExtendedValue(t *testing.T) {
	t.Parallel()
	for want, more := range map[string][]*ber.Packet{
		"":     nil,
		"dn:x": {octets(0x8a, "1.2.3"), octets(0x8b, "dn:x")},
		"u:x":  {element(0xa3, octets(0x04, "ldaps://a/")), octets(0x8b, "u:x")},
	} {
		got, err := readOne(t, message(1, element(0x78, resultBody(0, "", "", more...)...))).ExtendedValue()
		if got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestPagingCookie(t *testing.T) {
	t.Parallel()
	done := element(0x65, resultBody(0, "", "")...)
	value := func(cookie string) string {
		return string(element(0x30, integer(0x02, 7), octets(0x04, cookie)).Bytes())
	}
	other := control("1.2.3", "x", octets(0x01, "\xff"))
	for _, test := range []struct {
		name     string
		controls []*ber.Packet
		cookie   string
		paged    bool
	}{
		{"None", nil, "", false},
		{"Other", []*ber.Packet{other}, "", false},
		{"Last", []*ber.Packet{control(ldapwire.OIDPaging, value(""))}, "", true},
		{"AfterAnother", []*ber.Packet{other, control(ldapwire.OIDPaging, value("\x00c\xff"))}, "\x00c\xff", true},
		{"WithCriticality", []*ber.Packet{control(ldapwire.OIDPaging, value("c"), octets(0x01, "\x00"))}, "c", true},
	} {
		cookie, paged, err := readOne(t, message(1, done, test.controls...)).PagingCookie()
		if cookie != test.cookie || paged != test.paged || err != nil {
			t.Errorf("%s: %q, %t, %v", test.name, cookie, paged, err)
		}
	}
	for name, bad := range map[string]*ber.Packet{
		"NoElement": control(ldapwire.OIDPaging, "c"), "Empty": control(ldapwire.OIDPaging, ""),
		"NoCookie": control(ldapwire.OIDPaging, string(element(0x30, integer(0x02, 7)).Bytes())),
		"NoValue":  element(0x30, octets(0x04, ldapwire.OIDPaging)),
		"NoName":   element(0x30), "NoSequence": octets(0x04, "x"),
	} {
		if cookie, _, err := readOne(t, message(1, done, bad)).PagingCookie(); !errors.Is(err, ldapwire.ErrMalformed) || cookie != "" {
			t.Errorf("%s: %q, %v", name, cookie, err)
		}
	}
}

func TestReadEntry(t *testing.T) {
	t.Parallel()
	done := element(0x67, resultBody(0, "", "")...)
	cn := directory.Attribute{Name: "cn", Values: []string{"x"}}
	for _, test := range []struct {
		name string
		oid  string
		tag  byte
	}{{"PostRead", ldapwire.OIDPostRead, 0x64}, {"PreRead", ldapwire.OIDPreRead, 0x64}, {"PlainSequence", ldapwire.OIDPostRead, 0x30}} {
		value := string(element(test.tag, entryBody("dc=b", cn)...).Bytes())
		got, err := readOne(t, message(1, done, control("1.2.3", "x"), control(test.oid, value))).ReadEntry()
		if diff := cmp.Diff(&directory.Entry{DN: "dc=b", Attributes: []directory.Attribute{cn}}, got); diff != "" || err != nil {
			t.Errorf("%s: %v, %s", test.name, err, diff)
		}
		for i := range value {
			if got, err := readOne(t, message(1, done, control(test.oid, value[:i]))).ReadEntry(); !errors.Is(err, ldapwire.ErrMalformed) {
				t.Errorf("%s, cut after %d octets: %v, %v", test.name, i, got, err)
			}
		}
	}
	if got, err := readOne(t, message(1, done)).ReadEntry(); got != nil || err != nil {
		t.Errorf("none: %v, %v", got, err)
	}
}

// TestTruncated cuts a stream at every octet: between messages that is its end, within
// one it is not.
func TestTruncated(t *testing.T) {
	t.Parallel()
	encoded := message(3, element(0x64, entryBody("uid=a,dc=b", person()...)...), control("1.2.3", "x"))
	for i := range encoded {
		want := io.ErrUnexpectedEOF
		if i == 0 {
			want = io.EOF
		}
		m, err := ldapwire.NewReader(bytes.NewReader(encoded[:i]), limit).Read()
		if m != nil || err != want { //nolint:errorlint // They are promised as they are.
			t.Errorf("after %d octets: %v, %v", i, m, err)
		}
	}
}

// TestTruncatedBody cuts what is within a message whose own length is right.
func TestTruncatedBody(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		op     byte
		parts  []*ber.Packet
		decode func(*ldapwire.Message) error
	}{
		"Entry":    {0x64, entryBody("uid=a,dc=b", person()...), func(m *ldapwire.Message) error { _, err := m.Entry(); return err }},
		"Result":   {0x65, resultBody(0, "dc=b", "d"), func(m *ldapwire.Message) error { _, err := m.Result(); return err }},
		"Extended": {0x78, resultBody(0, "dc=b", "d"), func(m *ldapwire.Message) error { _, err := m.ExtendedValue(); return err }},
	} {
		body := element(test.op, test.parts...).Data.String()
		if err := test.decode(readOne(t, message(1, octets(test.op, body)))); err != nil {
			t.Errorf("%s as a whole: %v", name, err)
		}
		for i := range body {
			if err := test.decode(readOne(t, message(1, octets(test.op, body[:i])))); !errors.Is(err, ldapwire.ErrMalformed) {
				t.Errorf("%s after %d octets: %v", name, i, err)
			}
		}
	}
}

// TestMalformed are bytes that are no messages.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for name, encoded := range map[string]string{
		"BadTag":              "\x31\x03\x02\x01\x01",
		"HTTP":                "HTTP/1.1 400 Bad Request\r\n\r\n",
		"IndefiniteLength":    "\x30\x80\x02\x01\x01\x65\x00\x00\x00",
		"LengthOfFiveOctets":  "\x30\x85\x00\x00\x00\x00\x05\x02\x01\x01\x65\x00",
		"LengthOf127Octets":   "\x30\xff" + strings.Repeat("\x00", 127),
		"LengthOver2GiB":      "\x30\x84\x80\x00\x00\x00",
		"LengthOf4GiB":        "\x30\x84\xff\xff\xff\xff",
		"Empty":               "\x30\x00",
		"NoOperation":         "\x30\x03\x02\x01\x01",
		"NoID":                "\x30\x02\x65\x00",
		"IDOfNoOctets":        "\x30\x04\x02\x00\x65\x00",
		"IDOfFiveOctets":      "\x30\x09\x02\x05\x00\x00\x00\x00\x01\x65\x00",
		"NegativeID":          "\x30\x05\x02\x01\xff\x65\x00",
		"OperationTooLong":    "\x30\x05\x02\x01\x01\x65\x01",
		"OperationIndefinite": "\x30\x07\x02\x01\x01\x65\x80\x00\x00",
		"OperationMultiTag":   "\x30\x06\x02\x01\x01\x7f\x65\x00",
		"ControlsTooLong":     "\x30\x07\x02\x01\x01\x65\x00\xa0\x01",
		"LengthCutOff":        "\x30\x06\x02\x01\x01\x65\x82\x00",
	} {
		m, err := ldapwire.NewReader(strings.NewReader(encoded), limit).Read()
		if m != nil || !errors.Is(err, ldapwire.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// TestMalformedBody are bodies that are not what their tag says.
func TestMalformedBody(t *testing.T) {
	t.Parallel()
	cn := octets(0x04, "cn")
	for name, parts := range map[string][]*ber.Packet{
		"NameOfWrongType":  {integer(0x02, 1), element(0x30)},
		"ListIsSet":        {octets(0x04, "dc=b"), element(0x31)},
		"AttributeIsText":  {octets(0x04, "dc=b"), element(0x30, cn)},
		"ValuesInSequence": {octets(0x04, "dc=b"), element(0x30, element(0x30, cn, element(0x30)))},
		"NoValues":         {octets(0x04, "dc=b"), element(0x30, element(0x30, cn))},
		"ValueIsInteger":   {octets(0x04, "dc=b"), element(0x30, element(0x30, cn, element(0x31, integer(0x02, 1))))},
		"AttributeIsSet":   {octets(0x04, "dc=b"), element(0x30, element(0x31, cn, element(0x31)))},
	} {
		if entry, err := readOne(t, message(1, element(0x64, parts...))).Entry(); entry != nil || !errors.Is(err, ldapwire.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, entry, err)
		}
	}
	for name, parts := range map[string][]*ber.Packet{
		"CodeIsInteger":   {integer(0x02, 0), cn, cn},
		"CodeOfNoOctets":  {octets(0x0a, ""), cn, cn},
		"CodeOfFive":      {octets(0x0a, "\x00\x00\x00\x00\x00"), cn, cn},
		"MatchedIsSet":    {integer(0x0a, 0), element(0x31), cn},
		"ReferralIsEmpty": {integer(0x0a, 10), cn, cn, octets(0xa3, "\x04")},
	} {
		got, err := readOne(t, message(1, element(0x65, parts...))).Result()
		if diff := cmp.Diff(ldapwire.Result{}, got); diff != "" || !errors.Is(err, ldapwire.ErrMalformed) {
			t.Errorf("%s: %v, %s", name, err, diff)
		}
	}
}

// TestLimit checks the longest message, and that a length alone is refused before
// anything of the message comes.
func TestLimit(t *testing.T) {
	t.Parallel()
	encoded := message(1, octets(0x65, strings.Repeat("x", 3<<20)))
	contents := len(encoded) - 5
	if m, err := ldapwire.NewReader(bytes.NewReader(encoded), contents).Read(); err != nil || m.Len() != 3<<20 {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := ldapwire.NewReader(bytes.NewReader(encoded[:6]), contents-1).Read(); !errors.Is(err, ldapwire.ErrMalformed) {
		t.Errorf("beyond the limit: %v", err)
	}
}

// TestLengthCostsNothing checks that a length alone does not make the reader take memory.
func TestF_48LengthCostsNothing(t *testing.T) {
	t.Parallel()
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := ldapwire.NewReader(strings.NewReader("\x30\x84\x7f\xff\xff\xff\x02\x01\x01"), math.MaxInt32).Read(); !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Fatal(err)
			}
		}
	})
	if got := result.AllocedBytesPerOp(); got > 4<<20 {
		t.Errorf("%d octets for a message that says it is long", got)
	}
}

// TestPieces reads messages that come octet by octet, back to back.
func TestPieces(t *testing.T) {
	t.Parallel()
	stream := append(message(1, element(0x64, entryBody("dc=b", person()...)...)), message(math.MaxInt32, element(0x65, resultBody(0, "", "")...))...)
	reader := ldapwire.NewReader(iotest.OneByteReader(bytes.NewReader(stream)), limit)
	for _, id := range []int32{1, math.MaxInt32} {
		if m, err := reader.Read(); err != nil || m.ID != id {
			t.Fatalf("message %d: %v, %v", id, m, err)
		}
	}
	if _, err := reader.Read(); err != io.EOF { //nolint:errorlint // It is promised as it is.
		t.Error(err)
	}
	broken := errors.New("broken")
	if _, err := ldapwire.NewReader(iotest.ErrReader(broken), limit).Read(); !errors.Is(err, broken) {
		t.Error(err)
	}
}
