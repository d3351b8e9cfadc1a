package ldapwire_test

import (
	"errors"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// page is what a paging control says.
type page struct {
	Size   int
	Cookie string
}

// meaning decodes the value of a control by its OID.
func meaning(c *ldapwire.RequestControl) (any, error) {
	switch c.OID {
	case ldapwire.OIDPaging:
		size, cookie, err := c.Paging()
		return page{size, cookie}, err
	case ldapwire.OIDAssertion:
		return c.Filter()
	case ldapwire.OIDPreRead, ldapwire.OIDPostRead:
		return c.Names()
	case ldapwire.OIDSort:
		return c.SortKeys()
	case ldapwire.OIDView:
		return c.View()
	case ldapwire.OIDReturnValues:
		return c.Filters()
	}
	return c.Value, nil
}

// TestRequestControls decodes what the client's side writes.
func TestRequestControls(t *testing.T) {
	t.Parallel()
	filter := directory.Or(directory.Equal("a", "1"), directory.Present("b"))
	keys := []directory.SortKey{{Attribute: "sn", Rule: "2.5.13.3", Reverse: true}, {Attribute: "cn"}}
	for _, test := range []struct {
		name     string
		control  ldapwire.Control
		critical bool
		want     any
	}{
		{"Proxied", ldapwire.ProxiedAuthorization("dn:uid=a"), true, "dn:uid=a"},
		{"ProxiedAnonymous", ldapwire.ProxiedAuthorization(""), true, ""},
		{"Paging", ldapwire.Paging(70000, "c\x00", true), true, page{70000, "c\x00"}},
		{"PagingNegative", ldapwire.Paging(-1, "", false), false, page{-1, ""}},
		{"Sort", ldapwire.Sort(keys), true, keys},
		{"Assertion", ldapwire.Assertion(&filter), true, &filter},
		{"PreRead", ldapwire.PreRead([]string{"cn", "+"}, false), false, []string{"cn", "+"}},
		{"PostRead", ldapwire.PostRead([]string{"entryCSN"}, false), false, []string{"entryCSN"}},
		{"Permissive", ldapwire.PermissiveModify(), true, ""},
		{"ViewByOffset", ldapwire.View(&directory.View{Before: 1, After: 2, Offset: 3, Count: 4, Context: "c"}), true, &directory.View{Before: 1, After: 2, Offset: 3, Count: 4, Context: "c"}},
		{"ViewByValue", ldapwire.View(&directory.View{Value: "jen"}), true, &directory.View{Value: "jen"}},
		{"ReturnValues", ldapwire.ReturnValues([]directory.Filter{directory.Equal("a", "1"), directory.Present("b")}), true, []directory.Filter{directory.Equal("a", "1"), directory.Present("b")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := readOne(t, ldapwire.AppendDelete(nil, 1, directory.DN{}, test.control, ldapwire.PermissiveModify()))
			controls, err := m.Controls()
			if err != nil || len(controls) != 2 {
				t.Fatalf("%d controls, %v", len(controls), err)
			}
			got, err := meaning(&controls[0])
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil || controls[0].Critical != test.critical {
				t.Errorf("critical %t, %v, %s", controls[0].Critical, err, diff)
			}
			want := ldapwire.RequestControl{OID: ldapwire.OIDPermissiveModify, Critical: true}
			if diff := cmp.Diff(want, controls[1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRequestControlsNone(t *testing.T) {
	t.Parallel()
	if controls, err := readOne(t, ldapwire.AppendUnbind(nil, 1)).Controls(); controls != nil || err != nil {
		t.Errorf("%v, %v", controls, err)
	}
}

func TestRequestControlsMalformed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		control *ber.Packet
	}{
		{"NoSequence", octets(0x04, "1.2")},
		{"NoName", element(0x30)},
		{"LongBoolean", element(0x30, octets(0x04, "1.2"), octets(0x01, "\x00\x00"))},
		{"WrongOrder", element(0x30, octets(0x04, "1.2"), octets(0x04, "value"), octets(0x01, "\xff"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			controls, err := readOne(t, message(1, octets(0x4a, ""), test.control)).Controls()
			if !errors.Is(err, ldapwire.ErrMalformed) {
				t.Errorf("%v, %v", controls, err)
			}
		})
	}
}

func TestRequestControlValuesMalformed(t *testing.T) {
	t.Parallel()
	for _, oid := range []string{ldapwire.OIDPaging, ldapwire.OIDAssertion, ldapwire.OIDPreRead, ldapwire.OIDSort, ldapwire.OIDView, ldapwire.OIDReturnValues} {
		for name, value := range map[string]string{
			"empty": "", "cut off": "\x30\x05\x02", "something after it": "\x30\x00\x04\x00", "parts of another kind": "\x30\x02\x05\x00",
		} {
			if (oid == ldapwire.OIDAssertion || oid == ldapwire.OIDReturnValues) && name == "parts of another kind" {
				continue // A filter of an unknown kind is undefined, not malformed.
			}
			got, err := meaning(&ldapwire.RequestControl{OID: oid, Value: value, HasValue: true})
			if !errors.Is(err, ldapwire.ErrMalformed) && !errors.Is(err, ldapwire.ErrFilter) {
				t.Errorf("%s, %s: %v, %v", oid, name, got, err)
			}
		}
		if got, err := meaning(&ldapwire.RequestControl{OID: oid}); !errors.Is(err, ldapwire.ErrMalformed) {
			t.Errorf("%s without a value: %v, %v", oid, got, err)
		}
	}
}

func TestPasswordModify(t *testing.T) {
	t.Parallel()
	value := func(parts ...*ber.Packet) string { return string(element(0x30, parts...).Bytes()) }
	for _, test := range []struct {
		name    string
		request ldapwire.Extended
		want    ldapwire.PasswordModify
		bad     bool
	}{
		{name: "None"},
		{name: "Nothing", request: ldapwire.Extended{Value: value(), HasValue: true}},
		{
			name:    "All",
			request: ldapwire.Extended{Value: value(octets(0x80, "uid=a"), octets(0x81, "old"), octets(0x82, "new")), HasValue: true},
			want:    ldapwire.PasswordModify{User: "uid=a", Old: "old", New: "new", HasOld: true, HasNew: true},
		},
		{name: "New", request: ldapwire.Extended{Value: value(octets(0x82, "new")), HasValue: true}, want: ldapwire.PasswordModify{New: "new", HasNew: true}},
		{name: "EmptyNew", request: ldapwire.Extended{Value: value(octets(0x82, "")), HasValue: true}, want: ldapwire.PasswordModify{HasNew: true}},
		{name: "WrongOrder", request: ldapwire.Extended{Value: value(octets(0x82, "new"), octets(0x81, "old")), HasValue: true}, bad: true},
		{name: "Empty", request: ldapwire.Extended{HasValue: true}, bad: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.request.PasswordModify()
			if test.bad {
				if !errors.Is(err, ldapwire.ErrMalformed) {
					t.Errorf("%v, %v", got, err)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v, %s", err, diff)
			}
		})
	}
}
