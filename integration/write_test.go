package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
)

// carter is the whole state of scarter with some of it replaced.
func carter(replace ...string) string {
	body := `{"_id":"scarter","_schema":"` + posixType + `","userName":"scarter@example.com","displayName":["Sam Carter"],
		"name":{"familyName":"Carter","givenName":"Sam"},"contactInformation":{"telephoneNumber":"+1 408 555 4798","emailAddress":"scarter@example.com"},
		"uidNumber":1002,"gidNumber":1000,"homeDirectory":"/home/scarter"}`
	return strings.NewReplacer(replace...).Replace(body)
}

func TestUpdate(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		const path = "/api/users/scarter"
		put := func(t *testing.T, body string, header ...string) *reply {
			return g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		t.Run("R_D05", func(t *testing.T) {
			before := g.get(t, "kvaughan", path).want(http.StatusOK)
			log := len(logOf(server))
			r := put(t, before.body, "If-Match", before.etag()).want(http.StatusOK)
			if r.etag() != before.etag() || r.at("_rev") != before.at("_rev") {
				t.Errorf("an update that changes nothing has made another revision: %s", r.body)
			}
			if asked := logOf(server)[log:]; !strings.Contains(asked, " SRCH ") || strings.Contains(asked, " MOD ") {
				t.Errorf("an update that changes nothing is a search and no more:\n%s", asked)
			}
		})
		t.Run("R_D01", func(t *testing.T) {
			body := carter(`["Sam Carter"]`, `["Sam Carter","Samantha Carter"],"groups":[{"_id":"Accounting Managers"}],"manager":{"_id":"trigden"}`)
			before := time.Now().Truncate(time.Second)
			for _, r := range []*reply{put(t, body, "If-Match", "*").want(http.StatusOK), g.get(t, "kvaughan", path).want(http.StatusOK)} {
				r.has(`["Sam Carter","Samantha Carter"]`, "displayName").has(`"trigden"`, "manager", "_id").has(`"Accounting Managers"`, "groups", 0, "_id")
				text, _ := r.at("_meta", "lastModified").(string)
				if changed, err := time.Parse("2006-01-02T15:04:05Z", text); err != nil || changed.Before(before) {
					t.Errorf("_meta.lastModified is %q", text)
				}
			}
		})
		t.Run("R_D03", func(t *testing.T) {
			before := g.get(t, "kvaughan", path)
			stale := before.etag()
			put(t, carter("4798", "0001"), "If-Match", stale).want(http.StatusOK)
			r := put(t, carter("4798", "0002"), "If-Match", stale).fails(http.StatusPreconditionFailed, "")
			if r.header.Get("ETag") != "" {
				t.Error("a refusal with an ETag")
			}
			g.get(t, "kvaughan", path).has(`"+1 408 555 0001"`, "contactInformation", "telephoneNumber")
		})
		t.Run("LeftOutIsRemoved", func(t *testing.T) {
			put(t, carter(`"telephoneNumber":"+1 408 555 4798",`, "")).want(http.StatusOK).lacks("contactInformation", "telephoneNumber").lacks("manager")
			entry := ldapEntry(t, server, "uid=scarter,ou=People,dc=example,dc=com")
			if strings.Contains(entry, "telephoneNumber:") || !strings.Contains(entry, "userPassword:") {
				t.Errorf("an update removes what it maps and nothing else:\n%s", entry)
			}
		})
		for _, test := range []struct{ name, old, replacement, field string }{
			{"R_D07", `"familyName":"Carter",`, ``, "/name/familyName"},
			{"R_D09", `["Sam Carter"]`, `["Sam Carter"],"groups":[{"_id":"HR Managers"}]`, "/groups"},
			{"R_D11", posixType, userType, "/_schema"},
			{"OtherID", `"_id":"scarter"`, `"_id":"other"`, "/_id"},
			{"R_D17", `"Carter","givenName"`, `["a","b"],"givenName"`, "/name/familyName"},
		} {
			t.Run(test.name, func(t *testing.T) {
				put(t, carter(test.old, test.replacement)).fails(http.StatusBadRequest, "").has(`"`+test.field+`"`, "detail", "field")
			})
		}
		t.Run("R_D13", func(t *testing.T) {
			put(t, carter(`"userName":"scarter@example.com",`, ``)).want(http.StatusOK).has(`"scarter@example.com"`, "userName")
			put(t, carter(`"userName":"scarter@example.com"`, `"userName":"other@example.com"`)).fails(http.StatusBadRequest, "")
			put(t, carter(`scarter@example.com`, `sam@example.com`)).want(http.StatusOK).has(`"sam@example.com"`, "userName").
				has(`"sam@example.com"`, "contactInformation", "emailAddress")
		})
		t.Run("R_D15", func(t *testing.T) {
			put(t, carter(`"_id":"scarter"`, `"_id":"scarter","_rev":"99999"`)).fails(http.StatusBadRequest, "").has(`"/_rev"`, "detail", "field")
		})
		t.Run("Missing", func(t *testing.T) {
			g.send(t, ask{method: "PUT", path: "/api/users/missing", as: "kvaughan", body: newUser("missing"), header: headers("If-Match", "*")}).want(http.StatusNotFound)
			g.get(t, "kvaughan", "/api/users/missing").want(http.StatusNotFound)
		})
		t.Run("Forbidden", func(t *testing.T) {
			g.send(t, ask{method: "PUT", path: path, as: "bjensen", body: carter("4798", "6666")}).fails(http.StatusForbidden, "")
		})
		t.Run("WeakNeverMatches", func(t *testing.T) {
			put(t, carter(), "If-Match", "W/"+g.get(t, "kvaughan", path).etag()).fails(http.StatusPreconditionFailed, "")
		})
		t.Run("OneOfAList", func(t *testing.T) {
			put(t, carter("4798", "7777"), "If-Match", `"stale", "other"`).fails(http.StatusPreconditionFailed, "revision")
			put(t, carter("4798", "7777"), "If-Match", `"stale", `+g.get(t, "kvaughan", path).etag()).want(http.StatusOK).has(`"+1 408 555 7777"`, "contactInformation", "telephoneNumber")
		})
	})
}

