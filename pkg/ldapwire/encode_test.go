package ldapwire_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// render decodes bytes with an independent decoder and writes them as text: each
// element is its tag, and its contents in quotes or its parts in braces.
func render(tb testing.TB, encoded []byte) string {
	tb.Helper()
	packet, err := ber.DecodePacketErr(encoded)
	if err != nil {
		tb.Fatalf("%x: %v", encoded, err)
	}
	if again := len(encoded) - size(tb, encoded); again != 0 {
		tb.Fatalf("%d octets after the element in %x", again, encoded)
	}
	return text(packet)
}

// size returns the length of the first element with its head.
func size(tb testing.TB, encoded []byte) int {
	tb.Helper()
	head, n := 2, int(encoded[1])
	if n >= 0x80 {
		head, n = 2+n&0x7f, 0
		for _, octet := range encoded[2:head] {
			n = n<<8 | int(octet)
		}
	}
	return head + n
}

func text(p *ber.Packet) string {
	tag := fmt.Sprintf("%02x", byte(p.ClassType)|byte(p.TagType)|byte(p.Tag))
	if p.TagType == ber.TypePrimitive {
		return tag + strconv.Quote(p.Data.String())
	}
	parts := make([]string, len(p.Children))
	for i, child := range p.Children {
		parts[i] = text(child)
	}
	return tag + "{" + strings.Join(parts, " ") + "}"
}

