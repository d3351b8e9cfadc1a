package slapd_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// TestAccess: access rules mean the same on every kind.
func TestAccess(t *testing.T) {
	rows := []struct {
		name string
		// grants are the only ones for the entry and its description, in this order.
		grants []memdir.Grant
		// reads tells what nobody, the one whose entry it is, somebody, the one who is named, and
		// an administrator see: the description (r), the entry alone (e), nothing (0), or the code
		// 50 (d) or 32 (n); writes, who of them may write it (w).
		reads, writes string
	}{
		{"Anonymous", []memdir.Grant{{Subject: memdir.Anonymous, Level: memdir.LevelRead}}, "rnnnn", "-----"},
		{"Users", []memdir.Grant{{Subject: memdir.Users, Level: memdir.LevelRead}}, "nrrrr", "-----"},
		{"Self", []memdir.Grant{{Subject: memdir.Self, Level: memdir.LevelWrite}}, "nrnnn", "-w---"},
		{"DN", []memdir.Grant{{Subject: memdir.DN, DN: person("scarter"), Level: memdir.LevelRead}}, "nnnrn", "-----"},
		{"Group", []memdir.Grant{{Subject: memdir.Group, DN: exampledata.AdministratorsDN, Attribute: "uniqueMember", Level: memdir.LevelWrite}}, "nnnnr", "----w"},
		{"None", []memdir.Grant{{Level: memdir.LevelNone}}, "nnnnn", "-----"},
		{"Disclose", []memdir.Grant{{Level: memdir.LevelDisclose}}, "ddddd", "-----"},
		{"Auth", []memdir.Grant{{Level: memdir.LevelAuth}}, "ddddd", "-----"},
		{"Compare", []memdir.Grant{{Level: memdir.LevelCompare}}, "ddddd", "-----"},
		{"Search", []memdir.Grant{{Level: memdir.LevelSearch}}, "00000", "-----"},
		{"Read", []memdir.Grant{{Level: memdir.LevelRead}}, "rrrrr", "-----"},
		{"Write", []memdir.Grant{{Level: memdir.LevelWrite}}, "rrrrr", "-wwww"},
		{"Change", []memdir.Grant{{Level: memdir.LevelChange}}, "nnnnn", "-wwww"},
		{"Break", []memdir.Grant{{Subject: memdir.Self, Level: memdir.LevelNone}, {Break: true}}, "nnrrr", "----w"},
	}
	var rules []memdir.Rule
	for i, row := range rows {
		rules = append(rules, memdir.Rule{Base: exampledata.Generated(i + 1).DN(), Scope: memdir.Exact, Attributes: []string{"entry", "objectClass", "description"}, By: row.grants})
	}
	slapd.Each(t, slapd.Options{Access: rules}, func(t *testing.T, s *slapd.Server) {
		for i, row := range rows {
			self := exampledata.Generated(i + 1)
			if err := replace(asRoot(t, s), self.DN(), "description", "x"); err != nil {
				t.Fatal(err)
			}
			reads, writes := "", ""
			for _, conn := range []*ldap.Conn{dial(t, s), as(t, s, self.ID), as(t, s, "bjensen"), as(t, s, "scarter"), as(t, s, "kvaughan")} {
				found, err := search(conn, self.DN(), "(objectClass=*)", []string{"description"})
				switch {
				case len(found) > 0 && len(values(found, "description")) > 0:
					reads += "r"
				case len(found) > 0:
					reads += "e"
				default:
					reads += map[uint16]string{0: "0", 32: "n", 50: "d"}[resultCode(err)]
				}
				writes += map[bool]string{true: "w", false: "-"}[replace(conn, self.DN(), "description", "x") == nil]
			}
			if reads != row.reads || writes != row.writes {
				t.Errorf("%s: reads %q, writes %q; want %q, %q", row.name, reads, writes, row.reads, row.writes)
			}
		}
	})
}
