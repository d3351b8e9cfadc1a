package memdir_test

import (
	"io"
	"sync/atomic"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// TestIntercept has each operation misbehave in each way.
func TestIntercept(t *testing.T) {
	t.Parallel()
	seen := make(chan memdir.Operation, 100)
	var action atomic.Pointer[memdir.Operation]
	d := start(t, func(o *memdir.Options) {
		o.Intercept = func(op *memdir.Operation) {
			if op.Name == "bind" {
				return
			}
			a := action.Load()
			op.Action, op.Code, op.Message, op.Entries, op.Bytes = a.Action, a.Code, a.Message, a.Entries, a.Bytes
			seen <- *op
		}
	})
	next := func(a memdir.Operation) *raw {
		t.Helper()
		r := d.raw(t)
		r.bindRoot()
		action.Store(&a)
		r.send(message(5, list(0)))
		return r
	}
	for n, test := range []struct {
		name    string
		set     memdir.Operation
		entries int
		code    int
	}{
		{"Proceed", memdir.Operation{}, people, 0},
		{"Refuse", memdir.Operation{Action: memdir.Refuse, Code: 51, Message: "busy"}, 0, 51},
		{"Drop", memdir.Operation{Action: memdir.Drop}, 0, -1},
		{"Lose", memdir.Operation{Action: memdir.Lose}, 0, -1},
		{"LoseAfterSome", memdir.Operation{Action: memdir.Lose, Entries: 3}, 3, -1},
		{"LoseTheEnd", memdir.Operation{Action: memdir.Lose, Entries: 1000}, people, -1},
	} {
		r := next(test.set)
		entries, end := 0, -1
		for {
			m, err := r.reader.Read()
			if err != nil {
				break // The connection broke.
			}
			if m.Op == ldapwire.SearchResultEntry {
				entries++
				continue
			}
			result, err := m.Result()
			if err != nil {
				t.Fatal(err)
			}
			end = result.Code
			break
		}
		if entries != test.entries || end != test.code {
			t.Errorf("%s: %d entries, code %d", test.name, entries, end)
		}
		if op := <-seen; op.Name != "search" || op.Target != peopleDN || op.ID != 5 || op.Conn != n+1 {
			t.Errorf("%s: %+v", test.name, op)
		}
	}

	r := next(memdir.Operation{Action: memdir.Garble, Bytes: []byte("garbage")})
	got := make([]byte, 7)
	if _, err := io.ReadFull(r.net, got); string(got) != "garbage" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	<-seen
	// What is swallowed has no answer, not even when what comes after it has one.
	r = next(memdir.Operation{Action: memdir.Swallow})
	<-seen
	action.Store(&memdir.Operation{})
	if who := r.whoAmI(); who == "" {
		t.Error("nobody")
	}
}

// TestLose changes what was asked for although the answer is lost.
func TestLose(t *testing.T) {
	t.Parallel()
	d := start(t, func(o *memdir.Options) {
		o.Intercept = func(op *memdir.Operation) {
			switch {
			case op.Name == "delete" && op.Target == person(1):
				op.Action = memdir.Lose
			case op.Name == "delete":
				op.Action = memdir.Drop
			}
		}
	})
	for n := range 2 {
		r := d.raw(t)
		r.bindRoot()
		r.send(message(5, octets(0x4a, person(n))))
		if m, err := r.reader.Read(); err == nil {
			t.Errorf("message %+v", m)
		}
	}
	r := d.raw(t)
	r.bindRoot()
	for n, want := range []int{0, 32} {
		if result, _, _ := r.exchange(query{base: person(n)}.packet()); result.Code != want {
			t.Errorf("%s: %+v", person(n), result)
		}
	}
}

// TestInterceptBind refuses a bind, and asks nobody about the password.
func TestInterceptBind(t *testing.T) {
	t.Parallel()
	d := start(t, func(o *memdir.Options) {
		o.Intercept = func(op *memdir.Operation) {
			if op.Name == "bind" {
				op.Action, op.Code = memdir.Refuse, 52
			}
		}
	})
	wantCode(t, "bind", d.dial(t).Bind(person(1), password(1)), 52)
}
