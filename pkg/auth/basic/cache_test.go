package basic_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/basic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

func TestCache(t *testing.T) {
	for name, test := range map[string]struct{ option, lasts time.Duration }{
		"none": {0, 0}, "negative": {-1, 0}, "20s": {20 * time.Second, 20 * time.Second}, "never longer": {time.Hour, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			f := byTemplate(t, basic.Options{Cache: test.option, Clock: c.time})
			f.person("a", "secret")
			login := func(want int) {
				t.Helper()
				if _, err := f.login(t.Context(), "a", "secret"); err != nil || len(f.binds) != want {
					t.Errorf("%v, %d binds, want %d", err, len(f.binds), want)
				}
			}
			login(1)
			if test.lasts == 0 {
				login(2)
				return
			}
			c.add(test.lasts - 1)
			login(1)
			c.add(1)
			login(2)
		})
	}
}

// Only the same name with the same password is remembered, and no failure.
func TestCacheKey(t *testing.T) {
	f := byTemplate(t, basic.Options{Cache: time.Minute})
	f.person("a", "b:c")
	for range 2 {
		if _, err := f.login(t.Context(), "a", "b:c"); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []struct{ user, password string }{{"a", "b:"}, {"a", "b"}, {"ab", "c"}, {"a", "b:cc"}, {"a", "B:c"}} {
		for again := range 2 {
			if _, err := f.login(t.Context(), c.user, c.password); !errors.Is(err, fault.Unauthenticated) {
				t.Errorf("%v: %v", c, err)
			}
			if want := 1 + i*2 + again + 1; len(f.binds) != want {
				t.Errorf("%v: %d binds, want %d; a wrong password always reaches the directory", c, len(f.binds), want)
			}
		}
	}
}

// A locked or deleted account dies while its password is remembered.
func TestAccountWhileCached(t *testing.T) {
	for name, haunt := range map[string]func(f *fixture){
		"locked":  func(f *fixture) { f.locked[dn("a").Key()] = true },
		"deleted": func(f *fixture) { delete(f.passwords, dn("a").Key()) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			f := byTemplate(t, basic.Options{Cache: 30 * time.Second, Clock: c.time})
			f.person("a", "secret")
			login := func() error {
				principal, err := f.login(t.Context(), "a", "secret")
				if (principal == nil) != (err != nil) {
					t.Errorf("%v with %v", principal, err)
				}
				return err
			}
			if err := login(); err != nil {
				t.Fatal(err)
			}
			if f.reads != 0 {
				t.Error("the account was read after a bind, which looks at it")
			}
			f.set(func() { haunt(f) })
			if err := login(); !errors.Is(err, fault.Unauthenticated) || len(f.binds) != 1 {
				t.Errorf("%v, %d binds", err, len(f.binds))
			}
			f.set(func() { f.searchErr = fault.New(fault.Unavailable, "down") })
			c.add(auth.MaxAccountAge / 2)
			if err := login(); !errors.Is(err, fault.Unavailable) {
				t.Errorf("a directory that is down: %v", err)
			}
		})
	}
}

// The account is read once in its time, and a bind makes what was known obsolete.
func TestAccountReads(t *testing.T) {
	c := newClock()
	f := byTemplate(t, basic.Options{Cache: 30 * time.Second, Clock: c.time})
	f.person("a", "secret")
	for range 5 {
		if _, err := f.login(t.Context(), "a", "secret"); err != nil {
			t.Fatal(err)
		}
	}
	c.add(29 * time.Second)
	f.Accounts.PurgeAll()
	if _, err := f.login(t.Context(), "a", "secret"); err != nil || f.reads != 2 || len(f.binds) != 1 {
		t.Errorf("%v, %d reads, %d binds", err, f.reads, len(f.binds))
	}
	f.set(func() { f.locked[dn("a").Key()] = true })
	c.add(time.Second)
	if _, err := f.login(t.Context(), "a", "secret"); err != nil || len(f.binds) != 2 {
		t.Errorf("%v, %d binds", err, len(f.binds)) // The fake's bind does not look at locks.
	}
	if _, err := f.login(t.Context(), "a", "secret"); auth.ReasonOf(err) != auth.ReasonLocked {
		t.Errorf("after a new bind: %v", err)
	}
}

// Logins that are the same and come at the same moment share one bind.
func TestSharedBind(t *testing.T) {
	for name, test := range map[string]struct {
		password string
		bindErr  error
		check    func(*auth.Principal, error) bool
	}{
		"right":       {"secret", nil, func(p *auth.Principal, err error) bool { return p != nil && err == nil }},
		"wrong":       {"wrong", nil, func(p *auth.Principal, err error) bool { return p == nil && errors.Is(err, fault.Unauthenticated) }},
		"must change": {"secret", fault.New(fault.Forbidden, "x").Named("passwordMustChange"), func(p *auth.Principal, err error) bool { return p != nil && auth.MustChange(err) }},
		"down":        {"secret", fault.New(fault.Unavailable, "x"), func(p *auth.Principal, err error) bool { return p == nil && errors.Is(err, fault.Unavailable) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := byTemplate(t, basic.Options{})
				f.person("a", "secret")
				f.bindErr, f.gate = test.bindErr, make(chan struct{})
				var good atomic.Int32
				for range 20 {
					go func() {
						if principal, err := f.login(t.Context(), "a", test.password); test.check(principal, err) {
							good.Add(1)
						} else {
							t.Errorf("got %v, %v", principal, err)
						}
					}()
				}
				synctest.Wait()
				close(f.gate)
				synctest.Wait()
				if len(f.binds) != 1 || good.Load() != 20 {
					t.Errorf("%d binds, %d answers", len(f.binds), good.Load())
				}
			})
		})
	}
}

