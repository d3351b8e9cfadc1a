package directory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

func rdnsOf(dn directory.DN) []directory.RDN {
	var rdns []directory.RDN
	for ; !dn.IsZero(); dn = dn.Parent() {
		rdns = append(rdns, dn.RDN())
	}
	return rdns
}

func TestParseDN(t *testing.T) {
	t.Parallel()
	type rdn = directory.RDN
	for name, tc := range map[string]struct {
		text    string
		want    []rdn
		printed string // "" is the text
	}{
		"root DSE":                    {``, nil, ``},
		"spaces are the root DSE":     {`  `, nil, ``},
		"RFC 4514 section 4, first":   {`UID=jsmith,DC=example,DC=net`, []rdn{{{"UID", "jsmith"}}, {{"DC", "example"}}, {{"DC", "net"}}}, ``},
		"RFC 4514 section 4, second":  {`OU=Sales+CN=J.  Smith,DC=example,DC=net`, []rdn{{{"OU", "Sales"}, {"CN", "J.  Smith"}}, {{"DC", "example"}}, {{"DC", "net"}}}, ``},
		"RFC 4514 section 4, third":   {`CN=James \"Jim\" Smith\, III,DC=example,DC=net`, []rdn{{{"CN", `James "Jim" Smith, III`}}, {{"DC", "example"}}, {{"DC", "net"}}}, ``},
		"RFC 4514 section 4, fourth":  {`CN=Before\0dAfter,DC=example,DC=net`, []rdn{{{"CN", "Before\rAfter"}}, {{"DC", "example"}}, {{"DC", "net"}}}, ``},
		"RFC 4514 section 4, fifth":   {`1.3.6.1.4.1.1466.0=#04024869`, []rdn{{{"1.3.6.1.4.1.1466.0", "Hi"}}}, `1.3.6.1.4.1.1466.0=Hi`},
		"RFC 4514 section 4, sixth":   {`CN=Lu\C4\8Di\C4\87`, []rdn{{{"CN", "Lučić"}}}, `CN=Lučić`},
		"spaces around separators":    {` cn = a b  , dc = x ; dc=y `, []rdn{{{"cn", "a b"}}, {{"dc", "x"}}, {{"dc", "y"}}}, `cn=a b,dc=x,dc=y`},
		"spaces around plus":          {`cn=a + sn=b`, []rdn{{{"cn", "a"}, {"sn", "b"}}}, `cn=a+sn=b`},
		"escaped spaces at the ends":  {`cn=\ a\ `, []rdn{{{"cn", " a "}}}, ``},
		"hexadecimal space":           {`cn=a\20 ,dc=x`, []rdn{{{"cn", "a "}}, {{"dc", "x"}}}, `cn=a\ ,dc=x`},
		"escaped number sign":         {`cn=\#a#b`, []rdn{{{"cn", "#a#b"}}}, ``},
		"equals sign in a value":      {`cn=a=b\=c`, []rdn{{{"cn", "a=b=c"}}}, `cn=a=b=c`},
		"every special character":     {`cn=\"\+\,\;\<\>\\`, []rdn{{{"cn", `"+,;<>\`}}}, ``},
		"NUL and an odd octet":        {`cn=\00\ff`, []rdn{{{"cn", "\x00\xff"}}}, ``},
		"empty value":                 {`cn=,dc=x`, []rdn{{{"cn", ""}}, {{"dc", "x"}}}, ``},
		"braces are ordinary":         {`cn={a}`, []rdn{{{"cn", "{a}"}}}, ``},
		"prefixed OID":                {`OID.2.5.4.3=a`, []rdn{{{"OID.2.5.4.3", "a"}}}, ``},
		"BER with a space after it":   {`cn=#0c01C3 , dc=x`, []rdn{{{"cn", "\xc3"}}, {{"dc", "x"}}}, `cn=\c3,dc=x`},
		"BER with a long length":      {`cn=#048180` + strings.Repeat("61", 128), []rdn{{{"cn", strings.Repeat("a", 128)}}}, `cn=` + strings.Repeat("a", 128)},
		"BER with a longer length":    {`cn=#04820100` + strings.Repeat("61", 256), []rdn{{{"cn", strings.Repeat("a", 256)}}}, `cn=` + strings.Repeat("a", 256)},
		"replacement character stays": {"cn=\uFFFD", []rdn{{{"cn", "\uFFFD"}}}, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dn, err := directory.ParseDN(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, rdnsOf(dn)); diff != "" {
				t.Errorf("ParseDN(%q), -want +got:\n%s", tc.text, diff)
			}
			want := tc.printed
			if want == "" && tc.want != nil {
				want = tc.text
			}
			if got := dn.String(); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		})
	}
}

func TestParseDNErrors(t *testing.T) {
	t.Parallel()
	for text, position := range map[string]int{
		`cn`:                  3,
		`=a`:                  1,
		`cn=a,`:               6,
		`,cn=a`:               1,
		`cn=a,,dc=x`:          6,
		`cn=a+`:               6,
		`é=a`:                 1,
		`cn=é,d_c=x`:          7,
		`-cn=a`:               1,
		`2=a`:                 1,
		`2.5.=a`:              1,
		`2.05=a`:              1,
		`2.5x=a`:              1,
		`oid.cn=a`:            1,
		`OID.=a`:              1,
		`cn.x=a`:              1,
		`cn;lang-de=a`:        3,
		`cn="a"`:              4,
		`cn=a<b`:              5,
		"cn=a\x00":            5,
		`cn=a\`:               5,
		`cn=a\g0`:             5,
		`cn=a\0`:              5,
		`cn=#`:                4,
		`cn=#04`:              4,
		`cn=#0403616`:         4,
		`cn=#04036161`:        4,
		`cn=#0401616100`:      4,
		`cn=#04820161`:        4,
		`cn=#048361`:          4,
		`cn=#3003020101`:      4,
		`cn=#0c0161 x`:        12,
		`ou=People,..`:        11,
		`cn=a,dc=x dc=y,=foo`: 16,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			dn, err := directory.ParseDN(text)
			if got := syntaxError(t, err); got.Position != position || got.What != "DN" || got.Text != text {
				t.Errorf("ParseDN = %q, %v; want position %d", dn, err, position)
			}
		})
	}
}

func syntaxError(t *testing.T, err error) *directory.SyntaxError {
	t.Helper()
	var syntax *directory.SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("got %v, want a SyntaxError", err)
	}
	return syntax
}

