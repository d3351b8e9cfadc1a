package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
)

// TestSameReplies sends random requests to a gateway in front of OpenLDAP and to one in
// front of the directory in memory, and compares the replies member by member.
func TestSameReplies(t *testing.T) {
	m := mover{soak.RandFrom(t, 1)}
	steps := soak.Size(600, 5000)
	real, memory := newSide(t, slapd.Process), newSide(t, slapd.Memory)
	counts := map[int]int{}
	for i := range steps {
		next := m.move()
		want, got := real.make(t, next), memory.make(t, next)
		if want != got {
			t.Fatalf("step %d: %s\nOpenLDAP:\n%s\nin memory:\n%s", i, next, want, got)
		}
		var status int
		if _, err := fmt.Sscan(want, &status); err != nil {
			t.Fatal(err)
		}
		counts[status]++
	}
	t.Logf("%d steps by status: %v", steps, counts)
	for _, status := range []int{200, 201, 304, 400, 401, 403, 404, 412} {
		if counts[status] == 0 {
			t.Errorf("no reply had the status %d", status)
		}
	}
}

// The comparison sees a difference where there is one.
func TestSameRepliesSeesDifferences(t *testing.T) {
	one, other := newSide(t, slapd.Memory), newSide(t, slapd.Memory)
	read := move{ask: ask{method: "GET", path: "/api/users/scarter", as: "kvaughan"}}
	if a, b := one.make(t, read), other.make(t, read); a != b {
		t.Fatalf("two fresh directories differ:\n%s\n%s", a, b)
	}
	other.make(t, move{ask: ask{
		method: "PATCH", path: "/api/users/scarter", as: "kvaughan",
		body: `[{"operation":"replace","field":"/description","value":"only here"}]`,
	}})
	if a, b := one.make(t, read), other.make(t, read); a == b {
		t.Errorf("a description more makes no difference:\n%s", a)
	}
}

// move is a request that can be made of several gateways: what differs from one to the
// other is named, not written out.
type move struct {
	ask

	// match and noneMatch send the revision that the resource had when it was last seen;
	// stale sends the one before.
	match, noneMatch, stale bool
	// walk follows the cookies.
	walk bool
}

func (m move) String() string {
	return fmt.Sprintf("%s %s?%s as %q match=%t noneMatch=%t stale=%t\n%s", m.method, m.path, m.query.Encode(), m.as, m.match, m.noneMatch, m.stale, m.body)
}

// side is a gateway with what was seen of it.
type side struct {
	*gateway

	root *ldap.Conn
	tags map[string][2]string // the last two revisions by path
}

func newSide(t *testing.T, kind slapd.Kind) *side {
	t.Helper()
	server := slapd.Start(t, slapd.Options{Kind: kind, LogLevel: "none"})
	return &side{start(t, server, settings{}), dialRoot(t, server), map[string][2]string{}}
}

// make makes a move, and returns the reply in words that hold nothing of this side alone.
func (s *side) make(t *testing.T, m move) string {
	t.Helper()
	a := m.ask
	a.header = m.header.Clone()
	if a.header == nil {
		a.header = http.Header{}
	}
	tags := s.tags[m.path]
	switch {
	case m.match && tags[0] != "":
		a.header.Set("If-Match", tags[0])
	case m.noneMatch && tags[0] != "":
		a.header.Set("If-None-Match", tags[0])
	case m.stale && tags[1] != "":
		a.header.Set("If-Match", tags[1])
	}
	r := s.send(t, a)
	if tag := r.header.Get("ETag"); tag != "" && tag != tags[0] {
		s.tags[m.path] = [2]string{tag, tags[0]}
	}
	if m.method == http.MethodDelete && r.status == http.StatusOK {
		s.settle(t, fmt.Sprint(r.at("_id")))
	}
	words := s.tell(r)
	for m.walk {
		cookie, more := r.at("pagedResultsCookie").(string)
		if !more {
			break
		}
		a.query = params("_pagedResultsCookie", cookie)
		for name, values := range m.query {
			a.query[name] = values
		}
		r = s.send(t, a)
		words += "\n" + s.tell(r)
	}
	return words
}

// settle waits for what OpenLDAP does behind the answer to a delete: references to an entry
// that is gone go a little later. The one that a group could not do without stays.
func (s *side) settle(t *testing.T, id string) {
	t.Helper()
	dn := exampledata.Person{ID: ldap.EscapeDN(id)}.DN()
	for range 200 {
		r, err := s.root.Search(ldap.NewSearchRequest(exampledata.BaseDN, ldap.ScopeWholeSubtree, 0, 0, 0, false,
			fmt.Sprintf("(|(manager=%[1]s)(uniqueMember=%[1]s))", ldap.EscapeFilter(dn)), []string{"1.1"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Entries) == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond) // Nothing tells when slapd has done it.
	}
}

// tell returns a reply in words: status, headers, body.
func (s *side) tell(r *reply) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", r.status)
	for _, name := range []string{"Content-Type", "Location", "Www-Authenticate", "Allow", "Content-Api-Version", "Cache-Control"} {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.ReplaceAll(strings.Join(r.header[name], "; "), s.url, ""))
	}
	fmt.Fprintf(&b, "ETag: %t\n", r.header.Get("ETag") != "")
	if tag := r.header.Get("ETag"); tag != "" && r.at("_rev") != nil {
		fmt.Fprintf(&b, "the revision: %t\n", tag == fmt.Sprintf("%q", r.at("_rev")))
	}
	text, err := json.MarshalIndent(common(r.json), "", " ")
	if err != nil {
		fmt.Fprint(&b, err)
	}
	b.Write(bytes.TrimSpace(text))
	return b.String()
}

