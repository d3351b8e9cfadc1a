package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
)

// What hostile, broken and vanishing clients do to the gateway, and to the directory behind it:
// fault rows 66 to 82.

// leaves sends a request and goes away once the directory has it.
func (g *gateway) leaves(t *testing.T, a ask, arrived func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: g.trust()}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, a.method, g.url+a.path+"?"+a.query.Encode(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(a.as, exampledata.Password(a.as))
	whole := make(chan bool, 1)
	go func() {
		response, err := client.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		// TLS says goodbye before the connection ends: the gateway may still answer that to a
		// client that has gone.
		whole <- err == nil && response.StatusCode == http.StatusOK
	}()
	if !eventually(arrived) {
		t.Fatal("the request does not get to the directory")
	}
	cancel()
	if <-whole {
		t.Error("the reply had come")
	}
}

// F_66: a client goes away while its query is at work in the directory, again and again. The
// directory is told each time, and the place of the query is free again.
func TestF_66ClientGone(t *testing.T) {
	const rounds = 12 // More than there are connections.
	set := []string{"limits.queries=1", "directory.pool.max=4"}
	all := ask{method: "GET", path: "/api/users", query: params("_queryFilter", "true"), as: "kvaughan"}
	canceled := func(t *testing.T, g *gateway) {
		t.Helper()
		if !eventually(func() bool {
			data, err := os.ReadFile(g.events)
			return err == nil && bytes.Count(data, []byte(`"result":"canceled"`)) == rounds
		}) {
			t.Errorf("the events do not tell of %d clients that are gone", rounds)
		}
	}
	t.Run("OpenLDAP", func(t *testing.T) {
		server := slapd.Start(t, slapd.Options{Users: 2000, CallerSizeLimit: slapd.Unlimited})
		g, way := behind(t, server, set...)
		g.send(t, all).want(http.StatusOK)
		way.Add(toxic.Downstream, "latency", map[string]any{"latency": 300})
		for i := range rounds {
			before := strings.Count(server.Logs(), " ABANDON msg=")
			searches := strings.Count(server.Logs(), ` SRCH base="ou=People,dc=example,dc=com" scope=1`)
			g.leaves(t, all, func() bool {
				return strings.Count(server.Logs(), ` SRCH base="ou=People,dc=example,dc=com" scope=1`) > searches
			})
			if !eventually(func() bool { return strings.Count(server.Logs(), " ABANDON msg=") > before }) {
				t.Fatalf("round %d: the directory is not told", i)
			}
		}
		way.Clear()
		recovers(t, g, "kvaughan", "/api/users/bjensen")
		r := g.send(t, all).want(http.StatusOK)
		if n := len(r.ids("result")); n != 2000 {
			t.Errorf("%d users", n)
		}
		canceled(t, g)
	})
	t.Run("Scripted", func(t *testing.T) {
		script, heal := healing(func(r *fakeldap.Request) {
			if r.Name == "search" {
				r.Entry("uid=a,ou=People,dc=example,dc=com", "uid", "a") // Its end never comes.
			}
		})
		g, server := scripted(t, script, settings{set: set})
		for i := range rounds {
			g.leaves(t, all, func() bool { return server.Count("search") == i+1 })
			abandons, searches := server.Await(t, "abandon", i+1), server.Requests("search")
			if got, want := abandons[i].Abandoned, searches[i].ID; got != want || abandons[i].Conn != searches[i].Conn {
				t.Errorf("request %d is abandoned, not %d", got, want)
			}
		}
		heal()
		g.send(t, all).want(http.StatusOK)
		canceled(t, g)
	})
}

// healing is a script that does something about the requests until it is healed, and answers
// with one person, or with success, from then on.
func healing(do fakeldap.Script) (script fakeldap.Script, heal func()) {
	healed := make(chan struct{})
	return func(r *fakeldap.Request) {
		select {
		case <-healed:
			person(r)
		default:
			do(r)
		}
	}, func() { close(healed) }
}

