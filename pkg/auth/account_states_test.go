package auth

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

const (
	bjensen = "uid=bjensen,ou=People,dc=example,dc=com"
	policy  = "cn=default,ou=Policies,dc=example,dc=com"
)

// noon is when the tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// clock is a clock that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newAccounts(t *testing.T, m *memory, change func(*AccountsOptions)) (*Accounts, *clock) {
	t.Helper()
	c := &clock{now: noon}
	o := AccountsOptions{Directory: m, Clock: c.Now, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	a, err := NewAccounts(o)
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func attribute(name string, values ...string) directory.Attribute {
	return directory.Attribute{Name: name, Values: values}
}

func dn(name string) directory.Identity { return directory.Identity{AuthzID: "dn:" + name} }

// checkRefused makes sure that err is the refusal of an account for that reason.
func checkRefused(t *testing.T, err error, want Reason) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Unauthenticated || ReasonOf(err) != want || e.Detail.Kind != string(want) || e.Message != refused {
		t.Errorf("got %v, want a refusal because of %q", err, want)
	}
}

func TestAccountStates(t *testing.T) {
	tests := []struct {
		name       string
		attributes []directory.Attribute
		want       Reason // "" for a good account
	}{
		{name: "nothing said"},
		{name: "locked for good", attributes: []directory.Attribute{attribute("pwdAccountLockedTime", "000001010000Z")}, want: ReasonLocked},
		{name: "locked, no policy known", attributes: []directory.Attribute{attribute("pwdAccountLockedTime", "20200101000000Z")}, want: ReasonLocked},
		{name: "locked at a senseless time", attributes: []directory.Attribute{attribute("pwdAccountLockedTime", "soon")}, want: ReasonLocked},
		{name: "locked for a while", attributes: []directory.Attribute{attribute("pwdAccountTmpLockoutEnd", "20260301120001Z")}, want: ReasonLocked},
		{name: "was locked for a while", attributes: []directory.Attribute{attribute("pwdAccountTmpLockoutEnd", "20260301120000Z")}},
		{name: "reset", attributes: []directory.Attribute{attribute("pwdReset", "TRUE")}, want: ReasonMustChange},
		{name: "not reset", attributes: []directory.Attribute{attribute("pwdReset", "FALSE")}},
		{name: "starts now", attributes: []directory.Attribute{attribute("pwdStartTime", "20260301120000Z")}},
		{name: "starts later", attributes: []directory.Attribute{attribute("pwdStartTime", "20260301120001Z")}, want: ReasonNotYetValid},
		{name: "starts at a senseless time", attributes: []directory.Attribute{attribute("pwdStartTime", "x")}, want: ReasonNotYetValid},
		{name: "ends later", attributes: []directory.Attribute{attribute("pwdEndTime", "20260301120001Z")}},
		{name: "ends now", attributes: []directory.Attribute{attribute("pwdEndTime", "20260301120000Z")}, want: ReasonExpired},
		{name: "ends at a senseless time", attributes: []directory.Attribute{attribute("pwdEndTime", "x")}, want: ReasonExpired},
		{name: "expired in OpenDJ", attributes: []directory.Attribute{attribute("ds-pwp-account-expiration-time", "20260301115959Z")}, want: ReasonExpired},
		{name: "disabled in 389", attributes: []directory.Attribute{attribute("nsAccountLock", "true")}, want: ReasonDisabled},
		{name: "enabled in 389", attributes: []directory.Attribute{attribute("nsaccountlock", "false")}},
		{name: "disabled in OpenDJ", attributes: []directory.Attribute{attribute("ds-pwp-account-disabled", "TRUE")}, want: ReasonDisabled},
		{name: "disabled in Active Directory", attributes: []directory.Attribute{attribute("userAccountControl", "514")}, want: ReasonDisabled},
		{name: "enabled in Active Directory", attributes: []directory.Attribute{attribute("userAccountControl", "512")}},
		{name: "senseless in Active Directory", attributes: []directory.Attribute{attribute("userAccountControl", "normal")}, want: ReasonDisabled},
		{name: "locked for a while in 389", attributes: []directory.Attribute{attribute("accountUnlockTime", "20260301120001Z")}, want: ReasonLocked},
		{name: "was locked in 389", attributes: []directory.Attribute{attribute("accountUnlockTime", "20260301120000Z")}, want: ""},
		{name: "locked for good in 389", attributes: []directory.Attribute{attribute("accountUnlockTime", "19700101000000Z")}, want: ReasonLocked},
		{name: "expired in 389", attributes: []directory.Attribute{attribute("passwordExpirationTime", "20260301115959Z")}, want: ReasonPassword},
		{name: "expires later in 389", attributes: []directory.Attribute{attribute("passwordExpirationTime", "20260301120001Z")}},
		{name: "never expires in 389", attributes: []directory.Attribute{attribute("passwordExpirationTime", "19700101000001Z")}},
		{name: "must change in 389", attributes: []directory.Attribute{attribute("passwordExpirationTime", "19700101000000Z")}, want: ReasonMustChange},
		{name: "password expired in OpenDJ", attributes: []directory.Attribute{attribute("ds-pwp-password-expiration-time", "20260301115959Z")}, want: ReasonPassword},
		{name: "locked in Active Directory", attributes: []directory.Attribute{attribute("lockoutTime", "133000000000000000")}, want: ReasonLocked},
		{name: "not locked in Active Directory", attributes: []directory.Attribute{attribute("lockoutTime", "0")}},
		{name: "lock has run out in Active Directory", attributes: []directory.Attribute{attribute("lockoutTime", "133000000000000000"), attribute("msDS-User-Account-Control-Computed", "0")}},
		{name: "lock runs in Active Directory", attributes: []directory.Attribute{attribute("msDS-User-Account-Control-Computed", "16")}, want: ReasonLocked},
		{name: "over in Active Directory", attributes: []directory.Attribute{attribute("accountExpires", "133000000000000000")}, want: ReasonExpired},
		{name: "never over in Active Directory", attributes: []directory.Attribute{attribute("accountExpires", "9223372036854775807")}},
		{name: "never over either", attributes: []directory.Attribute{attribute("accountExpires", "0")}},
		{name: "senseless end in Active Directory", attributes: []directory.Attribute{attribute("accountExpires", "x")}, want: ReasonExpired},
		{name: "expired in Active Directory", attributes: []directory.Attribute{attribute("msDS-UserPasswordExpiryTimeComputed", "133000000000000000")}, want: ReasonPassword},
		{name: "never expires in Active Directory", attributes: []directory.Attribute{attribute("msDS-UserPasswordExpiryTimeComputed", "9223372036854775807")}},
		{name: "must change in Active Directory", attributes: []directory.Attribute{attribute("pwdLastSet", "0"), attribute("userAccountControl", "512"), attribute("msDS-UserPasswordExpiryTimeComputed", "0")}, want: ReasonMustChange},
		{name: "need not change in Active Directory", attributes: []directory.Attribute{attribute("pwdLastSet", "0"), attribute("userAccountControl", "66048")}},
		{name: "locked and reset", attributes: []directory.Attribute{attribute("pwdReset", "TRUE"), attribute("pwdAccountLockedTime", "000001010000Z")}, want: ReasonLocked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := new(memory)
			m.set(bjensen, tt.attributes...)
			a, _ := newAccounts(t, m, nil)
			switch err := a.Verify(t.Context(), dn(bjensen)); tt.want {
			case "":
				if err != nil {
					t.Error(err)
				}
			case ReasonMustChange:
				if !MustChange(err) {
					t.Errorf("got %v", err)
				}
			default:
				checkRefused(t, err, tt.want)
			}
		})
	}
}