// S_F09, as far as this room goes: 50 callers at once, each gets its own identity.
func TestManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := byTemplate(t, basic.Options{Cache: time.Second})
		for i := range 50 {
			f.person(string(rune('A'+i))+"x", "secret")
		}
		for i := range 50 {
			go func() {
				name := string(rune('A'+i)) + "x"
				for range 20 {
					principal, err := f.login(t.Context(), name, "secret")
					if err != nil || principal.Name != name || principal.Identity.AuthzID != "dn:"+dn(name).String() {
						t.Errorf("%s: %v, %v", name, principal, err)
					}
				}
			}()
		}
		synctest.Wait()
	})
}

// A password that was changed is not let in for the rest of its time, however the name
// is spelt; nobody else's is forgotten. Neither is a bind remembered that was under way.
func TestForget(t *testing.T) {
	f := byTemplate(t, basic.Options{Cache: 30 * time.Second})
	f.person("a", "old")
	f.person("b", "other")
	login := func(uid, password string) error {
		_, err := f.login(t.Context(), uid, password)
		return err
	}
	if err := errors.Join(login("A", "old"), login("a", "old"), login("b", "other")); err != nil || len(f.binds) != 3 {
		t.Fatalf("%v, %d binds", err, len(f.binds))
	}
	f.person("a", "new")
	f.Forget(dn("a"))
	for _, uid := range []string{"a", "A"} {
		if err := login(uid, "old"); !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("the old password of %s: %v", uid, err)
		}
	}
	if err := errors.Join(login("a", "new"), login("b", "other")); err != nil || len(f.binds) != 6 {
		t.Errorf("%v, %d binds", err, len(f.binds))
	}
}

// An entry takes along what is below it, wherever it goes.
func TestForgetBelow(t *testing.T) {
	f := byTemplate(t, basic.Options{Cache: 30 * time.Second})
	f.person("a", "old")
	for range 2 {
		if _, err := f.login(t.Context(), "a", "old"); err != nil {
			t.Fatal(err)
		}
	}
	f.Forget(dn("b"))
	if _, err := f.login(t.Context(), "a", "old"); err != nil || len(f.binds) != 1 {
		t.Errorf("%v, %d binds", err, len(f.binds))
	}
	f.Forget(dn("a").Parent())
	if _, err := f.login(t.Context(), "a", "old"); err != nil || len(f.binds) != 2 {
		t.Errorf("%v, %d binds", err, len(f.binds))
	}
}

// A bind that was under way when the password changed is not remembered.
func TestForgetWhileBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := byTemplate(t, basic.Options{Cache: 30 * time.Second})
		f.person("a", "old")
		gate := make(chan struct{})
		f.set(func() { f.gate = gate })
		done := make(chan error, 1)
		go func() {
			_, err := f.login(t.Context(), "a", "old")
			done <- err
		}()
		synctest.Wait()
		f.Forget(dn("a"))
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
		f.person("a", "new")
		if _, err := f.login(t.Context(), "a", "old"); !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("the old password: %v", err)
		}
	})
}

// What a directory tells of an account beside the outcome of a bind. A reason is for callers
// whose password was right.
func TestAccountStateOfBind(t *testing.T) {
	locked := directory.AccountState{Status: directory.AccountLocked}
	expired := directory.AccountState{Status: directory.PasswordExpired}
	grace := directory.AccountState{Status: directory.PasswordExpired, HasGrace: true}
	for name, test := range map[string]struct {
		account directory.AccountState
		err     error
		reason  auth.Reason
		told    string
	}{
		"R_A03":   {directory.AccountState{}, fault.New(fault.Unauthenticated, "x").Named("invalidCredentials"), basic.ReasonPassword, ""},
		"locked":  {locked, fault.New(fault.Unauthenticated, "x").Named("invalidCredentials"), auth.ReasonLocked, ""},
		"expired": {expired, fault.New(fault.Unauthenticated, "x").Named("passwordExpired"), auth.ReasonPassword, "passwordExpired"},
		"grace":   {account: grace},
	} {
		t.Run(name, func(t *testing.T) {
			f := byTemplate(t, basic.Options{Cache: basic.MaxCache})
			f.person("bjensen", "hifalutin")
			f.account, f.bindErr = test.account, test.err
			principal, err := f.login(t.Context(), "bjensen", "hifalutin")
			if test.err == nil {
				if err != nil || principal.Account != test.account {
					t.Errorf("%+v, %v", principal, err)
				}
				return
			}
			var e *fault.Error
			if !errors.As(err, &e) || auth.ReasonOf(err) != test.reason || e.Detail.Kind != test.told || e.Message != auth.Refuse(nil).Message {
				t.Errorf("%+v", err)
			}
		})
	}
}

// The last grace login is remembered like any other, though the account says that there is
// no further one; whoever comes with a password that was right before it expired is refused.
func TestGraceIsRemembered(t *testing.T) {
	for _, grace := range []bool{true, false} {
		f := byTemplate(t, basic.Options{Cache: basic.MaxCache})
		f.person("bjensen", "hifalutin")
		f.account = directory.AccountState{}
		if grace {
			f.account = directory.AccountState{Status: directory.PasswordExpired, HasGrace: true}
		}
		f.set(func() { f.expired = true })
		if _, err := f.login(t.Context(), "bjensen", "hifalutin"); err != nil {
			t.Fatal(err)
		}
		_, err := f.login(t.Context(), "bjensen", "hifalutin")
		if want := map[bool]auth.Reason{true: "", false: auth.ReasonPassword}[grace]; auth.ReasonOf(err) != want || len(f.binds) != 1 {
			t.Errorf("grace %t: %v after %d binds", grace, err, len(f.binds))
		}
	}
}