func TestSyntaxErrorNamesTextAndPosition(t *testing.T) {
	t.Parallel()
	err := &directory.SyntaxError{What: "DN", Text: "x", Position: 2, Message: "no"}
	if got := err.Error(); got != `DN "x", position 2: no` {
		t.Error(got)
	}
	err.Position = 0
	if got := err.Error(); got != `DN "x": no` {
		t.Error(got)
	}
}

func TestDNEqual(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		a, b string
		want bool
	}{
		"same":                        {`cn=a,dc=x`, `cn=a,dc=x`, true},
		"case of types and values":    {`CN=HR Managers,DC=X`, `cn=hr managers,dc=x`, true},
		"case beyond ASCII":           {`cn=ÄÖ,dc=x`, `cn=äö,dc=x`, true},
		"spaces":                      {`cn=a  b , dc=x`, `cn=a b,dc=x`, true},
		"spaces at the ends":          {`cn=\ a\ `, `cn=a`, true},
		"escapes":                     {`cn=a\2cb`, `cn=a\,b`, true},
		"order of AVAs":               {`cn=a+sn=b,dc=x`, `SN=B+CN=A,dc=x`, true},
		"OID prefix":                  {`OID.2.5.4.3=a`, `2.5.4.3=a`, true},
		"root DSE":                    {``, ` `, true},
		"other value":                 {`cn=a`, `cn=b`, false},
		"other type":                  {`cn=a`, `sn=a`, false},
		"other depth":                 {`cn=a`, `cn=a,dc=x`, false},
		"a comma is not a separator":  {`cn=a\,sn=b`, `cn=a,sn=b`, false},
		"a plus is not a separator":   {`cn=a\+sn=b`, `cn=a+sn=b`, false},
		"odd octets are not the same": {`cn=\fe`, `cn=\ff`, false},
		"an odd octet is no letter":   {`cn=\ff`, "cn=\uFFFD", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := directory.MustParseDN(tc.a), directory.MustParseDN(tc.b)
			if got := a.Equal(b); got != tc.want {
				t.Errorf("%q.Equal(%q) = %t", tc.a, tc.b, got)
			}
			if same := a.Key() == b.Key(); same != tc.want {
				t.Errorf("keys %q and %q", a.Key(), b.Key())
			}
		})
	}
}

