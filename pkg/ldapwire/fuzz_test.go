package ldapwire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// FuzzReader reads any bytes, and decodes each message as everything: the outcome is a
// value or ErrMalformed, and never more values than there were octets.
func FuzzReader(f *testing.F) {
	done := element(0x65, resultBody(0, "", "")...)
	f.Add(message(1, element(0x64, entryBody("dc=b", person()...)...)))
	f.Add(message(2, done, control(ldapwire.OIDPaging, "\x30\x06\x02\x01\x00\x04\x01c")))
	f.Add(message(3, done, control(ldapwire.OIDPostRead, "\x64\x08\x04\x04dc=b\x30\x00")))
	f.Add(message(4, element(0x78, resultBody(0, "", "", octets(0x8b, "dn:x"))...)))
	f.Add([]byte("\x30\x80\x02\x01\x01\x65\x00\x00\x00"))
	f.Add([]byte("\x30\x84\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		reader := ldapwire.NewReader(bytes.NewReader(stream), limit)
		for {
			m, err := reader.Read()
			if err != nil {
				if m != nil || err != io.EOF && err != io.ErrUnexpectedEOF && !errors.Is(err, ldapwire.ErrMalformed) { //nolint:errorlint // They are promised as they are.
					t.Fatalf("%v, %v", m, err)
				}
				return
			}
			decodeAll(t, m, len(stream))
		}
	})
}

func decodeAll(t *testing.T, m *ldapwire.Message, octets int) {
	t.Helper()
	if m.ID < 0 || m.Len() > octets {
		t.Errorf("id %d, %d octets of %d", m.ID, m.Len(), octets)
	}
	check := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, ldapwire.ErrMalformed) {
			t.Error(err)
		}
	}
	measure := func(entry *directory.Entry, err error) {
		t.Helper()
		check(err)
		if entry == nil {
			return
		}
		total := len(entry.DN)
		for _, attribute := range entry.Attributes {
			total += len(attribute.Name)
			for _, value := range attribute.Values {
				total += len(value)
			}
		}
		if total > octets {
			t.Errorf("an entry of %d octets from %d", total, octets)
		}
	}
	measure(m.Entry())
	measure(m.ReadEntry())
	_, err := m.Result()
	check(err)
	_, err = m.ExtendedValue()
	check(err)
	decodeControls(t, m, octets)
}

// FuzzResponseControls puts any octets into a response control of each kind, on a result and on
// an entry, and has every decoder look at it: the outcome is a value or ErrMalformed. What a
// decoder makes of it is the same once more when it is written and read again.
func FuzzResponseControls(f *testing.F) {
	for _, c := range []ldapwire.Control{
		ldapwire.PagingResult(1<<31-1, "c"), ldapwire.PagingResult(0, ""),
		ldapwire.SortResult(16, "cn"), ldapwire.SortResult(0, ""),
		ldapwire.ViewResponse(directory.ViewResult{Position: 1, Count: 1 << 30, Context: "c"}, 76),
		ldapwire.PreReadResult(&directory.Entry{DN: "dc=b", Attributes: person()}), ldapwire.PostReadResult(&directory.Entry{}),
		ldapwire.PasswordPolicyResult(ldapwire.PolicyAnswer{Error: ldapwire.AccountLocked, HasGrace: true, Grace: 3}),
		ldapwire.PasswordPolicyResult(ldapwire.PolicyAnswer{Error: ldapwire.NoPolicyError, HasExpiry: true, Expires: 1<<31 - 1}),
		ldapwire.UsabilityResult(&directory.Usability{Usable: true, Expires: time.Hour}),
		ldapwire.UsabilityResult(&directory.Usability{Inactive: true, Expired: true, Grace: 1, Unlock: time.Minute}),
	} {
		f.Add(c.Encoded().Value, c.IsCritical(), true)
	}
	for _, value := range []string{
		"", "\x30", "\x30\x80", "\x30\x84\xff\xff\xff\xff", "\x30\x00\x00", "\x30\x02\x02\x00", "\x30\x02\xa0\x00", "\x30\x02\x81\x00",
		"\x30\x02\x0a\x00", "\x30\x05\xa0\x03\x80\x01\xff", "\x80\x00", "\x80\x04\x80\x00\x00\x00", "\xa1\x00", "\xa1\x02\x80\x00", "\xa1\x02\x84\x00",
		"\x64\x00", "\x64\x04\x04\x00\x30\x00", "\x64\x08\x04\x00\x30\x04\x30\x02\x04\x00", "\x1f\x30", "\xa1\x06\x84\x04\x7f\xff\xff\xff",
	} {
		f.Add(value, false, true)
	}
	f.Add("", true, false)
	oids := []string{ldapwire.OIDPaging, ldapwire.OIDSortResponse, ldapwire.OIDViewResponse, ldapwire.OIDPreRead, ldapwire.OIDPostRead, ldapwire.OIDPasswordPolicy, ldapwire.OIDUsability}
	f.Fuzz(func(t *testing.T, value string, critical, hasValue bool) {
		for _, oid := range oids {
			sent := directory.Control{OID: oid, Critical: critical, HasValue: hasValue}
			if hasValue {
				sent.Value = value
			}
			result := readOne(t, ldapwire.AppendResult(nil, 1, ldapwire.SearchResultDone, ldapwire.Result{}, ldapwire.Raw(sent)))
			entry := readOne(t, ldapwire.AppendEntry(nil, 1, &directory.Entry{DN: "dc=b"}, ldapwire.Raw(sent)))
			controls, err := result.Controls()
			if err != nil || len(controls) != 1 || directory.Control(controls[0]) != sent {
				t.Fatalf("%+v, %v", controls, err)
			}
			for _, m := range []*ldapwire.Message{result, entry} {
				for _, again := range decodeControls(t, m, len(value)) {
					want := decodeControls(t, m, len(value))
					second := readOne(t, ldapwire.AppendResult(nil, 1, ldapwire.SearchResultDone, ldapwire.Result{}, again))
					if again.OID() == ldapwire.OIDUsability {
						second = readOne(t, ldapwire.AppendEntry(nil, 1, &directory.Entry{}, again))
					}
					got := decodeControls(t, second, 1<<30)
					if len(want) != 1 || len(got) != 1 || got[0].Encoded() != want[0].Encoded() {
						t.Errorf("%s: %x became %v, and then %v", oid, value, want, got)
					}
				}
			}
		}
	})
}

