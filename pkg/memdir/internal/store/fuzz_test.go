package store

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
)

// FuzzParseDN finds names that print as others, and what makes the parser panic.
func FuzzParseDN(f *testing.F) {
	s := example(f, 1)
	for _, seed := range []string{
		"uid=bjensen,ou=People,dc=example,dc=com", `cn=a\,b+sn=c,dc=example`, `cn=\23x\20,dc=a`, "cn=#0401ff", `cn="a,b"`, "CN = x ; dc=y", "2.5.4.3=x",
		"cn=", "=x", "cn=x,", `cn=\`, "cn=x+cn=y", "seeAlso=cn=x", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := s.schema.parseDN(text)
		if err != nil {
			return
		}
		second, err := s.schema.parseDN(first.String())
		if err != nil || second.key() != first.key() || second.String() != first.String() {
			t.Errorf("%q prints as %q, which is read as %q (%v)", text, first.String(), second.String(), err)
		}
		if len(first.rdns) > 0 && !first.isBelow(first.parent()) {
			t.Errorf("%q is not below %q", first.String(), first.parent().String())
		}
	})
}

// FuzzLoad finds LDIF that makes the loader panic, and content that is another after a dump.
func FuzzLoad(f *testing.F) {
	const top = "dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n"
	for _, seed := range []string{
		top, top + "\ndn:: dWlkPXgsZGM9ZXhhbXBsZSxkYz1jb20=\nobjectClass: account\nuid: x\ndescription:: /w==\n", "version: 1\n# c\n" + top, top + " folded\n",
		top + "description: a\n b\n\n\n", "dn: dc=example,dc=com", "dn", ": x", top + "userPassword: secret\n", top + "entryUUID: x\n",
	} {
		f.Add(seed)
	}
	load := func(ldif string) (*Store, error) {
		s, err := New(Options{Suffix: exampledata.BaseDN, RootDN: rootDN, RootPassword: "root", Rules: recipe()})
		if err == nil {
			err = s.Load(strings.NewReader(ldif))
		}
		return s, err
	}
	dump := func(t *testing.T, s *Store) string {
		t.Helper()
		var b bytes.Buffer
		if err := s.Dump(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	f.Fuzz(func(t *testing.T, ldif string) {
		s, err := load(ldif)
		if err != nil {
			return
		}
		first := dump(t, s)
		s, err = load(first)
		if err != nil {
			t.Fatalf("a dump is not loaded: %v\n%s", err, first)
		}
		if second := dump(t, s); second != first {
			t.Errorf("loaded and dumped again:\n%s\nwas:\n%s", second, first)
		}
	})
}
