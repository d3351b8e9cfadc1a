package integration_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// mixed maps people whose types are mixed, with all their attributes, JSON in one of them,
// and places that only some of them have.
func mixed() map[string]string {
	return map[string]string{"hr/staff.yaml": `
format: 1
resourceTypes:
  staff:
    subResources:
      "org/{unit}/people": {type: collection, dnTemplate: "ou={unit},dc=example,dc=com", resource: person, namingStrategy: {type: clientDnNaming, dnAttribute: uid}}
      "org/{unit}/groups": {type: collection, dnTemplate: "ou=Groups,dc=example,dc=com", resource: group, namingStrategy: {type: clientDnNaming, dnAttribute: cn}}
  person:
    objectClasses: [person, organizationalPerson, inetOrgPerson]
    allowedAuxiliaryTypes: [unix]
    includeAllUserAttributesByDefault: true
    excludedDefaultUserAttributes: [uid]
    properties:
      _id: {type: simple, ldapAttribute: uid, isRequired: true, writability: createOnly}
      _schema: {type: resourceType}
      info: {type: json, ldapAttribute: description}
      boss: {type: reference, ldapAttribute: manager, resourcePath: ".."}
      groups: {type: reference, ldapAttribute: memberOf, resourcePath: "../../groups", isMultiValued: true, writability: readOnly}
  owner:
    superType: person
    objectClasses: [extensibleObject]
    subResources:
      devices: {type: collection, resource: device, namingStrategy: {type: clientDnNaming, dnAttribute: cn}}
  unix:
    objectClasses: [posixAccount]
    properties:
      number: {type: simple, ldapAttribute: uidNumber, isRequired: true}
      group: {type: simple, ldapAttribute: gidNumber, isRequired: true}
      home: {type: simple, ldapAttribute: homeDirectory, isRequired: true}
  device:
    objectClasses: [device]
    properties:
      _id: {type: simple, ldapAttribute: cn}
      owner: {type: reference, resourcePath: "../../.."}
  group:
    objectClasses: [groupOfUniqueNames]
    properties:
      _id: {type: simple, ldapAttribute: cn}
      members: {type: reference, ldapAttribute: uniqueMember, resourcePath: "../../people", isMultiValued: true}
`}
}

