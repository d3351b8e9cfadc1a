package integration_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
)

// TestF_58Linearizable has eight writers count up one number with If-Match, a dozen times each
// (fifty in a long run), and checks that what they were told, taken together, is what one
// register could have told: nothing that was acknowledged is lost, and nothing that was refused
// was made. (F_58, F_60)
func TestF_58Linearizable(t *testing.T) {
	slapd.Each(t, slapd.Options{LogLevel: "none"}, func(t *testing.T, server *slapd.Server) {
		t.Run("GoodWay", func(t *testing.T) {
			g := start(t, server, settings{})
			h := &history{gateway: g, random: soak.Rand(t)}
			h.count(t, 8, soak.Size(12, 50), nil)
			if h.unknown > 0 {
				t.Errorf("%d outcomes are unknown, without a reason", h.unknown)
			}
		})
		t.Run("CutWay", func(t *testing.T) {
			g, way := behind(t, server)
			h := &history{gateway: g, random: soak.Rand(t)}
			h.count(t, 8, soak.Size(12, 50), func() { way.Down(); way.Up() })
			t.Logf("%d operations, %d cuts, %d outcomes unknown, %d not made", len(h.operations), h.cuts, h.unknown, h.unavailable)
			if h.cuts == 0 {
				t.Error("the way was never cut")
			}
		})
	})
}