// common returns a JSON value without what each directory makes itself: revisions, times,
// cookies, and the order of resources.
func common(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			switch name {
			case "_rev", "created", "lastModified", "pagedResultsCookie":
				v[name] = member != nil
			default:
				v[name] = common(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = common(v[i])
		}
		slices.SortStableFunc(v, func(a, b any) int { return strings.Compare(idOf(a), idOf(b)) })
	}
	return value
}

// idOf returns the id of a resource; values keep their order.
func idOf(value any) string {
	object, _ := value.(map[string]any)
	id, _ := object["_id"].(string)
	return id
}

// mover makes up moves.
type mover struct{ *rand.Rand }

func pick[T any](m mover, from ...T) T { return from[m.IntN(len(from))] }

func (m mover) move() move {
	next := move{ask: ask{as: pick(m, "kvaughan", "kvaughan", "kvaughan", "bjensen", "bjensen", "scarter")}}
	if m.IntN(40) == 0 {
		next.password = "wrong"
	}
	switch m.IntN(3) {
	case 0:
		next.match = true
	case 1:
		next.stale = m.IntN(8) == 0
	}
	switch m.IntN(12) {
	case 0, 1, 2:
		m.read(&next)
	case 3, 4, 5, 6:
		m.query(&next)
	case 7:
		m.create(&next)
	case 8:
		m.update(&next)
	case 9, 10:
		m.patch(&next)
	default:
		next.method, next.path = "DELETE", m.path()
	}
	if next.method != http.MethodGet && strings.HasSuffix(next.path, "/Directory%20Administrators") {
		next.as = "bjensen" // Else nobody might be left who may do anything.
	}
	return next
}

// user is an id; those of fresh users come and go.
func (m mover) user() string {
	return pick(m, "bjensen", "scarter", "trigden", "abarnes", "nbohr", "gen001", "gen017", "fresh1", "fresh2", "fresh3", "missing", "Fresh1", "a,b", "x+y", `q"*`)
}

func (m mover) group() string {
	return pick(m, "Accounting Managers", "Directory Administrators", "HR Managers", "fresh group", "missing")
}

func (m mover) path() string {
	if m.IntN(5) == 0 {
		return "/api/groups/" + url.PathEscape(m.group())
	}
	return "/api/users/" + url.PathEscape(m.user())
}

func (m mover) fields() string {
	return pick(m, "userName", "/name/familyName,description", "manager/displayName,groups", "reports", "_id", "nosuch", "members/name,displayName", "*", "photo", "_schema,_meta")
}

func (m mover) read(next *move) {
	next.method, next.path, next.match = "GET", m.path(), false
	next.noneMatch = m.IntN(4) == 0
	next.query = url.Values{}
	if m.IntN(2) == 0 {
		next.query.Set("_fields", m.fields())
	}
}

func (m mover) text() string {
	return pick(m, "a", "jensen", "BARBARA", "fresh", "*", "a(b)", `\2a`, " two  spaces ", "ü", "x", "Sam Carter", "+1 408 555 1862")
}

func (m mover) condition(depth int) string {
	if depth > 0 {
		switch m.IntN(4) {
		case 0:
			return "(" + m.condition(depth-1) + pick(m, " and ", " or ") + m.condition(depth-1) + ")"
		case 1:
			return "!(" + m.condition(depth-1) + ")"
		}
	}
	field := pick(m, "_id", "userName", "displayName", "name/familyName", "name/givenName", "description", "uidNumber", "manager/_id",
		"manager/displayName", "contactInformation/telephoneNumber", "groups/_id", "_schema", "_meta/created", "nosuch", "photo")
	if m.IntN(5) == 0 {
		return field + " pr"
	}
	value, _ := json.Marshal(m.text())
	if m.IntN(4) == 0 {
		value = []byte(pick(m, "1076", "0", "-5", "true", `"2020-01-01T00:00:00Z"`, `"bjensen"`, `"frapi:opendj:rest2ldap:user:1.0"`, "12345678901234567890", "null"))
	}
	return field + " " + pick(m, "eq", "eq", "co", "sw", "lt", "le", "gt", "ge") + " " + string(value)
}

