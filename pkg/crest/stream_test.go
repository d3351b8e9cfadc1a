package crest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func rows(n, size int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"_id":"%0*d"}`, size, i)
	}
	return list
}

const envelope = `"pagedResultsCookie":null,"totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}`

// R_G33: the shape of a list, held back or not.
func TestList(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for name, test := range map[string]struct {
			rows  []string
			whole bool // sent in one piece, with its length
		}{
			"Empty": {nil, true}, "One": {rows(1, 5), true}, "Short": {rows(60, 1000), true}, "Long": {rows(200, 1000), false}, "OneLong": {rows(1, 100_000), false},
		} {
			t.Run(fmt.Sprint(name, "/", http2), func(t *testing.T) {
				f := newFront(t, &service{rows: test.rows}, Options{})
				r := f.sendBy(t, http2, "GET", "/api/users?_queryFilter=true", "")
				want := fmt.Sprintf(`{"result":[%s],"resultCount":%d,`, strings.Join(test.rows, ","), len(test.rows)) + envelope
				if r.err != nil || r.status != 200 || r.body != want {
					t.Fatalf("%d, %v: %.200s", r.status, r.err, r.body)
				}
				if (r.length == int64(len(want))) != test.whole || r.header.Get("Content-Type") != "application/json; charset=utf-8" {
					t.Errorf("length %d of %d, header %v", r.length, len(want), r.header)
				}
				head := f.sendBy(t, http2, "HEAD", "/api/users?_queryFilter=true", "")
				if head.status != 200 || head.body != "" || test.whole && head.length != r.length {
					t.Errorf("HEAD: %d, length %d", head.status, head.length)
				}
				for _, event := range f.events(t) {
					if n, _ := event["rows"].(float64); int(n) != len(test.rows) || event["verb"] != "query" || event["result"] != "ok" {
						t.Errorf("event %v", event)
					}
				}
			})
		}
	}
}

// A fault while the list is held back is an ordinary error; a later one breaks the
// answer off, so that no reader takes it for a whole list.
func TestListBreaksOff(t *testing.T) {
	down := fault.New(fault.Unavailable, "the directory is gone")
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprint("Early/", http2), func(t *testing.T) {
			f := newFront(t, &service{rows: rows(60, 1000), rowError: down}, Options{})
			r := f.sendBy(t, http2, "GET", "/api/users?_queryFilter=true", "")
			if r.status != 503 || strings.Contains(r.body, "result") || r.header.Get("Retry-After") == "" {
				t.Errorf("%d: %.200s", r.status, r.body)
			}
			if event := f.events(t)[0]; event["status"] != 503.0 || event["rows"] != 60.0 {
				t.Errorf("event %v", event)
			}
		})
		for name, pretty := range map[string]string{"Late": "", "LatePretty": "&_prettyPrint=true"} {
			t.Run(fmt.Sprint(name, "/", http2), func(t *testing.T) {
				f := newFront(t, &service{rows: rows(300, 1000), rowError: down}, Options{})
				r := f.sendBy(t, http2, "GET", "/api/users?_queryFilter=true"+pretty, "")
				if r.status != 200 || r.err == nil {
					t.Fatalf("%d, error %v", r.status, r.err)
				}
				if json.Valid([]byte(r.body)) || strings.Contains(r.body, "]") || len(r.body) < piece {
					t.Errorf("%d bytes that end in %q", len(r.body), r.body[max(0, len(r.body)-40):])
				}
				if http2 != strings.Contains(r.err.Error(), "stream error") {
					t.Errorf("broken off by %v", r.err)
				}
				events := f.events(t)
				if len(events) != 1 || events[0]["status"] != 200.0 || events[0]["result"] != "unavailable" || events[0]["rows"] != 300.0 {
					t.Errorf("events %v", events)
				}
			})
		}
	}
}

// lostServer is the loss of a connection.
type lostServer struct{}

func (lostServer) Error() string { return "lost" }

func (lostServer) Outcome() directory.Outcome {
	return directory.Outcome{Progress: directory.SentNoAnswer, Sent: true, Server: "one.example.com:636"}
}

// F_03: a list whose connection was lost before anything of it was sent is asked for once more,
// as a whole; one of which a part was sent is not, nor one that failed otherwise.
func TestListOnceMore(t *testing.T) {
	lost := fault.Wrap(fault.Unavailable, lostServer{}, "the connection was lost").Named("directoryUnreachable")
	for name, test := range map[string]struct {
		service *service
		status  int
		rows    int // of the answer; 0 when it is none
		queries int
	}{
		"Lost":       {&service{rows: rows(3, 1000), rowError: lost, once: true}, 200, 3, 2},
		"LostTwice":  {&service{rows: rows(3, 1000), rowError: lost}, 503, 0, 2},
		"Refused":    {&service{rows: rows(3, 1000), rowError: fault.New(fault.Forbidden, "no"), once: true}, 403, 0, 1},
		"PartlySent": {&service{rows: rows(300, 1000), rowError: lost, once: true}, 200, 0, 1},
	} {
		t.Run("F_03/"+name, func(t *testing.T) {
			f := newFront(t, test.service, Options{})
			r := f.sendBy(t, false, "GET", "/api/users?_queryFilter=true", "")
			var got struct {
				Result      []any `json:"result"`
				ResultCount int   `json:"resultCount"`
			}
			if err := json.Unmarshal([]byte(r.body), &got); (err == nil) == (name == "PartlySent") {
				t.Errorf("%v: %.200s", err, r.body)
			}
			if want := []string{"", "one.example.com:636"}[:test.queries]; !slices.Equal(f.avoided, want) {
				t.Errorf("servers that should not be asked: %q", f.avoided)
			}
			if r.status != test.status || len(got.Result) != test.rows || got.ResultCount != test.rows || len(f.asked) != test.queries {
				t.Errorf("%d, %d rows, count %d, %d queries", r.status, len(got.Result), got.ResultCount, len(f.asked))
			}
		})
	}
}

func BenchmarkList(b *testing.B) {
	l := &list{buffer: make([]byte, 0, 2*piece)}
	row := []byte(rows(1, 500)[0])
	b.ReportAllocs()
	for b.Loop() {
		l.rows, l.buffer = 0, l.buffer[:0]
		for range 100 {
			if err := l.row(row); err != nil {
				b.Fatal(err)
			}
		}
	}
}
