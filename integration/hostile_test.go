package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// hostile are values of all that means something in a filter, a name, JSON or a pointer.
func hostile() []string {
	return []string{
		"*", "a*", "*a", "(", ")", `\`, `\2a`, `\\`, `a\`, ")(uid=*", "*)(|(uid=*", "(&)", "(|)", "!", "=", "a,b=c", ",", "+", `"`, "'", "#x", ";", "<>", "a  b", "%", "%2a", "%00",
		`{"$gt":""}`, "[]", "null", "true", "{username}", "{{", "/", "~1", "-", "é", "\u202e", "\ufeffx", "ſ", "日本", "😀", "uid=bjensen,ou=People,dc=example,dc=com", "\t", "a\nb", "a\x00b",
	}
}

// TestHostileValues: whatever a value is, it is stored as it is, finds what has it and nothing
// else, and what takes it away takes nothing else.
func TestHostileValues(t *testing.T) {
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
