package basic

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Name and password in headers of their own.
func TestHeaders(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.NameHeader, o.PasswordHeader = "X-OpenIDM-Username", "X-OpenIDM-Password" })
	const user, password = "X-Openidm-Username", "X-Openidm-Password"
	authorization := request("bjensen", "hifalutin").Header.Get("Authorization")
	for name, test := range map[string]struct {
		header http.Header
		want   auth.Reason // "" is good
		kind   error
	}{
		"R_A05":               {http.Header{user: {"bjensen"}, password: {"hifalutin"}}, "", nil},
		"Wrong":               {http.Header{user: {"bjensen"}, password: {"wrong"}}, ReasonPassword, fault.Unauthenticated},
		"W12/EmptyPassword":   {http.Header{user: {"bjensen"}, password: {""}}, ReasonEmpty, fault.Unauthenticated},
		"EmptyName":           {http.Header{user: {""}, password: {"hifalutin"}}, ReasonName, fault.Unauthenticated},
		"OnlyName":            {http.Header{user: {"bjensen"}}, ReasonMalformed, fault.Unauthenticated},
		"OnlyPassword":        {http.Header{password: {"hifalutin"}}, ReasonMalformed, fault.Unauthenticated},
		"TwoNames":            {http.Header{user: {"bjensen", "scarter"}, password: {"hifalutin"}}, auth.ReasonTwo, fault.Invalid},
		"TwoPasswords":        {http.Header{user: {"bjensen"}, password: {"hifalutin", "x"}}, auth.ReasonTwo, fault.Invalid},
		"BesideBasic":         {http.Header{user: {"bjensen"}, password: {"hifalutin"}, "Authorization": {authorization}}, auth.ReasonTwo, fault.Invalid},
		"BesideBearer":        {http.Header{user: {"bjensen"}, password: {"hifalutin"}, "Authorization": {"Bearer x"}}, auth.ReasonTwo, fault.Invalid},
		"OnlyNameBesideBasic": {http.Header{user: {"scarter"}, "Authorization": {authorization}}, "", nil},
		"NotUTF8":             {http.Header{user: {"bjensen"}, password: {"\xff"}}, ReasonMalformed, fault.Unauthenticated},
		"NUL":                 {http.Header{user: {"bjensen"}, password: {"a\x00"}}, ReasonMalformed, fault.Unauthenticated},
		"Long":                {http.Header{user: {"bjensen"}, password: {strings.Repeat("a", MaxPassword+1)}}, ReasonMalformed, fault.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(f.memory.bound())
			r := request("", "")
			r.Header = test.header
			principal, err := auth.NewChain(f).Authenticate(r)
			if !errors.Is(err, test.kind) || auth.ReasonOf(err) != test.want || (principal != nil) != (test.want == "") {
				t.Fatalf("got %v, %v", principal, err)
			}
			if principal != nil && principal.Name != "bjensen" {
				t.Errorf("got %+v", principal)
			}
			if after := len(f.memory.bound()); test.want != "" && test.want != ReasonPassword && after != before {
				t.Errorf("%d binds", after-before)
			}
		})
	}
	t.Run("R_A07", func(t *testing.T) { // Without the option they mean nothing.
		f := newFixture(t, nil)
		r := request("", "")
		r.Header = http.Header{user: {"bjensen"}, password: {"hifalutin"}}
		if _, err := f.Authenticate(r); !errors.Is(err, auth.ErrNotApplicable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("OneAlone", func(t *testing.T) {
		o := f.options
		o.PasswordHeader = ""
		if _, err := New(o); err == nil {
			t.Error("no error")
		}
	})
}