// Of changes that all require the same revision exactly one is made, however many
// gateways they go through: the directory compares and changes in one step.
func TestConcurrentUpdates(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	gateways := []*gateway{start(t, server, settings{}), start(t, server, settings{})}
	const path = "/api/users/bjensen"
	for round := range soak.Size(5, 500) {
		tag := gateways[0].get(t, "kvaughan", path).etag()
		statuses := make([]int, 16)
		var group sync.WaitGroup
		for i := range statuses {
			group.Go(func() {
				r, err := gateways[i%2].try(ask{
					method: "PATCH", path: path, as: "kvaughan", header: headers("If-Match", tag),
					body: fmt.Sprintf(`[{"operation":"replace","field":"/description","value":"round %d writer %d"}]`, round, i),
				})
				if err == nil {
					statuses[i] = r.status
				}
			})
		}
		group.Wait()
		slices.Sort(statuses)
		if statuses[0] != http.StatusOK || statuses[1] != http.StatusPreconditionFailed || statuses[15] != http.StatusPreconditionFailed {
			t.Fatalf("round %d: statuses %v", round, statuses)
		}
	}
	t.Run("WithoutRevision", func(t *testing.T) {
		// Without a revision nobody is refused, and nobody's value of another field is lost.
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				field := []string{"/description", "/contactInformation/telephoneNumber"}[i%2]
				if r, err := gateways[i%2].try(ask{
					method: "PATCH", path: path, as: "kvaughan",
					body: fmt.Sprintf(`[{"operation":"replace","field":%q,"value":"+1 408 555 %d"}]`, field, i),
				}); err != nil || r.status != http.StatusOK {
					t.Errorf("%v %v", r, err)
				}
			})
		}
		group.Wait()
	})
}

