package exampledata_test

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // {SSHA} is the scheme of the data.
	"encoding/base64"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
)

// entry is one entry of the LDIF: its name, and all values by attribute.
type entry struct {
	dn         string
	attributes map[string][]string
}

// TestLDIF checks the promises about the data on the data itself.
func TestLDIF(t *testing.T) {
	t.Parallel()
	entries := parse(t, exampledata.LDIF(exampledata.DefaultUsers))
	known := make(map[string]bool)
	var people, groups int
	for _, e := range entries {
		if known[e.dn] {
			t.Errorf("%s is there twice", e.dn)
		}
		_, parent, _ := strings.Cut(e.dn, ",")
		if e.dn != exampledata.BaseDN && !known[parent] {
			t.Errorf("%s comes before its parent", e.dn)
		}
		known[e.dn] = true
		switch parent {
		case exampledata.PeopleDN:
			people++
		case exampledata.GroupsDN:
			groups++
		}
	}
	if people != exampledata.DefaultUsers || groups != 5 {
		t.Errorf("%d people and %d groups, want %d and 5", people, groups, exampledata.DefaultUsers)
	}
	numbers := make(map[string]string)
	for _, e := range entries {
		for _, name := range slices.Concat(e.attributes["manager"], e.attributes["uniqueMember"]) {
			if !known[name] {
				t.Errorf("%s refers to %s, which is not there", e.dn, name)
			}
		}
		for _, number := range e.attributes["uidNumber"] {
			if other, taken := numbers[number]; taken {
				t.Errorf("%s and %s share the uidNumber %s", e.dn, other, number)
			}
			numbers[number] = e.dn
		}
	}
}

// TestPasswords checks that every hash is that of the password we tell, and that
// no two people share one.
func TestPasswords(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for _, e := range parse(t, exampledata.LDIF(exampledata.DefaultUsers)) {
		hashes := e.attributes["userPassword"]
		if len(hashes) == 0 {
			continue
		}
		password := exampledata.ServicePassword
		if e.dn != exampledata.ServiceDN {
			password = exampledata.Password(e.attributes["uid"][0])
		}
		if !verifies(t, hashes[0], password) || verifies(t, hashes[0], password+"x") {
			t.Errorf("%s: %q is not the hash of %q", e.dn, hashes[0], password)
		}
		if other, taken := seen[password]; taken {
			t.Errorf("%s and %s share a password", e.dn, other)
		}
		seen[password] = e.dn
	}
	if got := exampledata.Password("nobody"); got != "" {
		t.Errorf("nobody has the password %q", got)
	}
}

// TestSizes checks that the number of people is as asked, but never leaves out
// a named one, and that the data are the same bytes every time.
func TestSizes(t *testing.T) {
	t.Parallel()
	named := len(exampledata.People())
	for users, want := range map[int]int{0: named, 1: named, named: named, named + 1: named + 1, 1000: 1000} {
		data := exampledata.LDIF(users)
		if got := bytes.Count(data, []byte("objectClass: posixAccount\n")); got != want {
			t.Errorf("%d users asked for, got %d, want %d", users, got, want)
		}
		if !bytes.Equal(data, exampledata.LDIF(users)) {
			t.Errorf("the data of %d users differ from one time to the next", users)
		}
	}
}

// TestPhotos checks that named people have pictures of a few hundred bytes, each another
// one, and that generated people have none, so that a long list stays light.
func TestPhotos(t *testing.T) {
	t.Parallel()
	named := make(map[string]bool)
	for _, p := range exampledata.People() {
		named[p.DN()] = true
	}
	owners := make(map[string]string)
	for _, e := range parse(t, exampledata.LDIF(exampledata.DefaultUsers)) {
		photos := e.attributes["jpegPhoto"]
		if !named[e.dn] {
			if len(photos) > 0 {
				t.Errorf("%s has a photo", e.dn)
			}
			continue
		}
		if len(photos) != 1 || len(photos[0]) > 1000 {
			t.Fatalf("%s has %d photos", e.dn, len(photos))
		}
		picture, err := jpeg.Decode(strings.NewReader(photos[0]))
		if err != nil || picture.Bounds().Dx() != 40 || picture.Bounds().Dy() != 40 {
			t.Errorf("%s: %v", e.dn, err)
		}
		if other, taken := owners[photos[0]]; taken {
			t.Errorf("%s and %s share a photo", e.dn, other)
		}
		owners[photos[0]] = e.dn
	}
}

// TestGenerated checks that generated people keep out of the way of the
// searches that examples make.
func TestGenerated(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 7, 124, 999, 1000, 99999} {
		p := exampledata.Generated(n)
		if p.Manager != "" || p.Description != "" || len(p.CN) != 1 {
			t.Errorf("%s has a manager, a description or several names", p.ID)
		}
		for _, value := range []string{p.ID, p.CN[0], p.Mail(), p.SN, p.GivenName} {
			value = strings.ToLower(value)
			if strings.HasPrefix(value, "a") || value > "tv" {
				t.Errorf("%q begins with a, or sorts after tv", value)
			}
			for _, taken := range []string{"jensen", "sam", "babs"} {
				if strings.Contains(strings.TrimSuffix(value, "@example.com"), taken) {
					t.Errorf("%q contains %q", value, taken)
				}
			}
		}
	}
	if got := exampledata.Generated(1); got.ID != "gen001" || got.CN[0] != "Gen 001" {
		t.Errorf("the first is %q, %q", got.ID, got.CN)
	}
}

// parse reads LDIF in the plain form that ours has: no folded lines.
func parse(t *testing.T, ldif []byte) []entry {
	t.Helper()
	var entries []entry
	for block := range strings.SplitSeq(strings.TrimSpace(string(ldif)), "\n\n") {
		e := entry{attributes: make(map[string][]string)}
		for line := range strings.Lines(block) {
			name, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if name, encoded := strings.CutSuffix(name, ":"); encoded {
				raw, err := base64.StdEncoding.DecodeString(value)
				if err != nil || len(raw) == 0 {
					t.Fatalf("not base64: %q", line)
				}
				e.attributes[name] = append(e.attributes[name], string(raw))
				continue
			}
			switch {
			case !found || strings.TrimSpace(value) != value || value == "":
				t.Fatalf("not a line of LDIF: %q", line)
			case name == "dn":
				e.dn = value
			default:
				e.attributes[name] = append(e.attributes[name], value)
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// verifies says whether an {SSHA} hash is that of the password.
func verifies(t *testing.T, hash, password string) bool {
	t.Helper()
	encoded, found := strings.CutPrefix(hash, "{SSHA}")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(raw) <= sha1.Size {
		t.Fatalf("%q is not {SSHA}", hash)
	}
	sum := sha1.Sum(append([]byte(password), raw[sha1.Size:]...)) //nolint:gosec // See the import.
	return bytes.Equal(sum[:], raw[:sha1.Size])
}
