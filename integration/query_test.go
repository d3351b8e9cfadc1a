package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

func TestQuery(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		query := func(t *testing.T, filter string) *reply {
			return g.list(t, "kvaughan", "/api/users", filter, "_fields", "userName")
		}
		jensens := []string{"ajensen", "bjensen", "gjensen", "jjensen", "kjensen", "rjensen", "tjensen"}
		for name, test := range map[string]struct {
			filter string
			ids    []string
		}{
			"R_G01":           {`userName eq 'bjensen@example.com'`, []string{"bjensen"}},
			"R_G03":           {`userName sw 'ab'`, []string{"abarnes", "abergin"}},
			"R_G05":           {`userName le 'ad'`, []string{"abarnes", "abergin", "achassin"}},
			"R_G07":           {`userName ge 'tw'`, []string{"tward", "wlutz"}},
			"R_G11":           {`(userName co 'jensen' and manager/displayName sw 'Sam')`, []string{"jjensen", "tjensen"}},
			"R_G13":           {`(_id co 'jensen' and displayName sw 'babs')`, []string{"bjensen"}},
			"R_G21":           {`USERNAME EQ 'bjensen@example.com'`, []string{"bjensen"}},
			"R_G23":           {`displayName eq 'a*b(c)'`, nil},
			"R_G27":           {`manager/_id eq 'ghost'`, nil},
			"ManagerID":       {`manager/_id eq 'scarter' and _id co 'jensen'`, []string{"jjensen", "tjensen"}},
			"Manager":         {`manager/name/familyName eq 'Rigden'`, []string{"bjensen"}},
			"Double":          {`userName eq "bjensen@example.com"`, []string{"bjensen"}},
			"Slash":           {`/name/familyName eq 'Tully'`, []string{"ttully"}},
			"Less":            {`userName lt 'abergin@example.com'`, []string{"abarnes"}},
			"Greater":         {`userName gt 'tward@example.com'`, []string{"wlutz"}},
			"GreaterNot":      {`!(userName le 'tward@example.com')`, []string{"wlutz"}},
			"Number":          {`uidNumber ge 1130 and uidNumber lt 2000`, []string{"ttully"}},
			"NumberLess":      {`uidNumber lt 1003`, []string{"scarter", "tmorris"}},
			"Present":         {`description pr`, []string{"bjensen"}},
			"True":            {`true and _id eq 'bjensen'`, []string{"bjensen"}},
			"False":           {`false or _id eq 'bjensen'`, []string{"bjensen"}},
			"Nothing":         {`false`, nil},
			"Precedence":      {`_id eq 'bjensen' or _id eq 'scarter' and name/familyName eq 'nobody'`, []string{"bjensen"}},
			"OrderOrEqual":    {`userName ge 'wlutz@example.com' or _id eq 'bjensen'`, []string{"bjensen", "wlutz"}},
			"DisplayNameMany": {`displayName lt 'b' and _id sw 'a'`, []string{"abarnes", "abergin", "achassin", "ahall", "ahel", "ahunter", "ajensen"}},
			"In":              {`_id in ["bjensen","nobody","scarter"] and !(_id in ("scarter"))`, []string{"bjensen"}},
			"Groups":          {`groups/_id eq 'HR Managers'`, []string{"cschmith", "kvaughan"}},
			"GroupsByName":    {`groups/displayName sw 'Directory'`, []string{"hmiller", "kvaughan", "rdaugherty"}},
			"Substring":       {`name/familyName co 'ense'`, jensens},
		} {
			t.Run(name, func(t *testing.T) {
				r := query(t, test.filter).finds(test.ids...)
				for i := range test.ids {
					if got := r.members("result", i); !slices.Equal(got, []string{"_id", "_rev", "userName"}) {
						t.Errorf("members %q", got)
					}
				}
			})
		}
		t.Run("R_G23/Escaped", func(t *testing.T) {
			if log := logOf(server); !strings.Contains(log, `a\2Ab\28c\29`) && !strings.Contains(log, `a\2ab\28c\29`) {
				t.Error("the directory's log shows no escaped value")
			}
		})
		t.Run("R_G09", func(t *testing.T) {
			r := g.list(t, "kvaughan", "/api/groups", "true", "_fields", "displayName").
				finds("Accounting Managers", "Directory Administrators", "HR Managers", "PD Managers", "QA Managers")
			if got := r.members("result", 0); !slices.Equal(got, []string{"_id", "_rev", "displayName"}) {
				t.Errorf("members %q", got)
			}
		})
		t.Run("R_G15", func(t *testing.T) {
			got := query(t, `!(_id co 'jensen')`).want(http.StatusOK).ids("result")
			if len(got) != exampledata.DefaultUsers-len(jensens) || slices.ContainsFunc(got, func(id string) bool { return strings.Contains(id, "jensen") }) {
				t.Errorf("%d found", len(got))
			}
		})
		t.Run("R_G17", func(t *testing.T) {
			// 400 where the file does not ask for the behaviour of the reference.
			for _, filter := range []string{`nosuch eq 'x'`, `!(nosuch eq 'x')`, `_id pr or name/nosuch pr`} {
				query(t, filter).fails(http.StatusBadRequest, "unknownField").has(`"_queryFilter"`, "detail", "parameter")
			}
		})
		for name, test := range map[string]struct {
			filter   string
			position string
		}{
			"R_G19":       {`userName eq`, "12"},
			"Unbalanced":  {`(userName pr`, "13"},
			"NoOperator":  {`userName`, ""},
			"BadOperator": {`userName is 'x'`, "1"},
			"OpenString":  {`userName eq 'x`, ""},
			"Trailing":    {`userName pr )`, "13"},
			"TwoFilters":  {`userName pr userName pr`, "13"},
			"Empty":       {``, ""},
		} {
			t.Run(name, func(t *testing.T) {
				r := query(t, test.filter).fails(http.StatusBadRequest, "").has(`"_queryFilter"`, "detail", "parameter")
				if test.position != "" {
					r.has(test.position, "detail", "position")
				}
			})
		}
		t.Run("Deep", func(t *testing.T) {
			for _, levels := range []int{255, 256} {
				even := levels%2 == 0 // Of so many negations.
				r := query(t, strings.Repeat("!", levels)+`_id eq "bjensen"`).want(http.StatusOK)
				if got := r.ids("result"); even != (len(got) == 1) || len(got) == 0 {
					t.Errorf("%d negations: %d found", levels, len(got))
				}
				query(t, strings.Repeat("(", levels)+`_id eq "bjensen"`+strings.Repeat(")", levels)).finds("bjensen")
			}
			query(t, strings.Repeat("(_id pr and ", 255)+`_id eq "bjensen"`+strings.Repeat(")", 255)).finds("bjensen")
			query(t, strings.Repeat("!", 257)+"true").fails(http.StatusBadRequest, "malformedParameter").has("256", "detail", "limit")
			query(t, strings.Repeat("(", 10_000)+"true"+strings.Repeat(")", 10_000)).want(http.StatusBadRequest)
		})
		t.Run("R_G25", func(t *testing.T) {
			got := query(t, `_schema eq '`+posixType+`' and !(_id sw 'gen')`).want(http.StatusOK).ids("result")
			if len(got) != len(exampledata.People()) {
				t.Errorf("%d found: %q", len(got), got)
			}
			query(t, `_schema eq '`+groupType+`'`).finds()
			// One who is no posixAccount is none of them.
			const plain = "/api/users/plain"
			g.send(t, ask{method: "PUT", path: plain, as: "kvaughan", body: newUser("plain"), header: headers("If-None-Match", "*")}).want(http.StatusCreated)
			query(t, `_schema eq '`+posixType+`' and _id in ["bjensen","plain"]`).finds("bjensen")
			query(t, `_schema eq '`+userType+`' and _id in ["bjensen","plain"]`).finds("bjensen", "plain")
			g.send(t, ask{method: "DELETE", path: plain, as: "kvaughan"}).want(http.StatusOK)
		})
		t.Run("R_G29", func(t *testing.T) {
			query(t, `_meta/created ge "not a date"`).fails(http.StatusBadRequest, "wrongType")
			query(t, `_meta/created ge "2001-01-01T00:00:00Z" and _id eq 'bjensen'`).finds("bjensen")
			query(t, `_meta/created lt "2001-01-01T00:00:00Z"`).finds()
		})
		t.Run("R_G31", func(t *testing.T) {
			for _, name := range []string{"_queryId", "_queryExpression"} {
				for _, query := range [][]string{{name, "all"}, {name, "all", "_queryFilter", "true"}} {
					g.get(t, "kvaughan", "/api/users", query...).fails(http.StatusBadRequest, "malformedParameter").has(`"`+name+`"`, "detail", "parameter")
				}
			}
		})
		t.Run("R_G33", func(t *testing.T) {
			want := []string{"pagedResultsCookie", "remainingPagedResults", "result", "resultCount", "totalPagedResults", "totalPagedResultsPolicy"}
			for _, id := range []string{"bjensen", "nobody"} {
				r := query(t, `_id eq '`+id+`'`).want(http.StatusOK).has(`-1`, "totalPagedResults").has(`-1`, "remainingPagedResults").
					has(`"NONE"`, "totalPagedResultsPolicy").has(`null`, "pagedResultsCookie")
				if got := r.members(); !slices.Equal(got, want) {
					t.Errorf("members %q", got)
				}
			}
		})
		t.Run("R_G39", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users/bjensen", "true").fails(http.StatusBadRequest, "")
		})
		t.Run("NoFilter", func(t *testing.T) { g.get(t, "kvaughan", "/api/users").fails(http.StatusBadRequest, "") })
		t.Run("WrongTypeOfNumber", func(t *testing.T) { query(t, `uidNumber eq 'x'`).fails(http.StatusBadRequest, "wrongType") })

		t.Run("EveryReferenceInFewOperations", func(t *testing.T) {
			r := g.list(t, "kvaughan", "/api/users", "true", "_fields", "/manager/displayName,/groups/displayName").want(http.StatusOK)
			if n := len(r.ids("result")); n != exampledata.DefaultUsers {
				t.Errorf("%d rows", n)
			}
			events := g.eventsOf(t, r)
			if operations, _ := events[0]["ldapOperations"].(float64); operations == 0 || operations > 4 {
				t.Errorf("%v operations for %d rows with two references each", operations, exampledata.DefaultUsers)
			}
			if rows := events[0]["rows"]; rows != float64(exampledata.DefaultUsers) {
				t.Errorf("the event counts %v rows", rows)
			}
			for i := range exampledata.DefaultUsers {
				if r.at("result", i, "_id") == "kvaughan" {
					if groups := fmt.Sprint(r.at("result", i, "groups")); !strings.Contains(groups, "displayName:HR Managers") || !strings.Contains(groups, "displayName:Directory Administrators") {
						t.Errorf("groups %s", groups)
					}
				}
			}
		})
	})
}

// A list beyond the page that the gateway fetches at once, and beyond what is held
// back, is complete and in pieces.
func TestLongList(t *testing.T) {
	const users = 3000
	server := slapd.Start(t, slapd.Options{Users: users, CallerSizeLimit: slapd.Unlimited})
	g := start(t, server, settings{})
	r := g.list(t, "kvaughan", "/api/users", "true").want(http.StatusOK)
	ids := r.ids("result")
	if n := len(slices.Compact(ids)); n != users {
		t.Errorf("%d different rows of %d, want %d", n, len(ids), users)
	}
	if r.header.Get("Content-Length") != "" {
		t.Error("a long list was held back whole")
	}
	t.Run("Ordered", func(t *testing.T) {
		// The gateway evaluates what the directory cannot, over all of them.
		g.list(t, "kvaughan", "/api/users", `userName ge 'tw'`, "_fields", "userName").finds("tward", "wlutz")
	})
}