// TestMixedTypes is what a mapping can say of types, over a real directory.
func TestMixedTypes(t *testing.T) {
	hidden := memdir.Rule{Base: "uid=trigden,ou=People,dc=example,dc=com", Scope: memdir.Exact, By: []memdir.Grant{
		{Subject: memdir.DN, DN: "uid=kvaughan,ou=People,dc=example,dc=com", Level: memdir.LevelDisclose}, {Subject: memdir.Anyone, Break: true},
	}}
	slapd.Each(t, slapd.Options{Access: []memdir.Rule{hidden}}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: mixed()})
		const people = "/hr/org/People/people"
		change := func(t *testing.T, method, path, body string, header ...string) *reply {
			t.Helper()
			return g.send(t, ask{method: method, path: path, as: "kvaughan", body: body, header: headers(header...)})
		}
		t.Run("W3", func(t *testing.T) {
			// The directory says 50 of kvaughan's look at trigden, bjensen's manager.
			g.get(t, "kvaughan", people+"/trigden").fails(http.StatusForbidden, "insufficientAccessRights")
			g.list(t, "kvaughan", people, `_id sw "bj"`).want(http.StatusOK).finds("bjensen").has(`"trigden"`, "result", 0, "boss", "_id")
		})
		t.Run("R_K13", func(t *testing.T) {
			r := g.get(t, "kvaughan", people+"/bjensen").want(http.StatusOK)
			r.has(`["Jensen"]`, "sn").has(`["person","unix"]`, "_schema").has(`1076`, "number")
			// Besides what the mapping names there is each attribute of users, and nothing else.
			want := []string{"_id", "_rev", "_schema", "boss", "group", "home", "info", "number"}
			for line := range strings.Lines(ldapTool(t, server, "", "ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", "uid=bjensen,ou=People,dc=example,dc=com", "(objectClass=*)", "*")) {
				name, _, _ := strings.Cut(line, ":")
				if line != "\n" && !slices.Contains([]string{"dn", "uid", "objectClass", "userPassword"}, name) && !slices.Contains(want, name) {
					want = append(want, name)
				}
			}
			slices.Sort(want)
			if got := r.members(); !slices.Equal(got, want) || !slices.Contains(got, "gidNumber") {
				t.Errorf("members %q, want %q", got, want)
			}
			// What a property shows, too, is there twice, and what is sent back as it was read has no
			// opinion on a change of the other.
			r.has(`"trigden"`, "boss", "_id").has(`["uid=trigden,ou=People,dc=example,dc=com"]`, "manager").has(`1076`, "uidNumber")
			whole := change(t, "PUT", people+"/bjensen", strings.Replace(r.body, `"boss":{"_id":"trigden"`, `"boss":{"_id":"scarter"`, 1)).want(http.StatusOK)
			whole.has(`"scarter"`, "boss", "_id").has(`["uid=scarter,ou=People,dc=example,dc=com"]`, "manager")
			again := change(t, "PUT", people+"/bjensen", whole.body).want(http.StatusOK)
			if again.etag() != whole.etag() {
				t.Error("a PUT of what was read has changed the entry")
			}
			change(t, "PUT", people+"/bjensen", strings.NewReplacer(`["uid=scarter,`, `["uid=trigden,`, `"boss":{"_id":"scarter"`, `"boss":{"_id":"ahall"`).Replace(whole.body)).fails(http.StatusBadRequest, "conflict")
			change(t, "PATCH", people+"/bjensen", `[{"operation":"replace","field":"manager","value":["uid=trigden,ou=People,dc=example,dc=com"]}]`).want(http.StatusOK).has(`"trigden"`, "boss", "_id")
			g.list(t, "kvaughan", people, `sn eq "jensen" and givenName sw "Bar"`).finds("bjensen")
		})
		t.Run("Types", func(t *testing.T) {
			const path = people + "/mixed"
			change(t, "PUT", path, `{"_schema":["person","unix"],"cn":["Mixed"],"sn":["M"]}`, "If-None-Match", "*").fails(http.StatusBadRequest, "missingField")
			r := change(t, "PUT", path, `{"_schema":["person","unix"],"cn":["Mixed"],"sn":["M"],"number":5000,"group":1,"home":"/","l":["Oslo"]}`, "If-None-Match", "*").want(http.StatusCreated)
			r.has(`["person","unix"]`, "_schema").has(`5000`, "number").has(`["Oslo"]`, "l")
			g.list(t, "kvaughan", people, `number eq 5000 and _schema eq "unix"`).finds("mixed")
			change(t, "PATCH", path, `[{"operation":"remove","field":"/_schema","value":["unix"]}]`).want(http.StatusOK).has(`["person"]`, "_schema").lacks("number")
			g.list(t, "kvaughan", people, `number eq 5000`).finds()
			change(t, "PUT", path, `{"_schema":["person","unix"],"cn":["Mixed"],"sn":["M"],"number":5001,"group":1,"home":"/"}`).want(http.StatusOK).has(`5001`, "number").lacks("l")
			change(t, "DELETE", path, "").want(http.StatusOK)
		})
		t.Run("Devices", func(t *testing.T) {
			g.get(t, "kvaughan", people+"/nbohr/devices/quantum%20dot").fails(http.StatusNotFound, "unknownPath")
			ldapModify(t, server, "dn: uid=nbohr,ou=People,dc=example,dc=com\nchangetype: modify\nadd: objectClass\nobjectClass: extensibleObject\n")
			g.get(t, "kvaughan", people+"/nbohr/devices/quantum%20dot").want(http.StatusOK)
			g.list(t, "kvaughan", people+"/nbohr/devices", "true").finds("quantum dot", "qubit generator")
			change(t, "PATCH", people+"/nbohr/devices/quantum%20dot", `[{"operation":"replace","field":"owner","value":{"_id":"nbohr"}}]`).want(http.StatusOK).has(`"nbohr"`, "owner", "_id")
			g.list(t, "kvaughan", people+"/nbohr/devices", `owner/_id eq "nbohr"`).finds("quantum dot")
		})
		t.Run("Groups", func(t *testing.T) {
			g.get(t, "kvaughan", "/hr/org/People/groups/QA%20Managers").want(http.StatusOK).has(`"abergin"`, "members", 0, "_id")
			g.list(t, "kvaughan", people, `groups/_id eq "QA Managers"`).finds("abergin", "jwalker")
		})
		t.Run("R_G41", func(t *testing.T) {
			const value = `{"array":[{"x":1,"y":2},{"x":3,"y":4}],"name":"Bärbel"}`
			change(t, "PATCH", people+"/scarter", `[{"operation":"replace","field":"info","value":`+value+`}]`).want(http.StatusOK).has(`"Bärbel"`, "info", "name")
			if body := g.get(t, "kvaughan", people+"/scarter").want(http.StatusOK).body; !strings.Contains(body, `"info":`+value) {
				t.Errorf("the members are not in the order of the value: %s", body)
			}
			g.list(t, "kvaughan", people, `info/array[x eq 1 and y eq 2]`).finds("scarter")
			g.list(t, "kvaughan", people, `info/array[x eq 1 and y eq 4]`).finds()
			g.list(t, "kvaughan", people, `info/array[x eq 1] and info/array[y eq 4]`).finds("scarter")
			g.list(t, "kvaughan", people, `boss[sn eq "Carter" and info/name sw "bär"] and sn eq "hall"`).finds("ahall")
			change(t, "PATCH", people+"/scarter", `[{"operation":"replace","field":"info/name","value":"x"}]`).fails(http.StatusNotImplemented, "insideJSON")
		})
		t.Run("F113/InsideJSON", func(t *testing.T) {
			const fields = "info/array/y,/boss/info/name"
			g.get(t, "kvaughan", people+"/scarter", "_fields", fields).want(http.StatusOK).has(`{"array":[{"y":2},{"y":4}]}`, "info")
			g.list(t, "kvaughan", people, `sn eq "hall"`, "_fields", fields).finds("ahall").has(`{"name":"Bärbel"}`, "result", 0, "boss", "info").lacks("result", 0, "info")
			if r := g.get(t, "kvaughan", people+"/scarter", "_fields", "info/name", "_mimeType", "text/plain").want(http.StatusOK); r.body != "Bärbel" {
				t.Errorf("%s", r.body)
			}
		})
		t.Run("InsideJSON", func(t *testing.T) {
			for id, value := range map[string]string{"ajensen": `{"n":5.5}`, "gjensen": `{"n":"b"}`, "jjensen": `{"n":10}`, "kjensen": `{"n":[7,-1]}`, "rjensen": `{"n":"A"}`, "tjensen": `{"other":1}`} {
				change(t, "PATCH", people+"/"+id, `[{"operation":"replace","field":"info","value":`+value+`}]`).want(http.StatusOK)
			}
			want := []string{"kjensen", "ajensen", "jjensen", "rjensen", "gjensen", "bjensen", "tjensen"}
			for _, reverse := range []bool{false, true} {
				keys := "info/n,_id"
				if reverse {
					keys = "-info/n,-_id"
					slices.Reverse(want)
				}
				if got := g.walkInOrder(t, "kvaughan", people, `sn eq "jensen"`, keys, 2); !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", keys, got, want)
				}
				r := g.list(t, "kvaughan", people, `sn eq "jensen"`, "_sortKeys", keys).want(http.StatusOK)
				for i, id := range want {
					r.has(`"`+id+`"`, "result", i, "_id")
				}
			}
			change(t, "PATCH", people+"/scarter", `[{"operation":"remove","field":"info","value":{"array":[]}}]`).want(http.StatusOK).has(`"Bärbel"`, "info", "name")
			change(t, "PATCH", people+"/scarter", `[{"operation":"remove","field":"info","value":{"name":"B\u00e4rbel","array":[{"y":2.0,"x":1},{"y":4,"x":3e0}]}}]`).want(http.StatusOK).lacks("info")
		})
	})
}

