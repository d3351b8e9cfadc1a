package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// corners maps people with a password, JSON in two forms, and a singleton.
const corners = `
version: "1.0"
resourceTypes:
  corners:
    subResources:
      people: {type: collection, dnTemplate: "ou=People,dc=example,dc=com", resource: person, namingStrategy: {type: clientDnNaming, dnAttribute: uid}}
      boss: {type: singleton, dnTemplate: "uid=trigden,ou=People,dc=example,dc=com", resource: person, isReadOnly: true}
  person:
    objectClasses: [inetOrgPerson]
    properties:
      _id: {type: simple, ldapAttribute: uid, isRequired: true, writability: createOnly}
      cn: {type: simple, isMultiValued: true, isRequired: true}
      sn: {type: simple, isRequired: true}
      password: {type: simple, ldapAttribute: userPassword}
      devices: {type: json, ldapAttribute: carLicense, isMultiValued: true}
`

// cornersGateway serves the mapping in the form of this product, and in that of the reference
// product under "old".
func cornersGateway(t *testing.T, server *slapd.Server) *gateway {
	t.Helper()
	return start(t, server, settings{mappings: map[string]string{"hr/corners.yaml": "format: 1" + corners, "old/corners.yaml": corners}})
}

// TestNotAPassword is what a password that is set like any other field may not be, and what is
// said of it: nothing that might be one.
func TestNotAPassword(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		const path = "/hr/people/sesame"
		person := func(password string) string { return `{"cn":["Sesame"],"sn":"Sesame","password":` + password + `}` }
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: person(`""`)}).fails(http.StatusBadRequest, "emptyPassword").has(`"/password"`, "detail", "field")
		g.get(t, "kvaughan", path).fails(http.StatusNotFound, "")
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: person(`"open sesame"`)}).want(http.StatusCreated).lacks("password")
		before := ldapEntry(t, server, "uid=sesame,ou=People,dc=example,dc=com")
		for name, body := range map[string]string{
			"Put":   person(`""`),
			"Patch": `[{"operation":"replace","field":"/password","value":""}]`,
			"Add":   `[{"operation":"add","field":"/","value":{"password":""}}]`,
		} {
			method := map[bool]string{true: "PUT", false: "PATCH"}[name == "Put"]
			g.send(t, ask{method: method, path: path, as: "kvaughan", body: body}).fails(http.StatusBadRequest, "emptyPassword").has(`"/password"`, "detail", "field")
		}
		if after := ldapEntry(t, server, "uid=sesame,ou=People,dc=example,dc=com"); after != before {
			t.Errorf("the entry was changed:\n%s", after)
		}
		const secret = "82736455"
		for _, value := range []string{secret, "[" + secret + "]", `{"a":` + secret + "}"} {
			for method, body := range map[string]string{"PUT": person(value), "PATCH": `[{"operation":"replace","field":"/password","value":` + value + `}]`} {
				r := g.send(t, ask{method: method, path: path, as: "kvaughan", body: body}).fails(http.StatusBadRequest, "wrongType")
				if strings.Contains(r.body, secret) {
					t.Errorf("the answer repeats what may be a password: %s", r.body)
				}
			}
		}
	})
}

// TestSameJSONOnce is that values of JSON which say the same are one, however they came.
func TestSameJSONOnce(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		const path, body = "/hr/people/twice", `{"cn":["Twice"],"sn":"Twice","devices":[{"a":1,"b":2},{"b":2.0,"a":1},{"a":2}]}`
		g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body}).want(http.StatusCreated).has(`[{"a":1,"b":2},{"a":2}]`, "devices")
		r := g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: strings.Replace(body, `{"a":2}`, `{"a":3},{"a":3}`, 1)}).want(http.StatusOK)
		r.has(`[{"a":1,"b":2},{"a":3}]`, "devices")
	})
}

