package gateway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// accounts tells one state, and one policy, of every account.
type accounts struct {
	state   directory.AccountState
	demands directory.PasswordDemands
	err     error
}

func (a accounts) State(context.Context, directory.DN) (directory.AccountState, error) {
	return a.state, a.err
}

func (a accounts) Demands(context.Context, directory.DN) (directory.PasswordDemands, error) {
	return a.demands, a.err
}

// Compare finds no value.
func (f *fake) Compare(_ context.Context, req *directory.CompareRequest) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return false, f.note("compare", req.DN)
}

func nothing() error { return nil }

// The answer, of what the directory tells by the account usability control and of what the
// gateway's account sees.
func TestAccountUsability(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in := now.Add
	state := func(status directory.AccountStatus) accounts {
		return accounts{state: directory.AccountState{Status: status}}
	}
	none := func() *directory.Usability { return &directory.Usability{Expires: -1, Grace: -1, Unlock: -1} }
	told := func(change func(*directory.Usability)) *directory.Usability {
		u := none()
		change(u)
		return u
	}
	usable := told(func(u *directory.Usability) { u.Usable = true })
	for name, test := range map[string]struct {
		told *directory.Usability
		seen accounts
		want string
	}{
		"R_I11":               {nil, accounts{state: directory.AccountState{Status: directory.AccountLocked, Unlocks: in(299 * time.Second)}}, `{"status":"locked","unlockIn":299}`},
		"locked, rounded up":  {nil, accounts{state: directory.AccountState{Status: directory.AccountLocked, Unlocks: in(time.Millisecond)}}, `{"status":"locked","unlockIn":1}`},
		"locked for good":     {nil, state(directory.AccountLocked), `{"status":"locked"}`},
		"valid":               {nil, accounts{}, `{"status":"valid"}`},
		"valid for a day":     {nil, accounts{state: directory.AccountState{PasswordExpires: in(24 * time.Hour)}}, `{"status":"valid","passwordExpiresIn":86400}`},
		"disabled":            {nil, state(directory.AccountDisabled), `{"status":"disabled"}`},
		"over":                {nil, state(directory.AccountExpired), `{"status":"disabled"}`},
		"not begun":           {nil, state(directory.AccountNotYetValid), `{"status":"disabled"}`},
		"must change":         {nil, state(directory.PasswordMustChange), `{"status":"mustChangePassword"}`},
		"expired":             {nil, accounts{state: directory.AccountState{Status: directory.PasswordExpired, PasswordExpires: in(-time.Hour)}}, `{"status":"passwordExpired"}`},
		"expired, no grace":   {nil, accounts{state: directory.AccountState{Status: directory.PasswordExpired, HasGrace: true}}, `{"status":"passwordExpired","graceLoginsRemaining":0}`},
		"told usable":         {usable, accounts{}, `{"status":"valid"}`},
		"told until":          {told(func(u *directory.Usability) { u.Usable, u.Expires = true, time.Hour }), accounts{}, `{"status":"valid","passwordExpiresIn":3600}`},
		"told, lock has gone": {usable, state(directory.AccountLocked), `{"status":"valid"}`},
		"told, hidden":        {usable, accounts{err: fault.New(fault.NotFound, "x")}, `{"status":"valid"}`},
		"told, must change":   {usable, state(directory.PasswordMustChange), `{"status":"mustChangePassword"}`},
		"told locked":         {told(func(u *directory.Usability) { u.Inactive, u.Unlock = true, 5*time.Minute }), accounts{}, `{"status":"locked","unlockIn":300}`},
		"told inactive":       {told(func(u *directory.Usability) { u.Inactive = true }), accounts{}, `{"status":"disabled"}`},
		"told, seen locked":   {told(func(u *directory.Usability) { u.Inactive = true }), state(directory.AccountLocked), `{"status":"locked"}`},
		"told nothing":        {none(), accounts{}, `{"status":"disabled"}`},
		"told expired":        {told(func(u *directory.Usability) { u.Expired, u.Grace = true, 3 }), accounts{}, `{"status":"passwordExpired","graceLoginsRemaining":3}`},
		"told grace":          {told(func(u *directory.Usability) { u.Grace = 1 }), accounts{state: directory.AccountState{Status: directory.PasswordExpired, HasGrace: true}}, `{"status":"passwordExpired","graceLoginsRemaining":0}`},
		"told reset":          {told(func(u *directory.Usability) { u.Reset = true }), accounts{}, `{"status":"mustChangePassword"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake("a")
			f.usability = test.told
			f.capabilities.Usability = test.told != nil
			s := newService(t, f, gateway.Options{Accounts: test.seen, Clock: func() time.Time { return now }})
			answer, err := s.Do(t.Context(), user("a"), "api", &mapping.Request{Verb: mapping.Action, Action: mapping.AccountUsability, Path: []string{"users", "a"}, Nothing: nothing})
			if err != nil || string(answer.JSON) != test.want {
				t.Errorf("%+v, %v; want %s", answer, err, test.want)
			}
		})
	}
}

// Who may not see the state gets no answer, and neither does anybody where nobody sees it.
func TestAccountUsabilityRefused(t *testing.T) {
	for name, test := range map[string]struct {
		compare  error
		accounts gateway.Accounts
		kind     error
	}{
		"may":            {nil, accounts{}, nil},
		"absent":         {fault.New(fault.Invalid, "x").Named("noSuchAttribute"), accounts{}, nil},
		"may not":        {fault.New(fault.Forbidden, "x"), accounts{}, fault.Forbidden},
		"down":           {fault.New(fault.Unavailable, "x"), accounts{}, fault.Unavailable},
		"hidden":         {nil, accounts{err: fault.New(fault.NotFound, "x")}, fault.Invalid},
		"accounts down":  {nil, accounts{err: fault.New(fault.Timeout, "x")}, fault.Timeout},
		"nobody to look": {nil, nil, fault.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake("a")
			f.before = func(operation string) error {
				if operation == "compare" {
					return test.compare
				}
				return nil
			}
			s := newService(t, f, gateway.Options{Accounts: test.accounts})
			_, err := s.Do(t.Context(), user("b"), "api", &mapping.Request{Verb: mapping.Action, Action: mapping.AccountUsability, Path: []string{"users", "a"}, Nothing: nothing})
			if (err == nil) != (test.kind == nil) || test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("%v, want %v", err, test.kind)
			}
		})
	}
}

// The generated password is in the answer and nowhere else, and what is remembered of the
// old one is forgotten.
func TestResetPassword(t *testing.T) {
	for generated, want := range map[string]string{`s"cret`: `{"generatedPassword":"s\"cret"}`, "": "{}"} {
		f := newFake("a")
		f.generated = generated
		forgotten := 0
		s := newService(t, f, gateway.Options{PasswordChanged: func(directory.DN) { forgotten++ }})
		req := &mapping.Request{Verb: mapping.Action, Action: mapping.ResetPassword, Path: []string{"users", "a"}, Nothing: nothing}
		answer, err := s.Do(t.Context(), user("b"), "api", req)
		if err != nil || string(answer.JSON) != want || forgotten != 1 || f.operations("modifyPassword") != 1 {
			t.Errorf("%+v, %v", answer, err)
		}
		refused := fault.New(fault.Invalid, "not empty")
		req.Nothing = func() error { return refused }
		if _, err := s.Do(t.Context(), user("b"), "api", req); !errors.Is(err, refused) || forgotten != 1 {
			t.Errorf("%v", err)
		}
	}
}

// A refused password is measured for who asks, and for nobody else.
func TestQualityAdvice(t *testing.T) {
	demands := directory.PasswordDemands{MinLength: 8, MaxLength: 12, MinAge: time.Hour, InHistory: 3}
	length := fault.Criterion{Type: "length-based", Parameters: []fault.Parameter{{Name: "max-password-length", Value: 12}, {Name: "min-password-length", Value: 8}}}
	age := fault.Criterion{Type: "password-age", Parameters: []fault.Parameter{{Name: "min-password-age", Value: 3600}}}
	history := fault.Criterion{Type: "password-history", Parameters: []fault.Parameter{{Name: "password-history-count", Value: 3}}}
	for name, test := range map[string]struct {
		reason, password string
		demands          directory.PasswordDemands
		failing, passing []fault.Criterion
	}{
		"R_I13":           {directory.PasswordTooShort, "passwd", demands, []fault.Criterion{length}, []fault.Criterion{age}},
		"too long":        {directory.PasswordTooLong, "1234567890123", demands, []fault.Criterion{length}, []fault.Criterion{age}},
		"unknown policy":  {directory.PasswordTooShort, "passwd", directory.PasswordDemands{}, []fault.Criterion{{Type: "length-based"}}, nil},
		"quality, length": {directory.InsufficientPasswordQuality, "short", demands, []fault.Criterion{length}, []fault.Criterion{age}},
		"quality":         {directory.InsufficientPasswordQuality, "long enough", demands, []fault.Criterion{{Type: "quality"}}, []fault.Criterion{length, age}},
		"history":         {directory.PasswordInHistory, "long enough", demands, []fault.Criterion{history}, []fault.Criterion{length, age}},
		"young":           {directory.PasswordTooYoung, "long enough", demands, []fault.Criterion{age}, []fault.Criterion{length}},
		"not allowed":     {directory.PasswordModNotAllowed, "long enough", demands, nil, nil},
		"old one":         {directory.MustSupplyOldPassword, "long enough", demands, nil, nil},
	} {
		for _, asked := range []bool{true, false} {
			f := newFake("a")
			refused := fault.New(fault.Invalid, "no").Named("passwordPolicy")
			refused.Detail.PasswordPolicy = test.reason
			f.before = func(operation string) error {
				if operation == "modifyPassword" {
					return refused
				}
				return nil
			}
			s := newService(t, f, gateway.Options{Accounts: accounts{demands: test.demands}})
			req := changeTo("a", "old", test.password)
			req.QualityAdvice = asked
			_, err := s.Do(t.Context(), user("a"), "api", req)
			var want *fault.PasswordQuality
			if asked && test.failing != nil {
				want = &fault.PasswordQuality{Attribute: "userPassword", Failing: test.failing, Passing: test.passing}
			}
			var e *fault.Error
			if !errors.As(err, &e) || e.Detail.PasswordPolicy != test.reason || refused.Detail.Quality != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, e.Detail.Quality); diff != "" {
				t.Errorf("%s, asked %t (-want +got):\n%s", name, asked, diff)
			}
		}
	}
}