// walkInOrder goes through the pages of a sorted query and returns the ids in its order.
func (g *gateway) walkInOrder(t *testing.T, as, path, filter, keys string, size int) []string {
	t.Helper()
	var ids []string
	for cookie := ""; ; {
		r := g.list(t, as, path, filter, "_sortKeys", keys, "_pageSize", strconv.Itoa(size), "_pagedResultsCookie", cookie).want(http.StatusOK)
		rows, _ := r.at("result").([]any)
		for i := range rows {
			id, _ := r.at("result", i, "_id").(string)
			ids = append(ids, id)
		}
		next, more := r.at("pagedResultsCookie").(string)
		if !more {
			return ids
		}
		cookie = next
	}
}

// TestPlainReferences: the key alone stands for the target of a reference whose mapper is no
// object.
func TestPlainReferences(t *testing.T) {
	const model = `{ "version": "1.0", "resourceTypes": {
		"root": { "subResources": {
			"users": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
			"groups": { "type": "collection", "dnTemplate": "ou=Groups,dc=example,dc=com", "resource": "group", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "cn" } }
		} },
		"user": { "objectClasses": [ "inetOrgPerson" ], "properties": {
			"_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
			"cn": { "type": "simple", "isRequired": true }, "sn": { "type": "simple", "isRequired": true },
			"manager": { "type": "reference", "baseDn": "..", "primaryKey": "uid", "mapper": { "type": "simple", "ldapAttribute": "uid" } }
		} },
		"group": { "objectClasses": [ "groupOfUniqueNames" ], "properties": {
			"_id": { "type": "simple", "ldapAttribute": "cn", "isRequired": true, "writability": "createOnly" },
			"members": { "type": "reference", "ldapAttribute": "uniqueMember", "isMultiValued": true, "baseDn": "ou=People,dc=example,dc=com", "primaryKey": "uidNumber", "mapper": { "type": "simple", "ldapAttribute": "uidNumber" } }
		} }
	} }`
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/root.json": model}})
		send := func(method, path, body string) *reply {
			return g.send(t, ask{method: method, path: path, as: "kvaughan", body: body})
		}
		r := g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK).has(`"trigden"`, "manager")
		if again := send("PUT", "/api/users/bjensen", r.body).want(http.StatusOK); again.etag() != r.etag() {
			t.Error("a PUT of what was read has changed the entry")
		}
		g.list(t, "kvaughan", "/api/users", `manager eq "TRIGDEN"`).finds("bjensen")
		send("PATCH", "/api/users/bjensen", `[{"operation":"replace","field":"/manager","value":"scarter"}]`).want(http.StatusOK).has(`"scarter"`, "manager")
		send("PATCH", "/api/users/bjensen", `[{"operation":"replace","field":"/manager","value":"nobody"}]`).fails(http.StatusBadRequest, "referenceNotFound")
		send("PATCH", "/api/users/bjensen", `[{"operation":"replace","field":"/manager","value":{"_id":"scarter"}}]`).fails(http.StatusBadRequest, "missingID")
		send("PATCH", "/api/users/bjensen", `[{"operation":"remove","field":"/manager"}]`).want(http.StatusOK).lacks("manager")
		const group = "/api/groups/Directory%20Administrators"
		g.get(t, "kvaughan", group).want(http.StatusOK).has(`[1004,1014,1028]`, "members")
		send("PATCH", group, `[{"operation":"add","field":"/members/-","value":1076},{"operation":"remove","field":"/members","value":[1028]}]`).want(http.StatusOK)
		g.list(t, "kvaughan", "/api/groups", `members eq 1076 and members lt 1010`).finds("Directory Administrators")
		// Text takes numbers here, as in the reference product.
		send("POST", "/api/users", `{"_id":"numbered","cn":5,"sn":true}`).want(http.StatusCreated).has(`"5"`, "cn").has(`"true"`, "sn")
	})
}