// TestRequests compares each request with what RFC 4511 §4 asks for.
func TestRequests(t *testing.T) {
	t.Parallel()
	dn, other := directory.MustParseDN("uid=a,dc=b"), directory.MustParseDN("dc=c")
	for _, test := range []struct {
		name    string
		encoded []byte
		want    string
	}{
		{"Bind", ldapwire.AppendBind(nil, 1, dn, "p\x00\xff", ldapwire.PasswordPolicy()), `30{02"\x01" 60{02"\x03" 04"uid=a,dc=b" 80"p\x00\xff"} a0{30{04"1.3.6.1.4.1.42.2.27.8.5.1"}}}`},
		{
			"Search", ldapwire.AppendSearch(nil, 2, &directory.SearchRequest{Base: dn, Scope: directory.ScopeSubtree, Filter: directory.Present("uid"), Attributes: []string{"cn", "sn;lang-de"}, SizeLimit: 7}),
			`30{02"\x02" 63{04"uid=a,dc=b" 0a"\x02" 0a"\x00" 02"\a" 02"\x00" 01"\x00" 87"uid" 30{04"cn" 04"sn;lang-de"}}}`,
		},
		{
			"SearchOfTheRoot", ldapwire.AppendSearch(nil, 2, &directory.SearchRequest{Filter: directory.Present("objectClass")}),
			`30{02"\x02" 63{04"" 0a"\x00" 0a"\x00" 02"\x00" 02"\x00" 01"\x00" 87"objectClass" 30{04"1.1"}}}`,
		},
		{
			"SearchOneLevel", ldapwire.AppendSearch(nil, 2, &directory.SearchRequest{Base: dn, Scope: directory.ScopeOneLevel, SizeLimit: math.MaxInt}),
			`30{02"\x02" 63{04"uid=a,dc=b" 0a"\x01" 0a"\x00" 02"\x7f\xff\xff\xff" 02"\x00" 01"\x00" a0{} 30{04"1.1"}}}`,
		},
		{
			"Add", ldapwire.AppendAdd(nil, 3, &directory.AddRequest{DN: dn, Attributes: []directory.Attribute{{Name: "cn", Values: []string{"x", "\x00\xff"}}, {Name: "sn", Values: []string{""}}}}),
			`30{02"\x03" 68{04"uid=a,dc=b" 30{30{04"cn" 31{04"x" 04"\x00\xff"}} 30{04"sn" 31{04""}}}}}`,
		},
		{
			"Modify", ldapwire.AppendModify(nil, 4, &directory.ModifyRequest{DN: dn, Changes: []directory.Change{
				{Op: directory.ChangeAdd, Attribute: "a", Values: []string{"1"}},
				{Op: directory.ChangeDelete, Attribute: "b"},
				{Op: directory.ChangeReplace, Attribute: "c", Values: []string{"2", "3"}},
				{Op: directory.ChangeIncrement, Attribute: "d", Values: []string{"-1"}},
			}}),
			`30{02"\x04" 66{04"uid=a,dc=b" 30{` +
				`30{0a"\x00" 30{04"a" 31{04"1"}}} 30{0a"\x01" 30{04"b" 31{}}} ` +
				`30{0a"\x02" 30{04"c" 31{04"2" 04"3"}}} 30{0a"\x03" 30{04"d" 31{04"-1"}}}}}}`,
		},
		{"Delete", ldapwire.AppendDelete(nil, 5, dn), `30{02"\x05" 4a"uid=a,dc=b"}`},
		{"Rename", ldapwire.AppendModifyDN(nil, 5, &directory.ModifyDNRequest{DN: dn, RDN: directory.RDN{{Type: "cn", Value: "a,b"}, {Type: "sn", Value: " c"}}}), `30{02"\x05" 6c{04"uid=a,dc=b" 04"cn=a\\,b+sn=\\ c" 01"\xff"}}`},
		{"Move", ldapwire.AppendModifyDN(nil, 5, &directory.ModifyDNRequest{DN: dn, RDN: dn.RDN(), KeepOld: true, Superior: &other}), `30{02"\x05" 6c{04"uid=a,dc=b" 04"uid=a" 01"\x00" 80"dc=c"}}`},
		{"MoveToTheRoot", ldapwire.AppendModifyDN(nil, 5, &directory.ModifyDNRequest{DN: dn, RDN: dn.RDN(), Superior: &directory.DN{}}), `30{02"\x05" 6c{04"uid=a,dc=b" 04"uid=a" 01"\xff" 80""}}`},
		{"Compare", ldapwire.AppendCompare(nil, 5, &directory.CompareRequest{DN: dn, Attribute: "cn;lang-de", Value: "\x00*"}), `30{02"\x05" 6e{04"uid=a,dc=b" 30{04"cn;lang-de" 04"\x00*"}}}`},
		{"EmptyValue", ldapwire.AppendExtendedRequest(nil, 6, &directory.ExtendedRequest{OID: "1.2", HasValue: true}), `30{02"\x06" 77{80"1.2" 81""}}`},
		{"WhoAmI", ldapwire.AppendExtended(nil, 6, ldapwire.OIDWhoAmI, ""), `30{02"\x06" 77{80"1.3.6.1.4.1.4203.1.11.3"}}`},
		{"Extended", ldapwire.AppendExtended(nil, 6, "1.2", "v"), `30{02"\x06" 77{80"1.2" 81"v"}}`},
		{"Abandon", ldapwire.AppendAbandon(nil, 7, 6), `30{02"\a" 50"\x06"}`},
		{"Unbind", ldapwire.AppendUnbind(nil, 8), `30{02"\b" 42""}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, render(t, test.encoded)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAppend checks that encoders leave alone what is in the buffer.
func TestAppend(t *testing.T) {
	t.Parallel()
	first := ldapwire.AppendUnbind(nil, 1)
	both := ldapwire.AppendDelete(first, 2, directory.MustParseDN("dc=b"))
	if diff := cmp.Diff(`30{02"\x01" 42""}`, render(t, both[:len(first)])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(`30{02"\x02" 4a"dc=b"}`, render(t, both[len(first):])); diff != "" {
		t.Error(diff)
	}
}

// TestControls compares the controls with their RFCs; a value is rendered as it is.
func TestControls(t *testing.T) {
	t.Parallel()
	filter := directory.Equal("entryCSN", "x")
	for _, test := range []struct {
		name    string
		control ldapwire.Control
		head    string
		value   string // rendered; "" when the value is no element
	}{
		{"ProxiedAuthorization", ldapwire.ProxiedAuthorization("dn:uid=a"), `04"2.16.840.1.113730.3.4.18" 01"\xff" 04"dn:uid=a"`, ""},
		{"Anonymous", ldapwire.ProxiedAuthorization(""), `04"2.16.840.1.113730.3.4.18" 01"\xff" 04""`, ""},
		{"Raw", ldapwire.Raw(directory.Control{OID: "1.2", Critical: true, Value: "x", HasValue: true}), `04"1.2" 01"\xff" 04"x"`, ""},
		{"RawEmpty", ldapwire.Raw(directory.Control{OID: "1.2", HasValue: true}), `04"1.2" 04""`, ""},
		{"RawNothing", ldapwire.Raw(directory.Control{OID: "1.2", Value: "not sent"}), `04"1.2"`, ""},
		{"PermissiveModify", ldapwire.PermissiveModify(), `04"1.2.840.113556.1.4.1413" 01"\xff"`, ""},
		{"Paging", ldapwire.Paging(500, "\x00c", true), `04"1.2.840.113556.1.4.319" 01"\xff"`, `30{02"\x01\xf4" 04"\x00c"}`},
		{"PagingNotCritical", ldapwire.Paging(0, "", false), `04"1.2.840.113556.1.4.319"`, `30{02"\x00" 04""}`},
		{
			"Sort", ldapwire.Sort([]directory.SortKey{{Attribute: "sn", Rule: "caseIgnoreOrderingMatch", Reverse: true}, {Attribute: "entryUUID"}}),
			`04"1.2.840.113556.1.4.473" 01"\xff"`, `30{30{04"sn" 80"caseIgnoreOrderingMatch" 81"\xff"} 30{04"entryUUID"}}`,
		},
		{"Assertion", ldapwire.Assertion(&filter), `04"1.3.6.1.1.12" 01"\xff"`, `a3{04"entryCSN" 04"x"}`},
		{"PreRead", ldapwire.PreRead([]string{"cn"}, false), `04"1.3.6.1.1.13.1"`, `30{04"cn"}`},
		{"PostRead", ldapwire.PostRead([]string{"cn", "sn"}, false), `04"1.3.6.1.1.13.2"`, `30{04"cn" 04"sn"}`},
		{"PreReadCritical", ldapwire.PreRead([]string{"cn"}, true), `04"1.3.6.1.1.13.1" 01"\xff"`, `30{04"cn"}`},
		{"ViewByOffset", ldapwire.View(&directory.View{Before: 1, After: 300, Offset: 5, Count: 10, Context: "c\x00"}), `04"2.16.840.1.113730.3.4.9" 01"\xff"`, `30{02"\x01" 02"\x01," a0{02"\x05" 02"\n"} 04"c\x00"}`},
		{"ViewByValue", ldapwire.View(&directory.View{After: 9, Value: "jen"}), `04"2.16.840.1.113730.3.4.9" 01"\xff"`, `30{02"\x00" 02"\t" 81"jen"}`},
		{"ReturnValues", ldapwire.ReturnValues([]directory.Filter{filter, directory.Present("cn")}), `04"1.2.826.0.1.3344810.2.3" 01"\xff"`, `30{a3{04"entryCSN" 04"x"} 87"cn"}`},
		{"Original", ldapwire.Original(), `04"1.3.6.1.1.22" 01"\xff"`, ""},
		{"SubtreeDelete", ldapwire.SubtreeDelete(), `04"1.2.840.113556.1.4.805" 01"\xff"`, ""},
		{"Relax", ldapwire.Relax(), `04"1.3.6.1.4.1.4203.666.5.12" 01"\xff"`, ""},
		{"NoOp", ldapwire.NoOp(ldapwire.OIDNoOpDraft), `04"1.3.6.1.4.1.4203.1.10.2" 01"\xff"`, ""},
		{"Usability", ldapwire.Usability(), `04"1.3.6.1.4.1.42.2.27.9.5.8"`, ""},
		{"TransactionID", ldapwire.TransactionID("a/1"), `04"1.3.6.1.4.1.36733.2.1.5.1" 04"a/1"`, ""},
		{"PostReadNothing", ldapwire.PostRead(nil, false), `04"1.3.6.1.1.13.2"`, `30{04"1.1"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			encoded := ldapwire.AppendDelete(nil, 1, directory.MustParseDN("dc=b"), test.control)
			if test.value == "" {
				want := `30{02"\x01" 4a"dc=b" a0{30{` + test.head + `}}}`
				if diff := cmp.Diff(want, render(t, encoded)); diff != "" {
					t.Error(diff)
				}
				return
			}
			packet, err := ber.DecodePacketErr(encoded)
			if err != nil {
				t.Fatal(err)
			}
			parts := packet.Children[2].Children[0].Children
			last := len(parts) - 1
			value := parts[last].Data.Bytes()
			head := make([]string, last)
			for i := range head {
				head[i] = text(parts[i])
			}
			if diff := cmp.Diff([]string{test.head, test.value}, []string{strings.Join(head, " "), render(t, value)}); diff != "" {
				t.Error(diff)
			}
			if tag := parts[last].Tag; tag != ber.TagOctetString {
				t.Errorf("the value has tag %v", tag)
			}
		})
	}
	t.Run("Several", func(t *testing.T) {
		t.Parallel()
		encoded := ldapwire.AppendDelete(nil, 1, directory.MustParseDN("dc=b"), ldapwire.ProxiedAuthorization("u:a"), ldapwire.PermissiveModify())
		want := `30{02"\x01" 4a"dc=b" a0{30{04"2.16.840.1.113730.3.4.18" 01"\xff" 04"u:a"} 30{04"1.2.840.113556.1.4.1413" 01"\xff"}}}`
		if diff := cmp.Diff(want, render(t, encoded)); diff != "" {
			t.Error(diff)
		}
	})
}

