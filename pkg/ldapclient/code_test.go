package ldapclient_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// kinds is what result codes mean to a client (RFC 4511 §4.1.9, RFC 4528, RFC 4370); a
// code that is not here is fault.Internal.
func kinds() map[int]fault.Kind {
	all := map[int]fault.Kind{
		3: fault.Timeout, 10: fault.BadGateway, 12: fault.Unsupported, 32: fault.NotFound,
	}
	for kind, codes := range map[fault.Kind][]int{
		fault.TooLarge:           {4, 11},
		fault.Unauthenticated:    {7, 48, 49},
		fault.Forbidden:          {8, 13, 50, 123},
		fault.Invalid:            {16, 17, 18, 19, 20, 21, 34, 53, 60, 61, 64, 65, 66, 67, 69, 76},
		fault.Unavailable:        {51, 52},
		fault.PreconditionFailed: {68, 122},
	} {
		for _, code := range codes {
			all[code] = kind
		}
	}
	return all
}

// TestCodes has a server end changes and reads with every result code there is, and some
// that are not.
func TestCodes(t *testing.T) {
	t.Parallel()
	var code int // The requests come one after the other.
	server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(code) })
	session := fakeClient(t, server, nil).As(as("a"))
	known := kinds()
	details := make(map[string]int)
	for code = range 128 {
		checkCode(t, session, code, known, details)
	}
	for _, code = range []int{255, 256, 4096, 1 << 14, 1<<31 - 1, -1} {
		checkCode(t, session, code, known, details)
	}
	// The one that searches share and the one for changes and lists; and after each of
	// operationsError and other, one for each of the three requests.
	if n := server.Count("bind"); n != 2+2*3 {
		t.Errorf("%d connections were made: no other refusal ends one", n)
	}
}

func checkCode(t *testing.T, session directory.Session, code int, known map[int]fault.Kind, details map[string]int) {
	t.Helper()
	change := changes()["modify"](t.Context(), session)
	_, _, look := collect(t.Context(), session, read("a", "uid"))
	_, _, list := collect(t.Context(), session, &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid")})
	for name, err := range map[string]error{"change": change, "read": look, "list": list} {
		if code == 0 {
			if err != nil {
				t.Errorf("success of a %s: %v", name, err)
			}
			continue
		}
		if err == nil || fault.KindOf(err) != known[code] {
			t.Errorf("code %d of a %s is %v, want %s", code, name, err, known[code])
		}
		silent(t, err)
	}
	var e *fault.Error
	if code != 0 && asFault(change, &e) && known[code] != fault.Internal {
		if other, taken := details[e.Detail.Kind]; taken {
			t.Errorf("codes %d and %d are both %q", code, other, e.Detail.Kind)
		}
		details[e.Detail.Kind] = code
	}
}

// TestCodesForDocuments checks that the published table is that of the behaviour.
func TestCodesForDocuments(t *testing.T) {
	t.Parallel()
	got := make(map[int]string)
	for code, names := range ldapclient.Codes() {
		got[code] = names[0]
	}
	want := make(map[int]string)
	for code, kind := range kinds() {
		want[code] = kind.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSizeLimitOfTheServer checks what the limit of the server means: the end of what
// was asked for when it is ours, else an answer that was cut off.
func TestSizeLimitOfTheServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		sent, sizeLimit int
		more            bool
	}{{"Ours", 2, 2, true}, {"Smaller", 1, 2, false}, {"None", 0, 2, false}, {"OursOfAList", 100, 100, true}, {"SmallerOfAList", 99, 100, false}, {"Unlimited", 2, 0, false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, func(r *fakeldap.Request) {
				for range test.sent {
					r.Entry("uid=x,"+r.DN, "uid", "x")
				}
				r.Done(4)
			})
			entries, result, err := collect(within(t, 0), fakeClient(t, server, nil).As(as("a")),
				&directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), SizeLimit: test.sizeLimit})
			if test.more {
				if err != nil || len(entries) != test.sent || !result.More {
					t.Errorf("%d entries, %+v, %v", len(entries), result, err)
				}
				return
			}
			kindOf(t, err, fault.TooLarge, "sizeLimit")
			var e *fault.Error
			if asFault(err, &e) && e.Detail.Limit != int64(test.sent) || result.More {
				t.Errorf("%+v, %+v", e.Detail, result)
			}
		})
	}
}

// TestAttributeOfARefusal checks that of a diagnostic text the name of an attribute gets
// out, and nothing else.
func TestAttributeOfARefusal(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"mail: value #0 invalid per syntax":             "mail",
		"userCertificate;binary: value #0 invalid":      "userCertificate;binary",
		"object class 'person' requires attribute 'sn'": "sn",
		"attribute 'x-y' not allowed":                   "x-y",
		"entry uid=secret,dc=b is wrong":                "",
		"uid=secret,dc=b: no":                           "",
		"attribute 'uid=secret,dc=b' is wrong":          "",
		"mail":                                          "",
		"":                                              "",
		"no such user: secret":                          "",
		"attribute '\x00' is wrong; \r\nSet-Cookie: secret: secret": "",
	}
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		server := fakeldap.Start(t, func(r *fakeldap.Request) {
			r.Send(fakeldap.Message(r.ID, fakeldap.Element(0x67, fakeldap.Integer(0x0a, 21), fakeldap.Octets(0x04, "dc=secret"), fakeldap.Octets(0x04, text))))
		})
		err := changes()["modify"](within(t, 0), fakeClient(t, server, nil).As(as("a")))
		kindOf(t, err, fault.Invalid, "invalidAttributeSyntax")
		var e *fault.Error
		if asFault(err, &e) && (e.Detail.Attribute != texts[text] || e.Message != "a value is not of its attribute's syntax") {
			t.Errorf("%q: attribute %q, message %q", text, e.Detail.Attribute, e.Message)
		}
	}
}
