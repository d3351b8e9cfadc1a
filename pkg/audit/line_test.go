package audit

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// ticking is a clock that goes on by a millisecond and a half with every look.
func ticking() func() time.Time {
	now := time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("", 3600))
	return func() time.Time {
		now = now.Add(1500 * time.Microsecond)
		return now
	}
}

func TestLinesGolden(t *testing.T) {
	sink := new(memsink)
	r := newRecorder(t, Options{Sink: sink, Clock: ticking()})
	e := r.Begin(Start{
		TransactionID: "tx1", Client: "192.0.2.7", Method: "PATCH", Path: "/api/users/bjensen?_fields=userPassword",
		TLS: &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, CurveID: tls.X25519},
	})
	e.SetPrincipal("admin", "basic", "dn:uid=admin,dc=example,dc=com")
	e.SetResource("patch", "users/bjensen")
	e.AddChanged("mail", "userPassword", "mail")
	e.CountOperation()
	if err := e.Attempt(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.CountOperation()
	e.End(200, "")
	e.End(500, "internal") // only the first counts
	refused := r.Begin(Start{TransactionID: "tx2", Client: "192.0.2.8", Method: "GET", Path: "/api/users"})
	refused.SetResource("action", "users")
	refused.SetAction("modifyPassword")
	refused.SetReason("wrongPassword")
	refused.AddRows(3)
	refused.AddLeftOut(2)
	refused.AddDeleted(4)
	refused.SetDryRun()
	refused.End(401, "unauthenticated")
	r.Begin(Start{}).End(0, "")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	head := `"client":"192.0.2.7","tlsVersion":"TLS 1.3","tlsCipher":"TLS_AES_128_GCM_SHA256","tlsGroup":"X25519",` +
		`"principal":"admin","authMethod":"basic","authzId":"dn:uid=admin,dc=example,dc=com","method":"PATCH","path":"/api/users/bjensen",` +
		`"verb":"patch","resource":"users/bjensen","changed":["mail","userPassword"]`
	want := `{"time":"2026-03-01T12:00:00.003Z","transactionId":"tx1","phase":"attempt",` + head + "}\n" +
		`{"time":"2026-03-01T12:00:00.004Z","transactionId":"tx1","phase":"outcome",` + head + `,"status":200,"result":"ok","elapsedMicros":3000,"ldapOperations":2}` + "\n" +
		`{"time":"2026-03-01T12:00:00.007Z","transactionId":"tx2","phase":"outcome","client":"192.0.2.8","method":"GET","path":"/api/users","verb":"action","action":"modifyPassword","resource":"users","dryRun":true,` +
		`"status":401,"result":"unauthenticated","reason":"wrongPassword","elapsedMicros":1500,"ldapOperations":0,"rows":3,"leftOut":2,"deleted":4}` + "\n" +
		`{"time":"2026-03-01T12:00:00.010Z","transactionId":"","phase":"outcome","status":0,"result":"ok","elapsedMicros":1500,"ldapOperations":0}` + "\n"
	if diff := cmp.Diff(want, sink.text()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A record has no room for values and secrets: all that an event takes is named here.
func TestNoFieldForSecrets(t *testing.T) {
	var fields []string
	for _, structure := range []any{Start{}, Event{}} {
		for field := range reflect.TypeOf(structure).Fields() {
			fields = append(fields, field.Name)
		}
	}
	want := []string{
		"TransactionID", "Client", "Method", "Path", "TLS",
		"recorder", "began", "start", "operations", "rows", "leftOut", "deleted",
		"mu", "principal", "authMethod", "authzID", "verb", "action", "resource", "changed", "dryRun", "reason", "attempt", "ended",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("a new field needs a look whether a secret can get into it (-want +got):\n%s", diff)
	}
	sink := new(memsink)
	r := newRecorder(t, Options{Sink: sink})
	r.Begin(Start{Path: "/users?_queryFilter=pw+eq+%22secret%22"}).End(200, "")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sink.text(), "secret") {
		t.Errorf("the query is recorded: %s", sink.text())
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"bjensen":                           `bjensen`,
		`a"b\c`:                             `a\"b\\c`,
		"a\nb\r\tc\x00":                     `a\nb\u000d\tc\u0000`,
		"\x7f\u0085\u2028":                  `\u007f\u0085\u2028`,
		"\u202egpj.exe":                     `\u202egpj.exe`,
		"jürgen 小笠原 ☃":                      `jürgen 小笠原 ☃`,
		"\U000e0001":                        `\udb40\udc01`,
		"a\xff\xc3b":                        `a\ufffd\ufffdb`,
		strings.Repeat("a", MaxText):        strings.Repeat("a", MaxText),
		strings.Repeat("a", MaxText) + "bc": strings.Repeat("a", MaxText) + "…",
	} {
		if got := string(appendEscaped(nil, text)); got != want {
			t.Errorf("%.40q: got %.60s, want %.60s", text, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"a", "\"\\", "\xff", "\u202e", "\U000e0001", "é\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw := string(appendEscaped(nil, text))
		for _, r := range raw {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", raw, r)
			}
		}
		var back string
		if err := json.Unmarshal([]byte(`"`+raw+`"`), &back); err != nil {
			t.Fatalf("%q is no JSON: %v", raw, err)
		}
		if utf8.ValidString(text) && len(text) <= MaxText && back != text {
			t.Fatalf("%q came back as %q", text, back)
		}
	})
}

func TestChangedIsBounded(t *testing.T) {
	e := new(Event)
	for i := range 2 * MaxChanged {
		e.AddChanged("a" + strconv.Itoa(i))
	}
	if len(e.changed) != MaxChanged+1 || e.changed[MaxChanged] != "…" || slices.Index(e.changed, "…") != MaxChanged {
		t.Errorf("%d names, the last %q", len(e.changed), e.changed[len(e.changed)-1])
	}
}

func TestNilEventRecordsNothing(t *testing.T) {
	e := FromContext(context.Background())
	if e != nil {
		t.Fatal("an empty context has an event")
	}
	e.SetPrincipal("a", "b", "c")
	e.SetResource("a", "b")
	e.SetReason("a")
	e.AddChanged("a")
	e.CountOperation()
	e.AddRows(1)
	e.End(200, "")
	if err := e.Attempt(context.Background()); err != nil || e.Operations() != 0 || e.TransactionID() != "" {
		t.Errorf("got %v, %d, %q", err, e.Operations(), e.TransactionID())
	}
	want := &Event{}
	if got := FromContext(NewContext(context.Background(), want)); got != want {
		t.Error("the context lost its event")
	}
}