func TestDNIsBelow(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dn, base string
		want     bool
	}{
		"child":            {`uid=a,ou=People,dc=x`, `OU=people, DC=X`, true},
		"grandchild":       {`uid=a,ou=People,dc=x`, `dc=x`, true},
		"the entry itself": {`dc=x`, `dc=x`, false},
		"parent":           {`dc=x`, `ou=People,dc=x`, false},
		"sibling":          {`ou=a,dc=x`, `ou=b,dc=x`, false},
		"name as suffix":   {`ou=xpeople,dc=x`, `ou=people,dc=x`, false},
		"root DSE":         {`dc=x`, ``, true},
		"root and root":    {``, ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := directory.MustParseDN(tc.dn).IsBelow(directory.MustParseDN(tc.base)); got != tc.want {
				t.Errorf("%q.IsBelow(%q) = %t", tc.dn, tc.base, got)
			}
		})
	}
}

func TestDNFamily(t *testing.T) {
	t.Parallel()
	base := directory.MustParseDN("ou=People,dc=x")
	first := base.Child(directory.RDN{{Type: "uid", Value: "a,b"}})
	second := base.Child(directory.RDN{{Type: "uid", Value: "c"}})
	for got, want := range map[string]string{
		first.String():                     `uid=a\,b,ou=People,dc=x`,
		second.String():                    `uid=c,ou=People,dc=x`,
		base.String():                      `ou=People,dc=x`,
		first.Parent().String():            `ou=People,dc=x`,
		first.RDN().String():               `uid=a\,b`,
		first.RDN().Key():                  `uid=a\,b`,
		base.Join(second).String():         `uid=c,ou=People,dc=x,ou=People,dc=x`,
		directory.DN{}.Join(base).String(): `ou=People,dc=x`,
		directory.DN{}.Parent().String():   ``,
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if first.Depth() != 3 || (directory.DN{}).RDN() != nil {
		t.Errorf("depth %d, root %v", first.Depth(), directory.DN{}.RDN())
	}
}

func TestDNSharesNothing(t *testing.T) {
	t.Parallel()
	rdn := directory.RDN{{Type: "uid", Value: "a"}}
	dn := directory.MustParseDN("dc=x").Child(rdn)
	rdn[0].Value = "changed"
	dn.RDN()[0].Value = "changed"
	if got := dn.String(); got != "uid=a,dc=x" {
		t.Errorf("the name became %q", got)
	}
	parent := dn.Parent()
	parent.Child(directory.RDN{{Type: "uid", Value: "b"}})
	parent.Join(directory.MustParseDN("uid=c"))
	if got := dn.String(); got != "uid=a,dc=x" {
		t.Errorf("the name became %q", got)
	}
}

func TestFoldValue(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":               "",
		"  ":             "",
		"Babs  JENSEN ":  "babs jensen",
		"ΣΊΣΥΦΟΣ":        "σίσυφοσ",
		"σίσυφος":        "σίσυφοσ",
		"A\tB":           "a\tb",
		"A\xff":          "A\xff",
		"\u212Aelvin  K": "kelvin k",
	} {
		if got := directory.FoldValue(value); got != want {
			t.Errorf("FoldValue(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestIsAttributeDescription(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"cn": true, "x-a1": true, "2.5.4.3": true, "oid.2.5.4.3": true, "userCertificate;binary": true,
		"cn;lang-de;x-b": true, "0.9": true,
		"": false, ";x": false, "cn;": false, "cn;;x": false, "cn;a_b": false, "1cn": false, "c n": false,
		"cn*": false, "2": false, "2..5": false, "02.5": false, "é": false, "oid.cn": false, "cn)(a": false,
	} {
		if got := directory.IsAttributeDescription(s); got != want {
			t.Errorf("IsAttributeDescription(%q) = %t", s, got)
		}
	}
}

// octets generates strings of any octets, with many that names escape.
func octets() *rapid.Generator[string] {
	special := rapid.StringOf(rapid.SampledFrom([]rune("\"+,;<>\\#= a\x00{}*()é\u00a0")))
	random := rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })
	return rapid.OneOf(special, random, rapid.String())
}