func TestPatch(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		const path = "/api/users/bjensen"
		const admins = "/api/groups/Directory%20Administrators"
		patch := func(t *testing.T, path, body string, header ...string) *reply {
			return g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		const newMail = `[{"operation":"replace","field":"/contactInformation/emailAddress","value":"babs@example.com"}]`

		t.Run("R_E01", func(t *testing.T) {
			patch(t, path, newMail).want(http.StatusOK).has(`"babs@example.com"`, "userName").has(`"babs@example.com"`, "contactInformation", "emailAddress")
		})
		t.Run("R_E03", func(t *testing.T) {
			patch(t, path, `[{"operation":"replace","field":"/contactInformation/emailAddress","value":"no@example.com"},
				{"operation":"add","field":"/nosuch","value":1}]`).fails(http.StatusBadRequest, "unknownField")
			// The second one is refused by the directory itself.
			patch(t, path, `[{"operation":"replace","field":"/contactInformation/emailAddress","value":"no@example.com"},
				{"operation":"replace","field":"/contactInformation/telephoneNumber","value":"\u00e9"}]`).fails(http.StatusBadRequest, "")
			g.get(t, "kvaughan", path).has(`"babs@example.com"`, "userName")
		})
		t.Run("R_E05", func(t *testing.T) {
			r := patch(t, admins, `[{"operation":"add","field":"/members/-","value":{"_id":"bjensen"}}]`).want(http.StatusOK)
			if got := r.ids("members"); !slices.Equal(got, []string{"bjensen", "hmiller", "kvaughan", "rdaugherty"}) {
				t.Errorf("members %q", got)
			}
			patch(t, admins, `[{"operation":"add","field":"/members/-","value":{"_id":"bjensen"}}]`).want(http.StatusOK)
			patch(t, admins, `[{"operation":"remove","field":"/members","value":[{"_id":"bjensen"},{"_id":"scarter"}]}]`).want(http.StatusOK)
			if got := g.get(t, "kvaughan", admins).ids("members"); !slices.Equal(got, []string{"hmiller", "kvaughan", "rdaugherty"}) {
				t.Errorf("members %q", got)
			}
		})
		t.Run("AbsentValues", func(t *testing.T) {
			// Present and absent values in every order: what is there goes, the rest is no fault.
			for _, value := range []string{`["b","absent"]`, `["absent","c"]`, `["absent"]`, `["also","absent"]`} {
				patch(t, path, `[{"operation":"replace","field":"/displayName","value":["Barbara Jensen","b","c","d"]}]`).want(http.StatusOK)
				r := patch(t, path, `[{"operation":"remove","field":"/displayName","value":`+value+`},{"operation":"replace","field":"/description","value":`+fmt.Sprintf("%q", value)+`}]`).want(http.StatusOK)
				for _, gone := range []string{"b", "c"} {
					wanted := !strings.Contains(value, `"`+gone+`"`)
					if strings.Contains(r.body, `"`+gone+`"`) != wanted {
						t.Errorf("after the removal of %s: %s", value, r.body)
					}
				}
				if got, _ := r.at("description").(string); got != value {
					t.Errorf("the other change was lost: %s", r.body)
				}
			}
			patch(t, path, `[{"operation":"replace","field":"/displayName","value":["Barbara Jensen","Babs Jensen"]}]`).want(http.StatusOK)
		})
		t.Run("R_E09", func(t *testing.T) {
			tag := g.get(t, "kvaughan", path).etag()
			r := patch(t, path, `[{"operation":"add","field":"/contactInformation/emailAddress","value":"bjensen@example.com"}]`, "If-Match", tag).want(http.StatusOK).
				has(`"bjensen@example.com"`, "contactInformation", "emailAddress")
			if r.etag() == tag {
				t.Error("the revision stayed")
			}
			patch(t, path, newMail, "If-Match", tag).fails(http.StatusPreconditionFailed, "")
		})
		t.Run("R_E11", func(t *testing.T) { patch(t, "/api/users/missing", newMail).fails(http.StatusNotFound, "") })
		t.Run("R_E13", func(t *testing.T) {
			patch(t, path, `[{"operation":"add","field":"/displayName","value":["one","two"]}]`).want(http.StatusOK).
				has(`["Barbara Jensen","Babs Jensen","one","two"]`, "displayName")
			patch(t, path, `[{"operation":"remove","field":"/displayName","value":["one","two"]}]`).want(http.StatusOK)
		})
		for name, test := range map[string]struct {
			operations string
			status     int
			field      string
		}{
			"R_E15":           {`[{"operation":"add","field":"/displayName/-","value":["one"]}]`, 400, ""},
			"R_E17":           {`[{"operation":"add","field":"/displayName/0","value":"x"}]`, 501, ""},
			"R_E19":           {`[{"operation":"remove","field":"/name/familyName"}]`, 400, "/name/familyName"},
			"R_E23":           {`[{"operation":"replace","field":"/_rev","value":"x"}]`, 400, "/_rev"},
			"R_E25":           {`[{"operation":"add","field":"/dummy","value":1}]`, 400, "/dummy"},
			"R_E25/Inside":    {`[{"operation":"add","field":"/description/dummy","value":1}]`, 400, ""},
			"R_E25/Deep":      {`[{"operation":"add","field":"/description/dummy/x","value":1}]`, 400, ""},
			"R_E27":           {`[{"operation":"replace","field":"/name/familyName","value":["a","b"]}]`, 400, "/name/familyName"},
			"R_E31":           {`[{"operation":"transform","field":"/description","value":"x"}]`, 501, ""},
			"R_E33":           {`{"operation":"replace","field":"/description","value":"x"}`, 400, ""},
			"UnknownVerb":     {`[{"operation":"nosuch","field":"/description","value":"x"}]`, 400, ""},
			"NoVerb":          {`[{"field":"/description","value":"x"}]`, 400, ""},
			"NoField":         {`[{"operation":"replace","value":"x"}]`, 400, ""},
			"FieldNoText":     {`[{"operation":"replace","field":1,"value":"x"}]`, 400, ""},
			"UnknownMember":   {`[{"operation":"replace","field":"/description","value":"x","more":1}]`, 400, ""},
			"NoOperations":    {`["x"]`, 400, ""},
			"IncrementText":   {`[{"operation":"increment","field":"/description","value":1}]`, 400, "/description"},
			"IncrementByText": {`[{"operation":"increment","field":"/uidNumber","value":"1"}]`, 400, "/uidNumber"},
			"WrongType":       {`[{"operation":"replace","field":"/uidNumber","value":"x"}]`, 400, "/uidNumber"},
			"BadEscape":       {`[{"operation":"replace","field":"/a~2","value":"x"}]`, 400, ""},
			"ReadOnly":        {`[{"operation":"add","field":"/groups/-","value":{"_id":"HR Managers"}}]`, 400, "/groups"},
		} {
			t.Run(name, func(t *testing.T) {
				r := patch(t, path, test.operations).fails(test.status, "")
				if test.field != "" {
					r.has(`"`+test.field+`"`, "detail", "field")
				}
			})
		}
		t.Run("R_E21", func(t *testing.T) {
			patch(t, path, `[{"operation":"increment","field":"/uidNumber","value":-1}]`).want(http.StatusOK).has(`1075`, "uidNumber")
			patch(t, path, `[{"operation":"increment","field":"/uidNumber","value":1}]`).want(http.StatusOK).has(`1076`, "uidNumber")
		})
		t.Run("R_E29", func(t *testing.T) {
			patch(t, path, `[{"operation":"replace","field":"/","value":{"name":{"givenName":"Humpty"},"description":"x"}}]`).want(http.StatusOK).
				has(`{"givenName":"Humpty","familyName":"Jensen"}`, "name").has(`"x"`, "description")
		})
		t.Run("R_E35", func(t *testing.T) {
			patch(t, path, `[{"operation":"remove","field":"/description","value":"another"}]`).want(http.StatusOK).has(`"x"`, "description")
		})
		t.Run("Remove", func(t *testing.T) {
			patch(t, path, `[{"operation":"remove","field":"/description"}]`).want(http.StatusOK).lacks("description")
			patch(t, path, `[{"operation":"remove","field":"/description"}]`).want(http.StatusOK).lacks("description")
		})
		t.Run("InOrder", func(t *testing.T) { // Of two changes of one field the second is of what the first one leaves.
			patch(t, path, `[{"operation":"replace","field":"/description","value":"a"},{"operation":"remove","field":"/description","value":"b"}]`).want(http.StatusOK).has(`"a"`, "description")
			patch(t, path, `[{"operation":"replace","field":"/description","value":"b"},{"operation":"remove","field":"/description","value":"B"}]`).want(http.StatusOK).lacks("description")
			patch(t, path, `[{"operation":"remove","field":"/description"},{"operation":"remove","field":"/description","value":"b"}]`).want(http.StatusOK).lacks("description")
		})
		t.Run("Nothing", func(t *testing.T) {
			tag := g.get(t, "kvaughan", path).etag()
			if after := patch(t, path, `[]`).want(http.StatusOK).etag(); after != tag {
				t.Errorf("%s became %s", tag, after)
			}
		})
		t.Run("OneModify", func(t *testing.T) {
			before := strings.Count(logOf(server), " MOD dn=")
			patch(t, path, `[{"operation":"add","field":"/description","value":"d"},{"operation":"add","field":"/displayName/-","value":"n"},
				{"operation":"increment","field":"/uidNumber","value":0},{"operation":"remove","field":"/displayName","value":["n"]}]`).want(http.StatusOK)
			if after := strings.Count(logOf(server), " MOD dn="); after != before+1 {
				t.Errorf("%d modifications", after-before)
			}
		})
		t.Run("R_E37", func(t *testing.T) {
			patch(t, path, newMail, "If-None-Match", "*").fails(http.StatusPreconditionFailed, "")
		})
		t.Run("R_E39", func(t *testing.T) {
			g.send(t, ask{method: "POST", path: path, as: "kvaughan", header: headers("X-HTTP-Method-Override", "PATCH"), body: newMail}).
				want(http.StatusOK).has(`"babs@example.com"`, "userName")
		})
		t.Run("Method", func(t *testing.T) {
			g.send(t, ask{method: "PATCH", path: "/api/users", as: "kvaughan", body: newMail}).fails(http.StatusMethodNotAllowed, "")
		})
	})
}

