package integration_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
)

// crowd adds people whose entryUUIDs have another order than their entries, and returns
// their ids.
func crowd(t *testing.T, server *slapd.Server, r *rand.Rand, n int) []string {
	t.Helper()
	conn := dialRoot(t, server)
	// Relax Rules: the server takes the entryUUID that it would else make.
	relax := []ldap.Control{ldap.NewControlString("1.3.6.1.4.1.4203.666.5.12", true, "")}
	inMemory := server.Kind == slapd.Memory // Its entryUUIDs are random.
	if inMemory {
		relax = nil
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("crowd%05d", i)
		add := ldap.NewAddRequest(exampledata.Person{ID: ids[i]}.DN(), relax)
		add.Attribute("objectClass", []string{"inetOrgPerson"})
		add.Attribute("cn", []string{ids[i]})
		add.Attribute("sn", []string{fmt.Sprintf("%c%d", 'A'+r.IntN(26), r.IntN(50))})
		if r.IntN(3) > 0 {
			add.Attribute("description", []string{fmt.Sprint(r.IntN(100))})
		}
		x := fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
		if !inMemory {
			add.Attribute("entryUUID", []string{x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]})
		}
		if err := conn.Add(add); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// walk follows the cookies to the end and returns the ids in the order in which they came.
func (g *gateway) walk(t *testing.T, as string, size int, filter string, query ...string) []string {
	t.Helper()
	ids, err := g.tryWalk(as, size, filter, nil, query...)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// tryWalk is walk for any goroutine. between is called after each page.
func (g *gateway) tryWalk(as string, size int, filter string, between func(page int), query ...string) ([]string, error) {
	var ids []string
	values := params(append([]string{"_queryFilter", filter, "_pageSize", fmt.Sprint(size)}, query...)...)
	for page := 1; ; page++ {
		r, err := g.try(ask{method: http.MethodGet, path: "/api/users", query: values, as: as})
		if err != nil {
			return ids, err
		}
		if r.status != http.StatusOK {
			return ids, fmt.Errorf("page %d: status %d: %s", page, r.status, r.body)
		}
		rows, _ := r.at("result").([]any)
		if len(rows) > size {
			return ids, fmt.Errorf("page %d has %d rows", page, len(rows))
		}
		for i := range rows {
			id, _ := r.at("result", i, "_id").(string)
			ids = append(ids, id)
		}
		cookie, more := r.at("pagedResultsCookie").(string)
		if !more {
			return ids, nil
		}
		if len(rows) == 0 {
			return ids, fmt.Errorf("page %d is empty and not the last", page)
		}
		values.Set("_pagedResultsCookie", cookie)
		if between != nil {
			between(page)
		}
	}
}

// same compares what came with what there is, in any order.
func same(got, want []string) error {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if slices.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("%d rows, %d different ones, want %d", len(got), len(slices.Compact(slices.Clone(got))), len(want))
}

func TestPages(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		everybody := g.list(t, "kvaughan", "/api/users", "true").want(http.StatusOK).ids("result")
		if len(everybody) != exampledata.DefaultUsers {
			t.Fatalf("%d people, want %d", len(everybody), exampledata.DefaultUsers)
		}
		t.Run("R_H01", func(t *testing.T) {
			r := g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "5").want(http.StatusOK).has("5", "resultCount")
			if ids := r.ids("result"); len(ids) != 5 {
				t.Errorf("%q", ids)
			}
			if cookie, ok := r.at("pagedResultsCookie").(string); !ok || cookie == "" {
				t.Errorf("no cookie: %s", r.body)
			}
		})
		t.Run("R_H03", func(t *testing.T) {
			for _, size := range []int{1, 5, 7, 50, 149, 150, 151, 1000} {
				if err := same(g.walk(t, "kvaughan", size, "true"), everybody); err != nil {
					t.Errorf("pages of %d: %v", size, err)
				}
			}
		})
		t.Run("R_H05", func(t *testing.T) {
			counts := []string{}
			cookie := ""
			for {
				r := g.list(t, "kvaughan", "/api/users", `_id co "jensen"`, "_pageSize", "3", "_pagedResultsCookie", cookie).want(http.StatusOK)
				counts = append(counts, fmt.Sprint(r.at("resultCount")))
				var more bool
				if cookie, more = r.at("pagedResultsCookie").(string); !more {
					break
				}
			}
			if want := []string{"3", "3", "1"}; !slices.Equal(counts, want) {
				t.Errorf("pages of %q, want %q", counts, want)
			}
		})
		t.Run("R_H07", func(t *testing.T) {
			all := g.walk(t, "kvaughan", 4, "true")
			for _, skip := range []int{1, 3, 37, 38} {
				r := g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "4", "_pagedResultsOffset", fmt.Sprint(skip)).want(http.StatusOK)
				want := all[min(4*skip, len(all)):min(4*skip+4, len(all))]
				if err := same(r.ids("result"), want); err != nil {
					t.Errorf("offset %d: %v: %s", skip, err, r.body)
				}
			}
		})
		// What is passed over costs few operations, and is bounded.
		t.Run("X27", func(t *testing.T) {
			for _, order := range [][]string{nil, {"_sortKeys", "_id"}, {"_sortKeys", "uidNumber"}} {
				all := g.walk(t, "kvaughan", 1000, "true", order...)
				for _, skip := range []int{0, 1, 70, 149} {
					query := append([]string{"_fields", "_id", "_pageSize", "1", "_pagedResultsOffset", fmt.Sprint(skip)}, order...)
					r := g.list(t, "kvaughan", "/api/users", "true", query...).finds(all[skip])
					events := g.eventsOf(t, r)
					// One search, and at times one that makes sure of the next page.
					if n, _ := events[0]["ldapOperations"].(float64); len(events) != 1 || n < 1 || n > 2 {
						t.Errorf("%q, offset %d: %v operations", order, skip, n)
					}
				}
			}
			g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "1", "_pagedResultsOffset", "100000").finds()
			g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "5", "_pagedResultsOffset", "20001").
				fails(http.StatusBadRequest, "offsetLimit").has(`"_pagedResultsOffset"`, "detail", "parameter").has("100000", "detail", "limit")
		})
		t.Run("Nothing", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", "false", "_pageSize", "4").finds().has("null", "pagedResultsCookie")
			g.list(t, "kvaughan", "/api/users", `_id eq "nobody"`, "_pageSize", "4").finds().has("null", "pagedResultsCookie")
		})
		t.Run("Totals", func(t *testing.T) {
			for _, test := range []struct{ policy, filter, answered, total string }{
				{"EXACT", "true", `"EXACT"`, fmt.Sprint(len(everybody))},
				{"exact", `userName ge "wlutz"`, `"EXACT"`, "1"},
				{"EXACT", "false", `"EXACT"`, "0"},
				{"ESTIMATE", "true", `"NONE"`, "-1"},
				{"NONE", "false", `"NONE"`, "-1"},
			} {
				g.list(t, "kvaughan", "/api/users", test.filter, "_pageSize", "3", "_totalPagedResultsPolicy", test.policy).want(http.StatusOK).
					has(test.answered, "totalPagedResultsPolicy").has(test.total, "totalPagedResults").has("-1", "remainingPagedResults")
			}
		})
		t.Run("CountOnly", func(t *testing.T) {
			for filter, count := range map[string]int{
				"true": len(everybody), `_id co "jensen"`: 7, "false": 0, `_id eq "nobody"`: 0, `userName ge "wlutz"`: 1,
			} {
				g.send(t, ask{
					method: "GET", path: "/api/users", query: params("_queryFilter", filter, "_countOnly", "true"), as: "kvaughan",
					header: headers("Accept-API-Version", "protocol=2.2"),
				}).want(http.StatusOK).has("[]", "result").has(fmt.Sprint(count), "resultCount").has(fmt.Sprint(count), "totalPagedResults").
					has(`"ESTIMATE"`, "totalPagedResultsPolicy").has("null", "pagedResultsCookie")
			}
		})
		t.Run("R_H13", func(t *testing.T) {
			g.list(t, "kvaughan", "/api/users", "true", "_countOnly", "true").fails(http.StatusBadRequest, "olderProtocol")
			g.send(t, ask{
				method: "GET", path: "/api/users", query: params("_queryFilter", "true", "_countOnly", "true"), as: "kvaughan",
				header: headers("Accept-API-Version", "protocol=2.1"),
			}).fails(http.StatusBadRequest, "olderProtocol")
		})
		t.Run("EvaluatedInTheGateway", func(t *testing.T) {
			want := g.list(t, "kvaughan", "/api/users", `userName ge "k"`).want(http.StatusOK).ids("result")
			if err := same(g.walk(t, "kvaughan", 3, `userName ge "k"`), want); err != nil || len(want) < 4 {
				t.Errorf("%d: %v", len(want), err)
			}
		})
		t.Run("References", func(t *testing.T) {
			values := []string{"_fields", "manager/displayName"}
			if err := same(g.walk(t, "kvaughan", 20, "true", values...), everybody); err != nil {
				t.Error(err)
			}
		})
		t.Run("TheSamePageAgain", func(t *testing.T) {
			first := g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "10").want(http.StatusOK)
			cookie, _ := first.at("pagedResultsCookie").(string)
			again := func() *reply {
				return g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "10", "_pagedResultsCookie", cookie).want(http.StatusOK)
			}
			second := again().ids("result")
			for range 3 {
				r := again()
				if got := r.ids("result"); !slices.Equal(got, second) {
					t.Errorf("%q, want %q", got, second)
				}
			}
			third, _ := again().at("pagedResultsCookie").(string)
			rest := g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "1000", "_pagedResultsCookie", third).want(http.StatusOK)
			if err := same(slices.Concat(first.ids("result"), second, rest.ids("result")), everybody); err != nil {
				t.Error(err)
			}
		})
	})
}