func TestAnyNameIsReadAsItWasPrinted(t *testing.T) {
	t.Parallel()
	ava := rapid.Custom(func(t *rapid.T) directory.AVA {
		return directory.AVA{
			Type:  rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9-]{0,8}|(OID\.)?[0-2](\.(0|[1-9][0-9]{0,3})){1,5}`).Draw(t, "type"),
			Value: octets().Draw(t, "value"),
		}
	})
	rdn := rapid.Map(rapid.SliceOfN(ava, 1, 3), func(avas []directory.AVA) directory.RDN { return avas })
	rapid.Check(t, func(t *rapid.T) {
		rdns := rapid.SliceOfN(rdn, 1, 4).Draw(t, "rdns")
		var dn directory.DN
		for i := range rdns {
			dn = dn.Child(rdns[len(rdns)-1-i])
		}
		got, err := directory.ParseDN(dn.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rdns, rdnsOf(got)); diff != "" {
			t.Errorf("%q, -want +got:\n%s", dn, diff)
		}
		if !got.Equal(dn) || got.Key() != dn.Key() {
			t.Errorf("%q and %q differ", got, dn)
		}
	})
}

func FuzzParseDN(f *testing.F) {
	for _, seed := range []string{
		`UID=jsmith,DC=example,DC=net`, `OU=Sales+CN=J.  Smith,DC=x`, `CN=a\, \"b\" \0d\ `, `1.3.6=#04024869`,
		`cn = \#x ; dc=y`, `uid={username},ou=People,..,..`, `{dn}`, `cn={{x}}{y}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if template, err := directory.ParseDNTemplate(text); err == nil {
			expandDN(t, template)
		}
		dn, err := directory.ParseDN(text)
		if err != nil {
			return
		}
		again, err := directory.ParseDN(dn.String())
		if err != nil {
			t.Fatalf("%q was printed as %q: %v", text, dn, err)
		}
		if diff := cmp.Diff(rdnsOf(dn), rdnsOf(again)); diff != "" || !dn.Equal(again) {
			t.Errorf("%q was printed as %q, -first +second:\n%s", text, dn, diff)
		}
	})
}

// expandDN checks that values never change the shape of a name.
func expandDN(t *testing.T, template directory.DNTemplate) {
	t.Helper()
	values := map[string]string{}
	for _, name := range template.Variables() {
		values[name] = `x,ou=y+cn=z\..`
	}
	if template.IsVariable() {
		return
	}
	plain, err := template.Resolve(directory.DN{}, values)
	if err != nil {
		t.Fatal(err)
	}
	again, err := directory.ParseDN(plain.String())
	if err != nil || again.Depth() != plain.Depth() || !again.Equal(plain) {
		t.Errorf("%q became %q, which reads as %q, %v", template, plain, again, err)
	}
}

func TestCanonical(t *testing.T) {
	schema := directory.NewSchema([]*directory.AttributeType{
		{OID: "0.9.2342.19200300.100.1.1", Names: []string{"uid", "userid"}}, {OID: "2.5.4.11", Names: []string{"ou", "organizationalUnitName"}},
	})
	for name, want := range map[string]string{
		"uid=a,ou=b,dc=c": "uid=a,ou=b,dc=c", "UID=a,OU=b": "UID=a,OU=b", "userid=a,2.5.4.11=b,dc=c": "uid=a,ou=b,dc=c",
		"OID.0.9.2342.19200300.100.1.1=a+organizationalunitname=x,ou=b": "uid=a+ou=x,ou=b", "": "", "1.2.3=a": "1.2.3=a",
	} {
		dn := directory.MustParseDN(name)
		if got := schema.Canonical(dn).String(); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
		if dn.String() != directory.MustParseDN(name).String() {
			t.Errorf("%q was changed", name)
		}
	}
	var none *directory.Schema
	if got := none.Canonical(directory.MustParseDN("userid=a")).String(); got != "userid=a" {
		t.Errorf("without a schema %q", got)
	}
}