// The model sees what it is there for.
func TestRegisterModel(t *testing.T) {
	write := func(client int, call, end int64, from, to string, reply registerReply) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Input: registerRequest{write: true, from: from, to: to}, Output: reply, Call: call, Return: end}
	}
	read := func(call int64, value string) porcupine.Operation {
		return porcupine.Operation{ClientId: 9, Input: registerRequest{}, Output: registerReply{value: value}, Call: call, Return: call + 1}
	}
	const none = "0 none"
	for name, test := range map[string]struct {
		history []porcupine.Operation
		good    bool
	}{
		"OneAfterTheOther": {[]porcupine.Operation{write(1, 0, 10, none, "a", registerReply{}), write(2, 11, 20, "a", "b", registerReply{}), read(30, "b")}, true},
		"LostUpdate":       {[]porcupine.Operation{write(1, 0, 10, none, "a", registerReply{}), write(2, 5, 20, none, "b", registerReply{}), read(30, "b")}, false},
		"Forgotten":        {[]porcupine.Operation{write(1, 0, 10, none, "a", registerReply{}), read(30, none)}, false},
		"RefusedAndMade":   {[]porcupine.Operation{write(1, 0, 10, none, "a", registerReply{refused: true}), read(30, "a")}, false},
		"UnknownAndMade":   {[]porcupine.Operation{write(1, 0, 1<<62, none, "a", registerReply{unknown: true}), read(30, "a")}, true},
		"UnknownNotMade":   {[]porcupine.Operation{write(1, 0, 1<<62, none, "a", registerReply{unknown: true}), read(30, none)}, true},
		"UnknownTwice":     {[]porcupine.Operation{write(1, 0, 1<<62, none, "a", registerReply{unknown: true}), read(30, "a"), read(40, none)}, false},
	} {
		if got := porcupine.CheckOperations(register.ToModel(), test.history); got != test.good {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// The model of the register.
type (
	// request is a read, or a change from one value to another.
	registerRequest struct {
		write    bool
		from, to string
	}
	// registerReply is what was said: the value read, or what became of the change.
	registerReply struct {
		value            string
		refused, unknown bool
	}
)

// register holds a value, and changes it where it is what the writer knows.
var register = porcupine.NondeterministicModel{ //nolint:gochecknoglobals // A constant.
	Init: func() []any { return []any{"0 none"} },
	Step: func(state, input, output any) []any {
		request, reply := input.(registerRequest), output.(registerReply) //nolint:forcetypeassert // There are no others.
		is := state == request.from
		switch {
		case !request.write && state == reply.value:
			return []any{state}
		case !request.write:
			return nil
		case reply.unknown && is:
			return []any{state, request.to}
		case reply.unknown, reply.refused && !is:
			return []any{state}
		case !reply.refused && is:
			return []any{request.to}
		}
		return nil
	},
	Equal: func(a, b any) bool { return a == b },
}

// history is what clients did and were told.
type history struct {
	*gateway

	random *rand.Rand
	cuts   int
	noted  chan struct{} // gets one for each operation that is noted while somebody counts

	mu                   sync.Mutex // guards the fields below
	operations           []porcupine.Operation
	unknown, unavailable int
}

// note notes an operation, which began then and ends now. One whose outcome is unknown may
// be made at any time later.
func (h *history) note(client int, began time.Time, request registerRequest, reply registerReply) {
	end := time.Now().UnixNano()
	if reply.unknown {
		end = 1<<63 - 1
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: request, Output: reply, Call: began.UnixNano(), Return: end})
	select {
	case h.noted <- struct{}{}:
	default:
	}
}

// isSum checks that the number is how often it was counted up: as often as somebody was told
// so, and at most as often more as nobody knows.
func (h *history) isSum(t *testing.T) {
	t.Helper()
	acknowledged := 0
	for _, o := range h.operations {
		if o.Input.(registerRequest).write && o.Output.(registerReply) == (registerReply{}) { //nolint:forcetypeassert // There are no others.
			acknowledged++
		}
	}
	value, _ := h.operations[len(h.operations)-1].Output.(registerReply)
	var applied int
	_, _ = fmt.Sscan(value.value, &applied)
	t.Logf("%d increments acknowledged, %d applied, %d outcomes unknown", acknowledged, applied, h.unknown)
	if applied < acknowledged || applied > acknowledged+h.unknown {
		t.Errorf("%d increments were acknowledged and %d applied; %d outcomes are unknown", acknowledged, applied, h.unknown)
	}
}

const register0 = "/api/users/bjensen"

// count lets writers count, each so often, while cut is called after every few operations: at
// intervals, a slow machine would get little done between them.
func (h *history) count(t *testing.T, writers, each int, cut func()) {
	t.Helper()
	h.send(t, ask{method: "PATCH", path: register0, as: "kvaughan", body: `[{"operation":"replace","field":"/description","value":"0 none"}]`}).want(http.StatusOK)
	h.noted = make(chan struct{})
	var work sync.WaitGroup
	for writer := range writers {
		work.Go(func() { h.write(t, writer, each) })
	}
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	for left, more := 0, true; more && cut != nil; {
		select {
		case <-done:
			more = false
		case <-h.noted:
			if left--; left < 0 {
				cut()
				h.cuts++
				left = h.random.IntN(soak.Size(20, 40))
			}
		}
	}
	<-done
	h.read(t, writers)
	h.isSum(t)
	result, _ := porcupine.CheckOperationsVerbose(register.ToModel(), h.operations, time.Minute)
	if result != porcupine.Ok {
		t.Errorf("the history of %d operations: %s", len(h.operations), result)
	}
	if n := len(h.operations); n < writers*each {
		t.Errorf("%d operations are no history", n)
	}
}

// read reads the register until it gets an answer, and returns it with its revision.
func (h *history) read(t *testing.T, client int) (value, tag string) {
	for t.Context().Err() == nil {
		began := time.Now()
		r, err := h.try(ask{method: "GET", path: register0, as: "kvaughan", query: params("_fields", "description")})
		if err != nil {
			t.Error(err)
			return "", ""
		}
		if r.status == http.StatusOK {
			value, _ = r.at("description").(string)
			h.note(client, began, registerRequest{}, registerReply{value: value})
			return value, r.header.Get("ETag")
		}
		h.pause(t, r)
	}
	return "", ""
}

func (h *history) write(t *testing.T, writer, each int) {
	for made := 0; made < each && t.Context().Err() == nil; {
		old, tag := h.read(t, writer)
		if tag == "" {
			return
		}
		var n int
		_, _ = fmt.Sscan(old, &n)
		request := registerRequest{write: true, from: old, to: fmt.Sprintf("%d by %d for the %d", n+1, writer, made)}
		began := time.Now()
		r, err := h.try(ask{
			method: "PATCH", path: register0, as: "kvaughan", header: headers("If-Match", tag), query: params("_fields", "description"),
			body: fmt.Sprintf(`[{"operation":"replace","field":"/description","value":%q}]`, request.to),
		})
		switch {
		case err != nil:
			t.Error(err)
			return
		case r.status == http.StatusOK:
			h.note(writer, began, request, registerReply{})
			made++
		case r.status == http.StatusPreconditionFailed:
			h.note(writer, began, request, registerReply{refused: true})
		case strings.Contains(r.body, "unknownOutcome"):
			h.note(writer, began, request, registerReply{unknown: true})
			h.mu.Lock()
			h.unknown++
			h.mu.Unlock()
		default: // Nothing was sent, as it says; so it is no part of the history.
			h.pause(t, r)
		}
	}
}

// pause waits a little after a reply that says that nothing was done.
func (h *history) pause(t *testing.T, r *reply) {
	if r.status != http.StatusServiceUnavailable && r.status != http.StatusGatewayTimeout {
		t.Errorf("%d %s", r.status, r.body)
	}
	h.mu.Lock()
	h.unavailable++
	h.mu.Unlock()
	time.Sleep(10 * time.Millisecond)
}
