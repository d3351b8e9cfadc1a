package ldapwire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

func TestAppendResult(t *testing.T) {
	t.Parallel()
	want := ldapwire.Result{Code: 16654, MatchedDN: "dc=b", Diagnostic: "why", Referrals: []string{"ldap://a", "ldap://b"}}
	m := readOne(t, ldapwire.AppendResult(nil, 9, ldapwire.CompareResponse, want))
	got, err := m.Result()
	if diff := cmp.Diff(want, got); diff != "" || err != nil || m.ID != 9 || m.Op != ldapwire.CompareResponse {
		t.Errorf("id %d, operation %#x, %v, %s", m.ID, m.Op, err, diff)
	}
	if diff := cmp.Diff(`30{02"\t" 61{0a"1" 04"" 04""}}`, render(t, ldapwire.AppendResult(nil, 9, ldapwire.BindResponse, ldapwire.Result{Code: 49}))); diff != "" {
		t.Error(diff)
	}
}

func TestAppendEntry(t *testing.T) {
	t.Parallel()
	want := &directory.Entry{DN: "uid=a,dc=b", Attributes: person()}
	m := readOne(t, ldapwire.AppendEntry(nil, 9, want))
	got, err := m.Entry()
	if diff := cmp.Diff(want, got); diff != "" || err != nil || m.ID != 9 || m.Op != ldapwire.SearchResultEntry {
		t.Errorf("id %d, operation %#x, %v, %s", m.ID, m.Op, err, diff)
	}
}

func TestAppendReference(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(`30{02"\t" 73{04"ldap://a" 04"ldap://b"}}`, render(t, ldapwire.AppendReference(nil, 9, "ldap://a", "ldap://b"))); diff != "" {
		t.Error(diff)
	}
}

func TestAppendExtendedResult(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		encoded []byte
		want    string
	}{
		{"Nothing", ldapwire.AppendExtendedResult(nil, 1, ldapwire.Result{}, "", "", false), `30{02"\x01" 78{0a"\x00" 04"" 04""}}`},
		{"EmptyValue", ldapwire.AppendExtendedResult(nil, 1, ldapwire.Result{}, "", "", true), `30{02"\x01" 78{0a"\x00" 04"" 04"" 8b""}}`},
		{"Both", ldapwire.AppendExtendedResult(nil, 1, ldapwire.Result{Code: 2}, "1.2", "v", true), `30{02"\x01" 78{0a"\x02" 04"" 04"" 8a"1.2" 8b"v"}}`},
		{"Disconnection", ldapwire.AppendDisconnection(nil, 2, "why"), `30{02"\x00" 78{0a"\x02" 04"" 04"why" 8a"1.3.6.1.4.1.1466.20036"}}`},
		{"GeneratedPassword", []byte(ldapwire.GeneratedPassword("new")), `30{80"new"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, render(t, test.encoded)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResponseControls(t *testing.T) {
	t.Parallel()
	entry := &directory.Entry{DN: "uid=a,dc=b", Attributes: person()}
	for name, control := range map[string]ldapwire.Control{"pre": ldapwire.PreReadResult(entry), "post": ldapwire.PostReadResult(entry)} {
		m := readOne(t, ldapwire.AppendResult(nil, 9, ldapwire.ModifyResponse, ldapwire.Result{}, control))
		got, err := m.ReadEntry()
		if diff := cmp.Diff(entry, got); diff != "" || err != nil {
			t.Errorf("%s: %v, %s", name, err, diff)
		}
	}
	m := readOne(t, ldapwire.AppendResult(nil, 9, ldapwire.SearchResultDone, ldapwire.Result{}, ldapwire.SortResult(0, ""), ldapwire.PagingResult(0, "c")))
	if cookie, paged, err := m.PagingCookie(); cookie != "c" || !paged || err != nil {
		t.Errorf("%q, %t, %v", cookie, paged, err)
	}
	if code, attribute, sorted, err := m.SortResult(); code != 0 || attribute != "" || !sorted || err != nil {
		t.Errorf("%d, %q, %t, %v", code, attribute, sorted, err)
	}
	if view, _, err := m.View(); view != nil || err != nil {
		t.Errorf("%+v, %v", view, err)
	}
	part := directory.ViewResult{Position: 7, Count: 300, Context: "c"}
	m = readOne(t, ldapwire.AppendResult(nil, 9, ldapwire.SearchResultDone, ldapwire.Result{}, ldapwire.SortResult(16, "cn"), ldapwire.ViewResponse(part, 61)))
	if code, attribute, sorted, err := m.SortResult(); code != 16 || attribute != "cn" || !sorted || err != nil {
		t.Errorf("%d, %q, %t, %v", code, attribute, sorted, err)
	}
	if view, code, err := m.View(); code != 61 || view == nil || *view != part || err != nil {
		t.Errorf("%+v, %d, %v", view, code, err)
	}
	for _, test := range []struct {
		control   ldapwire.Control
		oid, want string
	}{
		{ldapwire.ViewResponse(directory.ViewResult{Position: 1, Count: 2}, 0), ldapwire.OIDViewResponse, `30{02"\x01" 02"\x02" 0a"\x00"}`},
		{ldapwire.SortResult(16, "cn"), ldapwire.OIDSortResponse, `30{0a"\x10" 80"cn"}`},
		{ldapwire.PasswordPolicyResult(ldapwire.PolicyAnswer{Error: ldapwire.ChangeAfterReset}), ldapwire.OIDPasswordPolicy, `30{81"\x02"}`},
		{ldapwire.PasswordPolicyResult(ldapwire.PolicyAnswer{Error: ldapwire.NoPolicyError}), ldapwire.OIDPasswordPolicy, `30{}`},
	} {
		controls, err := readOne(t, ldapwire.AppendResult(nil, 9, ldapwire.SearchResultDone, ldapwire.Result{}, test.control)).Controls()
		if err != nil || len(controls) != 1 || controls[0].OID != test.oid {
			t.Fatalf("%v, %v", controls, err)
		}
		if diff := cmp.Diff(test.want, render(t, []byte(controls[0].Value))); diff != "" {
			t.Error(diff)
		}
	}
}