// TestPatchIsReadWhole is that an operation which is not well-formed is said to be so, whether or
// not there is one of its name here, and that positions are never members, however far.
func TestPatchIsReadWhole(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		for operation, want := range map[string]struct {
			status      int
			kind, field string
		}{
			`{"operation":"copy","from":"/sn","field":"/cn"}`:                 {http.StatusNotImplemented, "unavailableOperation", "/0/operation"},
			`{"operation":"copy","from":"/sn"}`:                               {http.StatusBadRequest, "missingMember", "/0/field"},
			`{"operation":"move","from":"a//b","field":"/cn"}`:                {http.StatusBadRequest, "malformedPointer", "/0/from"},
			`{"operation":"move","from":"/sn","field":"/a~2"}`:                {http.StatusBadRequest, "malformedPointer", "/0/field"},
			`{"operation":"transform","field":"/cn","value":{"x":1}}`:         {http.StatusNotImplemented, "unavailableOperation", "/0/operation"},
			`{"operation":"transform","field":"/cn"}`:                         {http.StatusBadRequest, "missingMember", "/0/value"},
			`{"operation":"transform","value":{"x":1}}`:                       {http.StatusBadRequest, "missingMember", "/0/field"},
			`{"operation":"transform","field":"/cn","value":1,"from":"/sn"}`:  {http.StatusBadRequest, "unknownMember", "/0/from"},
			`{"operation":"add","field":"/cn/7","value":"x"}`:                 {http.StatusNotImplemented, "valuePosition", "/cn/7"},
			`{"operation":"remove","field":"/cn/99999999999999999999999999"}`: {http.StatusNotImplemented, "valuePosition", "/cn/99999999999999999999999999"},
		} {
			r := g.send(t, ask{method: "PATCH", path: "/hr/people/bjensen", as: "kvaughan", body: "[" + operation + "]"}).fails(want.status, want.kind)
			if got := r.at("detail", "field"); got != want.field {
				t.Errorf("%s: the fault is at %v, want %s", operation, got, want.field)
			}
		}
	})
}

// TestPagesThatAreNone is which parameters mean nothing without others: refused, or passed over
// for clients of the reference product.
func TestPagesThatAreNone(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		all := g.list(t, "kvaughan", "/old/people", `sn eq "Jensen"`).want(http.StatusOK)
		for _, pair := range [][2]string{{"_pagedResultsOffset", "2"}, {"_pagedResultsCookie", "AAAAAAAAAA8="}} {
			g.list(t, "kvaughan", "/hr/people", `sn eq "Jensen"`, pair[0], pair[1]).fails(http.StatusBadRequest, "misplacedParameter").has(`"`+pair[0]+`"`, "detail", "parameter")
			if r := g.list(t, "kvaughan", "/old/people", `sn eq "Jensen"`, pair[0], pair[1]).want(http.StatusOK); r.body != all.body {
				t.Errorf("%s without pages: %s", pair[0], r.body)
			}
		}
		for _, pair := range [][2]string{{"_sortKeys", "sn"}, {"_pageSize", "5"}} {
			g.get(t, "kvaughan", "/hr/people/bjensen", pair[0], pair[1]).fails(http.StatusBadRequest, "misplacedParameter").has(`"`+pair[0]+`"`, "detail", "parameter")
			g.get(t, "kvaughan", "/old/people/bjensen", pair[0], pair[1]).want(http.StatusOK).has(`"bjensen"`, "_id")
			// What makes no sense is an error for everybody.
			g.get(t, "kvaughan", "/old/people/bjensen", pair[0], "").fails(http.StatusBadRequest, "malformedParameter")
		}
		// With pages they mean what they always mean.
		g.list(t, "kvaughan", "/old/people", "true", "_pageSize", "5", "_pagedResultsCookie", "AAAAAAAAAA8=").fails(http.StatusBadRequest, "malformedCookie")
		g.list(t, "kvaughan", "/old/people", `sn eq "Jensen"`, "_pageSize", "5", "_pagedResultsOffset", "1").want(http.StatusOK).has("2", "resultCount")
	})
}

