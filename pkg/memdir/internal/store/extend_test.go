package store

import (
	"slices"
	"strings"
	"testing"
)

func TestExtend(t *testing.T) {
	const attribute = "attributeTypes: ( 1.1.1 NAME 'shoeSize' EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )"
	const class = "objectClasses: ( 1.1.2 NAME 'shod' SUP top AUXILIARY MAY shoeSize )"
	s, err := New(Options{Suffix: "dc=example,dc=com", Schema: attribute + "\n" + class})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(s.Subschema().Values("objectClasses"), strings.TrimPrefix(class, "objectClasses: ")) {
		t.Error("the class is not published")
	}
	if typ, _ := s.schema.attribute("SHOESIZE"); typ == nil || !typ.single || typ.ordering != "integerOrderingMatch" {
		t.Errorf("the attribute is %+v", typ)
	}
	if typ, _ := openLDAP().attribute("shoeSize"); typ != nil {
		t.Error("the schema of all servers has changed")
	}
	for _, bad := range []string{
		"shoeSize", "attributeTypes: shoeSize", "ldapSyntaxes: ( 1.1.3 )", "attributeTypes: ( 1.1.1 )", "attributeTypes: ( 1.1.4 NAME 'x' SUP nothing )",
		"objectClasses: ( 1.1.5 NAME 'y' SUP nothing AUXILIARY )",
	} {
		if _, err := New(Options{Suffix: "dc=example,dc=com", Schema: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
