package ldapwire_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// TestFilters compares filters with what another implementation makes of their text
// (RFC 4515).
func TestFilters(t *testing.T) {
	t.Parallel()
	a, b := directory.Equal("a", "1"), directory.Equal("b", "2")
	for _, test := range []struct {
		text   string
		filter directory.Filter
	}{
		{`(cn=x)`, directory.Equal("cn", "x")},
		{`(cn=)`, directory.Equal("cn", "")},
		{`(cn=\28\29\2a\5c\00)`, directory.Equal("cn", "()*\\\x00")},
		{`(cn=\ff\fe)`, directory.Equal("cn", "\xff\xfe")},
		{`(cn=Jürgen 李)`, directory.Equal("cn", "Jürgen 李")},
		{`(cn;lang-de=x)`, directory.Equal("cn;lang-de", "x")},
		{`(objectClass=*)`, directory.Present("objectClass")},
		{`(n>=10)`, directory.Filter{Op: directory.FilterGreaterOrEqual, Attribute: "n", Value: "10"}},
		{`(n<=10)`, directory.Filter{Op: directory.FilterLessOrEqual, Attribute: "n", Value: "10"}},
		{`(cn~=x)`, directory.Filter{Op: directory.FilterApprox, Attribute: "cn", Value: "x"}},
		{`(cn=a*)`, directory.Filter{Op: directory.FilterSubstrings, Attribute: "cn", Initial: "a"}},
		{`(cn=*a)`, directory.Filter{Op: directory.FilterSubstrings, Attribute: "cn", Final: "a"}},
		{`(cn=*a*)`, directory.Filter{Op: directory.FilterSubstrings, Attribute: "cn", Any: []string{"a"}}},
		{`(cn=a*b*c*d)`, directory.Filter{Op: directory.FilterSubstrings, Attribute: "cn", Initial: "a", Any: []string{"b", "c"}, Final: "d"}},
		{`(cn=\2a*\2a)`, directory.Filter{Op: directory.FilterSubstrings, Attribute: "cn", Initial: "*", Final: "*"}},
		{`(!(a=1))`, directory.Not(a)},
		{`(&(a=1)(b=2))`, directory.And(a, b)},
		{`(|(a=1)(b=2))`, directory.Or(a, b)},
		{`(&(|(a=1)(b=2))(!(&(a=1)(b=2))))`, directory.And(directory.Or(a, b), directory.Not(directory.And(a, b)))},
		{`(cn:caseExactMatch:=x)`, directory.Filter{Op: directory.FilterExtensible, Attribute: "cn", Rule: "caseExactMatch", Value: "x"}},
		{`(cn:dn:2.4.6:=x)`, directory.Filter{Op: directory.FilterExtensible, Attribute: "cn", Rule: "2.4.6", Value: "x", DNAttributes: true}},
		{`(:2.4.6:=x)`, directory.Filter{Op: directory.FilterExtensible, Rule: "2.4.6", Value: "x"}},
		{`(cn:=x)`, directory.Filter{Op: directory.FilterExtensible, Attribute: "cn", Value: "x"}},
		{`(cn:dn:=x)`, directory.Filter{Op: directory.FilterExtensible, Attribute: "cn", Value: "x", DNAttributes: true}},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			other, err := ldap.CompileFilter(test.text)
			if err != nil {
				t.Fatal(err)
			}
			// It writes TRUE as 1, which RFC 4511 §5.1 does not allow.
			want := strings.ReplaceAll(render(t, other.Bytes()), `84"\x01"`, `84"\xff"`)
			if diff := cmp.Diff(want, render(t, ldapwire.AppendFilter(nil, &test.filter))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAbsoluteFilters are those that have no operands (RFC 4526).
func TestAbsoluteFilters(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		filter directory.Filter
		want   string
	}{
		{directory.Filter{}, "a0{}"}, {directory.Or(), "a1{}"}, {directory.Not(directory.Or()), "a2{a1{}}"},
	} {
		if diff := cmp.Diff(test.want, render(t, ldapwire.AppendFilter(nil, &test.filter))); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzFilter puts any values in: they come out as they went in, and nothing else does.
func FuzzFilter(f *testing.F) {
	f.Add("cn", "x", "a", "b", "c")
	f.Add("", "*)(uid=*", "\\", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, attribute, value, initial, middle, final string) {
		filter := directory.Or(
			directory.Equal(attribute, value),
			directory.Filter{Op: directory.FilterSubstrings, Attribute: attribute, Initial: "i" + initial, Any: []string{middle}, Final: "f" + final},
			directory.Filter{Op: directory.FilterExtensible, Attribute: "a" + attribute, Rule: "r" + value, Value: final, DNAttributes: true},
		)
		q := strconv.Quote
		want := `a1{a3{04` + q(attribute) + ` 04` + q(value) + `} ` +
			`a4{04` + q(attribute) + ` 30{80` + q("i"+initial) + ` 81` + q(middle) + ` 82` + q("f"+final) + `}} ` +
			`a9{81` + q("r"+value) + ` 82` + q("a"+attribute) + ` 83` + q(final) + ` 84"\xff"}}`
		if diff := cmp.Diff(want, render(t, ldapwire.AppendFilter(nil, &filter))); diff != "" {
			t.Error(diff)
		}
	})
}
