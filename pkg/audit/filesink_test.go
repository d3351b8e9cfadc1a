package audit

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openFile(t testing.TB, path string) *File {
	t.Helper()
	f, err := OpenFile(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// attempt records one change.
func attempt(t *testing.T, r *Recorder, id string) {
	t.Helper()
	e := r.Begin(Start{TransactionID: id})
	if err := e.Attempt(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, path string) (found []string) {
	t.Helper()
	for _, l := range parseLines(t, read(t, path)) {
		found = append(found, l.ID)
	}
	return found
}

func TestReopenAfterRename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := newRecorder(t, Options{Sink: openFile(t, path)})
	attempt(t, r, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := r.Reopen(); err != nil {
		t.Fatal(err)
	}
	attempt(t, r, "b")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"a"}, {"b"}}, [][]string{ids(t, path+".1"), ids(t, path)}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Without Reopen too nothing is written into a file that was moved away or deleted.
func TestFileMovedOrDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := newRecorder(t, Options{Sink: openFile(t, path)})
	attempt(t, r, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	attempt(t, r, "b")
	if diff := cmp.Diff([][]string{{"a"}, {"b"}}, [][]string{ids(t, path+".1"), ids(t, path)}); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	attempt(t, r, "c")
	if diff := cmp.Diff([]string{"c"}, ids(t, path)); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// When the new file cannot be opened the old one stays in use.
func TestReopenFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	f := openFile(t, path)
	r := newRecorder(t, Options{Sink: f})
	attempt(t, r, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.Reopen(); err == nil {
		t.Error("a directory passes for a file")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".1", path); err != nil {
		t.Fatal(err)
	}
	attempt(t, r, "b")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, ids(t, path)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Half a line of a program that died does not swallow the next record.
func TestTornLastLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	torn := `{"time":"2026-03-01T12:00:00.000Z","transact`
	if err := os.WriteFile(path, []byte("{}\n"+torn), 0o640); err != nil {
		t.Fatal(err)
	}
	r := newRecorder(t, Options{Sink: openFile(t, path)})
	attempt(t, r, "a")
	attempt(t, r, "b")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(read(t, path), "{}\n"+torn+"\n")
	if !ok {
		t.Fatalf("the file is %q", read(t, path))
	}
	if got := parseLines(t, rest); len(got) != 2 || got[0].ID != "a" || got[1].ID != "b" {
		t.Errorf("got %v", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the operator's mode became %v (%v)", info.Mode(), err)
	}
}

// A file that ends in a whole line, or is empty, gets no empty line.
func TestWholeLastLine(t *testing.T) {
	for _, before := range []string{"", "{}\n"} {
		path := filepath.Join(t.TempDir(), "audit.log")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		f := openFile(t, path)
		if _, err := f.Write([]byte("{\"a\":1}\n")); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != before+"{\"a\":1}\n" {
			t.Errorf("got %q", got)
		}
	}
}

func TestNewFileIsTheOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := openFile(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v (%v)", info.Mode(), err)
	}
}

func TestOpenFileRefuses(t *testing.T) {
	directory := t.TempDir()
	for _, path := range []string{directory, os.DevNull, filepath.Join(directory, "missing", "audit.log")} {
		if f, err := OpenFile(path, nil); err == nil {
			t.Errorf("%s was opened", path)
			_ = f.Close()
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name %s: %v", path, err)
		}
	}
}

func BenchmarkOutcome(b *testing.B) {
	r := newRecorder(b, Options{Sink: openFile(b, filepath.Join(b.TempDir(), "audit.log"))})
	start := Start{TransactionID: "0123456789abcdef", Client: "192.0.2.7", Method: "GET", Path: "/api/users/bjensen"}
	b.ReportAllocs()
	for b.Loop() {
		e := r.Begin(start)
		e.SetPrincipal("bjensen", "basic", "dn:uid=bjensen,ou=People,dc=example,dc=com")
		e.SetResource("read", "users/bjensen")
		e.End(200, "")
	}
	b.StopTimer()
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAttempt shows how the cost of an fsync is shared: compare -cpu 1 and more.
func BenchmarkAttempt(b *testing.B) {
	r := newRecorder(b, Options{Sink: openFile(b, filepath.Join(b.TempDir(), "audit.log"))})
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e := r.Begin(Start{TransactionID: "0123456789abcdef"})
			if err := e.Attempt(b.Context()); err != nil {
				b.Error(err)
			}
			e.End(200, "")
		}
	})
	b.StopTimer()
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(r.Stats().Syncs)/float64(b.N), "syncs/op")
}
