package directory_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// openLDAP returns the values that a real server publishes.
func openLDAP(t testing.TB) (attributeTypes, matchingRuleUse []string) {
	t.Helper()
	data, err := os.ReadFile("testdata/openldap-2.5.13.schema")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "attributeTypes":
			attributeTypes = append(attributeTypes, value)
		case "matchingRuleUse":
			matchingRuleUse = append(matchingRuleUse, value)
		}
	}
	return attributeTypes, matchingRuleUse
}

func TestParseSchemaOfOpenLDAP(t *testing.T) {
	t.Parallel()
	types, uses := openLDAP(t)
	if len(types) < 200 || len(uses) < 30 {
		t.Fatalf("%d types and %d uses: the file is not what it was", len(types), len(uses))
	}
	schema, err := directory.ParseSchema(types, uses)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []*directory.AttributeType{
		{
			// Everything comes from name.
			OID: "2.5.4.3", Names: []string{"cn", "commonName"}, Syntax: directory.SyntaxDirectoryString,
			Equality: "caseIgnoreMatch", Substrings: "caseIgnoreSubstringsMatch",
		},
		{
			// The length bound is no part of the syntax.
			OID: "0.9.2342.19200300.100.1.3", Names: []string{"mail", "rfc822Mailbox"}, Syntax: directory.SyntaxIA5String,
			Equality: "caseIgnoreIA5Match", Substrings: "caseIgnoreIA5SubstringsMatch",
		},
		{
			OID: "1.3.6.1.1.1.1.0", Names: []string{"uidNumber"}, Syntax: directory.SyntaxInteger,
			Equality: "integerMatch", Ordering: "integerOrderingMatch", SingleValue: true,
		},
		{
			OID: "2.5.18.1", Names: []string{"createTimestamp"}, Syntax: directory.SyntaxGeneralizedTime,
			Equality: "generalizedTimeMatch", Ordering: "generalizedTimeOrderingMatch", SingleValue: true,
			NoUserModification: true, Usage: directory.DirectoryOperation,
		},
		{
			// Its superior, distinguishedName, is no part of any entry.
			OID: "0.9.2342.19200300.100.1.10", Names: []string{"manager"}, Syntax: directory.SyntaxDN, Equality: "distinguishedNameMatch",
		},
		{
			OID: "2.5.4.50", Names: []string{"uniqueMember"}, Syntax: "1.3.6.1.4.1.1466.115.121.1.34", Equality: "uniqueMemberMatch",
		},
		{
			OID: "0.9.2342.19200300.100.1.60", Names: []string{"jpegPhoto"}, Syntax: directory.SyntaxJPEG,
		},
		{
			OID: "1.3.6.1.4.1.1466.101.120.5", Names: []string{"namingContexts"}, Syntax: directory.SyntaxDN, Usage: directory.DSAOperation,
			Equality: "distinguishedNameMatch",
		},
	} {
		for _, name := range append([]string{want.OID, strings.ToUpper(want.Names[0]), want.Names[0] + ";lang-de"}, want.Names...) {
			got := schema.Attribute(name)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	if got := schema.Attribute("nosuch"); got != nil {
		t.Errorf("nosuch = %+v", got)
	}
}

func TestTakesRule(t *testing.T) {
	t.Parallel()
	schema, err := directory.ParseSchema(openLDAP(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		attribute, rule string
		want            bool
	}{
		{"uid", "caseIgnoreOrderingMatch", true},
		{"UserID", "CASEIGNOREORDERINGMATCH", true},
		{"0.9.2342.19200300.100.1.1", "2.5.13.3", true},
		{"uid;lang-de", "2.5.13.3", true},
		{"uid", "caseExactOrderingMatch", true},
		{"uid", "integerOrderingMatch", false},
		{"uidNumber", "integerOrderingMatch", true},
		{"mail", "caseIgnoreOrderingMatch", false}, // an IA5 string has no ordering rule
		{"cn", "caseIgnoreOrderingMatch", true},
		{"nosuch", "caseIgnoreOrderingMatch", false},
		{"uid", "nosuch", false},
		{"", "", false},
	} {
		if got := schema.TakesRule(test.attribute, test.rule); got != test.want {
			t.Errorf("TakesRule(%q, %q) = %t", test.attribute, test.rule, got)
		}
	}
	for name, empty := range map[string]*directory.Schema{"nil": nil, "without uses": directory.NewSchema(nil)} {
		if empty.TakesRule("uid", "caseIgnoreOrderingMatch") || empty.Attribute("uid") != nil {
			t.Errorf("the schema %s knows something", name)
		}
	}
}

// TestParseAttributeTypes reads definitions in the forms of several servers.
func TestParseAttributeTypes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       directory.AttributeType
	}{
		{
			"RFC 4519", "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
			directory.AttributeType{
				OID: "2.5.4.41", Names: []string{"name"}, Syntax: directory.SyntaxDirectoryString,
				Equality: "caseIgnoreMatch", Substrings: "caseIgnoreSubstringsMatch",
			},
		},
		{
			"389 Directory Server",
			"( nsUniqueId-oid NAME 'nsUniqueId' DESC 'Netscape defined attribute type' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15" +
				" SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation X-ORIGIN ( 'Netscape Directory Server' 'user defined' ) )",
			directory.AttributeType{
				OID: "nsUniqueId-oid", Names: []string{"nsUniqueId"}, Syntax: directory.SyntaxDirectoryString, Equality: "caseIgnoreMatch",
				SingleValue: true, NoUserModification: true, Usage: directory.DirectoryOperation,
			},
		},
		{
			"OpenDJ",
			"( 1.3.6.1.4.1.36733.2.1.1.59 NAME 'etag' DESC 'Entry tag' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE" +
				" NO-USER-MODIFICATION USAGE directoryOperation X-ORIGIN 'OpenDJ Directory Server' X-SCHEMA-FILE '02-config.ldif' )",
			directory.AttributeType{
				OID: "1.3.6.1.4.1.36733.2.1.1.59", Names: []string{"etag"}, Syntax: directory.SyntaxDirectoryString, Equality: "caseExactMatch",
				SingleValue: true, NoUserModification: true, Usage: directory.DirectoryOperation,
			},
		},
		{
			"Active Directory", "( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
			directory.AttributeType{
				OID: "1.2.840.113556.1.4.221", Names: []string{"sAMAccountName"}, Syntax: directory.SyntaxDirectoryString, SingleValue: true,
			},
		},
		{
			"no spaces, and a length in quotes", "(1.1.1 NAME('a''b')SYNTAX '1.1.2{64}'USAGE dSAOperation)",
			directory.AttributeType{OID: "1.1.1", Names: []string{"a", "b"}, Syntax: "1.1.2", Usage: directory.DSAOperation},
		},
		{
			"spaces of all kinds, any case", "\t( 1.1.1\n  name 'a'\r\n\tsingle-value usage DISTRIBUTEDOPERATION ) ",
			directory.AttributeType{OID: "1.1.1", Names: []string{"a"}, SingleValue: true, Usage: directory.DistributedOperation},
		},
		{
			"keywords inside quotes", "( 1.1.1 NAME 'a' DESC '( SINGLE-VALUE SYNTAX 1.1.9 $ )' OBSOLETE COLLECTIVE X-NAME ( 'SUP' 'b' ) )",
			directory.AttributeType{OID: "1.1.1", Names: []string{"a"}},
		},
		{
			"an unknown flag", "( 1.1.1 NAME 'a' FROBNICATE SINGLE-VALUE X-FLAG )",
			directory.AttributeType{OID: "1.1.1", Names: []string{"a"}, SingleValue: true},
		},
		{"no more than an OID", "( 1.1.1 )", directory.AttributeType{OID: "1.1.1"}},
		{"an unknown usage", "( 1.1.1 USAGE whatever )", directory.AttributeType{OID: "1.1.1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			schema, err := directory.ParseSchema([]string{test.text}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, schema.Attribute(test.want.OID)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseSchemaInherits(t *testing.T) {
	t.Parallel()
	schema, err := directory.ParseSchema([]string{
		"( 1.1.3 NAME 'grandchild' SUP child SUBSTR own )",
		"( 1.1.2 NAME 'child' SUP 1.1.1 ORDERING order )",
		"( 1.1.1 NAME 'parent' EQUALITY equal SUBSTR part SYNTAX 1.9 SINGLE-VALUE )",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &directory.AttributeType{OID: "1.1.3", Names: []string{"grandchild"}, Syntax: "1.9", Equality: "equal", Ordering: "order", Substrings: "own"}
	if diff := cmp.Diff(want, schema.Attribute("grandchild")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := schema.Attribute("parent"); got.Ordering != "" {
		t.Errorf("the parent has the ordering rule %q of its child", got.Ordering)
	}
}

// TestParseSchemaGoesOn makes sure that what is wrong costs no more than itself.
func TestParseSchemaGoesOn(t *testing.T) {
	t.Parallel()
	bad := []string{
		"", "()", "( )", "1.1.1 NAME 'x'", "( 1.1.1 NAME 'x'", "( 1.1.1 NAME 'x )", "( '' NAME 'x' )", "( ( 1.1.1 ) )", "( $ )",
		"( 1.1.1 NAME )", "( 1.1.1 NAME ( 'x' )", "( 1.1.1 NAME ( ( 'x' ) ) )", "( 1.1.1 SUP ( a $ b ) )", "( 1.1.1 SYNTAX )", "( 1.1.1 ) )",
		"( 1.1.1 NAME 'x' " + strings.Repeat("é", 100),
	}
	dangling := []string{"( 1.2.1 NAME 'orphan' SUP nosuch EQUALITY own )", "( 1.2.2 NAME 'self' SUP self )", "( 1.2.3 NAME 'a' SUP b )", "( 1.2.4 NAME 'b' SUP a )"}
	badUses := []string{"( 1.3.1 APPLIES )", "nonsense", "( 1.3.2 NAME 'x' APPLIES ( good $ ( cn ) ) )"}
	schema, err := directory.ParseSchema(slices.Concat(bad, dangling, []string{"( 1.1.9 NAME 'good' )"}),
		append(badUses, "( 1.3.3 NAME ( 'r' 's' ) DESC 'x' OBSOLETE APPLIES ( good $ nosuch ) X-Y 'z' )"))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if want := len(bad) + len(dangling) + len(badUses); len(lines) != want {
		t.Errorf("%d errors, want %d:\n%v", len(lines), want, err)
	}
	for _, line := range lines {
		if len(line) > 250 || !strings.Contains(line, ": ") {
			t.Errorf("a message without a reason, or a long one: %q", line)
		}
	}
	for _, name := range []string{"good", "orphan", "self", "a", "b"} {
		if schema.Attribute(name) == nil {
			t.Errorf("%q is not there", name)
		}
	}
	if schema.Attribute("x") != nil || schema.Attribute("1.1.1") != nil || schema.Attribute("") != nil {
		t.Error("a definition that makes no sense is there")
	}
	if got := schema.Attribute("orphan").Equality; got != "own" {
		t.Errorf("the orphan has the equality rule %q", got)
	}
	if !schema.TakesRule("good", "S") || schema.TakesRule("good", "x") {
		t.Error("of the rules only the good one must be there")
	}
}

func FuzzParseSchema(f *testing.F) {
	types, uses := openLDAP(f)
	for _, text := range slices.Concat(types[:20], uses[:3]) {
		f.Add(text, "( 1.1.1 NAME 'x' SUP y )")
	}
	f.Add("( 1.1 SUP 1.1 )", "( 1.1 APPLIES ( '' $ '' ) )")
	f.Fuzz(func(t *testing.T, a, b string) {
		schema, err := directory.ParseSchema([]string{a, b}, []string{b, a})
		if schema == nil {
			t.Fatalf("no schema beside %v", err)
		}
		// A definition alone is taken or refused, and what is taken is found.
		if one, err := directory.ParseSchema([]string{a}, nil); err == nil {
			oid := strings.Trim(strings.Fields(strings.NewReplacer("(", " ", ")", " ").Replace(a))[0], "'")
			if !strings.ContainsAny(a, "'$") && one.Attribute(oid) == nil && !strings.Contains(oid, ";") {
				t.Errorf("%q is taken, and %q is not found", a, oid)
			}
		}
	})
}

// TestParseMatchingRules finds the rules that a server publishes, among them those of JSON
// that one vendor has.
func TestParseMatchingRules(t *testing.T) {
	t.Parallel()
	schema, err := directory.ParseSchema(nil, nil,
		"( 1.3.6.1.4.1.36733.2.1.4.1 NAME 'caseIgnoreJsonQueryMatch' DESC 'x' SYNTAX 1.3.6.1.4.1.36733.2.1.3.2 X-ORIGIN ( 'a' 'b' ) )",
		"( 2.5.13.2 NAME ( 'caseIgnoreMatch' 'cIM' ) SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )", "nonsense")
	if err == nil || !strings.Contains(err.Error(), `matching rule "nonsense"`) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	want := &directory.MatchingRule{OID: "1.3.6.1.4.1.36733.2.1.4.1", Names: []string{"caseIgnoreJsonQueryMatch"}, Syntax: "1.3.6.1.4.1.36733.2.1.3.2"}
	for _, name := range []string{want.OID, "caseignorejsonQUERYmatch"} {
		if diff := cmp.Diff(want, schema.MatchingRule(name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if schema.MatchingRule("cim") == nil || schema.MatchingRule("nonsense") != nil || (*directory.Schema)(nil).MatchingRule("cim") != nil {
		t.Error("the other rules are not as they were published")
	}
}