func TestAccountLockEndsByPolicy(t *testing.T) {
	locked := attribute("pwdAccountLockedTime", "20260301115900Z") // a minute ago
	other := "cn=other,ou=Policies,dc=example,dc=com"
	tests := []struct {
		name     string
		entry    []directory.Attribute
		duration []directory.Attribute // of the default policy
		want     Reason
	}{
		{name: "still locked", entry: []directory.Attribute{locked}, duration: []directory.Attribute{attribute("pwdLockoutDuration", "61")}, want: ReasonLocked},
		{name: "just over", entry: []directory.Attribute{locked}, duration: []directory.Attribute{attribute("pwdLockoutDuration", "60")}},
		{name: "for good by policy", entry: []directory.Attribute{locked}, duration: []directory.Attribute{attribute("pwdLockoutDuration", "0")}, want: ReasonLocked},
		{name: "policy says nothing", entry: []directory.Attribute{locked}, want: ReasonLocked},
		{name: "policy makes no sense", entry: []directory.Attribute{locked}, duration: []directory.Attribute{attribute("pwdLockoutDuration", "-1")}, want: ReasonLocked},
		{name: "the account's own policy wins", entry: []directory.Attribute{locked, attribute("pwdPolicySubentry", other)}, duration: []directory.Attribute{attribute("pwdLockoutDuration", "3600")}},
		{name: "the account's own policy cannot be read", entry: []directory.Attribute{locked, attribute("pwdPolicySubentry", "cn=gone,dc=example,dc=com")}, duration: []directory.Attribute{attribute("pwdLockoutDuration", "1")}, want: ReasonLocked},
		{name: "the account's own policy has no name", entry: []directory.Attribute{locked, attribute("pwdPolicySubentry", "gone")}, duration: []directory.Attribute{attribute("pwdLockoutDuration", "1")}, want: ReasonLocked},
		{name: "an administrator's lock does not end", entry: []directory.Attribute{attribute("pwdAccountLockedTime", "000001010000Z")}, duration: []directory.Attribute{attribute("pwdLockoutDuration", "1")}, want: ReasonLocked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := new(memory)
			m.set(bjensen, tt.entry...)
			m.set(policy, tt.duration...)
			m.set(other, attribute("pwdLockoutDuration", "30"))
			a, _ := newAccounts(t, m, func(o *AccountsOptions) { o.Policy = directory.MustParseDN(policy) })
			err := a.Verify(t.Context(), dn(bjensen))
			if tt.want != "" {
				checkRefused(t, err, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// The operator, and nobody else, hears of a policy that cannot be read.
func TestAccountPolicyUnreadableIsLogged(t *testing.T) {
	var log strings.Builder
	m := new(memory)
	m.set(bjensen, attribute("pwdAccountLockedTime", "20260301115900Z"))
	a, _ := newAccounts(t, m, func(o *AccountsOptions) {
		o.Policy, o.Logger = directory.MustParseDN(policy), slog.New(slog.NewTextHandler(&log, nil))
	})
	checkRefused(t, a.Verify(t.Context(), dn(bjensen)), ReasonLocked)
	if !strings.Contains(log.String(), policy) {
		t.Errorf("the log is %q", log.String())
	}
}

func TestAccountIdentities(t *testing.T) {
	m := &memory{names: map[string]string{
		"u:bjensen": "dn:" + bjensen, "u:locked": "dn:uid=locked,dc=example,dc=com", "u:nobody": "", "u:gone": "dn:uid=gone,dc=example,dc=com", "u:strange": "u:strange",
	}}
	m.set(bjensen)
	m.set("uid=locked,dc=example,dc=com", attribute("pwdAccountLockedTime", "000001010000Z"))
	a, _ := newAccounts(t, m, nil)
	for id, want := range map[string]Reason{
		"":                              ReasonUnknown,
		"dn:":                           ReasonUnknown,
		"dn:no name":                    ReasonUnknown,
		"dn:uid=gone,dc=example,dc=com": ReasonUnknown,
		"u:gone":                        ReasonUnknown,
		"u:nobody":                      ReasonUnknown,
		"u:stranger":                    ReasonUnknown,
		"u:locked":                      ReasonLocked,
		"dn:" + bjensen:                 "",
		"u:bjensen":                     "",
	} {
		if err := a.Verify(t.Context(), directory.Identity{AuthzID: id}); want != "" {
			checkRefused(t, err, want)
		} else if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := a.Verify(t.Context(), directory.Identity{AuthzID: "u:strange"}); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("got %v", err)
	}
}

// A directory that does not answer refuses nobody, and is asked again at once.
func TestAccountDirectoryDown(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Unavailable, fault.Timeout, fault.BadGateway} {
		for _, id := range []string{"dn:" + bjensen, "u:bjensen"} {
			m := &memory{names: map[string]string{"u:bjensen": "dn:" + bjensen}, down: fault.New(kind, "the directory does not answer")}
			m.set(bjensen)
			a, _ := newAccounts(t, m, nil)
			if err := a.Verify(t.Context(), directory.Identity{AuthzID: id}); fault.KindOf(err) != kind || ReasonOf(err) != "" {
				t.Errorf("%s, %v: got %v", id, kind, err)
			}
			m.setDown(nil)
			if err := a.Verify(t.Context(), directory.Identity{AuthzID: id}); err != nil {
				t.Errorf("%s: the outage was remembered: %v", id, err)
			}
		}
	}
}

// Attributes that the directory does not have are not asked for.
func TestAccountAttributes(t *testing.T) {
	m := new(memory)
	m.set(bjensen)
	a, _ := newAccounts(t, m, nil)
	if err := a.Verify(t.Context(), dn(bjensen)); err != nil {
		t.Fatal(err)
	}
	if want := append(StateAttributes(), "objectClass"); !slices.Equal(m.attributes, want) {
		t.Errorf("without a schema: got %q", m.attributes)
	}
	schema, err := directory.ParseSchema([]string{"( 1.3.6.1.4.1.42.2.27.8.1.17 NAME 'pwdAccountLockedTime' SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.schema = schema
	a.PurgeAll()
	if err := a.Verify(t.Context(), dn(bjensen)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"pwdAccountLockedTime", "objectClass"}; !slices.Equal(m.attributes, want) {
		t.Errorf("with a schema: got %q, want %q", m.attributes, want)
	}
}

func TestAccountsNeedADirectory(t *testing.T) {
	if _, err := NewAccounts(AccountsOptions{}); err == nil {
		t.Error("accounts without a directory were made")
	}
}
