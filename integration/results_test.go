package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// What each result code of the directory is for a client.
func TestResultCodes(t *testing.T) {
	rows := []struct {
		row, verb string
		code      int
		status    int
		kind      string
	}{
		{"R_L01", "patch", 122, http.StatusPreconditionFailed, ""},
		{"R_L03/ObjectClassViolation", "create", 65, http.StatusBadRequest, "objectClassViolation"},
		{"R_L03/UndefinedAttributeType", "create", 17, http.StatusBadRequest, ""},
		{"R_L03/NamingViolation", "create", 64, http.StatusBadRequest, ""},
		{"EntryAlreadyExists", "create", 68, http.StatusPreconditionFailed, "alreadyExists"},
		{"R_L05/Read", "read", 32, http.StatusNotFound, ""},
		{"R_L05/Patch", "patch", 32, http.StatusNotFound, ""},
		{"R_L05/Delete", "delete", 32, http.StatusNotFound, ""},
		{"R_L07/SizeLimit", "read", 4, http.StatusRequestEntityTooLarge, "sizeLimit"},
		{"R_L07/AdminLimit", "read", 11, http.StatusRequestEntityTooLarge, ""},
		{"TimeLimit", "read", 3, http.StatusGatewayTimeout, ""},
		{"X19/Busy", "read", 51, http.StatusServiceUnavailable, "directoryBusy"},
		{"X19/Unavailable", "read", 52, http.StatusServiceUnavailable, "directoryUnavailable"},
		{"R_L09/Read", "read", 53, http.StatusBadRequest, "unwillingToPerform"},
		{"R_L09/Delete", "delete", 53, http.StatusBadRequest, "unwillingToPerform"},
		{"InsufficientAccess", "delete", 50, http.StatusForbidden, ""},
		{"InsufficientAccess/Read", "read", 50, http.StatusForbidden, "insufficientAccessRights"},
		{"InsufficientAccess/Update", "update", 50, http.StatusForbidden, "insufficientAccessRights"},
		{"InsufficientAccess/Patch", "patch", 50, http.StatusForbidden, "insufficientAccessRights"},
		{"ConfidentialityRequired", "delete", 13, http.StatusForbidden, ""},
		{"NoSuchAttribute", "patch", 16, http.StatusBadRequest, ""},
		{"ConstraintViolation", "patch", 19, http.StatusBadRequest, "constraintViolation"},
		{"NotAllowedOnRDN", "patch", 67, http.StatusBadRequest, ""},
		{"InappropriateAuthentication", "read", 48, http.StatusUnauthorized, ""},
	}
	codes := make(map[string]int)
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = "item" + string(rune('a'+i))
		codes[names[i]] = r.code
	}
	const ldif = "dn: uid=twin1,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: twin1\ncn: Twin\nsn: Twin\nmail: twin@example.com\n\n" +
		"dn: uid=twin2,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: twin2\ncn: Twin\nsn: Twin\nmail: twin@example.com\n"
	slapd.Each(t, slapd.Options{Codes: codes, LDIF: ldif}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/v1.json": `{"format": 1, "version": "1.0", "resourceTypes": {
			"v1": {"subResources": {
				"items": {"type": "collection", "dnTemplate": "ou=Codes,dc=example,dc=com", "resource": "item", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "cn"}},
				"mails": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "mail", "namingStrategy": {"type": "clientNaming", "dnAttribute": "uid", "idAttribute": "mail"}}}},
			"item": {"objectClasses": ["device"], "properties": {"_id": {"type": "simple", "ldapAttribute": "cn", "isRequired": true, "writability": "createOnly"}, "description": {"type": "simple"}}},
			"mail": {"objectClasses": ["inetOrgPerson"], "properties": {"_id": {"type": "simple", "ldapAttribute": "mail", "isRequired": true, "writability": "createOnly"}, "uid": {"type": "simple"}}}}}`}})
		for i, row := range rows {
			t.Run(row.row, func(t *testing.T) {
				a := ask{path: "/api/items/" + names[i], as: "kvaughan"}
				switch row.verb {
				case "read":
					a.method = http.MethodGet
				case "delete":
					a.method = http.MethodDelete
				case "create":
					a.method, a.body, a.header = http.MethodPut, `{"_id":"`+names[i]+`"}`, headers("If-None-Match", "*")
				case "update":
					a.method, a.body, a.header = http.MethodPut, `{"_id":"`+names[i]+`"}`, headers("If-Match", "*")
				case "patch":
					a.method, a.body = http.MethodPatch, `[{"operation":"replace","field":"/description","value":"x"}]`
				}
				if r := g.send(t, a).fails(row.status, row.kind); strings.Contains(r.body, "operators") || strings.Contains(r.body, "dc=example") {
					t.Errorf("the reply tells what it must not: %s", r.body)
				}
			})
		}
		t.Run("R_L11", func(t *testing.T) {
			if r := g.get(t, "kvaughan", "/api/mails/twin@example.com").fails(http.StatusInternalServerError, "ambiguousID"); !strings.Contains(r.body, "several entries have this id") {
				t.Errorf("%s", r.body)
			}
			g.send(t, ask{method: "DELETE", path: "/api/mails/twin@example.com", as: "kvaughan"}).fails(http.StatusInternalServerError, "ambiguousID")
			if entry := ldapEntry(t, server, "uid=twin1,ou=People,dc=example,dc=com"); !strings.Contains(entry, "uid: twin1") {
				t.Errorf("a deletion of two took one: %s", entry)
			}
			g.get(t, "kvaughan", "/api/mails/bjensen@example.com").want(http.StatusOK).has(`"bjensen"`, "uid")
		})
	})
}

// What the directory hides is not there, whatever is asked; what it tells to be there and does
// not let the caller read is forbidden, also to one who asks by a revision.
func TestDisclosed(t *testing.T) {
	const rule = "access to dn.base=\"uid=scarter,ou=People,dc=example,dc=com\"\n  by dn.base=\"uid=trigden,ou=People,dc=example,dc=com\" %s\n  by * break\n"
	for level, status := range map[string]int{"=d": http.StatusForbidden, "none": http.StatusNotFound} {
		t.Run(level, func(t *testing.T) {
			server := slapd.Start(t, slapd.Options{Kind: slapd.Process, Rules: fmt.Sprintf(rule, level)})
			g := start(t, server, settings{})
			const path = "/api/users/scarter"
			patch := `[{"operation":"replace","field":"/description","value":"x"}]`
			body := `{"_id":"scarter","_schema":"frapi:opendj:rest2ldap:posixUser:1.0","displayName":["x"],"name":{"familyName":"x"},"uidNumber":1,"gidNumber":1,"homeDirectory":"/x"}`
			for name, a := range map[string]ask{
				"Read": {method: "GET"}, "Head": {method: "HEAD"}, "Photo": {method: "GET", query: params("_fields", "photo", "_mimeType", "image/jpeg")},
				"Update": {method: "PUT", body: body, header: headers("If-Match", "*")}, "Upsert": {method: "PUT", body: body},
				"NoPatch": {method: "PATCH", body: "[]"}, "PatchAtRevision": {method: "PATCH", body: patch, header: headers("If-Match", "x")},
				"ModifyPassword": {method: "POST", query: params("_action", "modifyPassword"), body: `{"oldPassword":"sprain","newPassword":"x"}`},
				"ResetPassword":  {method: "POST", query: params("_action", "resetPassword"), body: "{}"},
				"Usability":      {method: "POST", query: params("_action", "accountUsability"), body: "{}"},
			} {
				t.Run(name, func(t *testing.T) {
					a.path, a.as = path, "trigden"
					g.send(t, a).want(status)
				})
			}
			g.get(t, "trigden", "/api/users/abarnes").want(http.StatusOK).has(`"scarter"`, "manager", "_id").lacks("manager", "displayName")
		})
	}
}
