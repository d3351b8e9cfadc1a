package directory_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

func TestObjectClasses(t *testing.T) {
	schema, err := directory.ParseSchema(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	schema, err = schema.WithClasses([]string{
		"( 2.5.6.0 NAME 'top' DESC 'the top' ABSTRACT MUST objectClass )",
		"( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( description $ seeAlso ) )",
		"( 2.16 NAME ( 'inetOrgPerson' 'netPerson' ) SUP person )",
		"( 1.1 NAME 'both' SUP ( person $ helper ) )",
		"( 1.2 NAME 'helper' SUP top AUXILIARY )",
		"( 1.3 NAME 'round' SUP round )",
		"no definition",
	})
	if err == nil || !strings.Contains(err.Error(), "no definition") {
		t.Errorf("error %v", err)
	}
	for class, want := range map[string]bool{"Person": true, "2.5.6.6": true, "netperson": true, "helper": false, "top": false, "unknown": false} {
		if schema.IsStructural(class) != want {
			t.Errorf("%s structural: %t", class, !want)
		}
	}
	for classes, want := range map[string]string{
		"inetOrgPerson":        "inetOrgPerson person top",
		"both,unknown":         "both person top helper unknown",
		"top,person,NETPERSON": "top person NETPERSON",
		"round":                "round",
	} {
		if got := strings.Join(schema.WithSuperiors(strings.Split(classes, ",")), " "); got != want {
			t.Errorf("%s: %q, want %q", classes, got, want)
		}
	}
	var none *directory.Schema
	if got := none.WithSuperiors([]string{"a"}); !slices.Equal(got, []string{"a"}) || none.IsStructural("a") {
		t.Errorf("no schema: %q", got)
	}
}

func TestIncludes(t *testing.T) {
	schema, err := directory.ParseSchema([]string{
		"( 2.5.4.41 NAME 'name' )", "( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )", "( 1.1 NAME 'round' SUP other )", "( 1.2 NAME 'other' SUP round )",
	}, nil)
	if err == nil {
		t.Error("superiors in a circle are no error")
	}
	for pair, want := range map[[2]string]bool{
		{"name", "cn"}: true, {"commonName", "CN;lang-de"}: true, {"cn", "name"}: false, {"x", "X;y"}: true, {"x", "cn"}: false,
		{"round", "other"}: true, {"cn", "other"}: false,
	} {
		if schema.Includes(pair[0], pair[1]) != want {
			t.Errorf("%v: %t", pair, !want)
		}
	}
}
