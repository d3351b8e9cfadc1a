package directory_test

import (
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

func matcher() *directory.Matcher {
	return directory.NewMatcher(directory.NewSchema([]*directory.AttributeType{
		{OID: "2.5.4.3", Names: []string{"cn", "commonName"}, Syntax: directory.SyntaxDirectoryString, Equality: "caseIgnoreMatch", Substrings: "caseIgnoreSubstringsMatch"},
		{OID: "1.1.1", Names: []string{"exact"}, Syntax: directory.SyntaxDirectoryString, Equality: "caseExactMatch"},
		{OID: "1.1.2", Names: []string{"number"}, Syntax: directory.SyntaxInteger, Equality: "integerMatch"},
		{OID: "1.1.3", Names: []string{"at"}, Syntax: directory.SyntaxGeneralizedTime, Equality: "generalizedTimeMatch"},
		{OID: "1.1.4", Names: []string{"manager"}, Syntax: directory.SyntaxDN, Equality: "distinguishedNameMatch"},
		{OID: "1.1.5", Names: []string{"phone"}, Syntax: directory.SyntaxTelephoneNumber, Equality: "telephoneNumberMatch"},
		{OID: "1.1.6", Names: []string{"photo"}, Syntax: directory.SyntaxJPEG},
	}))
}

func TestMatcher(t *testing.T) {
	entry := &directory.Entry{DN: "cn=x", Attributes: []directory.Attribute{
		{Name: "cn", Values: []string{"Barbara  Jensen", "Babs Jensen"}},
		{Name: "exact", Values: []string{"Ab"}},
		{Name: "number", Values: []string{"9", "-3"}},
		{Name: "at", Values: []string{"20240229120000.5Z"}},
		{Name: "manager", Values: []string{"uid=Trigden, ou=People,dc=example,dc=com"}},
		{Name: "phone", Values: []string{"+1 408 555-1862"}},
		{Name: "photo", Values: []string{"a\x00B"}},
	}}
	for _, test := range []struct {
		filter string
		want   bool
	}{
		{"(cn=barbara jensen)", true},
		{"(cn=barbarajensen)", false},
		{"(CN>=babt)", true},
		{"(cn>=bb)", false},
		{"(cn<=babs jensen)", true},
		{"(cn<=b)", false},
		{"(cn:caseIgnoreOrderingMatch:=babs jensen)", false},
		{"(cn:caseIgnoreOrderingMatch:=babs jensenb)", true},
		{"(cn=*ra j*sen)", true},
		{"(cn=*ra  j*)", true},
		{"(cn=*rajen*)", false},
		{"(cn=jen*)", false},
		{"(cn=bar*bar*bar*sen)", false},
		{"(exact=Ab)", true},
		{"(exact=ab)", false},
		{"(number>=10)", false},
		{"(number>=9)", true},
		{"(number<=-3)", true},
		{"(number<=-4)", false},
		{"(number=09)", true},
		{"(number=nine)", false},
		{"(!(number=nine))", false}, // Undefined
		{"(|(number=nine)(cn=babs jensen))", true},
		{"(&(number=nine)(cn=babs jensen))", false},
		{"(at>=20240229120000Z)", true},
		{"(at<=20240229130000.4+0100)", false},
		{"(at<=20240229130000.6+0100)", true},
		{"(manager=UID=trigden,OU=people,DC=example,DC=com)", true},
		{"(manager=uid=trigden,dc=com)", false},
		{"(phone=+14085551862)", true},
		{"(phone=+1 408 555 1863)", false},
		{"(photo=a\\00B)", true},
		{"(photo=a\\00b)", false},
		{"(missing=x)", false},
		{"(!(missing=x))", true},
		{"(missing=*)", false},
		{"(photo=*)", true},
		{"(&)", true},
		{"(|)", false},
		{"(!(|))", true},
	} {
		filter, err := directory.ParseFilter(test.filter)
		if err != nil {
			t.Fatalf("%s: %v", test.filter, err)
		}
		got, err := matcher().Matches(filter, entry)
		if err != nil || got != test.want {
			t.Errorf("%s = %v, %v, want %v", test.filter, got, err, test.want)
		}
	}
}

func TestMatcherLeavesRulesToTheDirectory(t *testing.T) {
	for _, text := range []string{"(cn~=x)", "(cn:caseExactMatch:=x)", "(!(&(cn=x)(cn~=x)))"} {
		filter, err := directory.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := matcher().Matches(filter, &directory.Entry{}); err == nil || got {
			t.Errorf("%s = %v without an error", text, got)
		}
	}
}

func TestGeneralizedTime(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"2024022912Z", "20240229120000Z"},
		{"2024022912.5Z", "20240229123000Z"},
		{"202402291215Z", "20240229121500Z"},
		{"20240229121530,25Z", "20240229121530.25Z"},
		{"20240229121530-0530", "20240229174530Z"},
		{"20240229121530+01", "20240229111530Z"},
		{"20161231235960Z", "20170101000000Z"},
		{"20240229121530.123456789Z", "20240229121530.123456789Z"},
		{"20240229121530.000000001Z", "20240229121530.000000001Z"},
		{"20240229121530.99999999951Z", "20240229121531Z"},
		{"2024022912.000000000000277778Z", "20240229120000.000000001Z"},
		{"20240230120000Z", ""},
		{"20240229120000", ""},
		{"20240229120000.Z", ""},
		{"2024022912000Z", ""},
		{"Z", ""},
		{"", ""},
	} {
		got := ""
		if at, err := directory.ParseGeneralizedTime(test.text); err == nil {
			got = directory.FormatGeneralizedTime(at)
		}
		if got != test.want {
			t.Errorf("%q = %q, want %q", test.text, got, test.want)
		}
	}
}
