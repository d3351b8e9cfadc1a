package ldapclient_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// Every result code that has a name up to 123 (RFC 4511 §A.2 and its registry) is what
// the status table says; those that it does not name are internal.
func TestResultCodes(t *testing.T) {
	t.Parallel()
	want := map[int]fault.Kind{
		3: fault.Timeout, 4: fault.TooLarge, 11: fault.TooLarge,
		7: fault.Unauthenticated, 48: fault.Unauthenticated, 49: fault.Unauthenticated,
		8: fault.Forbidden, 13: fault.Forbidden, 50: fault.Forbidden, 123: fault.Forbidden,
		10: fault.BadGateway, 12: fault.Unsupported,
		16: fault.Invalid, 17: fault.Invalid, 18: fault.Invalid, 19: fault.Invalid, 20: fault.Invalid, 21: fault.Invalid,
		34: fault.Invalid, 53: fault.Invalid, 64: fault.Invalid, 65: fault.Invalid, 66: fault.Invalid, 67: fault.Invalid, 69: fault.Invalid,
		32: fault.NotFound, 51: fault.Unavailable, 52: fault.Unavailable,
		68: fault.PreconditionFailed, 122: fault.PreconditionFailed,
	}
	var current int
	server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(current) })
	session := fakeClient(t, server, nil).As(as("a"))
	documented := ldapclient.Codes()
	for code := 1; code <= 123; code++ {
		current = code // The script runs between this request and its answer.
		_, err := session.Modify(t.Context(), &directory.ModifyRequest{DN: userDN("a"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "sn", Values: []string{"x"}}}})
		kind := want[code] // Internal is the zero Kind.
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != kind {
			t.Errorf("%d: %v, want %v", code, err, kind)
			continue
		}
		if e.Detail.Kind == "" || e.Message == "" || strings.Contains(e.Message+fmt.Sprint(e.Detail), fakeldap.Secret) {
			t.Errorf("%d: message %q, detail %+v", code, e.Message, e.Detail)
		}
		if !strings.Contains(e.Err.Error(), fakeldap.Secret) {
			t.Errorf("%d: the log does not learn why: %v", code, e.Err)
		}
		if row, ok := documented[code]; ok != (kind != fault.Internal) || ok && row != [2]string{kind.String(), e.Detail.Kind} {
			t.Errorf("%d is documented as %v", code, row)
		}
	}
}

// The diagnostic text gives away the name of an attribute, and nothing else.
func TestAttributeInDiagnostics(t *testing.T) {
	t.Parallel()
	type refusal struct {
		code int
		text string
	}
	var current refusal
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x67, fakeldap.Integer(0x0a, int64(current.code)), fakeldap.Octets(0x04, ""), fakeldap.Octets(0x04, current.text))))
	})
	session := fakeClient(t, server, nil).As(as("a"))
	for given, want := range map[refusal]string{
		{21, "mail: value #0 invalid per syntax"}:                              "mail",
		{20, "modify/add: cn: value #0 already exists"}:                        "",
		{17, "nosuch: attribute type undefined"}:                               "nosuch",
		{19, "jpegPhoto;x-a: multiple values provided"}:                        "jpegPhoto;x-a",
		{65, "object class 'inetOrgPerson' requires attribute 'sn'"}:           "sn",
		{64, "value of naming attribute 'uid' is not present in entry"}:        "uid",
		{53, "uid=somebody,dc=example: is not to be touched"}:                  "",
		{50, "userPassword: no write access"}:                                  "",
		{19, "uid=somebody,dc=example,dc=com: breaks a rule"}:                  "",
		{19, "some attribute uniqueness of 'uid=x,dc=example,dc=com' is hurt"}: "",
	} {
		current = given
		_, err := session.Modify(t.Context(), &directory.ModifyRequest{DN: userDN("a"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "sn", Values: []string{"x"}}}})
		var e *fault.Error
		if !errors.As(err, &e) || e.Detail.Attribute != want {
			t.Errorf("%+v: attribute %q, want %q (%v)", given, e.Detail.Attribute, want, err)
		}
	}
}
