package ldapwire_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// tenAttributes is an entry of that many, with values of 20 octets.
func tenAttributes(i int) *directory.Entry {
	entry := &directory.Entry{DN: fmt.Sprintf("uid=user%06d,ou=People,dc=example,dc=com", i)}
	for a := range 10 {
		entry.Attributes = append(entry.Attributes, directory.Attribute{Name: fmt.Sprintf("attribute%d", a), Values: []string{fmt.Sprintf("%020d", i*10+a)}})
	}
	return entry
}

// entries is a stream of them.
func entries(n int, entry func(i int) *directory.Entry) []byte {
	var stream []byte
	for i := range n {
		stream = ldapwire.AppendEntry(stream, 2, entry(i))
	}
	return stream
}

// readEntries calls take with each entry of a stream, and returns how many there were.
func readEntries(tb testing.TB, stream []byte, packed bool, take func(*directory.Entry)) int {
	tb.Helper()
	r := ldapwire.NewReader(bytes.NewReader(stream), 32<<20)
	if packed {
		r.Pack()
	}
	var m ldapwire.Message
	for n := 0; ; n++ {
		err := r.ReadInto(&m)
		if err == io.EOF { //nolint:errorlint // It is promised as it is.
			return n
		}
		if err != nil {
			tb.Fatal(err)
		}
		entry, err := r.Entry(&m)
		if err != nil {
			tb.Fatal(err)
		}
		take(entry)
	}
}

// Entries of all sizes that are packed are what they were, however many come after them.
func TestPackedEntries(t *testing.T) {
	t.Parallel()
	sizes := func(i int) *directory.Entry {
		entry := tenAttributes(i)
		entry.Attributes = entry.Attributes[:i%11]
		for a := range entry.Attributes {
			values := make([]string, (i*7+a)%40)
			for v := range values {
				values[v] = strings.Repeat(string(rune('a'+(i+v)%26)), (i*13+v)%60)
			}
			entry.Attributes[a].Values = values
		}
		if i%50 == 0 {
			entry.Attributes = append(entry.Attributes, directory.Attribute{Name: "long", Values: []string{strings.Repeat("x", i<<8)}})
		}
		return entry
	}
	const n = 2000
	var got []*directory.Entry
	readEntries(t, entries(n, sizes), true, func(entry *directory.Entry) { got = append(got, entry) })
	if len(got) != n {
		t.Fatalf("%d entries", len(got))
	}
	for i, entry := range got {
		if diff := cmp.Diff(sizes(i), entry); diff != "" {
			t.Fatalf("entry %d: %s", i, diff)
		}
		entry.Attributes = append(entry.Attributes, directory.Attribute{Name: "more"}) // It must not spoil its neighbour.
	}
	if diff := cmp.Diff(sizes(1).DN, got[1].DN); diff != "" || len(got[1].Attributes) != len(sizes(1).Attributes)+1 {
		t.Error(diff)
	}
}

// An entry costs fewer than five allocations, one of a list fewer than one. The reader's own
// are a few for a whole stream.
func TestAllocationsOfAnEntry(t *testing.T) {
	const n = 1000
	stream := entries(n, tenAttributes)
	for name, test := range map[string]struct {
		packed bool
		most   float64
	}{"Alone": {false, 4.1}, "Packed": {true, 0.6}} {
		got := testing.AllocsPerRun(5, func() { readEntries(t, stream, test.packed, func(*directory.Entry) {}) }) / n
		if got > test.most {
			t.Errorf("%s: %.2f allocations for an entry, want %.2f at most", name, got, test.most)
		}
	}
}

// Who keeps a small value keeps its neighbours, and never a long message that came beside it.
func TestPackedValuesKeepLittle(t *testing.T) {
	const n = 200
	var stream []byte
	long := &directory.Entry{DN: "cn=long", Attributes: []directory.Attribute{{Name: "jpegPhoto", Values: []string{strings.Repeat("x", 256<<10)}}}}
	for i := range n {
		stream = ldapwire.AppendEntry(ldapwire.AppendEntry(stream, 2, tenAttributes(i)), 2, long)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var kept []string
	before := heap()
	readEntries(t, stream, true, func(entry *directory.Entry) {
		if entry.DN != "cn=long" {
			kept = append(kept, entry.Value("attribute3"))
		}
	})
	if after := heap(); after > before+n*(16<<10) {
		t.Errorf("%d small values keep %d KiB", len(kept), (after-before)>>10)
	}
	runtime.KeepAlive(stream)
	runtime.KeepAlive(kept)
}

func BenchmarkEntry(b *testing.B) {
	const n = 1000
	stream := entries(n, tenAttributes)
	for name, packed := range map[string]bool{"alone": false, "packed": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(stream) / n))
			for b.Loop() { // A thousand entries each.
				readEntries(b, stream, packed, func(*directory.Entry) {})
			}
		})
	}
}