func TestDelete(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		remove := func(t *testing.T, as, path string, header ...string) *reply {
			return g.send(t, ask{method: "DELETE", path: path, as: as, header: headers(header...)})
		}
		g.send(t, ask{method: "PUT", path: "/api/users/newuser", as: "kvaughan", body: newUser("newuser")}).want(http.StatusCreated)
		tag := g.get(t, "kvaughan", "/api/users/newuser").etag()
		t.Run("R_F03", func(t *testing.T) {
			remove(t, "kvaughan", "/api/users/newuser", "If-Match", `"12346"`).fails(http.StatusPreconditionFailed, "")
			g.get(t, "kvaughan", "/api/users/newuser").want(http.StatusOK)
		})
		t.Run("Forbidden", func(t *testing.T) { remove(t, "bjensen", "/api/users/newuser").fails(http.StatusForbidden, "") })
		t.Run("R_F01", func(t *testing.T) {
			remove(t, "kvaughan", "/api/users/newuser", "If-Match", tag).want(http.StatusOK).has(`"newuser"`, "_id").
				has(`["New User"]`, "displayName").has(`"kvaughan"`, "manager", "_id")
			g.get(t, "kvaughan", "/api/users/newuser").want(http.StatusNotFound)
		})
		t.Run("Again", func(t *testing.T) { remove(t, "kvaughan", "/api/users/newuser").fails(http.StatusNotFound, "") })
		t.Run("NotALeaf", func(t *testing.T) {
			remove(t, "kvaughan", "/api/users/nbohr").fails(http.StatusBadRequest, "")
			g.get(t, "kvaughan", "/api/users/nbohr").want(http.StatusOK)
		})
		t.Run("Collection", func(t *testing.T) {
			r := remove(t, "kvaughan", "/api/users").fails(http.StatusMethodNotAllowed, "")
			if allow := r.header.Get("Allow"); !strings.Contains(allow, "GET") || strings.Contains(allow, "DELETE") {
				t.Errorf("Allow %q", allow)
			}
		})
	})
}