// F_68: connections on which nothing happens cost little, and nobody else notices them.
func TestF_68IdleClients(t *testing.T) {
	crowd := soak.Size(500, 10_000)
	g := start(t, slapd.Start(t, slapd.Options{LogLevel: "none"}), settings{set: []string{fmt.Sprintf("server.maxConnections=%d", crowd+10)}})
	g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
	before := g.resident(t)
	conns := make([]net.Conn, 0, crowd)
	speak := func(conn net.Conn) {
		t.Helper()
		if _, err := io.WriteString(conn, "GET /api/users/x HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized || response.Close {
			t.Fatalf("%s, %v", response.Status, response.Header)
		}
	}
	for range crowd {
		conn := g.dial(t, "http/1.1")
		speak(conn)
		conns = append(conns, conn)
	}
	for range 20 {
		g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
	}
	grown := g.resident(t) - before
	t.Logf(soak.Mark+"%d connections, %d KiB more", crowd, grown>>10)
	if !raceDetector && grown > crowd*(64<<10)+16<<20 { // Some of it is garbage.
		t.Errorf("%d idle connections take %d octets", crowd, grown)
	}
	for _, conn := range conns {
		speak(conn) // It is still there.
	}
	for range 100 { // More than there may be: those that came first make room.
		speak(g.dial(t, "http/1.1"))
	}
	if _, err := conns[0].Read(make([]byte, 1)); err == nil {
		t.Error("the oldest is still there")
	}
	speak(conns[crowd-1])
}

// resident returns how much memory the program has, in octets.
func (g *gateway) resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kibibytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kibibytes << 10
}

// dial opens a connection that ends with the test.
func (g *gateway) dial(t *testing.T, protocol string) *tls.Conn {
	t.Helper()
	trust := g.trust()
	trust.NextProtos = []string{protocol}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(g.url, "https://"), trust)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// F_70: clients that take back each request as soon as it is sent make no work for the directory,
// and others are served meanwhile.
func TestF_70RequestsTakenBack(t *testing.T) {
	const each, clients = 10_000, 4
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{})
	g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
	searches := func() int { return strings.Count(server.Logs(), " SRCH base=") }
	before := searches()
	var header bytes.Buffer
	encoder := hpack.NewEncoder(&header)
	for _, field := range [][2]string{
		{":method", "GET"},
		{":scheme", "https"},
		{":authority", "x"},
		{":path", "/api/users/scarter"},
		{"authorization", basic("kvaughan:" + exampledata.Password("kvaughan")).Get("Authorization")},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			t.Fatal(err)
		}
	}
	sent := make(chan int, clients)
	for range clients {
		conn := g.dial(t, "h2")
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		go func() {
			n := 0
			defer func() { sent <- n }()
			if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
				return
			}
			framer := http2.NewFramer(conn, nil)
			if errors.Join(framer.WriteSettings(), framer.WriteSettingsAck()) != nil {
				return
			}
			for id := uint32(1); n < each; id += 2 {
				request := http2.HeadersFrameParam{StreamID: id, BlockFragment: header.Bytes(), EndHeaders: true, EndStream: true}
				if errors.Join(framer.WriteHeaders(request), framer.WriteRSTStream(id, http2.ErrCodeCancel)) != nil {
					return
				}
				n++
			}
		}()
	}
	total, served := 0, 0
	for left := clients; left > 0; {
		select {
		case n := <-sent:
			total, left = total+n, left-1
		default:
			g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
			served++
		}
	}
	made := searches() - before
	t.Logf("%d requests were taken back, %d others served, %d searches", total, served, made)
	if total < 1000 {
		t.Errorf("only %d requests were sent", total)
	}
	if made > served+total/10 {
		t.Errorf("%d requests that were taken back and %d others made %d searches", total, served, made)
	}
	g.get(t, "kvaughan", "/api/users/scarter").want(http.StatusOK)
}

// rawReply sends octets on a connection of its own, and reads all that comes back.
func (g *gateway) rawReply(t *testing.T, pieces ...string) string {
	t.Helper()
	conn := g.dial(t, "http/1.1")
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		for _, piece := range pieces {
			if _, err := io.WriteString(conn, piece); err != nil {
				return
			}
		}
	}()
	answer, _ := io.ReadAll(conn) // A reset is an end, too.
	return string(answer)
}