// TestUnknownParameterTwice is that what means nothing may stand there as often as it likes.
func TestUnknownParameterTwice(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		for _, base := range []string{"/hr", "/old"} {
			g.get(t, "kvaughan", base+"/people/bjensen", "from", "a", "from", "b").want(http.StatusOK)
			g.get(t, "kvaughan", base+"/people/bjensen", "_prettyPrint", "true", "_PRETTYPRINT", "true").fails(http.StatusBadRequest, "duplicateParameter")
		}
		g.get(t, "kvaughan", "/old/people/bjensen", "_from", "a", "_from", "b").want(http.StatusOK)
		g.get(t, "kvaughan", "/hr/people/bjensen", "_from", "a").fails(http.StatusBadRequest, "unknownParameter")
	})
}

// TestIncrementBesideOthers is that a number which is not there is not incremented, whatever else
// the operations do, and that values which are there, or are not, are no fault beside it.
func TestIncrementBesideOthers(t *testing.T) {
	slapd.Each(t, slapd.Options{Schema: personsSchema, LDIF: persons()}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"d/test.json": personsMapping}})
		patch := func(id string, operations ...string) *reply {
			return g.send(t, ask{method: "PATCH", path: "/d/users/" + id, as: "kvaughan", body: "[" + strings.Join(operations, ",") + "]"})
		}
		const add, remove = `{"operation":"add","field":"/description/-","value":"x"}`, `{"operation":"remove","field":"/description","value":["%s"]}`
		for _, number := range []string{"singleNumber", "multiNumber"} {
			increment := `{"operation":"increment","field":"/` + number + `","value":1}`
			emptied := `{"operation":"replace","field":"/` + number + `","value":1},{"operation":"remove","field":"/` + number + `","value":1}`
			if number == "multiNumber" {
				emptied = strings.ReplaceAll(emptied, `"value":1`, `"value":[1]`)
			}
			for _, operations := range [][]string{{increment, add}, {add, increment}, {fmt.Sprintf(remove, "absent"), increment}, {emptied, increment}} {
				patch("test2", operations...).fails(http.StatusBadRequest, "noSuchAttribute")
				g.get(t, "kvaughan", "/d/users/test2").want(http.StatusOK).lacks("singleNumber").lacks("multiNumber").lacks("description")
			}
			patch("test1", fmt.Sprintf(remove, "absent"), increment).want(http.StatusOK).lacks("description")
			patch("test1", increment, add, add, fmt.Sprintf(remove, "absent")).want(http.StatusOK).has(`["x"]`, "description")
			patch("test1", fmt.Sprintf(remove, "X"), fmt.Sprintf(remove, "x")).want(http.StatusOK).lacks("description")
		}
		g.get(t, "kvaughan", "/d/users/test1").want(http.StatusOK).has("9", "singleNumber").has("[3,7]", "multiNumber")
		r := patch("test2", `{"operation":"add","field":"/singleNumber","value":3}`, `{"operation":"add","field":"/multiNumber","value":[4]}`, add,
			`{"operation":"increment","field":"/singleNumber","value":1}`, `{"operation":"increment","field":"/multiNumber","value":-1}`).want(http.StatusOK)
		r.has("4", "singleNumber").has("[3]", "multiNumber").has(`["x"]`, "description")
	})
}