// A cookie is good for one query of one caller at one gateway, as it is.
func TestCookies(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g, other := start(t, server, settings{}), start(t, server, settings{})
	r := g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "5", "_fields", "userName").want(http.StatusOK)
	cookie, _ := r.at("pagedResultsCookie").(string)
	changed := []byte(cookie)
	if middle := len(changed) / 2; changed[middle] == 'A' {
		changed[middle] = 'B'
	} else {
		changed[middle] = 'A'
	}
	for name, test := range map[string]struct {
		g                        *gateway
		as, path, filter, cookie string
		more                     []string
		kind                     string
	}{
		"Changed":      {g, "kvaughan", "/api/users", "true", string(changed), []string{"_fields", "userName"}, "foreignCookie"},
		"Short":        {g, "kvaughan", "/api/users", "true", cookie[:8], []string{"_fields", "userName"}, "foreignCookie"},
		"NotOne":       {g, "kvaughan", "/api/users", "true", "AAAAAAAAAA8=", []string{"_fields", "userName"}, "malformedCookie"},
		"OtherGateway": {other, "kvaughan", "/api/users", "true", cookie, []string{"_fields", "userName"}, "foreignCookie"},
		"OtherCaller":  {g, "bjensen", "/api/users", "true", cookie, []string{"_fields", "userName"}, "cookieOfAnother"},
		"OtherFilter":  {g, "kvaughan", "/api/users", `_id pr`, cookie, []string{"_fields", "userName"}, "cookieOfAnotherQuery"},
		"OtherFields":  {g, "kvaughan", "/api/users", "true", cookie, nil, "cookieOfAnotherQuery"},
		"OtherPath":    {g, "kvaughan", "/api/groups", "true", cookie, []string{"_fields", "userName"}, "cookieOfAnotherQuery"},
		"OtherOrder":   {g, "kvaughan", "/api/users", "true", cookie, []string{"_fields", "userName", "_sortKeys", "_id"}, "cookieOfAnotherQuery"},
	} {
		t.Run(name, func(t *testing.T) {
			query := append([]string{"_pageSize", "5", "_pagedResultsCookie", test.cookie}, test.more...)
			test.g.list(t, test.as, test.path, test.filter, query...).fails(http.StatusBadRequest, test.kind).has(`"_pagedResultsCookie"`, "detail", "parameter")
		})
	}
	t.Run("OtherSize", func(t *testing.T) {
		g.list(t, "kvaughan", "/api/users", "true", "_pageSize", "7", "_fields", "userName", "_pagedResultsCookie", cookie).want(http.StatusOK).has("7", "resultCount")
	})
}