// as returns the header lines of a request for JSON by a person.
func headOf(method, path, as string, more ...string) string {
	lines := []string{method + " " + path + " HTTP/1.1", "Host: x", "Authorization: " + basic(as+":"+exampledata.Password(as)).Get("Authorization"), "Content-Type: application/json", "Connection: close"}
	return strings.Join(append(lines, more...), "\r\n") + "\r\n\r\n"
}

// F_72: bodies that are longer than allowed, or not as long as they say. What is too long is
// refused before it has come.
func TestF_72Bodies(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{})
	const path = "/api/users/long"
	g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
	before := g.resident(t)
	megabyte := strings.Repeat("x", 1<<20)
	endless := []string{headOf("PUT", path, "kvaughan", "Transfer-Encoding: chunked")}
	for range 64 {
		endless = append(endless, "100000\r\n", megabyte, "\r\n")
	}
	for name, test := range map[string]struct {
		pieces []string
		status string
		kind   string
	}{
		"Gigabyte":  {[]string{headOf("PUT", path, "kvaughan", "Content-Length: 1073741824")}, "413", "bodyTooLarge"},
		"Endless":   {endless, "413", "bodyTooLarge"},
		"Text":      {[]string{headOf("PUT", path, "kvaughan", "Content-Length: 104857602"), `"`, megabyte}, "413", "bodyTooLarge"},
		"OneMore":   {[]string{headOf("PUT", path, "kvaughan", "Content-Length: 1048577"), megabyte, "x"}, "413", "bodyTooLarge"},
		"TooShort":  {[]string{headOf("PUT", path, "kvaughan", "Content-Length: 10"), `{"_id":"x"}`}, "400", "malformedJSON"},
		"TooLong":   {[]string{headOf("PUT", path, "kvaughan", "Content-Length: 2"), `{}{"_id":"x"}`}, "400", "resourceType"},
		"Gzip":      {[]string{headOf("PUT", path, "kvaughan", "Content-Encoding: gzip", "Content-Length: 2"), "\x1f\x8b"}, "415", "unsupportedMediaType"},
		"Deflate":   {[]string{headOf("PUT", path, "kvaughan", "Content-Encoding: deflate, gzip", "Content-Length: 2"), "{}"}, "415", "unsupportedMediaType"},
		"GzipCoded": {[]string{headOf("PUT", path, "kvaughan", "Transfer-Encoding: gzip, chunked"), "0\r\n\r\n"}, "501", ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := g.rawReply(t, test.pieces...)
			if !strings.HasPrefix(answer, "HTTP/1.1 "+test.status+" ") || strings.Count(answer, "HTTP/1.1 ") != 1 || !strings.Contains(answer, test.kind) {
				t.Errorf("answer %.600q", answer)
			}
		})
	}
	t.Run("BreaksOff", func(t *testing.T) {
		conn := g.dial(t, "http/1.1")
		if _, err := io.WriteString(conn, headOf("PUT", path, "kvaughan", "Content-Length: 100")+`{"_id":`); err != nil {
			t.Fatal(err)
		}
		_ = conn.CloseWrite()
		answer, _ := io.ReadAll(conn)
		if len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 4") {
			t.Errorf("answer %q", answer)
		}
	})
	g.get(t, "kvaughan", path).fails(http.StatusNotFound, "")
	if grown := g.resident(t) - before; grown > 64<<20 {
		t.Errorf("the refused bodies took %d MiB", grown>>20)
	}
}