// TestWrittenOnly: a property over an attribute of credentials is taken wherever a client
// writes it, and is shown, compared and sorted by nowhere.
func TestWrittenOnly(t *testing.T) {
	const model = `{ "version": "1.0", "resourceTypes": {
		"root": { "subResources": {
			"users": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } }
		} },
		"user": { "objectClasses": [ "inetOrgPerson" ], "properties": {
			"_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
			"cn": { "type": "simple", "isRequired": true }, "sn": { "type": "simple", "isRequired": true },
			"login": { "type": "object", "properties": { "password": { "type": "simple", "ldapAttribute": "userPassword", "isRequired": true } } }
		} }
	} }`
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/root.json": model}, set: []string{"auth.basic.cache=0s"}})
		const path = "/api/users/fresh"
		send := func(method, body string) *reply {
			t.Helper()
			r := g.send(t, ask{method: method, path: path, as: "kvaughan", body: body})
			r.lacks("login", "password")
			return r
		}
		as := func(password string) *reply {
			return g.send(t, ask{method: "GET", path: path, as: "fresh", password: password})
		}
		send("PUT", `{"cn":"F","sn":"F"}`).fails(http.StatusBadRequest, "missingField").has(`"/login/password"`, "detail", "field")
		send("PUT", `{"cn":"F","sn":"F","login":{"password":"first one"}}`).want(http.StatusCreated)
		as("first one").want(http.StatusOK).has(`"F"`, "cn").lacks("login", "password")
		g.get(t, "kvaughan", path, "_fields", "/,login,login/password").want(http.StatusOK).lacks("login", "password")
		// What nobody could read is not meant to go when a body lacks it.
		read := send("GET", "").want(http.StatusOK)
		send("PUT", strings.Replace(read.body, `"sn":"F"`, `"sn":"G"`, 1)).want(http.StatusOK).has(`"G"`, "sn")
		as("first one").want(http.StatusOK)
		send("PUT", `{"cn":"F","sn":"G","login":{"password":"second one"}}`).want(http.StatusOK)
		as("first one").fails(http.StatusUnauthorized, "")
		as("second one").want(http.StatusOK)
		send("PATCH", `[{"operation":"replace","field":"/login/password","value":"third one"}]`).want(http.StatusOK)
		as("second one").fails(http.StatusUnauthorized, "")
		as("third one").want(http.StatusOK)
		send("PATCH", `[{"operation":"remove","field":"/login/password"}]`).fails(http.StatusBadRequest, "missingField")
		for filter, count := range map[string]string{`login/password eq "third one"`: "0", `login/password pr`: "0", `login pr`: "0", `!(login/password sw "t") and _id eq "fresh"`: "1"} {
			g.list(t, "kvaughan", "/api/users", filter).want(http.StatusOK).has(count, "resultCount")
		}
		g.list(t, "kvaughan", "/api/users", "true", "_sortKeys", "login/password").fails(http.StatusBadRequest, "unsortable")
		d := g.describe(t, "kvaughan", "/api")
		d.reply.has(`{"type":"string","format":"password","writeOnly":true}`, "components", "schemas", "user-create", "properties", "login", "properties", "password").
			has(`["password"]`, "components", "schemas", "user-create", "properties", "login", "required").
			lacks("components", "schemas", "user-update", "properties", "login", "required").
			lacks("components", "schemas", "user", "properties", "login", "properties", "password")
		if log := g.log.String() + logOf(server); strings.Contains(log, "third one") {
			t.Error("a password stands in a log")
		}
	})
}

