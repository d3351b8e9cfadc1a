package directory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	type filter = directory.Filter
	equal, present, not := directory.Equal, directory.Present, directory.Not
	for name, tc := range map[string]struct {
		text    string
		want    filter
		printed string // "" is the text
	}{
		"RFC 4515 section 4, equality":      {`(cn=Babs Jensen)`, equal("cn", "Babs Jensen"), ``},
		"RFC 4515 section 4, not":           {`(!(cn=Tim Howes))`, not(equal("cn", "Tim Howes")), ``},
		"RFC 4515 section 4, nested":        {`(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))`, directory.And(equal("objectClass", "Person"), directory.Or(equal("sn", "Jensen"), filter{Op: directory.FilterSubstrings, Attribute: "cn", Initial: "Babs J"})), ``},
		"RFC 4515 section 4, any":           {`(o=univ*of*mich*)`, filter{Op: directory.FilterSubstrings, Attribute: "o", Initial: "univ", Any: []string{"of", "mich"}}, ``},
		"RFC 4515 section 4, empty value":   {`(seeAlso=)`, equal("seeAlso", ""), ``},
		"RFC 4515 section 4, rule":          {`(cn:caseExactMatch:=Fred Flintstone)`, filter{Op: directory.FilterExtensible, Attribute: "cn", Rule: "caseExactMatch", Value: "Fred Flintstone"}, ``},
		"RFC 4515 section 4, no rule":       {`(cn:=Betty Rubble)`, filter{Op: directory.FilterExtensible, Attribute: "cn", Value: "Betty Rubble"}, ``},
		"RFC 4515 section 4, dn and OID":    {`(sn:dn:2.4.6.8.10:=Barney Rubble)`, filter{Op: directory.FilterExtensible, Attribute: "sn", DNAttributes: true, Rule: "2.4.6.8.10", Value: "Barney Rubble"}, ``},
		"RFC 4515 section 4, dn":            {`(o:dn:=Ace Industry)`, filter{Op: directory.FilterExtensible, Attribute: "o", DNAttributes: true, Value: "Ace Industry"}, ``},
		"RFC 4515 section 4, no attribute":  {`(:1.2.3:=Wilma Flintstone)`, filter{Op: directory.FilterExtensible, Rule: "1.2.3", Value: "Wilma Flintstone"}, ``},
		"RFC 4515 section 4, dn alone":      {`(:DN:2.4.6.8.10:=Dino)`, filter{Op: directory.FilterExtensible, DNAttributes: true, Rule: "2.4.6.8.10", Value: "Dino"}, `(:dn:2.4.6.8.10:=Dino)`},
		"RFC 4515 section 4, parentheses":   {`(o=Parens R Us \28for all your parenthetical needs\29)`, equal("o", "Parens R Us (for all your parenthetical needs)"), ``},
		"RFC 4515 section 4, asterisk":      {`(cn=*\2A*)`, filter{Op: directory.FilterSubstrings, Attribute: "cn", Any: []string{"*"}}, `(cn=*\2a*)`},
		"RFC 4515 section 4, backslash":     {`(filename=C:\5cMyFile)`, equal("filename", `C:\MyFile`), ``},
		"RFC 4515 section 4, octets":        {`(bin=\00\00\00\04)`, equal("bin", "\x00\x00\x00\x04"), ``},
		"RFC 4515 section 4, UTF-8":         {`(sn=Lu\c4\8di\c4\87)`, equal("sn", "Lučić"), `(sn=Lučić)`},
		"RFC 4515 section 4, BER":           {`(1.3.6.1.4.1.1466.0=\04\02\48\69)`, equal("1.3.6.1.4.1.1466.0", "\x04\x02Hi"), `(1.3.6.1.4.1.1466.0=\04\02Hi)`},
		"presence":                          {`(objectClass=*)`, present("objectClass"), ``},
		"greater or equal":                  {`(uidNumber>=1000)`, filter{Op: directory.FilterGreaterOrEqual, Attribute: "uidNumber", Value: "1000"}, ``},
		"less or equal":                     {`(uidNumber<=1000)`, filter{Op: directory.FilterLessOrEqual, Attribute: "uidNumber", Value: "1000"}, ``},
		"approximate":                       {`(cn~=babs)`, filter{Op: directory.FilterApprox, Attribute: "cn", Value: "babs"}, ``},
		"final alone":                       {`(cn=*sen)`, filter{Op: directory.FilterSubstrings, Attribute: "cn", Final: "sen"}, ``},
		"all parts":                         {`(cn=a*b*c*d)`, filter{Op: directory.FilterSubstrings, Attribute: "cn", Initial: "a", Any: []string{"b", "c"}, Final: "d"}, ``},
		"asterisks in a row":                {`(cn=a**b**)`, filter{Op: directory.FilterSubstrings, Attribute: "cn", Initial: "a", Any: []string{"b"}}, `(cn=a*b*)`},
		"asterisks alone":                   {`(cn=**)`, present("cn"), `(cn=*)`},
		"absolute true (RFC 4526)":          {`(&)`, filter{}, ``},
		"absolute false (RFC 4526)":         {`(|)`, filter{Op: directory.FilterOr}, ``},
		"and of one":                        {`(&(a=b))`, filter{Children: []filter{equal("a", "b")}}, ``},
		"options":                           {`(cn;lang-de;x-y=b)`, equal("cn;lang-de;x-y", "b"), ``},
		"equals sign and spaces in a value": {`(cn= a=b )`, equal("cn", " a=b "), ``},
		"an odd octet":                      {`(cn=\ff)`, equal("cn", "\xff"), ``},
		"braces are ordinary":               {`(cn={a}})`, equal("cn", "{a}}"), ``},
		"several lines":                     {" ( & \n\t(a=b)\r\n ( ! (c=d) )\n)\n", directory.And(equal("a", "b"), not(equal("c", "d"))), `(&(a=b)(!(c=d)))`},
		"no parentheses":                    {" objectClass=person\n", equal("objectClass", "person"), `(objectClass=person)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := directory.ParseFilter(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("ParseFilter(%q), -want +got:\n%s", tc.text, diff)
			}
			want := tc.printed
			if want == "" {
				want = tc.text
			}
			if printed := got.String(); printed != want {
				t.Errorf("String() = %s, want %s", printed, want)
			}
		})
	}
}

func TestParseFilterErrors(t *testing.T) {
	t.Parallel()
	for text, position := range map[string]int{
		``:               1,
		`  `:             1,
		`()`:             2,
		`(`:              2,
		`(a`:             3,
		`(a=b`:           5,
		`(a=b))`:         6,
		`(a=b)(c=d)`:     6,
		`a=b)`:           4,
		`(=b)`:           2,
		`(é=b)`:          2,
		`(a b=c)`:        3,
		`(2x=c)`:         2,
		`(a;=c)`:         2,
		`(a>b)`:          3,
		`(&a=b)`:         3,
		`(&(a=b)c)`:      8,
		`(!)`:            3,
		`(!(a=b)(c=d))`:  8,
		`(!a=b)`:         3,
		`(é`:             2,
		`(a=é(b)`:        5,
		"(a=b\x00)":      5,
		"(a=b\xff)":      5,
		`(a=\)`:          4,
		`(a=\*)`:         4,
		`(a=\2)`:         4,
		`(a=\zz)`:        4,
		`(a>=b*)`:        6,
		`(a~=*)`:         5,
		`(a:r:=*b)`:      7,
		`(:=b)`:          4,
		`(:dn:=b)`:       7,
		`(a:x:y:=b)`:     5,
		`(a:dn:dn:dn=b)`: 9,
		`(a:r:dn:=b)`:    5,
		`(a::=b)`:        3,
		`(a:r;x:=b)`:     3,
		`(a:r=b)`:        5,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := directory.ParseFilter(text)
			if fault := syntaxError(t, err); fault.Position != position || fault.What != "filter" {
				t.Errorf("ParseFilter = %s, %v; want position %d", got, err, position)
			}
			if !got.IsTrue() {
				t.Errorf("a filter in spite of the error: %s", got)
			}
		})
	}
}

func TestParseFilterDepth(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("(!", n-1) + "(a=b)" + strings.Repeat(")", n-1) }
	if _, err := directory.ParseFilter(deep(directory.MaxFilterDepth)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := directory.ParseFilter(deep(directory.MaxFilterDepth + 1)); err == nil {
		t.Error("there is no limit")
	}
}

func TestAbsoluteFilters(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		filter        directory.Filter
		truth, falsum bool
	}{
		"zero filter":      {directory.Filter{}, true, false},
		"and of nothing":   {directory.And(), true, false},
		"or of nothing":    {directory.Or(), false, true},
		"a leaf":           {directory.Present("a"), false, false},
		"a single operand": {directory.And(directory.Or()), false, true},
		"two operands":     {directory.And(directory.Or(), directory.Or()), false, false},
		"not":              {directory.Not(directory.Or()), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.filter.IsTrue() != tc.truth || tc.filter.IsFalse() != tc.falsum {
				t.Errorf("IsTrue %t, IsFalse %t", tc.filter.IsTrue(), tc.filter.IsFalse())
			}
		})
	}
}

func ldapFilters(depth int) *rapid.Generator[directory.Filter] {
	if depth == 0 {
		return rapid.Custom(ldapLeaf)
	}
	return rapid.OneOf(rapid.Custom(ldapLeaf), rapid.Custom(func(t *rapid.T) directory.Filter {
		op := rapid.SampledFrom([]directory.FilterOp{directory.FilterAnd, directory.FilterOr, directory.FilterNot}).Draw(t, "op")
		least, most := 0, 3
		if op == directory.FilterNot {
			least, most = 1, 1
		}
		return directory.Filter{Op: op, Children: rapid.SliceOfN(ldapFilters(depth-1), least, most).Draw(t, "children")}
	}))
}

func ldapLeaf(t *rapid.T) directory.Filter {
	f := directory.Filter{
		Op:        directory.FilterOp(rapid.IntRange(int(directory.FilterEqual), int(directory.FilterExtensible)).Draw(t, "op")),
		Attribute: rapid.SampledFrom([]string{"cn", "2.5.4.3", "cn;lang-de", "x-y"}).Draw(t, "attribute"),
	}
	some := octets().Filter(func(s string) bool { return s != "" })
	switch f.Op {
	case directory.FilterPresent:
	case directory.FilterSubstrings:
		f.Initial, f.Final = octets().Draw(t, "initial"), octets().Draw(t, "final")
		f.Any = rapid.SliceOfN(some, 1, 3).Draw(t, "any")
	case directory.FilterExtensible:
		f.Rule = rapid.SampledFrom([]string{"", "2.5.13.2", "caseIgnoreMatch"}).Draw(t, "rule")
		f.DNAttributes = rapid.Bool().Draw(t, "dn")
		fallthrough
	default:
		f.Value = octets().Draw(t, "value")
	}
	return f
}

func TestAnyFilterIsReadAsItWasPrinted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := ldapFilters(3).Draw(t, "filter")
		got, err := directory.ParseFilter(f.String())
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if diff := cmp.Diff(f, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s, -want +got:\n%s", f, diff)
		}
	})
}

func FuzzParseLDAPFilter(f *testing.F) {
	for _, seed := range []string{
		`(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))`, `(sn:dn:2.4.6.8.10:=Barney\28)`, `(!(a>=b))`, `(&)`, `a=*b*`, `(uid={username})`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if template, err := directory.ParseFilterTemplate(text); err == nil {
			expandFilter(t, template)
		}
		filter, err := directory.ParseFilter(text)
		if err != nil {
			return
		}
		again, err := directory.ParseFilter(filter.String())
		if diff := cmp.Diff(filter, again); err != nil || diff != "" {
			t.Errorf("%q was printed as %q: %v\n%s", text, filter, err, diff)
		}
	})
}

// expandFilter checks that values are all put in and never change the shape.
func expandFilter(t *testing.T, template directory.FilterTemplate) {
	t.Helper()
	values := map[string]string{}
	for _, name := range template.Variables() {
		values[name] = `*)(a=b){c}\2a`
	}
	filter, err := template.Expand(values)
	if err != nil {
		t.Fatal(err)
	}
	again, err := directory.ParseFilter(filter.String())
	if diff := cmp.Diff(filter, again); err != nil || diff != "" {
		t.Errorf("%q became %q: %v\n%s", template, filter, err, diff)
	}
}