// Many walks at once, by callers whom the directory lets see 500 entries of a search, and
// by callers whom it lets see all: no entry is missing, and none comes twice.
func TestWalks(t *testing.T) {
	r := soak.Rand(t)
	clients := soak.Size(8, 20)
	for name, limit := range map[string]int{"DefaultLimits": 0, "RaisedLimits": slapd.Unlimited} {
		t.Run(name, func(t *testing.T) {
			server := slapd.Start(t, slapd.Options{CallerSizeLimit: limit, LogLevel: "none"})
			ids := crowd(t, server, r, soak.Size(1500, 5000))
			g := start(t, server, settings{})
			r := g.list(t, "bjensen", "/api/users", "true", "_pageSize", "3", "_totalPagedResultsPolicy", "EXACT").want(http.StatusOK)
			if total := fmt.Sprint(r.at("totalPagedResults")); (total == "-1") != (limit == 0) {
				t.Errorf("a total of %s", total)
			}
			var wg sync.WaitGroup
			failures := make([]error, clients)
			for i := range clients {
				size := []int{50, 73, 100, 400, 1000}[i%5]
				wg.Go(func() {
					got, err := g.tryWalk([]string{"bjensen", "scarter", "kvaughan"}[i%3], size, `_id sw "crowd"`, nil)
					if err == nil {
						err = same(got, ids)
					}
					if err != nil {
						failures[i] = fmt.Errorf("pages of %d: %w", size, err)
					}
				})
			}
			wg.Wait()
			t.Logf(soak.Mark+"%d clients each walked through %d users", clients, len(ids))
			for _, err := range failures {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A walk goes on when what it stood on is gone.
func TestWalkGoesOn(t *testing.T) {
	r := soak.Rand(t)
	for name, limit := range map[string]int{"DefaultLimits": 0, "RaisedLimits": slapd.Unlimited} {
		t.Run(name, func(t *testing.T) {
			server := slapd.Start(t, slapd.Options{CallerSizeLimit: limit})
			ids := crowd(t, server, r, 1200)
			key := settings{env: []string{"REST2LDAP_SERVER__COOKIEKEY=env:COOKIE_KEY", "COOKIE_KEY=0123456789abcdef0123456789abcdef"}}
			g, second := start(t, server, key), start(t, server, key)
			t.Run("W9/DirectoryRestarted", func(t *testing.T) {
				got, err := g.tryWalk("bjensen", 100, `_id sw "crowd"`, func(page int) {
					if page%3 == 0 {
						if err := server.Restart(); err != nil {
							t.Error(err)
						}
					}
				})
				if err == nil {
					err = same(got, ids)
				}
				if err != nil {
					t.Error(err)
				}
			})
			t.Run("W9/AnotherGateway", func(t *testing.T) {
				first := &gateway{url: g.url, client: g.client}
				got, err := first.tryWalk("bjensen", 100, `_id sw "crowd"`, func(page int) {
					first.url, first.client = []string{g.url, second.url}[page%2], []*http.Client{g.client, second.client}[page%2]
				})
				if err == nil {
					err = same(got, ids)
				}
				if err != nil {
					t.Error(err)
				}
			})
			t.Run("EntriesGo", func(t *testing.T) {
				gone := map[string]bool{}
				got, err := g.tryWalk("bjensen", 100, `_id sw "crowd"`, func(page int) {
					for i := range 3 { // one that was seen, and two that may not have been
						id := ids[(page*97+i*401)%len(ids)]
						r, err := g.try(ask{method: http.MethodDelete, path: "/api/users/" + id, as: "kvaughan"})
						if err != nil || r.status != http.StatusOK && r.status != http.StatusNotFound {
							t.Errorf("%s: %v %v", id, err, r)
						}
						gone[id] = true
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				seen := map[string]bool{}
				for _, id := range got {
					if seen[id] {
						t.Errorf("%s came twice", id)
					}
					seen[id] = true
				}
				for _, id := range ids {
					if !seen[id] && !gone[id] {
						t.Errorf("%s is missing", id)
					}
				}
			})
		})
	}
}

// A sorted result has the order of its keys, with and without pages.
func TestSort(t *testing.T) {
	slapd.Each(t, slapd.Options{CallerSizeLimit: slapd.Unlimited}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		crowd(t, server, soak.Rand(t), soak.Size(100, 300))
		// rows are the values of a field in the order in which they come.
		rows := func(t *testing.T, filter, keys string, path ...any) []string {
			t.Helper()
			r := g.list(t, "kvaughan", "/api/users", filter, "_sortKeys", keys).want(http.StatusOK)
			list, _ := r.at("result").([]any)
			values := []string{}
			for i := range list {
				values = append(values, fmt.Sprint(r.at(slices.Concat([]any{"result", i}, path)...)))
			}
			return values
		}
		t.Run("R_H15", func(t *testing.T) {
			got := rows(t, `name/familyName eq 'Jensen'`, "-name/givenName", "name", "givenName")
			if want := []string{"Ted", "Richard", "Kurt", "Jody", "Gern", "Barbara", "Allison"}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
		for name, test := range map[string]struct {
			keys, filter string
			want         []string
		}{
			// The directory has no order of its own for these.
			"ID":         {"_id", `_id co "jensen"`, []string{"ajensen", "bjensen", "gjensen", "jjensen", "kjensen", "rjensen", "tjensen"}},
			"Mail":       {"-userName", `_id co "jensen"`, []string{"tjensen", "rjensen", "kjensen", "jjensen", "gjensen", "bjensen", "ajensen"}},
			"Several":    {"displayName", `_id eq "bjensen" or _id eq "ahall" or _id eq "cschmith"`, []string{"ahall", "bjensen", "cschmith"}},
			"Number":     {"-uidNumber", `uidNumber le 1004`, []string{"kvaughan", "cschmith", "scarter", "tmorris"}},
			"TwoKeys":    {"name/familyName,-name/givenName", `name/familyName eq "Hall" or name/familyName eq "Jensen"`, []string{"ahall", "tjensen", "rjensen", "kjensen", "jjensen", "gjensen", "bjensen", "ajensen"}},
			"AbsentLast": {"description,_id", `_id eq "bjensen" or _id eq "ahall"`, []string{"bjensen", "ahall"}},
			"AbsentUp":   {"-description,_id", `_id eq "bjensen" or _id eq "ahall"`, []string{"ahall", "bjensen"}},
		} {
			t.Run(name, func(t *testing.T) {
				if got := rows(t, test.filter, test.keys, "_id"); !slices.Equal(got, test.want) {
					t.Errorf("%q, want %q", got, test.want)
				}
			})
		}
		for _, keys := range []string{"_id", "-_id", "userName", "description", "-description", "name/familyName,-description", "-name/familyName,_id", "-uidNumber", "_meta/created,-_id", "_rev", "photo", "-photo"} {
			t.Run("Pages/"+keys, func(t *testing.T) {
				all := rows(t, "true", keys+",_id", "_id")
				if err := same(all, g.walk(t, "kvaughan", 1000, "true")); err != nil {
					t.Fatalf("in one piece: %v", err)
				}
				for _, size := range []int{soak.Size(13, 7), 100, len(all)} {
					if got := g.walk(t, "kvaughan", size, "true", "_sortKeys", keys+",_id"); !slices.Equal(got, all) {
						t.Errorf("pages of %d differ from the result in one piece: %v", size, same(got, all))
					}
				}
				if got := g.walk(t, "kvaughan", 50, "true", "_sortKeys", keys+",_id", "_pagedResultsOffset", "0"); !slices.Equal(got, all) {
					t.Errorf("%v", same(got, all))
				}
			})
		}
		t.Run("W7", func(t *testing.T) {
			// References are looked up together, and the rows stay where they are.
			r := g.list(t, "kvaughan", "/api/users", `_id co "jensen"`, "_sortKeys", "-_id", "_fields", "manager/displayName").want(http.StatusOK)
			for i, id := range []string{"tjensen", "rjensen", "kjensen", "jjensen", "gjensen", "bjensen", "ajensen"} {
				if r.at("result", i, "_id") != id || r.at("result", i, "manager", "displayName") == nil {
					t.Errorf("row %d is not %s: %s", i, id, r.body)
				}
			}
		})
		t.Run("Skip", func(t *testing.T) {
			all := rows(t, "true", "_id", "_id")
			r := g.list(t, "kvaughan", "/api/users", "true", "_sortKeys", "_id", "_pageSize", "10", "_pagedResultsOffset", "3").want(http.StatusOK)
			if got := r.ids("result"); !slices.Equal(got, all[30:40]) {
				t.Errorf("%q, want %q", got, all[30:40])
			}
		})
		t.Run("Refused", func(t *testing.T) {
			for keys, kind := range map[string]string{"nosuch": "unknownField", "name": "unsortable", "manager": "unsortable", "_schema": "unsortable", "manager/_id": "unsortable"} {
				g.list(t, "kvaughan", "/api/users", "true", "_sortKeys", keys).fails(http.StatusBadRequest, kind).has(`"_sortKeys"`, "detail", "parameter")
			}
		})
	})
}

// A row is the same in every list, what the directory works out for each search included:
// OpenLDAP leaves memberOf out of sorted results.
func TestRowsAreTheSame(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		ids := crowd(t, server, soak.Rand(t), 600) // More than slapd lets an ordinary caller see.
		g.send(t, ask{
			method: "PUT", path: "/api/groups/Late Group", as: "kvaughan", header: headers("If-None-Match", "*"),
			body: `{"_schema":"` + groupType + `","_id":"Late Group","members":[{"_id":"` + ids[598] + `"},{"_id":"` + ids[599] + `"}]}`,
		}).want(http.StatusCreated)
		rows := func(t *testing.T, filter string, query ...string) map[string]any {
			t.Helper()
			found := make(map[string]any)
			for cookie := ""; ; {
				r := g.list(t, "kvaughan", "/api/users", filter, append(query, "_pagedResultsCookie", cookie)...).want(http.StatusOK)
				list, _ := r.at("result").([]any)
				for i := range list {
					found[fmt.Sprint(r.at("result", i, "_id"))] = list[i]
				}
				if cookie, _ = r.at("pagedResultsCookie").(string); cookie == "" {
					return found
				}
			}
		}
		const filter = `groups/_id eq "HR Managers" or groups/_id eq "Late Group" or _id eq "bjensen"`
		want := rows(t, filter)
		if len(want) != 5 || !strings.Contains(fmt.Sprint(want["kvaughan"]), "HR Managers") {
			t.Fatalf("%v", want)
		}
		for name, query := range map[string][]string{
			"Sorted":        {"_sortKeys", "_id"},
			"SortedByValue": {"_sortKeys", "-uidNumber"},
			"SortedPages":   {"_sortKeys", "_id", "_pageSize", "2"},
			"Pages":         {"_pageSize", "2"},
		} {
			t.Run(name, func(t *testing.T) {
				if diff := cmp.Diff(want, rows(t, filter, query...)); diff != "" {
					t.Error(diff)
				}
			})
		}
		t.Run("PagesByIdentity", func(t *testing.T) {
			got := rows(t, "true", "_pageSize", "100")
			if len(got) < 600 {
				t.Fatalf("%d rows", len(got))
			}
			for id := range want {
				if diff := cmp.Diff(want[id], got[id]); diff != "" {
					t.Error(diff)
				}
			}
		})
	})
}

// Who may not compare the values of a sort key gets an error, not a part of the result.
func TestSortKeyHidden(t *testing.T) {
	server := slapd.Start(t, slapd.Options{CallerSizeLimit: slapd.Unlimited, Rules: "access to attrs=description,entryUUID by dn.exact=\"uid=bjensen,ou=People,dc=example,dc=com\" none by * break\n"})
	g := start(t, server, settings{})
	for name, query := range map[string][]string{
		"Key":      {"_sortKeys", "description,_id"},
		"Identity": {"_sortKeys", "_id"},
	} {
		t.Run(name, func(t *testing.T) {
			query = append(query, "_pageSize", "20")
			g.list(t, "bjensen", "/api/users", "true", query...).fails(http.StatusForbidden, "sortKeyHidden")
			g.list(t, "kvaughan", "/api/users", "true", query...).want(http.StatusOK)
		})
	}
	// Without sort keys nothing has to be compared.
	if got, all := g.walk(t, "bjensen", 20, "true"), g.walk(t, "kvaughan", 20, "true"); same(got, all) != nil {
		t.Error(same(got, all))
	}
}
