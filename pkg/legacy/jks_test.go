package legacy

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format's
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// encodeJKS writes a key store as Java does.
func encodeJKS(version uint32, password string, entries ...jksEntry) []byte {
	var b []byte
	text := func(s string) {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	octets := func(o []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(o)))
		b = append(b, o...)
	}
	b = binary.BigEndian.AppendUint32(b, magicJKS)
	b = binary.BigEndian.AppendUint32(b, version)
	b = binary.BigEndian.AppendUint32(b, uint32(len(entries)))
	for _, e := range entries {
		tag := uint32(2)
		if e.protected != nil {
			tag = 1
		}
		b = binary.BigEndian.AppendUint32(b, tag)
		text(e.alias)
		b = binary.BigEndian.AppendUint64(b, 1_600_000_000_000)
		if e.protected != nil {
			octets(e.protected)
			b = binary.BigEndian.AppendUint32(b, uint32(len(e.chain)))
		}
		for _, c := range e.chain {
			if version == 2 {
				text("X.509")
			}
			octets(c)
		}
	}
	return seal(b, password)
}

// seal puts the digest behind a store.
func seal(body []byte, password string) []byte {
	sum := sha1.Sum(append(append(utf16Bytes(password), jksSalt...), body...)) //nolint:gosec // the format's
	return append(bytes.Clone(body), sum[:]...)
}

// protect hides a private key as Java does.
func protect(t testing.TB, key []byte, password string) []byte {
	t.Helper()
	salt := bytes.Repeat([]byte{7}, sha1.Size)
	secret, stream, data := utf16Bytes(password), salt, bytes.Clone(salt)
	for i := 0; i < len(key); i += sha1.Size {
		sum := sha1.Sum(append(bytes.Clone(secret), stream...)) //nolint:gosec // the format's
		for j := i; j < min(i+sha1.Size, len(key)); j++ {
			data = append(data, key[j]^sum[j-i])
		}
		stream = sum[:]
	}
	check := sha1.Sum(append(bytes.Clone(secret), key...)) //nolint:gosec // the format's
	info := struct {
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue
		}
		Data []byte
	}{Data: append(data, check[:]...)}
	info.Algorithm.ID, info.Algorithm.Parameters = oidProtector(), asn1.NullRawValue
	der, err := asn1.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestParseJKS(t *testing.T) {
	t.Parallel()
	for _, version := range []uint32{1, 2} {
		want := []jksEntry{
			{alias: "an authority", chain: [][]byte{[]byte("certificate")}},
			{alias: "mine", protected: []byte("hidden"), chain: [][]byte{[]byte("own"), []byte("issuer")}},
		}
		got, err := parseJKS(encodeJKS(version, "changeit", want...), "changeit")
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
	good := encodeJKS(2, "p", jksEntry{alias: "a", chain: [][]byte{[]byte("c")}})
	body := good[:len(good)-sha1.Size]
	with := func(at int, value byte) []byte {
		changed := bytes.Clone(body)
		changed[at] = value
		return seal(changed, "p")
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"Empty":         {nil, "the file is too short for a JKS key store"},
		"OtherFormat":   {with(0, 1), "the file is no JKS key store"},
		"OtherVersion":  {with(7, 3), "the version 3 of JKS is not known"},
		"OtherPassword": {seal(body, "q"), errPassword.Error()},
		"Changed":       {append(with(20, 1)[:len(body)], good[len(body):]...), errPassword.Error()},
		"OtherKind":     {with(15, 3), `the entry "a" is of a kind that JKS does not have`},
		"CutOff":        {seal(body[:len(body)-1], "p"), "the file ends in the middle of an entry"},
		"MoreEntries":   {with(11, 2), "the file ends in the middle of an entry"},
		"Behind":        {seal(append(bytes.Clone(body), 0), "p"), "the file goes on behind its last entry"},
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
	f.Add(encodeJKS(2, "p", jksEntry{alias: "a", chain: [][]byte{[]byte("c")}}))
	f.Add(encodeJKS(1, "p", jksEntry{alias: "a", protected: protect(f, []byte("key"), "p"), chain: [][]byte{[]byte("c")}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		// The digest would keep the fuzzer out.
		entries, err := parseJKS(seal(body, "p"), "p")
		if err != nil {
			return
		}
		for _, e := range entries {
			_, _ = unprotect(e.protected, "p")
		}
		if again, err := parseJKS(encodeJKS(binary.BigEndian.Uint32(body[4:]), "p", entries...), "p"); err != nil || len(again) != len(entries) {
			t.Errorf("%d entries, written and read: %d, %v", len(entries), len(again), err)
		}
	})
}
