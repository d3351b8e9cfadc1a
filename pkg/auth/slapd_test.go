package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// connect makes a client of the server with one account as its own.
func connect(t *testing.T, s *slapd.Server, dn, password string) *ldapclient.Client {
	t.Helper()
	client, err := ldapclient.New(ldapclient.Options{
		Servers: []ldapclient.Server{{URL: s.URL}}, TLS: tlspolicy.Client(s.CAPool),
		BindDN: directory.MustParseDN(dn), Password: password,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return client
}

// The ghost-user trap: slapd serves, by proxied authorization, callers that could not
// bind. Accounts finds them, with the rights that the recipe gives to the gateway.
func TestGhosts(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, s *slapd.Server) {
		gateway, root := connect(t, s, s.ServiceDN, s.ServicePassword), connect(t, s, s.RootDN, s.RootPassword).Service()
		dn := func(uid string) directory.DN { return directory.MustParseDN(exampledata.Person{ID: uid}.DN()) }
		modify := func(t *testing.T, uid, attribute string, values ...string) {
			t.Helper()
			change := directory.Change{Op: directory.ChangeReplace, Attribute: attribute, Values: values}
			if _, err := root.Modify(t.Context(), &directory.ModifyRequest{DN: dn(uid), Changes: []directory.Change{change}}); err != nil {
				t.Fatal(err)
			}
		}
		lock := func(t *testing.T, uid string) {
			t.Helper()
			for range 5 {
				if _, err := gateway.Authenticate(t.Context(), dn(uid), "wrong", nil); !errors.Is(err, fault.Unauthenticated) {
					t.Fatal(err)
				}
			}
		}
		for name, test := range map[string]struct {
			uid   string
			haunt func(t *testing.T, uid string)
			want  auth.Reason
		}{
			"usable": {"gen001", func(*testing.T, string) {}, ""},
			"deleted": {"gen002", func(t *testing.T, uid string) {
				if _, err := root.Delete(t.Context(), &directory.DeleteRequest{DN: dn(uid)}); err != nil {
					t.Fatal(err)
				}
			}, auth.ReasonUnknown},
			"locked by wrong passwords": {"gen003", lock, auth.ReasonLocked},
			"locked by an administrator": {"gen004", func(t *testing.T, uid string) {
				modify(t, uid, "pwdAccountLockedTime", "000001010000Z")
			}, auth.ReasonLocked},
			"must change": {"gen005", func(t *testing.T, uid string) { modify(t, uid, "pwdReset", "TRUE") }, auth.ReasonMustChange},
			"unlocked": {"gen006", func(t *testing.T, uid string) {
				lock(t, uid)
				modify(t, uid, "pwdAccountLockedTime")
			}, ""},
		} {
			t.Run(name, func(t *testing.T) {
				c := &clock{now: time.Now()}
				accounts := newAccounts(t, auth.AccountsOptions{Directory: gateway, Clock: c.time})
				identity := directory.Identity{AuthzID: "dn:" + dn(test.uid).String()}
				if err := accounts.Verify(t.Context(), identity); err != nil {
					t.Fatalf("before: %v", err)
				}
				test.haunt(t, test.uid)
				if who, err := gateway.As(identity).WhoAmI(t.Context(), nil); err != nil || who == "" {
					t.Errorf("slapd does not serve this caller any more (%q, %v); is the trap gone?", who, err)
				}
				if err := accounts.Verify(t.Context(), identity); err != nil {
					t.Errorf("not remembered: %v", err)
				}
				c.add(auth.MaxAccountAge)
				if err := accounts.Verify(t.Context(), identity); auth.ReasonOf(err) != test.want || (err == nil) != (test.want == "") {
					t.Errorf("after %v: got %v, want %q", auth.MaxAccountAge, err, test.want)
				}
			})
		}
		t.Run("outage", func(t *testing.T) {
			accounts := newAccounts(t, auth.AccountsOptions{Directory: gateway})
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := accounts.Verify(t.Context(), directory.Identity{AuthzID: "dn:" + dn("bjensen").String()}); !errors.Is(err, fault.Unavailable) {
				t.Errorf("got %v", err)
			}
		})
	})
}

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
