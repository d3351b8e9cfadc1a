package ldapwire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

func parseDN(tb testing.TB, s string) directory.DN {
	tb.Helper()
	dn, err := directory.ParseDN(s)
	if err != nil {
		tb.Fatal(err)
	}
	return dn
}

// decode decodes the only message as what its tag says.
func decode(m *ldapwire.Message) (any, error) {
	switch m.Op { //nolint:exhaustive // The others are answers.
	case ldapwire.BindRequest:
		return m.Bind()
	case ldapwire.SearchRequest:
		return m.Search()
	case ldapwire.ModifyRequest:
		return m.Modify()
	case ldapwire.AddRequest:
		return m.Add()
	case ldapwire.DelRequest:
		return m.Delete(), nil
	case ldapwire.ModifyDNRequest:
		return m.ModifyDN()
	case ldapwire.CompareRequest:
		return m.Compare()
	case ldapwire.AbandonRequest:
		return m.Abandon()
	case ldapwire.ExtendedRequest:
		return m.Extended()
	case ldapwire.UnbindRequest:
		return "unbind", nil
	}
	return nil, errors.New("no request")
}

// TestDecodeRequests decodes what the client's side and an independent encoder write.
func TestDecodeRequests(t *testing.T) {
	t.Parallel()
	dn := parseDN(t, "uid=a,dc=b")
	filter := directory.And(directory.Equal("uid", "a"), directory.Not(directory.Present("cn")))
	for _, test := range []struct {
		name    string
		encoded []byte
		want    any
	}{
		{
			"Bind", message(7, element(0x60, integer(0x02, 3), octets(0x04, "uid=a"), octets(0x80, "secret"))),
			&ldapwire.Bind{Version: 3, DN: "uid=a", Credentials: "secret"},
		},
		{
			"BindAnonymous", message(7, element(0x60, integer(0x02, 3), octets(0x04, ""), octets(0x80, ""))),
			&ldapwire.Bind{Version: 3},
		},
		{
			"BindSASL", message(7, element(0x60, integer(0x02, 3), octets(0x04, ""), element(0xa3, octets(0x04, "PLAIN"), octets(0x04, "\x00a\x00b")))),
			&ldapwire.Bind{Version: 3, Mechanism: "PLAIN", Credentials: "\x00a\x00b"},
		},
		{
			"BindSASLWithoutCredentials", message(7, element(0x60, integer(0x02, 3), octets(0x04, ""), element(0xa3, octets(0x04, "EXTERNAL")))),
			&ldapwire.Bind{Version: 3, Mechanism: "EXTERNAL"},
		},
		{
			"BindUnknown", message(7, element(0x60, integer(0x02, 3), octets(0x04, "uid=a"), octets(0x81, "x"))),
			&ldapwire.Bind{Version: 3, DN: "uid=a", Unknown: true},
		},
		{"Unbind", ldapwire.AppendUnbind(nil, 7), "unbind"},
		{
			"Search",
			ldapwire.AppendSearch(nil, 7, &directory.SearchRequest{Base: dn, Scope: directory.ScopeSubtree, Filter: filter, Attributes: []string{"cn", "+"}, SizeLimit: 9}),
			&ldapwire.Search{Base: "uid=a,dc=b", Scope: 2, SizeLimit: 9, Filter: filter, Attributes: []string{"cn", "+"}},
		},
		{
			"SearchEverything",
			message(7, element(0x63, octets(0x04, ""), integer(0x0a, 3), integer(0x0a, 1), integer(0x02, 0), integer(0x02, 70000), octets(0x01, "\x01"), octets(0x87, "cn"), element(0x30))),
			&ldapwire.Search{Scope: 3, Deref: 1, TimeLimit: 70000, TypesOnly: true, Filter: directory.Present("cn")},
		},
		{
			"Modify",
			ldapwire.AppendModify(nil, 7, &directory.ModifyRequest{DN: dn, Changes: []directory.Change{
				{Op: directory.ChangeReplace, Attribute: "cn", Values: []string{"a", ""}}, {Op: directory.ChangeDelete, Attribute: "sn"},
			}}),
			&ldapwire.Modify{DN: "uid=a,dc=b", Changes: []directory.Change{
				{Op: directory.ChangeReplace, Attribute: "cn", Values: []string{"a", ""}}, {Op: directory.ChangeDelete, Attribute: "sn"},
			}},
		},
		{
			"Add",
			ldapwire.AppendAdd(nil, 7, &directory.AddRequest{DN: dn, Attributes: []directory.Attribute{{Name: "cn", Values: []string{"a", "b"}}, {Name: "sn", Values: []string{"\x00"}}}}),
			&ldapwire.Add{DN: "uid=a,dc=b", Attributes: []directory.Attribute{{Name: "cn", Values: []string{"a", "b"}}, {Name: "sn", Values: []string{"\x00"}}}},
		},
		{"Delete", ldapwire.AppendDelete(nil, 7, dn), "uid=a,dc=b"},
		{
			"ModifyDN", message(7, element(0x6c, octets(0x04, "uid=a,dc=b"), octets(0x04, "uid=c"), octets(0x01, "\xff"))),
			&ldapwire.ModifyDN{DN: "uid=a,dc=b", NewRDN: "uid=c", DeleteOldRDN: true},
		},
		{
			"ModifyDNBelow", message(7, element(0x6c, octets(0x04, "uid=a,dc=b"), octets(0x04, "uid=c"), octets(0x01, "\x00"), octets(0x80, ""))),
			&ldapwire.ModifyDN{DN: "uid=a,dc=b", NewRDN: "uid=c", Moves: true},
		},
		{
			"Compare", message(7, element(0x6e, octets(0x04, "uid=a,dc=b"), element(0x30, octets(0x04, "cn"), octets(0x04, "x")))),
			&ldapwire.Compare{DN: "uid=a,dc=b", Attribute: "cn", Value: "x"},
		},
		{"Abandon", ldapwire.AppendAbandon(nil, 7, 70000), int32(70000)},
		{"Extended", ldapwire.AppendExtended(nil, 7, "1.2.3", "x"), &ldapwire.Extended{OID: "1.2.3", Value: "x", HasValue: true}},
		{"ExtendedWithoutValue", ldapwire.AppendExtended(nil, 7, "1.2.3", ""), &ldapwire.Extended{OID: "1.2.3"}},
		{"ExtendedEmptyValue", message(7, element(0x77, octets(0x80, "1.2.3"), octets(0x81, ""))), &ldapwire.Extended{OID: "1.2.3", HasValue: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := readOne(t, test.encoded)
			got, err := decode(m)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil || m.ID != 7 {
				t.Errorf("id %d, %v, %s", m.ID, err, diff)
			}
		})
	}
}