// decodeControls has every decoder of response controls look at a message, and writes what
// they make of it.
func decodeControls(t *testing.T, m *ldapwire.Message, octets int) (found []ldapwire.Control) {
	t.Helper()
	is := func(found bool, err error) bool {
		t.Helper()
		if err != nil && !errors.Is(err, ldapwire.ErrMalformed) {
			t.Error(err)
		}
		return found && err == nil
	}
	cookie, paged, err := m.PagingCookie()
	if is(paged, err) {
		found = append(found, ldapwire.PagingResult(0, cookie))
	}
	code, attribute, sorted, err := m.SortResult()
	if is(sorted, err) {
		found = append(found, ldapwire.SortResult(code, attribute))
	}
	view, code, err := m.View()
	if is(view != nil, err) {
		found = append(found, ldapwire.ViewResponse(*view, code))
	}
	entry, err := m.ReadEntry()
	if is(entry != nil, err) {
		if len(entry.DN) > octets {
			t.Errorf("a name of %d octets from %d", len(entry.DN), octets)
		}
		found = append(found, ldapwire.PostReadResult(entry))
	}
	policy, err := m.PolicyAnswer()
	if is(policy != ldapwire.PolicyAnswer{Error: ldapwire.NoPolicyError}, err) {
		found = append(found, ldapwire.PasswordPolicyResult(policy))
	}
	reason, err := m.PolicyError()
	if is(true, err) && reason != policy.Error {
		t.Errorf("the policy refuses because of %d and of %d", reason, policy.Error)
	}
	if m.Op != ldapwire.SearchResultEntry {
		return found
	}
	entry, err = m.Entry()
	if is(true, err) && entry.Usability != nil {
		found = append(found, ldapwire.UsabilityResult(entry.Usability))
	}
	return found
}

// FuzzEntry writes entries with an independent encoder, and reads them again.
func FuzzEntry(f *testing.F) {
	f.Add(int32(1), "dc=b", "cn", "a", "b", "sn", uint8(3))
	f.Add(int32(1<<31-1), "", "", "\x00\xff", "", "x", uint8(200))
	f.Fuzz(func(t *testing.T, id int32, dn, first, one, two, second string, repeat uint8) {
		if id < 0 {
			id = -(id + 1)
		}
		attributes := []directory.Attribute{{Name: first, Values: []string{one, two}}, {Name: second, Values: []string{}}, {Name: first, Values: []string{two}}}
		for range repeat {
			attributes[1].Values = append(attributes[1].Values, one)
		}
		m := readOne(t, message(int64(id), element(0x64, entryBody(dn, attributes...)...)))
		got, err := m.Entry()
		if diff := cmp.Diff(&directory.Entry{DN: dn, Attributes: attributes}, got); diff != "" || err != nil || m.ID != id {
			t.Errorf("id %d, %v, %s", m.ID, err, diff)
		}
	})
}
