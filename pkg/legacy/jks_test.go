package legacy

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format's
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// store writes entries as Java does.
func store(version uint32, password string, entries ...jksEntry) []byte {
	var all []testcert.JKSEntry
	for _, e := range entries {
		all = append(all, testcert.JKSEntry{Alias: e.alias, Protected: e.protected, Chain: e.chain})
	}
	return testcert.JKS(version, password, all...)
}

func protect(t testing.TB, key []byte, password string) []byte {
	t.Helper()
	protected, err := testcert.ProtectJKS(key, password)
	if err != nil {
		t.Fatal(err)
	}
	return protected
}

func TestParseJKS(t *testing.T) {
	t.Parallel()
	for _, version := range []uint32{1, 2} {
		want := []jksEntry{
			{alias: "an authority", chain: [][]byte{[]byte("certificate")}},
			{alias: "mine", protected: []byte("hidden"), chain: [][]byte{[]byte("own"), []byte("issuer")}},
		}
		got, err := parseJKS(store(version, "changeit", want...), "changeit")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(jksEntry{})); diff != "" {
			t.Errorf("version %d (-want +got):\n%s", version, diff)
		}
	}
}

func TestUnprotect(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 19, 20, 21, 40, 1200} {
		key := bytes.Repeat([]byte{3, 1, 4, 1, 5}, n)[:n]
		protected := protect(t, key, "pässword")
		if got, err := unprotect(protected, "pässword"); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%d octets: %x, %v", n, got, err)
		}
		if _, err := unprotect(protected, "password"); !errors.Is(err, errPassword) {
			t.Errorf("%d octets with another password: %v", n, err)
		}
	}
}

func TestRefusedStores(t *testing.T) {
	t.Parallel()
	good := store(2, "p", jksEntry{alias: "a", chain: [][]byte{[]byte("c")}})
	body := good[:len(good)-sha1.Size]
	with := func(at int, value byte) []byte {
		changed := bytes.Clone(body)
		changed[at] = value
		return testcert.SealJKS(changed, "p")
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"Empty":         {nil, "the file is too short for a JKS key store"},
		"OtherFormat":   {with(0, 1), "the file is no JKS key store"},
		"OtherVersion":  {with(7, 3), "the version 3 of JKS is not known"},
		"OtherPassword": {testcert.SealJKS(body, "q"), errPassword.Error()},
		"Changed":       {append(with(20, 1)[:len(body)], good[len(body):]...), errPassword.Error()},
		"OtherKind":     {with(15, 3), `the entry "a" is of a kind that JKS does not have`},
		"CutOff":        {testcert.SealJKS(body[:len(body)-1], "p"), "the file ends in the middle of an entry"},
		"MoreEntries":   {with(11, 2), "the file ends in the middle of an entry"},
		"Behind":        {testcert.SealJKS(append(bytes.Clone(body), 0), "p"), "the file goes on behind its last entry"},
		"ManyEntries":   {with(8, 0xff), "the file ends in the middle of an entry"},
	} {
		if _, err := parseJKS(test.data, "p"); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if _, err := parseJKS(binary.BigEndian.AppendUint32(nil, magicJCEKS), "p"); err == nil {
		t.Error("JCEKS is taken")
	}
}

// No octets make the reader do more than read them.
func FuzzParseJKS(f *testing.F) {
	f.Add(store(2, "p", jksEntry{alias: "a", chain: [][]byte{[]byte("c")}}))
	f.Add(store(1, "p", jksEntry{alias: "a", protected: protect(f, []byte("key"), "p"), chain: [][]byte{[]byte("c")}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		// The digest would keep the fuzzer out.
		entries, err := parseJKS(testcert.SealJKS(body, "p"), "p")
		if err != nil {
			return
		}
		for _, e := range entries {
			_, _ = unprotect(e.protected, "p")
		}
		if again, err := parseJKS(store(binary.BigEndian.Uint32(body[4:]), "p", entries...), "p"); err != nil || len(again) != len(entries) {
			t.Errorf("%d entries, written and read: %d, %v", len(entries), len(again), err)
		}
	})
}
