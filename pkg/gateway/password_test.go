package gateway_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// ModifyPassword takes the old password "old", or none where it makes one.
func (f *fake) ModifyPassword(_ context.Context, req *directory.PasswordRequest) (directory.Password, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch err := f.note("modifyPassword", req.DN); {
	case err != nil:
		return directory.Password{}, err
	case req.New == "" && req.Old == "":
		return directory.NewPassword(f.generated), nil
	case req.Old != "old":
		return directory.Password{}, fault.New(fault.Invalid, "the old password is not right").Named("wrongPassword")
	}
	return directory.Password{}, nil
}

// changeTo asks for a new password for a user.
func changeTo(uid, old, password string) *mapping.Request {
	return &mapping.Request{
		Verb: mapping.Action, Action: mapping.ModifyPassword, Path: []string{"users", uid},
		Password: func() (mapping.PasswordChange, error) { return mapping.PasswordChange{Old: old, New: password}, nil },
	}
}

func user(uid string) auth.Principal {
	return auth.Principal{Name: uid, Identity: directory.Identity{AuthzID: "dn:UID=" + uid + ", ou=People,dc=example,dc=com"}}
}

// What is remembered of the old password is forgotten as soon as it may be wrong, and
// only then.
func TestPasswordChanged(t *testing.T) {
	unknown := fault.New(fault.Timeout, "lost").Named("unknownOutcome")
	for name, test := range map[string]struct {
		as, old string
		fails   error
		want    []string
		kind    error
		detail  string
	}{
		"done":      {as: "a", old: "old", want: []string{"uid=a,ou=People,dc=example,dc=com"}},
		"unknown":   {as: "a", old: "old", fails: unknown, want: []string{"uid=a,ou=People,dc=example,dc=com"}, kind: fault.Timeout, detail: "unknownOutcome"},
		"gone":      {as: "a", old: "old", fails: fault.New(fault.Canceled, "gone"), want: []string{"uid=a,ou=People,dc=example,dc=com"}, kind: fault.Canceled},
		"unsent":    {as: "a", old: "old", fails: fault.New(fault.Unavailable, "down"), kind: fault.Unavailable},
		"wrong":     {as: "a", old: "x", kind: fault.Invalid, detail: "wrongPassword"},
		"another's": {as: "b", old: "x", kind: fault.Forbidden, detail: "passwordRefused"},
		"policy": {
			as: "b", old: "old", fails: fault.New(fault.Forbidden, "no").Named("passwordPolicy"), kind: fault.Forbidden, detail: "passwordPolicy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake("a")
			f.before = func(operation string) error {
				if operation == "modifyPassword" {
					return test.fails
				}
				return nil
			}
			var forgotten []string
			s := newService(t, f, gateway.Options{PasswordChanged: func(dn directory.DN) { forgotten = append(forgotten, dn.String()) }})
			answer, err := s.Do(t.Context(), user(test.as), "api", changeTo("a", test.old, "new"))
			var e *fault.Error
			switch {
			case test.kind == nil && (err != nil || string(answer.JSON) != "{}"):
				t.Errorf("%v, %v", answer, err)
			case test.kind != nil && (!errors.Is(err, test.kind) || errors.As(err, &e) && e.Detail.Kind != test.detail):
				t.Errorf("%v, want %v %s", err, test.kind, test.detail)
			}
			if diff := cmp.Diff(test.want, forgotten); diff != "" {
				t.Errorf("forgotten (-want +got):\n%s", diff)
			}
			if n := f.operations("modifyPassword"); n != 1 {
				t.Errorf("%d changes were sent", n)
			}
		})
	}
}

// A caller that must change its password can do that, and nothing else.
func TestMustChange(t *testing.T) {
	f := newFake("a", "b")
	s := newService(t, f, gateway.Options{})
	caller := user("a")
	caller.MustChange = true
	path := []string{"users", "a"}
	for name, req := range map[string]*mapping.Request{
		"read":    {Verb: mapping.Read, Path: path},
		"update":  {Verb: mapping.Update, Path: path, Body: body(t, stored)},
		"delete":  {Verb: mapping.Delete, Path: path},
		"patch":   {Verb: mapping.Patch, Path: path, Action: mapping.ModifyPassword},
		"action":  {Verb: mapping.Action, Action: mapping.ResetPassword, Path: path},
		"another": changeTo("b", "old", "new"),
	} {
		if _, err := s.Do(t.Context(), caller, "api", req); !auth.MustChange(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Query(t.Context(), caller, "api", &mapping.Request{Verb: mapping.Query, Path: []string{"users"}}, func([]byte) error { return nil }); !auth.MustChange(err) {
		t.Errorf("query: %v", err)
	}
	for _, operation := range []string{"modify", "delete", "modifyPassword"} {
		if f.operations(operation) != 0 {
			t.Errorf("the directory was asked: %q", f.log)
		}
	}
	if _, err := s.Do(t.Context(), caller, "api", changeTo("a", "old", "new")); err != nil {
		t.Error(err)
	}
}

// A "u:" identity is the entry that the directory says it is.
func TestPasswordOfUser(t *testing.T) {
	for who, kind := range map[string]error{"dn:uid=a,ou=People,dc=example,dc=com": nil, "dn:uid=b,ou=People,dc=example,dc=com": fault.Forbidden, "": fault.Forbidden} {
		f := newFake("a")
		f.who = who
		s := newService(t, f, gateway.Options{})
		caller := auth.Principal{Name: "a", Identity: directory.Identity{AuthzID: "u:a"}, MustChange: true}
		if _, err := s.Do(t.Context(), caller, "api", changeTo("a", "old", "new")); !errors.Is(err, kind) {
			t.Errorf("%q: %v", who, err)
		}
	}
}

func TestActions(t *testing.T) {
	f := newFake("a")
	s := newService(t, f, gateway.Options{})
	for name, test := range map[string]struct {
		path   []string
		action string
		detail string
	}{
		"R_I09":      {[]string{"users", "a"}, "nosuch", "unknownAction"},
		"not listed": {[]string{"groups", "a"}, mapping.ModifyPassword, "unknownAction"},
		"collection": {[]string{"users"}, mapping.ModifyPassword, "unknownAction"},
		"reset":      {[]string{"groups", "a"}, mapping.ResetPassword, "unknownAction"},
		"state":      {[]string{"users"}, mapping.AccountUsability, "unknownAction"},
	} {
		_, err := do(t, s, &mapping.Request{Verb: mapping.Action, Action: test.action, Path: test.path})
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unsupported || e.Detail.Kind != test.detail {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(f.log) != 0 {
		t.Errorf("the directory was asked: %q", f.log)
	}
}