// TestNestedFields: what is shown behind references has bounds, and the answer names the
// parameter that asks for too much.
func TestNestedFields(t *testing.T) {
	const members = 70
	var ldif strings.Builder
	for i := range 3 {
		ldif.WriteString("dn: cn=crowd" + strconv.Itoa(i) + ",ou=Groups,dc=example,dc=com\nobjectClass: groupOfUniqueNames\ncn: crowd" + strconv.Itoa(i) + "\n")
		for j := range members {
			ldif.WriteString("uniqueMember: " + exampledata.Generated(j+1).DN() + "\n")
		}
		ldif.WriteString("\n")
	}
	ldif.WriteString("dn: uid=own,ou=People,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: own\ncn: Own\nsn: Own\nmanager: uid=own,ou=People,dc=example,dc=com\n")
	slapd.Each(t, slapd.Options{LDIF: ldif.String(), LogLevel: "none"}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		const path = "/api/groups/crowd0"
		shown := func(r *reply, path ...any) int {
			list, _ := r.want(http.StatusOK).at(path...).([]any)
			return len(list)
		}
		if n := shown(g.get(t, "kvaughan", path, "_fields", "members/groups"), "members", members-1, "groups"); n != 3 {
			t.Errorf("%d groups", n)
		}
		for _, a := range []ask{{path: path}, {path: "/api/groups", query: params("_queryFilter", `_id eq "crowd0"`)}} {
			a.method, a.as = "GET", "kvaughan"
			if a.query == nil {
				a.query = params()
			}
			a.query.Set("_fields", "members/groups/members") // 70 × 3 × 70
			g.send(t, a).fails(http.StatusRequestEntityTooLarge, "nestedLimit").has("10000", "detail", "limit").has(`"_fields"`, "detail", "parameter")
		}
		deep := strings.Repeat("manager/", 16)
		g.get(t, "kvaughan", "/api/users/own", "_fields", deep+"_id").want(http.StatusOK)
		g.get(t, "kvaughan", "/api/users/own", "_fields", deep+"manager").fails(http.StatusBadRequest, "tooDeep").has(`"_fields"`, "detail", "parameter")
		g.list(t, "kvaughan", "/api/users", deep+`manager/_id pr`).fails(http.StatusBadRequest, "tooDeep").has(`"_queryFilter"`, "detail", "parameter")
	})
}