// TestDecodeCutOff cuts every request at every place inside its operation: what is
// left is malformed, never a shorter request.
func TestDecodeCutOff(t *testing.T) {
	t.Parallel()
	for _, whole := range []struct {
		tag  byte
		body []*ber.Packet
		// needs is how many of the parts have to be there.
		needs int
	}{
		{0x60, []*ber.Packet{integer(0x02, 3), octets(0x04, "a"), octets(0x80, "b")}, 3},
		{0x60, []*ber.Packet{integer(0x02, 3), octets(0x04, "a"), element(0xa3, octets(0x04, "M"))}, 3},
		{0x63, []*ber.Packet{octets(0x04, "a"), integer(0x0a, 0), integer(0x0a, 0), integer(0x02, 0), integer(0x02, 0), octets(0x01, "\x00"), octets(0x87, "cn"), element(0x30)}, 8},
		{0x66, []*ber.Packet{octets(0x04, "a"), element(0x30, element(0x30, integer(0x0a, 0), element(0x30, octets(0x04, "a"), element(0x31))))}, 2},
		{0x68, []*ber.Packet{octets(0x04, "a"), element(0x30, element(0x30, octets(0x04, "a"), element(0x31)))}, 2},
		{0x6c, []*ber.Packet{octets(0x04, "a"), octets(0x04, "b"), octets(0x01, "\x00"), octets(0x80, "c")}, 3},
		{0x6e, []*ber.Packet{octets(0x04, "a"), element(0x30, octets(0x04, "a"), octets(0x04, "b"))}, 2},
		{0x77, []*ber.Packet{octets(0x80, "1.2"), octets(0x81, "x")}, 1},
	} {
		var body []byte
		complete := map[int]bool{}
		for i, part := range whole.body {
			body = append(body, part.Bytes()...)
			if i+1 >= whole.needs {
				complete[len(body)] = true
			}
		}
		for n := range len(body) + 1 {
			encoded := append([]byte{0x30, byte(5 + n), 0x02, 0x01, 0x07, whole.tag, byte(n)}, body[:n]...)
			_, err := decode(readOne(t, encoded))
			if complete[n] != (err == nil) || err != nil && !errors.Is(err, ldapwire.ErrMalformed) {
				t.Errorf("operation %#x with %d of %d octets: %v", whole.tag, n, len(body), err)
			}
		}
	}
}