// boundaries are the integers around which the number of octets changes.
func boundaries() []int32 {
	list := []int32{0, 1, -1, math.MaxInt32, math.MinInt32}
	for _, bits := range []int{7, 8, 15, 16, 23, 24, 30} {
		n := int32(1) << bits
		list = append(list, n-1, n, n+1, -n-1, -n, -n+1)
	}
	return list
}

// TestIntegers checks that integers have the value, and the shortest form (X.690 §8.3.2).
func TestIntegers(t *testing.T) {
	t.Parallel()
	for _, n := range boundaries() {
		encoded := ldapwire.AppendAbandon(nil, 1, n)
		packet, err := ber.DecodePacketErr(encoded)
		if err != nil {
			t.Fatal(err)
		}
		octets := packet.Children[1].Data.Bytes()
		got, err := ber.ParseInt64(octets)
		if err != nil || got != int64(n) {
			t.Errorf("%d is %x, which is %d, %v", n, octets, got, err)
		}
		shortest := ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(n), "").Data.Bytes()
		if diff := cmp.Diff(shortest, octets); diff != "" {
			t.Errorf("%d: %s", n, diff)
		}
	}
}

// TestLengths checks contents around the lengths at which the form changes.
func TestLengths(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 126, 127, 128, 129, 254, 255, 256, 257, 65534, 65535, 65536, 65537, 1 << 20, 1<<24 - 1, 1 << 24, 1<<24 + 1} {
		value := strings.Repeat("x", n)
		packet, err := ber.DecodePacketErr(ldapwire.AppendExtended(nil, 1, "1.2", value+"y"))
		if err != nil {
			t.Fatalf("%d octets: %v", n, err)
		}
		if got := packet.Children[1].Children[1].Data.String(); got != value+"y" {
			t.Errorf("%d octets came out as %d", n+1, len(got))
		}
	}
}
