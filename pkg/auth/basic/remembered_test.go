package basic

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// A good password is remembered for 30 seconds from its bind, whatever was configured.
func TestCacheBound(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Cache = time.Hour })
	f.login(t, "bjensen", "hifalutin", "")
	for range 3 {
		f.advance(9 * time.Second)
		f.login(t, "bjensen", "hifalutin", "")
	}
	if got := len(f.memory.bound()); got != 1 {
		t.Errorf("%d binds within 27 seconds", got)
	}
	f.memory.change(func() { f.memory.people[0].password = "new" })
	f.advance(3*time.Second - 1)
	f.login(t, "bjensen", "hifalutin", "")
	f.advance(1)
	f.login(t, "bjensen", "hifalutin", ReasonPassword)
}

func TestNoCache(t *testing.T) {
	for _, cache := range []time.Duration{0, -1} {
		f := newFixture(t, func(o *Options) { o.Cache = cache })
		for range 3 {
			f.login(t, "bjensen", "hifalutin", "")
		}
		if got := len(f.memory.bound()); got != 3 {
			t.Errorf("%d binds for 3 logins", got)
		}
	}
}

// A wrong password binds every time, beside a right one that is remembered.
func TestWrongPasswordBindsEveryTime(t *testing.T) {
	f := newFixture(t, nil)
	f.login(t, "bjensen", "hifalutin", "")
	for range 5 {
		f.login(t, "bjensen", "wrong", ReasonPassword)
		f.login(t, "nobody", "wrong", ReasonUnknown)
	}
	if got := len(f.memory.bound()); got != 11 {
		t.Errorf("%d binds, want 11", got)
	}
	f.login(t, "bjensen", "hifalutin", "")
	f.login(t, "BJENSEN", "hifalutin", "") // another name until the directory says so
	if got := len(f.memory.bound()); got != 12 {
		t.Errorf("%d binds, want 12", got)
	}
}

// One caller's name and password never make up another's.
func TestHashSeparates(t *testing.T) {
	f := newFixture(t, nil)
	if f.hash("ab", "c") == f.hash("a", "bc") {
		t.Error("two logins have one hash")
	}
	if f.hash("a", "b") == newFixture(t, nil).hash("a", "b") {
		t.Error("the hash has no key of its own")
	}
}

// A remembered password does not outlive its account for more than 30 seconds.
func TestLockedWhileRemembered(t *testing.T) {
	f := newFixture(t, nil)
	f.login(t, "bjensen", "hifalutin", "")
	f.advance(time.Second)
	f.login(t, "bjensen", "hifalutin", "") // looks at the account, which is remembered too
	f.memory.change(func() { f.memory.people[0].locked = true })
	locked := f.clock()
	for f.clock().Sub(locked) <= auth.MaxAccountAge {
		if _, err := f.Authenticate(request("bjensen", "hifalutin")); err != nil {
			if fault.KindOf(err) != fault.Unauthenticated {
				t.Fatal(err)
			}
			return
		}
		f.advance(time.Second)
	}
	t.Error("a locked account is served for more than 30 seconds")
}

// The account is looked at when a remembered password is first used, not the password's
// age later.
func TestLockedBeforeTheFirstHit(t *testing.T) {
	f := newFixture(t, nil)
	f.login(t, "bjensen", "hifalutin", "")
	f.memory.change(func() { f.memory.people[0].locked = true })
	f.login(t, "bjensen", "hifalutin", auth.ReasonLocked)
	f.memory.change(func() { f.memory.people[0].locked, f.memory.people[0].mustChange = false, true })
	f.advance(5 * time.Second)
	if principal, err := f.Authenticate(request("bjensen", "hifalutin")); principal == nil || !auth.MustChange(err) {
		t.Errorf("got %v, %v", principal, err)
	}
}

func TestAccountDirectoryDownWhileRemembered(t *testing.T) {
	f := newFixture(t, nil)
	f.login(t, "bjensen", "hifalutin", "")
	f.memory.change(func() { f.memory.down = fault.New(fault.Unavailable, "the directory does not answer") })
	if principal, err := f.Authenticate(request("bjensen", "hifalutin")); principal != nil || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v, %v", principal, err)
	}
}

// Identical logins at the same moment share one bind; others do not.
func TestConcurrentLoginsBindOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.memory.hold = make(chan struct{})
		var done sync.WaitGroup
		for range 50 {
			done.Go(func() {
				if principal, err := f.Authenticate(request("bjensen", "hifalutin")); err != nil || principal == nil {
					t.Errorf("got %v, %v", principal, err)
				}
			})
		}
		done.Go(func() {
			if _, err := f.Authenticate(request("bjensen", "wrong")); auth.ReasonOf(err) != ReasonPassword {
				t.Errorf("the wrong password got %v", err)
			}
		})
		synctest.Wait()
		close(f.memory.hold)
		done.Wait()
		if got := len(f.memory.bound()); got != 2 {
			t.Errorf("%d binds, want 2", got)
		}
	})
}

func TestWaitEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.memory.hold = make(chan struct{})
		var done sync.WaitGroup
		done.Go(func() {
			if _, err := f.Authenticate(request("bjensen", "hifalutin")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.Authenticate(request("bjensen", "hifalutin").WithContext(ctx)); fault.KindOf(err) != fault.Timeout {
			t.Errorf("got %v", err)
		}
		close(f.memory.hold)
		done.Wait()
	})
}

func BenchmarkRemembered(b *testing.B) {
	f := newFixture(b, nil)
	r := request("bjensen", "hifalutin")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Authenticate(r); err != nil {
			b.Fatal(err)
		}
	}
}
