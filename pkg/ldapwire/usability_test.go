package ldapwire_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// TestUsability decodes the response control as servers write it, at an entry.
func TestUsability(t *testing.T) {
	t.Parallel()
	control := func(value string) []byte {
		return message(1, element(0x64, octets(0x04, "uid=a"), element(0x30)),
			element(0x30, octets(0x04, ldapwire.OIDUsability), octets(0x04, value)))
	}
	for _, test := range []struct {
		name, value string
		want        *directory.Usability
	}{
		{"Usable", "\x80\x01\xff", &directory.Usability{Usable: true, Expires: -1, Grace: -1, Unlock: -1}},
		{"UsableForAWhile", "\x80\x02\x0e\x10", &directory.Usability{Usable: true, Expires: time.Hour, Grace: -1, Unlock: -1}},
		{"Inactive", "\xa1\x03\x80\x01\xff", &directory.Usability{Inactive: true, Expires: -1, Grace: -1, Unlock: -1}},
		{"Reset", "\xa1\x06\x80\x01\x00\x81\x01\xff", &directory.Usability{Reset: true, Expires: -1, Grace: -1, Unlock: -1}},
		{"Locked", "\xa1\x09\x80\x01\xff\x84\x04\x00\x00\x01\x2c", &directory.Usability{Inactive: true, Expires: -1, Grace: -1, Unlock: 5 * time.Minute}},
		{"Grace", "\xa1\x06\x82\x01\xff\x83\x01\x02", &directory.Usability{Expired: true, Expires: -1, Grace: 2, Unlock: -1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			entry, err := readOne(t, control(test.value)).Entry()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, entry.Usability); diff != "" {
				t.Error(diff)
			}
			if len(entry.Controls) != 1 || entry.Controls[0].OID != ldapwire.OIDUsability {
				t.Errorf("%+v", entry.Controls)
			}
			again, err := readOne(t, ldapwire.AppendEntry(nil, 1, &directory.Entry{}, ldapwire.UsabilityResult(test.want))).Entry()
			if diff := cmp.Diff(test.want, again.Usability); diff != "" || err != nil {
				t.Errorf("%v, %s", err, diff)
			}
		})
	}
	for _, value := range []string{"", "\x80\x00", "\xa1\x05\x80", "\x82\x01\x00", "\xa1\x02\x83\x00"} {
		if entry, err := readOne(t, control(value)).Entry(); !errors.Is(err, ldapwire.ErrMalformed) {
			t.Errorf("%x: %+v, %v", value, entry.Usability, err)
		}
	}
}
