package slapd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
)

// Two servers hold the same data: what is held back on the way comes when it is let through. A
// mirror takes changes on both, another second server takes none.
func TestPair(t *testing.T) {
	for name, mirror := range map[string]bool{"Mirror": true, "Consumer": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ways []*toxic.Way
			pair := slapd.StartPair(t, slapd.Options{}, slapd.Replication{Mirror: mirror, Through: func(address string) string {
				ways = append(ways, toxic.New(t, address))
				return ways[len(ways)-1].URL
			}})
			first, second := as(t, pair.First, "kvaughan"), as(t, pair.Second, "kvaughan")
			description := func(conn *ldap.Conn, uid string) string {
				entries, err := search(conn, person(uid), "(objectClass=*)", []string{"description", "entryCSN"})
				if err != nil || len(entries) != 1 {
					t.Fatal(entries, err)
				}
				return strings.Split(entries[0].GetAttributeValue("entryCSN"), "#")[2] + " " + entries[0].GetAttributeValue("description")
			}
			for _, way := range ways {
				way.Down()
			}
			wantCode(t, "a change of the first", replace(first, person("bjensen"), "description", "changed"), ldap.LDAPResultSuccess)
			code := uint16(ldap.LDAPResultUnwillingToPerform)
			if mirror {
				code = ldap.LDAPResultSuccess
			}
			wantCode(t, "a change of the second", replace(second, person("scarter"), "description", "changed"), code)
			if got := description(second, "bjensen"); got == "001 changed" {
				t.Errorf("the change was not held back: %q", got)
			}
			for _, way := range ways {
				way.Up()
			}
			pair.Settle(t)
			want := []string{"001 changed", "002 changed"}
			if !mirror {
				want[1] = "000 "
			}
			for _, conn := range []*ldap.Conn{first, second} {
				if got := []string{description(conn, "bjensen"), description(conn, "scarter")}; !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}