func TestAbandonMalformed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "12345"} {
		if id, err := readOne(t, message(7, octets(0x50, body))).Abandon(); !errors.Is(err, ldapwire.ErrMalformed) {
			t.Errorf("%d octets: %d, %v", len(body), id, err)
		}
	}
}

// searchFor makes a search with an encoded filter.
func searchFor(filter *ber.Packet) []byte {
	return message(7, element(0x63, octets(0x04, ""), integer(0x0a, 0), integer(0x0a, 0), integer(0x02, 0), integer(0x02, 0), octets(0x01, "\x00"), filter, element(0x30)))
}

func TestDecodeFilterRefused(t *testing.T) {
	t.Parallel()
	deep := octets(0x87, "cn")
	for range 1001 {
		deep = element(0xa2, deep)
	}
	wide := element(0xa0)
	for range 1 << 16 {
		wide.AppendChild(octets(0x87, ""))
	}
	for _, test := range []struct {
		name   string
		filter *ber.Packet
		want   error
	}{
		{"Deep", deep, ldapwire.ErrFilter},
		{"Wide", wide, ldapwire.ErrFilter},
		{"TwoInNot", element(0xa2, octets(0x87, "a"), octets(0x87, "b")), ldapwire.ErrMalformed},
		{"NoneInNot", element(0xa2), ldapwire.ErrMalformed},
		{"HalfAnAssertion", element(0xa3, octets(0x04, "cn")), ldapwire.ErrMalformed},
		{"ExtensibleWithoutValue", element(0xa9, octets(0x81, "rule")), ldapwire.ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := readOne(t, searchFor(test.filter)).Search(); !errors.Is(err, test.want) {
				t.Error(err)
			}
		})
	}
}

// TestDecodeFilterUndefined are filters that slapd takes, and that match nothing.
func TestDecodeFilterUndefined(t *testing.T) {
	t.Parallel()
	part := func(parts ...*ber.Packet) *ber.Packet {
		return element(0xa4, octets(0x04, "cn"), element(0x30, parts...))
	}
	for _, test := range []struct {
		name   string
		filter *ber.Packet
	}{
		{"UnknownTag", octets(0x8a, "x")},
		{"NoSubstrings", part()},
		{"EmptySubstring", part(octets(0x80, "a"), octets(0x81, ""))},
		{"InitialSecond", part(octets(0x81, "a"), octets(0x80, "b"))},
		{"FinalFirst", part(octets(0x82, "a"), octets(0x81, "b"))},
		{"UnknownSubstring", part(octets(0x83, "a"))},
		{"NoAttributeAndNoRule", element(0xa9, octets(0x83, ""))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			q, err := readOne(t, searchFor(element(0xa2, test.filter))).Search()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(directory.Not(directory.Filter{Op: directory.FilterExtensible}), q.Filter); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDecodeFilterDepth is the deepest filter that is taken.
func TestDecodeFilterDepth(t *testing.T) {
	t.Parallel()
	filter := octets(0x87, "cn")
	for range 1000 {
		filter = element(0xa2, filter)
	}
	q, err := readOne(t, searchFor(filter)).Search()
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	for f := &q.Filter; len(f.Children) > 0; f = &f.Children[0] {
		depth++
	}
	if depth != 1000 {
		t.Errorf("%d levels", depth)
	}
}

// TestReaderSetLimit raises the limit between two messages.
func TestReaderSetLimit(t *testing.T) {
	t.Parallel()
	long := ldapwire.AppendExtended(nil, 1, "1.2", strings.Repeat("x", 500))
	stream := bytes.Join([][]byte{ldapwire.AppendUnbind(nil, 1), long, append(long, long...)}, nil)
	reader := ldapwire.NewReaderSize(bytes.NewReader(stream), 100, 16)
	for i, change := range []int{100, 1000, 1000, 100} {
		reader.SetLimit(change)
		_, err := reader.Read()
		if last := i == 3; last != errors.Is(err, ldapwire.ErrMalformed) {
			t.Errorf("message %d: %v", i, err)
		}
	}
}
