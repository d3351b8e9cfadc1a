package integration_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// movable maps people in two places, and what may not be renamed.
func movable() map[string]string {
	return map[string]string{"hr/staff.json": `{
  "format": 1,
  "resourceTypes": {
    "staff": { "subResources": {
      "people":  { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "workers": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }, "baseSearchFilter": "(employeeType=worker)" },
      "grouped": { "type": "collection", "dnTemplate": "ou=Groups,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "records": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "serverNaming", "dnAttribute": "uid", "idAttribute": "entryUUID" } },
      "fixed":   { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "isReadOnly": true, "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "groups":  { "type": "collection", "dnTemplate": "ou=Groups,dc=example,dc=com", "resource": "group", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } },
      "boss":    { "type": "singleton", "dnTemplate": "uid=trigden,ou=People,dc=example,dc=com", "resource": "person" }
    } },
    "person": { "objectClasses": [ "inetOrgPerson" ], "supportedActions": [ "rename" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "uid", "writability": "createOnly" },
      "cn": { "type": "simple", "isMultiValued": true },
      "sn": { "type": "simple", "isRequired": true },
      "kinds": { "type": "simple", "ldapAttribute": "employeeType", "isMultiValued": true }
    } },
    "group": { "objectClasses": [ "groupOfUniqueNames" ], "properties": {
      "members": { "type": "reference", "ldapAttribute": "uniqueMember", "resourcePath": "../../people", "isMultiValued": true }
    } }
  }
}`}
}

func TestRename(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: movable()})
		rename := func(t *testing.T, as, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: "POST", path: path, as: as, query: params("_action", "rename"), body: body, header: headers(header...)})
		}
		g.send(t, ask{method: "PUT", path: "/hr/people/old", as: "kvaughan", body: `{"cn":["Old"],"sn":"Old","kinds":["worker"]}`}).want(http.StatusCreated)
		g.send(t, ask{method: "PATCH", path: "/hr/groups/HR%20Managers", as: "kvaughan", body: `[{"operation":"add","field":"/members/-","value":{"_id":"old"}}]`}).want(http.StatusOK)
		tag := g.get(t, "kvaughan", "/hr/people/old").etag()

		for name, test := range map[string]struct {
			path, body string
			status     int
			kind       string
		}{
			"NoBody":        {"/hr/people/old", ``, 400, "missingBody"},
			"Nothing":       {"/hr/people/old", `{}`, 400, "missingField"},
			"Unknown":       {"/hr/people/old", `{"newid":"x"}`, 400, "unknownField"},
			"WrongType":     {"/hr/people/old", `{"newId":1}`, 400, "wrongType"},
			"Empty":         {"/hr/people/old", `{"newId":""}`, 400, "malformedID"},
			"DotSegment":    {"/hr/people/old", `{"newId":".."}`, 400, "malformedID"},
			"Taken":         {"/hr/people/old", `{"newId":"bjensen"}`, 412, "alreadyExists"},
			"Missing":       {"/hr/people/missing", `{"newId":"x"}`, 404, ""},
			"Outside":       {"/hr/workers/bjensen", `{"newId":"x"}`, 404, ""},
			"Collection":    {"/hr/people", `{"newId":"x"}`, 501, "unknownAction"},
			"NoAction":      {"/hr/groups/HR%20Managers", `{"newId":"x"}`, 501, "unknownAction"},
			"ReadOnly":      {"/hr/fixed/old", `{"newId":"x"}`, 400, "readOnly"},
			"Singleton":     {"/hr/boss", `{"newId":"x"}`, 400, "singleton"},
			"ServerNaming":  {"/hr/people/old", `{"newParent":"/records"}`, 501, "unnamed"},
			"UnknownParent": {"/hr/people/old", `{"newParent":"/nowhere"}`, 400, "unknownPath"},
			"ParentNoPath":  {"/hr/people/old", `{"newParent":"people"}`, 400, "malformedPath"},
			"ParentOne":     {"/hr/people/old", `{"newParent":"/people/bjensen"}`, 400, "notACollection"},
			"ParentFixed":   {"/hr/people/old", `{"newParent":"/fixed"}`, 400, "readOnly"},
			"OtherType":     {"/hr/people/old", `{"newParent":"/groups"}`, 400, "wrongType"},
			"LeavesFilter":  {"/hr/people/bjensen", `{"newParent":"/workers"}`, 400, "outsideCollection"},
		} {
			t.Run(name, func(t *testing.T) { rename(t, "kvaughan", test.path, test.body).fails(test.status, test.kind) })
		}
		t.Run("Forbidden", func(t *testing.T) {
			rename(t, "bjensen", "/hr/people/old", `{"newId":"x"}`).fails(http.StatusForbidden, "")
		})
		t.Run("Stale", func(t *testing.T) {
			rename(t, "kvaughan", "/hr/people/old", `{"newId":"x"}`, "If-Match", "stale").fails(http.StatusPreconditionFailed, "revision")
		})
		t.Run("Trial", func(t *testing.T) {
			g.send(t, ask{method: "POST", path: "/hr/people/old", as: "kvaughan", query: params("_action", "rename", "dryRun", "true"), body: `{"newId":"x"}`}).want(http.StatusOK)
			g.get(t, "kvaughan", "/hr/people/x").want(http.StatusNotFound)
		})
		t.Run("F204", func(t *testing.T) {
			r := rename(t, "kvaughan", "/hr/people/old", `{"newId":"new, and + more"}`, "If-Match", tag).want(http.StatusOK).has(`"new, and + more"`, "_id").has(`["Old"]`, "cn")
			if place := r.header.Get("Content-Location"); place != "/hr/people/new%2C%20and%20+%20more" {
				t.Errorf("Content-Location %q", place)
			}
			if r.etag() == tag {
				t.Error("the revision stayed")
			}
			g.get(t, "kvaughan", "/hr/people/old").want(http.StatusNotFound)
			g.get(t, "kvaughan", r.header.Get("Content-Location")).want(http.StatusOK)
			events := g.eventsOf(t, r)
			if len(events) != 2 {
				t.Fatalf("%v", events)
			}
			check(t, events[0], map[string]any{"phase": "attempt", "action": "rename", "resource": "/hr/people/old"})
			entry := ldapEntry(t, server, `uid=new\, and \+ more,ou=People,dc=example,dc=com`)
			if strings.Contains(entry, "uid: old") {
				t.Errorf("the old id stays:\n%s", entry)
			}
		})
		t.Run("References", func(t *testing.T) {
			// The directory mends them (refint), a little later.
			var ids []string
			for range 200 {
				if ids = g.get(t, "kvaughan", "/hr/groups/HR%20Managers").want(http.StatusOK).ids("members"); slices.Contains(ids, "new, and + more") {
					return
				}
			}
			t.Errorf("members %q", ids)
		})
		t.Run("Move", func(t *testing.T) {
			r := rename(t, "kvaughan", "/hr/workers/new%2C%20and%20+%20more", `{"newId":"moved","newParent":"/grouped"}`).want(http.StatusOK).has(`"moved"`, "_id")
			if place := r.header.Get("Content-Location"); place != "/hr/grouped/moved" {
				t.Errorf("Content-Location %q", place)
			}
			ldapEntry(t, server, "uid=moved,ou=Groups,dc=example,dc=com")
			rename(t, "kvaughan", "/hr/grouped/moved", `{"newParent":"/people"}`).want(http.StatusOK).has(`"moved"`, "_id")
			g.get(t, "kvaughan", "/hr/people/moved").want(http.StatusOK)
		})
	})
}