// TestCountBesideWhatIsThere is the same on 389 Directory Server, which cannot add: the numbers
// are exchanged in a change that holds for nothing but what was read.
func TestCountBesideWhatIsThere(t *testing.T) {
	g := start(t, slapd.Start(t, slapd.Options{Kind: slapd.DS389}), settings{})
	const path, increment = "/api/users/ahel", `{"operation":"increment","field":"/uidNumber","value":1}`
	for _, operation := range []string{
		`{"operation":"add","field":"/displayName/-","value":"Andrew Hel"}`,
		`{"operation":"remove","field":"/displayName","value":["absent"]}`,
	} {
		before := g.get(t, "kvaughan", path).want(http.StatusOK)
		r := g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: "[" + operation + "," + increment + "]"}).want(http.StatusOK).has(`["Andrew Hel"]`, "displayName")
		if was, is := fmt.Sprint(before.at("uidNumber")), fmt.Sprint(r.at("uidNumber")); was == is {
			t.Errorf("%s: the number stayed %s", operation, is)
		}
	}
	increment2 := strings.Replace(increment, "/uidNumber", "/loginShell", 1)
	g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: "[" + increment2 + "]"}).fails(http.StatusBadRequest, "").has(`"/loginShell"`, "detail", "field")
}

// TestLastPageIsTold is that a page after which nothing comes has no cookie where the gateway sorts,
// which knows of entries that are not shown.
func TestLastPageIsTold(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		const filter = `sn ge "w"` // Which the directory does not compare.
		all := len(g.list(t, "kvaughan", "/hr/people", filter).want(http.StatusOK).ids("result"))
		if all < 2 {
			t.Fatalf("%d people", all)
		}
		for _, order := range []string{"devices/year,_id", "-devices/year,-_id"} {
			for size, wanted := range map[int]int{1: all, all: 1, all + 1: 1, all - 1: 2} {
				pages, found, cookie := 0, 0, ""
				for more := true; more; pages++ {
					r := g.list(t, "kvaughan", "/hr/people", filter, "_fields", "_id", "_sortKeys", order, "_pageSize", fmt.Sprint(size), "_pagedResultsCookie", cookie).want(http.StatusOK)
					found += len(r.ids("result"))
					cookie, more = r.at("pagedResultsCookie").(string)
				}
				if pages != wanted || found != all {
					t.Errorf("%s, pages of %d: %d of %d on %d pages, want %d", order, size, found, all, pages, wanted)
				}
			}
		}
	})
}

// TestFewMatch is that pages cost few operations where the gateway evaluates the filter and few
// entries match, and that no page misses or repeats one.
func TestFewMatch(t *testing.T) {
	slapd.Each(t, slapd.Options{Users: 700, LogLevel: "none"}, func(t *testing.T, server *slapd.Server) {
		g := cornersGateway(t, server)
		const filter = `sn ge "5" and sn lt "6" and !(sn co "3")` // Which the directory does not compare.
		all := g.list(t, "kvaughan", "/hr/people", filter).want(http.StatusOK).ids("result")
		if len(all) != 81 {
			t.Fatalf("%d people", len(all))
		}
		for _, order := range []string{"", "sn", "-_id"} {
			for _, size := range []int{7, 30, 89} {
				var found []string
				operations, pages, cookie := 0.0, 0, ""
				for more := true; more; pages++ {
					pairs := []string{"_fields", "_id", "_pageSize", fmt.Sprint(size), "_pagedResultsCookie", cookie}
					if order != "" {
						pairs = append(pairs, "_sortKeys", order)
					}
					r := g.list(t, "kvaughan", "/hr/people", filter, pairs...).want(http.StatusOK)
					found = append(found, r.ids("result")...)
					cookie, more = r.at("pagedResultsCookie").(string)
					events := g.eventsOf(t, r)
					n, _ := events[len(events)-1]["ldapOperations"].(float64)
					operations += n
				}
				slices.Sort(found)
				if !slices.Equal(found, all) {
					t.Errorf("order %q, pages of %d: %d of %d", order, size, len(found), len(all))
				}
				t.Logf("order %q, pages of %d: %d pages, %v operations", order, size, pages, operations)
				if most := float64(10 + 3*pages); operations > most {
					t.Errorf("order %q, pages of %d: %v operations for %d pages, at most %v", order, size, operations, pages, most)
				}
			}
		}
	})
}