// F_73: JSON that is there to keep a parser busy. Where bodies may be long, a million members
// are read in the time of so many, and refused.
func TestF_73JSON(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{set: []string{"limits.body=64MiB", "limits.requestTimeout=30s"}})
	var members, duplicates, values strings.Builder
	for i := range 1_000_000 {
		n := strconv.Itoa(i)
		members.WriteString(`"m` + n + `":` + n + `,`)
		values.WriteString(`"v` + n + `",`)
		if i < 500_000 {
			duplicates.WriteString(`"M` + n + `":0,`)
		}
	}
	deep := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	for name, test := range map[string]struct {
		body string
		kind string
	}{
		"Deep":          {`{"_id":` + deep(10_000) + "}", "tooDeep"},
		"DeepOpen":      {strings.Repeat(`{"a":`, 1_000_000), "tooDeep"},
		"DeepArrays":    {strings.Repeat("[", 10_000_000), "tooDeep"},
		"Members":       {"{" + members.String() + `"_id":"x"}`, "resourceType"},
		"LateDuplicate": {"{" + duplicates.String() + `"m499999":1}`, "duplicateMember"},
		"Values":        {`{"_id":"x","_schema":"` + userType + `","displayName":[` + values.String() + `1]}`, "wrongType"},
		"LongString":    {`{"_id":"` + strings.Repeat("x", 60<<20) + `"}`, "resourceType"},
		"LongNumber":    {`{"_id":` + strings.Repeat("9", 10_000_000) + `}`, "resourceType"},
	} {
		t.Run(name, func(t *testing.T) {
			g.send(t, ask{method: "PUT", path: "/api/users/x", as: "kvaughan", body: test.body, header: headers("If-None-Match", "*")}).fails(http.StatusBadRequest, test.kind)
		})
	}
	g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
}

