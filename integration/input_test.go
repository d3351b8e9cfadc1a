package integration_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

func TestBadBodies(t *testing.T) { slapd.Each(t, slapd.Options{}, badBodies) }

func badBodies(t *testing.T, server *slapd.Server) {
	g := start(t, server, settings{})
	send := func(t *testing.T, body string, header ...string) *reply {
		return g.send(t, ask{method: "PUT", path: "/api/users/bad", as: "kvaughan", body: body, header: headers(header...)})
	}
	nested := func(depth int) string {
		return `{"_id":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	for name, test := range map[string]struct {
		body, kind, field string
	}{
		"NotJSON":               {`{"_id":`, "", ""},
		"Trailing":              {`{} {}`, "", ""},
		"Empty":                 {` `, "", ""},
		"Comment":               {`{/* no */}`, "", ""},
		"F_74/Duplicate":        {`{"name":{"familyName":"a","familyName":"b"}}`, "duplicateMember", "/name/familyName"},
		"F_74/DuplicateCase":    {`{"userName":"a","username":"b"}`, "duplicateMember", "/username"},
		"F_74/DuplicateEscaped": {`{"userName":"a","user\u004eame":"b"}`, "duplicateMember", "/userName"},
		"F_74/DuplicateFolded":  {`{"\u017f":"a","S":"b"}`, "duplicateMember", "/S"},
		"F_74/DuplicateBelow":   {`{"contactInformation":{"a":[{"x":1,"X":2}]}}`, "duplicateMember", "/contactInformation/a/0/X"},
		"F_75/InvalidUTF8":      {"{\"_id\":\"\xff\"}", "invalidUTF8", "/_id"},
		"F_75/InvalidName":      {"{\"\xff\":\"x\"}", "invalidUTF8", ""},
		"F_75/CutOff":           {"{\"_id\":\"\xe6\x97\"}", "invalidUTF8", "/_id"},
		"F_75/Overlong":         {"{\"_id\":\"\xc0\xaf\"}", "invalidUTF8", "/_id"},
		"F_75/OverlongNUL":      {"{\"_id\":\"\xc0\x80\"}", "invalidUTF8", "/_id"},
		"F_75/Surrogates":       {"{\"_id\":\"\xed\xa0\xbd\xed\xb8\x80\"}", "invalidUTF8", "/_id"},
		"F_75/BeyondUnicode":    {"{\"_id\":\"\xf4\x90\x80\x80\"}", "invalidUTF8", "/_id"},
		"F_75/LoneSurrogate":    {`{"_id":"\ud800"}`, "", ""},
		"F_75/LowSurrogate":     {`{"_id":"\udc00x"}`, "", ""},
		"F_75/WrongPair":        {`{"_id":"\ud800\ud800"}`, "", ""},
		"F_75/RawNUL":           {"{\"_id\":\"a\x00b\"}", "malformedJSON", "/_id"},
		"F_75/ByteOrderMark":    {"\ufeff{}", "malformedJSON", ""},
		"F_75/UTF16":            {"\xff\xfe{\x00}\x00", "invalidUTF8", ""},
		"F_75/NUL":              {strings.Replace(newUser("bad"), `"New User"`, `"New\u0000User"`, 1), "wrongType", "/displayName/0"},
		"F_75/NULInID":          {newUser(`b\u0000d`), "", "/_id"},
		"F_73/TooDeep":          {nested(65), "tooDeep", ""},
		"R_J13":                 {`[1]`, "wrongType", ""},
		"Null":                  {`null`, "wrongType", ""},
		"String":                {`"x"`, "wrongType", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := send(t, test.body).fails(http.StatusBadRequest, test.kind)
			if test.field != "" {
				r.has(`"`+test.field+`"`, "detail", "field")
			}
		})
	}
	t.Run("F_75/NULInAPatch", func(t *testing.T) {
		g.send(t, ask{method: "PATCH", path: "/api/users/bjensen", as: "kvaughan", body: `[{"operation":"replace","field":"/description","value":"a\u0000b"}]`}).
			fails(http.StatusBadRequest, "wrongType").has(`"/description"`, "detail", "field")
	})
	t.Run("F_75/NULInAFilter", func(t *testing.T) {
		for _, filter := range []string{`description eq "Original\u0000description"`, `_id sw "bjensen\u0000"`, `_id co "\u0000"`} {
			g.list(t, "kvaughan", "/api/users", filter).finds()
		}
	})
	t.Run("DeepEnough", func(t *testing.T) {
		// 64 levels are read; what is missing then is the type of the resource.
		send(t, nested(64)).fails(http.StatusBadRequest, "resourceType")
	})
	t.Run("R_J17", func(t *testing.T) {
		r := send(t, `{"_id":"`+strings.Repeat("x", 1<<20)+`"}`).fails(http.StatusRequestEntityTooLarge, "")
		r.has("1048576", "detail", "limit")
	})
	t.Run("MediaType", func(t *testing.T) {
		body := newUser("bad")
		for _, media := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=latin1", "json", "application/jsonp"} {
			send(t, body, "Content-Type", media).fails(http.StatusUnsupportedMediaType, "")
		}
		g.send(t, ask{method: "PUT", path: "/api/users/bad", as: "kvaughan", body: body, noType: true}).fails(http.StatusUnsupportedMediaType, "")
		send(t, body, "Content-Encoding", "gzip").fails(http.StatusUnsupportedMediaType, "")
	})
	t.Run("MediaTypeWithCharset", func(t *testing.T) {
		send(t, newUser("bad"), "Content-Type", "Application/JSON; charset=UTF-8").want(http.StatusCreated)
	})
}

func TestBadParameters(t *testing.T) { slapd.Each(t, slapd.Options{}, badParameters) }

func badParameters(t *testing.T, server *slapd.Server) {
	g := start(t, server, settings{})
	for name, test := range map[string]struct {
		path, query string
		status      int
		parameter   string
	}{
		"R_J15":         {"/api/users", "_pageSize=1&_pageSize=2&_queryFilter=true", 400, "_pageSize"},
		"TwoFilters":    {"/api/users", "_queryFilter=true&_queryFilter=false", 400, "_queryFilter"},
		"Unknown":       {"/api/users/bjensen", "_feilds=userName", 400, "_feilds"},
		"BadEscape":     {"/api/users/bjensen", "_fields=%zz", 400, ""},
		"BadUTF8":       {"/api/users/bjensen", "_fields=%ff", 400, ""},
		"BadPointer":    {"/api/users/bjensen", "_fields=/a~2", 400, "_fields"},
		"Pretty":        {"/api/users/bjensen", "_prettyPrint=1", 400, "_prettyPrint"},
		"PageSize":      {"/api/users", "_queryFilter=true&_pageSize=abc", 400, "_pageSize"},
		"FilterOnWrite": {"/api/users/bjensen", "_queryFilter=tru", 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.send(t, ask{method: "GET", path: test.path + "?" + test.query, as: "kvaughan"}).fails(test.status, "")
			if test.parameter != "" {
				r.has(`"`+test.parameter+`"`, "detail", "parameter")
			}
		})
	}
}

// An error is indented like any other answer, also one of the edge.
func TestPrettyErrors(t *testing.T) {
	g := start(t, slapd.Start(t, slapd.Options{}), settings{})
	for name, test := range map[string]struct {
		path, as string
		status   int
		pretty   bool
	}{
		"NotFound":     {"/api/users/nobody?_prettyPrint=true", "kvaughan", 404, true},
		"Unknown":      {"/nosuch?_PRETTYPRINT=TRUE", "kvaughan", 404, true},
		"Parameter":    {"/api/users?_queryFilter=tru&_prettyPrint=true", "kvaughan", 400, true},
		"NobodyKnown":  {"/api/users/bjensen?_prettyPrint=true", "", 401, true},
		"Malformed":    {"/api/users/bjensen?_prettyPrint=1", "kvaughan", 400, false},
		"NotAskedFor":  {"/api/users/nobody?_prettyPrint=false", "kvaughan", 404, false},
		"NotAskedFor2": {"/api/users/nobody", "kvaughan", 404, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.send(t, ask{method: "GET", path: test.path, as: test.as}).want(test.status).has(fmt.Sprint(test.status), "code")
			if got := strings.HasPrefix(r.body, "{\n  \"code\": "); got != test.pretty {
				t.Errorf("indented: %t: %s", got, r.body)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		for name, test := range map[string]struct {
			path   string
			status int
		}{
			"Root":          {"/", 404},
			"OtherBase":     {"/other/users/bjensen", 404},
			"Base":          {"/api", 404},
			"NoCollection":  {"/api/nosuch", 404},
			"NoCollection2": {"/api/nosuch/x", 404},
			"BelowResource": {"/api/users/bjensen/nosuch", 404},
			"Dot":           {"/api/users/.", 400},
			"DotDot":        {"/api/users/../users/bjensen", 400},
			"EscapedDotDot": {"/api/users/%2e%2e", 400},
			"EmptySegment":  {"/api//users/bjensen", 400},
			"NUL":           {"/api/users/a%00b", 400},
			"BadUTF8":       {"/api/users/%ff", 400},
			"DoubleEscape":  {"/api/users/bjensen%2541", 404},
			"EscapedID":     {"/api/users/%62jensen", 200},
			"CaseOfPath":    {"/api/Users/bjensen", 404},
			"CaseOfID":      {"/api/users/BJENSEN", 200},
		} {
			t.Run(name, func(t *testing.T) {
				r := g.get(t, "kvaughan", test.path)
				if test.status == http.StatusOK {
					r.want(test.status)
				} else {
					r.fails(test.status, "")
				}
			})
		}
		for _, method := range []string{"TRACE", "PROPFIND", "CONNECTX"} {
			t.Run(method, func(t *testing.T) {
				r := g.send(t, ask{method: method, path: "/api/users/bjensen", as: "kvaughan"}).fails(http.StatusMethodNotAllowed, "")
				if r.header.Get("Allow") == "" {
					t.Error("no Allow")
				}
			})
		}
		t.Run("AnyID", func(t *testing.T) {
			for _, id := range []string{`a/b`, `a,b=c`, `a*`, `(a)`, `a\b`, `a+b`, `"a"`, `<a>;`, `#a`, `ä ö`, `a%b`, `a%2Fb`, `=`, `~`, `a?b`, `a&b`, `日本`} {
				path := "/api/users/" + escape(id)
				body := strings.ReplaceAll(newUser("x"), `"_id":"x",`, "")
				r := g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body, header: headers("If-None-Match", "*")})
				if r.status != http.StatusCreated {
					t.Errorf("%q: %d %s", id, r.status, r.body)
					continue
				}
				location := r.header.Get("Location")
				if !strings.HasSuffix(location, path) {
					t.Errorf("%q: Location %q", id, location)
				}
				if got := g.get(t, "kvaughan", path).want(http.StatusOK).at("_id"); got != id {
					t.Errorf("%q came back as %q", id, got)
				}
				quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id)
				g.list(t, "kvaughan", "/api/users", fmt.Sprintf(`_id eq "%s"`, quoted), "_fields", "_id").finds(id)
				g.send(t, ask{method: "DELETE", path: path, as: "kvaughan"}).want(http.StatusOK)
			}
		})
	})
}

// escape percent-encodes everything but letters and digits.
func escape(id string) string {
	var b bytes.Buffer
	for i := range len(id) {
		c := id[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
