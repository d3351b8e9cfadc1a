package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// hostile are values of all that means something in a filter, a name, JSON or a pointer.
func hostile() []string {
	return []string{
		"*", "a*", "*a", "(", ")", `\`, `\2a`, `\\`, `a\`, ")(uid=*", "*)(|(uid=*", "(&)", "(|)", "!", "=", "a,b=c", ",", "+", `"`, "'", "#x", ";", "<>", "a  b", "%", "%2a", "%00",
		`{"$gt":""}`, "[]", "null", "true", "{username}", "{{", "/", "~1", "-", "é", "\u202e", "\ufeffx", "ſ", "日本", "😀", "uid=bjensen,ou=People,dc=example,dc=com", "\t", "a\nb", "\x01", "\x7f", "\x1b[31m",
	}
}

// F_76, F_77: whatever a value is, it is stored as it is, finds what has it and nothing
// else, and what takes it away takes nothing else.
func TestF_76F_77HostileValues(t *testing.T) {
	slapd.Each(t, slapd.Options{LogLevel: "none"}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		everybody := g.list(t, "kvaughan", "/api/users", "true", "_fields", "_id").want(http.StatusOK).ids("result")
		quote := func(value string) string {
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		const path = "/api/users/hostile"
		create := fmt.Sprintf(`{"_schema":%q,"displayName":["keep"],"name":{"familyName":"keep"}}`, userType)
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: create, header: headers("If-None-Match", "*")}).want(http.StatusCreated)
		patch := func(body string) *reply {
			return g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: body})
		}
		for _, value := range hostile() {
			t.Run(fmt.Sprintf("%q", value), func(t *testing.T) {
				text := quote(value)
				patch(`[{"operation":"replace","field":"/description","value":`+text+`},{"operation":"add","field":"/displayName/-","value":`+text+`}]`).
					want(http.StatusOK).has(text, "description")
				g.get(t, "kvaughan", path).want(http.StatusOK).has(`["keep",`+text+`]`, "displayName")
				for _, filter := range []string{"description eq " + text, "displayName eq " + text} {
					g.list(t, "kvaughan", "/api/users", filter, "_fields", "_id").finds("hostile")
				}
				for _, field := range []string{"userName", "_id", "manager/_id", "manager/displayName", "name/familyName", "groups/_id"} {
					// Some of them have no order, or are behind a reference: no matter.
					g.list(t, "kvaughan", "/api/users", field+" eq "+text, "_fields", "_id").finds()
				}
				if found := g.list(t, "kvaughan", "/api/users", "description co "+text, "_fields", "_id").want(http.StatusOK).ids("result"); len(found) == len(everybody)+1 || !slices.Contains(found, "hostile") {
					t.Errorf("%d have it in them", len(found))
				}
				g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: `[{"operation":"replace","field":"/manager","value":{"_id":` + text + `}}]`}).fails(http.StatusBadRequest, "referenceNotFound")
				patch(`[{"operation":"remove","field":"/displayName","value":[`+text+`]},{"operation":"remove","field":"/description","value":`+text+`}]`).
					want(http.StatusOK).has(`["keep"]`, "displayName").lacks("description")
			})
		}
		if left := g.list(t, "kvaughan", "/api/users", "true", "_fields", "_id").want(http.StatusOK).ids("result"); len(left) != len(everybody)+1 {
			t.Errorf("%d users are left of %d", len(left), len(everybody)+1)
		}
	})
}

// F_78: a filter that would cost much is refused before the directory hears of it; one within the
// limits is one search, and stars in its values are text.
func TestF_78Filters(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{})
	g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
	searches := func() int { return strings.Count(server.Logs(), ` SRCH base="ou=`) }
	join := func(n int, condition, word string) string {
		return strings.TrimSuffix(strings.Repeat(condition+word, n), word)
	}
	for name, test := range map[string]struct {
		filter string
		limit  string // that is told; "" for a good filter
	}{
		"Parentheses":     {strings.Repeat("(", 257) + "true" + strings.Repeat(")", 257), "256"},
		"Open":            {strings.Repeat("(", 30_000), "256"},
		"Negations":       {strings.Repeat("!", 257) + "true", "256"},
		"Elements":        {strings.Repeat("a[", 257) + "true" + strings.Repeat("]", 257), "256"},
		"Alternatives":    {join(513, `_id eq "x"`, " or "), "512"},
		"Values":          {`_id in (` + join(513, `"x"`, ",") + `)`, "512"},
		"Length":          {`_id eq "` + strings.Repeat("x", 64<<10) + `"`, "65536"},
		"DeepEnough":      {strings.Repeat("(", 256) + `_id eq "bjensen"` + strings.Repeat(")", 256), ""},
		"NegatedEnough":   {strings.Repeat("!", 256) + `_id eq "bjensen"`, ""},
		"WideEnough":      {join(510, `_id eq "x"`, " or ") + ` or _id eq "bjensen"`, ""},
		"ManySubstrings":  {`_id eq "bjensen" or (` + join(200, `description co "*a*a*a*a*a*a*a*a*a*a*a*"`, " or ") + ")", ""},
		"Stars":           {`_id eq "bjensen" or description sw "` + strings.Repeat("*a", 5000) + `"`, ""},
		"DeepAlternation": {strings.Repeat(`(_id eq "x" or `, 200) + `_id eq "bjensen"` + strings.Repeat(")", 200), ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := searches()
			r := g.send(t, ask{method: "POST", path: "/api/users", as: "kvaughan", query: params("_action", "query", "_fields", "_id"), body: params("_queryFilter", test.filter).Encode(), header: headers("Content-Type", "application/x-www-form-urlencoded")})
			if test.limit == "" {
				r.finds("bjensen")
				if n := searches() - before; n > 2 {
					t.Errorf("%d searches", n)
				}
				return
			}
			r.fails(http.StatusBadRequest, "").has(test.limit, "detail", "limit")
			if n := searches() - before; n != 0 {
				t.Errorf("%d searches for a filter that is refused", n)
			}
		})
	}
	if log := server.Logs(); !strings.Contains(log, `\2Aa\2Aa`) && !strings.Contains(log, `\2aa\2aa`) {
		t.Error("the log of the directory shows no escaped star")
	}
}