// F_81: which methods there are, and who stands for which.
func TestF_81Methods(t *testing.T) {
	g := start(t, slapd.Start(t, slapd.Options{}), settings{})
	const path = "/api/users/bjensen"
	all := "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
	for _, method := range []string{"TRACE", "PROPFIND", "get", "LOCK", "QUERY", "X"} {
		t.Run(method, func(t *testing.T) {
			r := g.send(t, ask{method: method, path: path, as: "kvaughan"}).fails(http.StatusMethodNotAllowed, "methodNotAllowed")
			if got := r.header.Get("Allow"); got != all {
				t.Errorf("Allow %q", got)
			}
		})
	}
	t.Run("OPTIONS", func(t *testing.T) {
		for _, path := range []string{path, "/api/nosuch"} {
			r := g.send(t, ask{method: "OPTIONS", path: path}).want(http.StatusNoContent)
			if got := r.header.Get("Allow"); got != all || r.body != "" {
				t.Errorf("Allow %q, %s", got, r.body)
			}
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		get := g.get(t, "kvaughan", path).want(http.StatusOK)
		head := g.send(t, ask{method: "HEAD", path: path, as: "kvaughan"}).want(http.StatusOK)
		if head.body != "" || head.etag() != get.etag() || head.header.Get("Content-Length") != fmt.Sprint(len(get.body)) {
			t.Errorf("%q, %v", head.body, head.header)
		}
	})
	t.Run("CONNECT", func(t *testing.T) {
		for _, text := range []string{"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n", "CONNECT /api/users/bjensen HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"} {
			if answer := g.rawReply(t, text); !strings.HasPrefix(answer, "HTTP/1.1 4") || strings.Count(answer, "HTTP/1.1 ") != 1 {
				t.Errorf("%q: %q", text, answer)
			}
		}
	})
	t.Run("Override", func(t *testing.T) {
		override := func(t *testing.T, method, as string) *reply {
			t.Helper()
			return g.send(t, ask{method: "POST", path: path, as: as, body: `[{"operation":"replace","field":"/description","value":"overridden"}]`, header: headers("X-HTTP-Method-Override", method)})
		}
		for _, method := range []string{"TRACE", "OPTIONS", "HEAD", "CONNECT", "", "PATCH, PUT"} {
			override(t, method, "kvaughan").fails(http.StatusBadRequest, "methodOverride")
		}
		// It is what it stands for in all that matters: rights and the record.
		override(t, "PATCH", "scarter").fails(http.StatusForbidden, "")
		r := override(t, "PATCH", "bjensen").want(http.StatusOK).has(`"overridden"`, "description")
		events := g.eventsOf(t, r)
		check(t, events[0], map[string]any{"phase": "attempt", "verb": "patch"})
		// Only a POST stands for something else.
		g.send(t, ask{method: "GET", path: path, as: "kvaughan", header: headers("X-HTTP-Method-Override", "DELETE")}).want(http.StatusOK)
	})
}

// F_79: a path has one meaning, and ids are opaque.
func TestF_79Paths(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		for path, status := range map[string]string{
			"/api/users/..":                           "400",
			"/api/users/../users/bjensen":             "400",
			"/api/users/%2e%2e/users/bjensen":         "400",
			"/api/users/%2E./bjensen":                 "400",
			"/api/users/.%2e":                         "400",
			"/api/./users/bjensen":                    "400",
			"/api//users/bjensen":                     "400",
			"//api/users/bjensen":                     "400",
			"/api/users/bjensen/":                     "400",
			"/api/users/":                             "400",
			"/api/users/a%00b":                        "400",
			"/api/users/%ff":                          "400",
			"/api/users/%c0%af":                       "400", // A slash in two octets.
			"/api/users/%c0%ae%c0%ae":                 "400",
			`/api/users/a\b`:                          "400",
			"/api/users/%zz":                          "400",
			"/api/users/bjensen#x":                    "400",
			"/api/users%2Fbjensen":                    "404",
			"/api%2Fusers/bjensen":                    "404",
			"/api/users/x%2F..%2Fbjensen":             "404", // The id "x/../bjensen".
			"/api/users/%252e%252e":                   "404", // The id "%2e%2e".
			"/api/users/bjensen%252F":                 "404",
			"/api/users/..%5cbjensen":                 "404",
			"/api/users/bjensen;x=1":                  "404",
			"/api/users;x=1/bjensen":                  "404",
			"/api/users/bjensen%3Fx":                  "404",
			"/api/users/bjensen%20":                   "200", // Names are compared without spaces around them (RFC 4518 §2.6.1).
			"/api/users/%20bjensen":                   "200",
			"/api/users/bjensen,ou=People":            "404",
			"/api/users/bjensen%2Cou%3DPeople":        "404",
			"/api/users/bjensen%0a":                   "404",
			"/api/users/bjensen%7f":                   "404",
			"/api/users/%62%6a%65%6e%73%65%6e":        "200",
			"https://other.example/api/users/bjensen": "200", // RFC 9112 §3.2.2.
		} {
			t.Run(path, func(t *testing.T) {
				answer := g.rawReply(t, strings.Replace(headOf("GET", path, "kvaughan"), "Content-Type: application/json\r\n", "", 1))
				if !strings.HasPrefix(answer, "HTTP/1.1 "+status+" ") || strings.Count(answer, "HTTP/1.1 ") != 1 {
					t.Errorf("answer %.300q", answer)
				}
			})
		}
		for _, id := range []string{"a/b", "../bjensen", "..\\x", "%2e", "a%2Fb", ";a=1", "a;", "a//b", "/", "?", "#", "\x01", "a\nb", "\x7f", "\x1b[0m"} {
			t.Run(fmt.Sprintf("%q", id), func(t *testing.T) {
				path := "/api/users/" + escape(id)
				body := strings.ReplaceAll(newUser("x"), `"_id":"x",`, "")
				g.send(t, ask{method: "PUT", path: path, as: "kvaughan", body: body, header: headers("If-None-Match", "*")}).want(http.StatusCreated)
				r := g.get(t, "kvaughan", path).want(http.StatusOK)
				if r.at("_id") != id {
					t.Errorf("it comes back as %q", r.at("_id"))
				}
				resource, _ := g.eventsOf(t, r)[0]["resource"].(string)
				if slices.ContainsFunc([]rune(resource), func(c rune) bool { return c < ' ' || c == 0x7f }) || strings.Count(resource, "/") != 3 {
					t.Errorf("the event has %q", resource)
				}
				g.send(t, ask{method: "DELETE", path: path, as: "kvaughan"}).want(http.StatusOK)
			})
		}
		g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
	})
}
