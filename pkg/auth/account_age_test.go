package auth

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// A usable account is remembered for at most 30 seconds, an unusable one for 5.
func TestAccountAge(t *testing.T) {
	m := new(memory)
	m.set(bjensen)
	a, c := newAccounts(t, m, func(o *AccountsOptions) { o.MaxAge = time.Hour })
	verify := func(want Reason, searches int) {
		t.Helper()
		if err := a.Verify(t.Context(), dn(bjensen)); ReasonOf(err) != want {
			t.Fatalf("at %v: got %v, want %q", c.Now().Sub(noon), err, want)
		}
		if got := m.count(); got != searches {
			t.Fatalf("at %v: the directory was asked %d times, want %d", c.Now().Sub(noon), got, searches)
		}
	}
	verify("", 1)
	m.set(bjensen, attribute("pwdAccountLockedTime", "000001010000Z"))
	c.advance(MaxAccountAge - time.Nanosecond)
	verify("", 1)
	c.advance(time.Nanosecond)
	verify(ReasonLocked, 2)
	m.set(bjensen) // an administrator opens it
	c.advance(refusalAge - time.Nanosecond)
	verify(ReasonLocked, 2)
	c.advance(time.Nanosecond)
	verify("", 3)

	m.set(bjensen, attribute("pwdReset", "TRUE"))
	a.Purge(dn("uid=other,dc=example,dc=com"))
	verify("", 3)
	a.Purge(dn(bjensen))
	verify(ReasonMustChange, 4)
	m.set(bjensen)
	a.PurgeAll()
	verify("", 5)
}

func TestAccountNotRemembered(t *testing.T) {
	m := new(memory)
	m.set(bjensen)
	a, _ := newAccounts(t, m, func(o *AccountsOptions) { o.MaxAge = -1 })
	for range 3 {
		if err := a.Verify(t.Context(), dn(bjensen)); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.count(); got != 3 {
		t.Errorf("the directory was asked %d times for 3 requests", got)
	}
}

// Many requests of one caller at the same moment ask once.
func TestAccountSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{hold: make(chan struct{})}
		m.set(bjensen)
		a, _ := newAccounts(t, m, nil)
		var done sync.WaitGroup
		for range 50 {
			done.Go(func() {
				if err := a.Verify(context.Background(), dn(bjensen)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(m.hold)
		done.Wait()
		if got := m.count(); got != 1 {
			t.Errorf("the directory was asked %d times", got)
		}
	})
}

func TestAccountWaitEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{hold: make(chan struct{})}
		m.set(bjensen)
		a, _ := newAccounts(t, m, nil)
		first := make(chan error)
		go func() { first <- a.Verify(context.Background(), dn(bjensen)) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.Verify(ctx, dn(bjensen)); fault.KindOf(err) != fault.Timeout {
			t.Errorf("got %v", err)
		}
		close(m.hold)
		if err := <-first; err != nil {
			t.Errorf("the first caller got %v", err)
		}
	})
}

func BenchmarkVerifyRemembered(b *testing.B) {
	m := new(memory)
	m.set(bjensen)
	a, err := NewAccounts(AccountsOptions{Directory: m})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Verify(context.Background(), dn(bjensen)); err != nil {
			b.Fatal(err)
		}
	}
}

// An entry is forgotten under every identity that stands for it, and no other is.
func TestPurgeEntry(t *testing.T) {
	const scarter = "uid=scarter,ou=People,dc=example,dc=com"
	m := &memory{names: map[string]string{"u:bjensen": "dn:" + bjensen}}
	m.set(bjensen)
	m.set(scarter)
	spelt := directory.Identity{AuthzID: "dn:UID=BJensen, ou=People,dc=example,dc=com"}
	m.set(directory.MustParseDN(strings.TrimPrefix(spelt.AuthzID, "dn:")).String())
	a, _ := newAccounts(t, m, nil)
	identities := []directory.Identity{dn(bjensen), spelt, {AuthzID: "u:bjensen"}, dn(scarter)}
	reads := func() int {
		before := m.count()
		for _, identity := range identities {
			if err := a.Verify(t.Context(), identity); err != nil {
				t.Fatal(err)
			}
		}
		return m.count() - before
	}
	if n := reads(); n != 4 {
		t.Errorf("%d reads of what is not known", n)
	}
	if n := reads(); n != 0 {
		t.Errorf("%d reads of what is known", n)
	}
	a.PurgeEntry(directory.MustParseDN(bjensen))
	if n := reads(); n != 3 {
		t.Errorf("%d reads of what was forgotten, want 3", n)
	}
	a.PurgeEntry(directory.MustParseDN("ou=People,dc=example,dc=com")) // What is below goes and moves with it.
	if n := reads(); n != 4 {
		t.Errorf("%d reads of what was forgotten with the entry above, want 4", n)
	}
}