func (m mover) query(next *move) {
	next.method, next.path, next.match, next.stale = "GET", pick(m, "/api/users", "/api/users", "/api/groups"), false, false
	next.query = params("_queryFilter", pick(m, "true", "false", m.condition(2), m.condition(1), m.condition(0), m.condition(0)), "_fields", m.fields())
	switch m.IntN(4) {
	case 0:
		next.query.Set("_sortKeys", pick(m, "_id", "-_id", "name/familyName,-_id", "-description,_id", "uidNumber,_id", "nosuch"))
	case 1:
		next.query.Set("_totalPagedResultsPolicy", "EXACT")
	}
	if next.query.Has("_sortKeys") && m.IntN(2) == 0 {
		// Without an order each directory has its own, and its own pages.
		next.walk = true
		next.query.Set("_pageSize", pick(m, "1", "40", "150", "200"))
		if next.query.Get("_pageSize") == "1" {
			next.query.Set("_queryFilter", `_id sw "f"`)
		}
	}
}

// resource is the body of a user or a group, now and then a wrong one.
func (m mover) resource(id, path string) string {
	if strings.HasPrefix(path, "/api/groups") {
		members := pick(m, `[{"_id":"bjensen"}]`, `[{"_id":"scarter"},{"_id":"gen001"}]`, `[]`, `[{"_id":"nobody"}]`, `null`, `[{"_id":"bjensen"},{"_id":"BJENSEN"}]`)
		return fmt.Sprintf(`{"_id":%q,"_schema":"frapi:opendj:rest2ldap:group:1.0","description":%s,"members":%s}`, id, m.json(), members)
	}
	fields := []string{
		fmt.Sprintf(`"_id":%q`, id), `"name":{"givenName":"Fresh","familyName":"User"}`, `"displayName":["Fresh User"]`,
		pick(m, `"_schema":"frapi:opendj:rest2ldap:user:1.0"`, `"_schema":"frapi:opendj:rest2ldap:posixUser:1.0","uidNumber":5000,"gidNumber":1000,"homeDirectory":"/home/x"`),
	}
	for range m.IntN(4) {
		fields = append(fields, pick(m,
			`"manager":{"_id":"kvaughan"}`, `"manager":{"_id":"nobody"}`, `"manager":[{"_id":"kvaughan"}]`, `"description":`+m.json(), `"userName":"fresh@example.com"`,
			`"contactInformation":{"telephoneNumber":"+1 408 555 0000"}`, `"contactInformation":{"emailAddress":"other@example.com"}`,
			`"_meta":{"created":"2020-01-01T00:00:00Z"}`, `"nosuch":1`, `"photo":"/9j/4A=="`, `"photo":"no Base64"`, `"loginShell":"/bin/sh"`))
	}
	if m.IntN(10) == 0 {
		i := m.IntN(4)
		fields = slices.Delete(fields, i, i+1)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// json is a JSON value, a text most of the time.
func (m mover) json() string {
	return pick(m, `"words"`, `"Words"`, `"ü"`, `""`, `" "`, `"a\u0000b"`, `7`, `true`, `null`, `["one"]`, `["one","two"]`, `{}`, `"`+strings.Repeat("long ", 300)+`"`)
}

func (m mover) create(next *move) {
	id := pick(m, "fresh1", "fresh2", "fresh3", "a,b", "x+y", `q"*`, "bjensen")
	next.path, next.match, next.stale = "/api/users", false, false
	if m.IntN(4) == 0 {
		id, next.path = "fresh group", "/api/groups"
	}
	next.body = m.resource(id, next.path)
	if m.IntN(2) == 0 {
		next.method = "POST"
		next.query = params("_action", "create")
		return
	}
	next.method = "PUT"
	next.path += "/" + url.PathEscape(id)
	next.header = headers("If-None-Match", "*")
}

func (m mover) update(next *move) {
	collection, id := "/api/users/", m.user()
	if m.IntN(5) == 0 {
		collection, id = "/api/groups/", m.group()
	}
	next.method, next.path = "PUT", collection+url.PathEscape(id)
	next.body = m.resource(id, collection)
}

func (m mover) patch(next *move) {
	next.method, next.path = "PATCH", m.path()
	var operations []string
	for range 1 + m.IntN(3) {
		field := pick(m, "/description", "/displayName", "/displayName/-", "/name/familyName", "/name", "/contactInformation/emailAddress",
			"/userName", "/manager", "/uidNumber", "/members", "/members/-", "/photo", "/_id", "/nosuch", "/groups", "/loginShell", "/_rev", "/")
		value := pick(m, m.json(), m.json(), `"Fresh User"`, `{"_id":"gen003"}`, `[{"_id":"gen003"},{"_id":"gen004"}]`, `{"_id":"nobody"}`, `5`, `{"givenName":"G","familyName":"F"}`)
		operation := pick(m, "add", "replace", "replace", "remove", "increment")
		if operation == "remove" && m.IntN(2) == 0 {
			operations = append(operations, fmt.Sprintf(`{"operation":"remove","field":%q}`, field))
			continue
		}
		operations = append(operations, fmt.Sprintf(`{"operation":%q,"field":%q,"value":%s}`, operation, field, value))
	}
	next.body = "[" + strings.Join(operations, ",") + "]"
}
