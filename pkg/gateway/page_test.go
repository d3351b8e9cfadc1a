package gateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// pageOf asks for a page of two users.
func pageOf(t *testing.T, s *gateway.Service, cookie string) (ids, next string, err error) {
	t.Helper()
	var rows []string
	listing, err := s.Query(t.Context(), caller, "api", &mapping.Request{
		Verb: mapping.Query, Path: []string{"users"}, Filter: query.Filter{Op: query.True}, PageSize: 2, Cookie: cookie,
		Fields: []query.Pointer{{"_id"}},
	}, func(json []byte) error {
		rows = append(rows, strings.Split(string(json), `"`)[3])
		return nil
	})
	return strings.Join(rows, ""), listing.Cookie, err
}

func wantPage(t *testing.T, s *gateway.Service, cookie, want string) (next string) {
	t.Helper()
	ids, next, err := pageOf(t, s, cookie)
	if ids != want || err != nil {
		t.Errorf("%q, want %q: %v", ids, want, err)
	}
	return next
}

// A walk keeps its connection for a minute and its memory for a quarter of an hour.
func TestIdleWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a", "b", "c", "d", "e", "f", "g")
		s := newService(t, f, gateway.Options{})
		cookie := wantPage(t, s, "", "ab")
		time.Sleep(59 * time.Second) //nolint:forbidigo // The clock is that of synctest.
		synctest.Wait()
		if f.locked("closed") != 0 {
			t.Error("the connection was given back before its time")
		}
		cookie = wantPage(t, s, cookie, "cd")
		if f.locked("held") != 1 {
			t.Error("the second page did not go on with the search of the first")
		}
		time.Sleep(61 * time.Second) //nolint:forbidigo // The clock is that of synctest.
		synctest.Wait()
		if f.locked("closed") != 1 {
			t.Error("the connection was not given back")
		}
		last := wantPage(t, s, cookie, "ef")
		if f.locked("held") != 2 {
			t.Error("the third page began no search")
		}
		time.Sleep(14 * time.Minute) //nolint:forbidigo // The clock is that of synctest.
		wantPage(t, s, last, "g")
		time.Sleep(2 * time.Minute) //nolint:forbidigo // The clock is that of synctest.
		if _, _, err := pageOf(t, s, last); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "expired") {
			t.Errorf("after its time: %v", err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // The clock is that of synctest; nothing is left that has to end.
	})
}

// Walks beyond the limit lose their connection, the one that was used the longest time
// ago first, and nothing else.
func TestManyWalks(t *testing.T) {
	f := newFake("a", "b", "c", "d", "e")
	s := newService(t, f, gateway.Options{Walks: 2})
	cookies := make([]string, 5)
	for i := range cookies {
		cookies[i] = wantPage(t, s, "", "ab")
	}
	if n := f.locked("closed"); n != 3 {
		t.Errorf("%d of 5 connections were given back, want 3", n)
	}
	for i := range cookies {
		wantPage(t, s, wantPage(t, s, cookies[i], "cd"), "e")
	}
}

// A page that fails on its way is asked for again with the same cookie.
func TestPageAfterFailure(t *testing.T) {
	f := newFake("a", "b", "c", "d", "e")
	s := newService(t, f, gateway.Options{})
	cookie := wantPage(t, s, "", "ab")
	for range 2 {
		failures := 2 // The search that was held, and the one that takes its place.
		f.before = func(operation string) error {
			if failures > 0 && operation == "step" {
				failures--
				return fault.New(fault.Unavailable, "down")
			}
			return nil
		}
		if _, _, err := pageOf(t, s, cookie); !errors.Is(err, fault.Unavailable) {
			t.Errorf("while the directory is down: %v", err)
		}
	}
	f.before = nil
	wantPage(t, s, wantPage(t, s, cookie, "cd"), "e")
}

// F_32: a directory that forgets each search after its first step has it begun anew once, and no
// entry comes twice; where that leads to nothing new, the page is an error, and not a wait without
// an end.
func TestF_32ForgottenSearches(t *testing.T) {
	f := newFake("a", "b", "c", "d", "e")
	s := newService(t, f, gateway.Options{})
	begun, forgets := 0, true
	f.before = func(operation string) error {
		switch {
		case operation == "search":
			begun++
		case operation == "step" && forgets && f.operations("step") > begun:
			return fault.New(fault.Internal, "no such search").Named("directoryError")
		}
		return nil
	}
	cookie := wantPage(t, s, "", "ab")
	ids, _, err := pageOf(t, s, cookie)
	if !errors.Is(err, fault.Internal) || ids != "" || begun != 2 {
		t.Errorf("%q, %v, %d searches were begun", ids, err, begun)
	}
	f.log, begun, forgets = nil, 0, false
	wantPage(t, s, wantPage(t, s, cookie, "cd"), "e")
}

// A panic in the middle of a page keeps no connection.
func TestPageThatPanics(t *testing.T) {
	f := newFake("a", "b", "c", "d", "e")
	s := newService(t, f, gateway.Options{})
	cookie := wantPage(t, s, "", "ab")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nothing panicked")
			}
		}()
		req := &mapping.Request{Verb: mapping.Query, Path: []string{"users"}, Filter: query.Filter{Op: query.True}, PageSize: 2, Cookie: cookie, Fields: []query.Pointer{{"_id"}}}
		_, _ = s.Query(t.Context(), caller, "api", req, func([]byte) error { panic("a defect elsewhere") }) //nolint:forbidigo // What the test is about.
	}()
	if held, closed := f.locked("held"), f.locked("closed"); held != closed {
		t.Errorf("of %d connections, %d were given back", held, closed)
	}
}

// Two requests with one cookie get the same page.
func TestCookieTwiceAtOnce(t *testing.T) {
	f := newFake("a", "b", "c", "d", "e")
	s := newService(t, f, gateway.Options{})
	cookie := wantPage(t, s, "", "ab")
	inner := ""
	f.before = func(operation string) error {
		if operation == "step" && inner == "" {
			f.before = nil
			inner = "-"
			ids, _, err := pageOf(t, s, cookie)
			inner = fmt.Sprint(ids, err)
		}
		return nil
	}
	wantPage(t, s, cookie, "cd")
	if inner != "cd<nil>" {
		t.Errorf("the second: %s", inner)
	}
}

// A gateway reads the cookies of another one with the same key, and of no other.
func TestCookieKey(t *testing.T) {
	key := strings.Repeat("k", 32)
	first := newService(t, newFake("a", "b", "c"), gateway.Options{CookieKey: key})
	cookie := wantPage(t, first, "", "ab")
	wantPage(t, newService(t, newFake("a", "b", "c"), gateway.Options{CookieKey: key}), cookie, "c")
	for _, other := range []string{"", key + "x"} {
		if _, _, err := pageOf(t, newService(t, newFake("a", "b", "c"), gateway.Options{CookieKey: other}), cookie); !errors.Is(err, fault.Invalid) {
			t.Errorf("key %q: %v", other, err)
		}
	}
	// The place itself may be gone.
	if _, _, err := pageOf(t, newService(t, newFake("a", "c"), gateway.Options{CookieKey: key}), cookie); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "gone") {
		t.Errorf("the last entry of the page is gone: %v", err)
	}
}