// TestRequired: what a mapping requires of a resource is there after every change, although the
// directory would do without it.
func TestRequired(t *testing.T) {
	const model = `{ "version": "1.0", "resourceTypes": {
		"root": { "subResources": {
			"users": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } }
		} },
		"user": { "objectClasses": [ "inetOrgPerson" ], "properties": {
			"_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
			"cn": { "type": "simple", "defaultJsonValue": "somebody" }, "sn": { "type": "simple", "defaultJsonValue": "somebody" },
			"mail": { "type": "simple", "isMultiValued": true, "isRequired": true },
			"more": { "type": "object", "properties": { "title": { "type": "simple", "isRequired": true } } },
			"manager": { "type": "reference", "resourcePath": "..", "isRequired": true }
		} }
	} }`
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/root.json": model}})
		send := func(method, body string) *reply {
			t.Helper()
			return g.send(t, ask{method: method, path: "/api/users/fresh", as: "kvaughan", body: body})
		}
		const whole = `{"mail":["a@example.com","b@example.com"],"more":{"title":"x"},"manager":{"_id":"scarter"}}`
		for _, method := range []string{"PUT", "PUT"} { // It creates, then updates.
			for _, part := range []string{`"mail":["a@example.com","b@example.com"],`, `"more":{"title":"x"},`, `,"manager":{"_id":"scarter"}`} {
				send(method, strings.Replace(whole, part, "", 1)).fails(http.StatusBadRequest, "missingField")
			}
			send(method, strings.Replace(whole, `["a@example.com","b@example.com"]`, "[]", 1)).fails(http.StatusBadRequest, "missingField").has(`"/mail"`, "detail", "field")
			send(method, whole)
		}
		for operations, field := range map[string]string{
			`{"operation":"remove","field":"mail"}`:                                           "/mail",
			`{"operation":"replace","field":"mail","value":[]}`:                               "/mail",
			`{"operation":"remove","field":"mail","value":["a@example.com","b@example.com"]}`: "/mail",
			`{"operation":"remove","field":"mail","value":["a@example.com"]},{"operation":"remove","field":"mail","value":["c@example.com","B@EXAMPLE.COM"]}`: "/mail",
			`{"operation":"remove","field":"more/title","value":"x"}`:            "/more/title",
			`{"operation":"remove","field":"more"}`:                              "/more/title",
			`{"operation":"replace","field":"more","value":{"title":null}}`:      "/more/title",
			`{"operation":"remove","field":"manager","value":{"_id":"scarter"}}`: "/manager",
		} {
			send("PATCH", "["+operations+"]").fails(http.StatusBadRequest, "missingField").has(`"`+field+`"`, "detail", "field")
		}
		send("PATCH", `[{"operation":"remove","field":"mail","value":["a@example.com","c@example.com"]},{"operation":"remove","field":"more/title","value":"y"}]`).
			want(http.StatusOK).has(`["b@example.com"]`, "mail").has(`"x"`, "more", "title")
		send("PATCH", `[{"operation":"remove","field":"mail","value":["b@example.com"]},{"operation":"add","field":"mail/-","value":"d@example.com"}]`).
			want(http.StatusOK).has(`["d@example.com"]`, "mail")
	})
}
