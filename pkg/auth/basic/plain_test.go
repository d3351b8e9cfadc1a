package basic

import (
	"context"
	"errors"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// saslDirectory knows one user, by one password, and tells what it was asked.
type saslDirectory struct {
	asked    [][3]string
	identity string
	err      error
}

func (d *saslDirectory) AuthenticatePlain(_ context.Context, authzID, user, password string) (string, error) {
	d.asked = append(d.asked, [3]string{authzID, user, password})
	return d.identity, d.err
}

func TestSASLPlain(t *testing.T) {
	for text, want := range map[string][3]string{
		"u:{username}":             {"", "bjensen", "x:y"},
		"u:{username}@example.com": {"", "bjensen@example.com", "x:y"},
		"dn:uid={username},ou=P":   {"dn:uid=bjensen,ou=P", "bjensen", "x:y"},
	} {
		id, err := ParseAuthzID(text)
		if err != nil {
			t.Fatal(err)
		}
		d := &saslDirectory{identity: "dn:" + babs}
		f := newFixture(t, func(o *Options) { o.Search, o.Plain = nil, &Plain{Directory: d, AuthzID: id} })
		principal, err := f.Authenticate(request("bjensen", "x:y"))
		if err != nil || principal.Identity.AuthzID != "dn:"+babs || principal.Name != "bjensen" || len(d.asked) != 1 || d.asked[0] != want {
			t.Errorf("%s: %+v, %v, asked %q", text, principal, err, d.asked)
		}
		if len(f.memory.bound()) > 0 || len(f.memory.filters) > 0 {
			t.Errorf("%s: a search or a bind by name", text)
		}
		d.err = fault.New(fault.Unauthenticated, "no")
		if _, err := f.Authenticate(request("bjensen", "wrong")); auth.ReasonOf(err) != ReasonPassword {
			t.Errorf("%s: %v", text, err)
		}
		d.err = fault.New(fault.Unavailable, "down")
		if _, err := f.Authenticate(request("bjensen", "other")); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "u:", "u:x", "u:{user}", "u:{username}{username}", "u:{{username}}", "uid={username}", "dn:", "dn:{username}", "dn:uid=a", "dn:uid={user},ou=P", "dn:uid={username},.."} {
		if _, err := ParseAuthzID(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
